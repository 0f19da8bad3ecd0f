package webserver

import (
	"bytes"
	"fmt"

	"github.com/rampart-sec/rampart/internal/threat/event"
)

// column is one field of a W3C extended log.
type column struct {
	name   []byte
	also   []byte // a second name
	spaces bool   // "+" is a space
}

// maxColumns bounds a #Fields line.
const maxColumns = 128

// headers are the names of fields that the format writes as cs(Header).
var headers = map[string]column{
	"cs(User-Agent)": {name: fAgent, also: fAgent2, spaces: true},
	"cs(Referer)":    {name: fReferer, spaces: true},
	"cs(Cookie)":     {name: fCookie, spaces: true},
	"cs(Host)":       {name: fHost},
}

// directive takes a line that starts with "#".
func (p *parser) directive(line []byte) {
	rest, ok := bytes.CutPrefix(line, []byte("#Fields:"))
	if !ok {
		return
	}
	p.w3c = []column{}
	for _, name := range bytes.Fields(rest) {
		c, known := headers[string(name)]
		if !known {
			c = column{name: append([]byte(nil), name...)}
		}
		if len(p.w3c) < maxColumns {
			p.w3c = append(p.w3c, c)
		}
	}
}

// extended reads a line of the columns of the last #Fields line.
func (p *parser) extended(line []byte, r *event.Record) error {
	var date, clock, stem, query []byte
	rest := line
	for i := range p.w3c {
		var value []byte
		if value, rest = next(rest); len(value) == 0 {
			return fmt.Errorf("it has %d fields, #Fields names %d", i, len(p.w3c))
		}
		c := &p.w3c[i]
		if c.spaces && bytes.IndexByte(value, '+') >= 0 {
			value = r.Keep(value)
			for j, ch := range value {
				if ch == '+' {
					value[j] = ' '
				}
			}
		}
		switch string(c.name) {
		case "date":
			date = value
		case "time":
			clock = value
		case "cs-uri-stem":
			stem = value
		case "cs-uri-query":
			query = value
			continue
		}
		add(r, c.name, value)
		if c.also != nil {
			add(r, c.also, value)
		}
	}
	r.Kind = kindW3C
	if date != nil && clock != nil {
		r.SetTimeText(event.Value{Raw: keep(r, date, 'T', clock)})
	}
	if stem != nil {
		addW3C(r, stem, query)
	}
	return nil
}

// addW3C adds a target whose path and query stand in two columns.
func addW3C(r *event.Record, stem, query []byte) {
	asked := len(query) > 0 && string(query) != "-"
	target := stem
	if asked {
		target = keep(r, stem, '?', query)
	}
	addURI(r, target, stem, query, asked)
}

// keep joins two values.
func keep(r *event.Record, a []byte, mark byte, b []byte) []byte {
	var buf [256]byte
	return r.Keep(append(append(append(buf[:0], a...), mark), b...))
}
