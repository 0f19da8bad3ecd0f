package cef

import (
	"bytes"
	"errors"
	"io"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/lines"
)

// headers are the names of the parts between bars.
var headers = [][]byte{
	[]byte("deviceVendor"), []byte("deviceProduct"), []byte("deviceVersion"), []byte("deviceEventClassId"), []byte("name"), []byte("severity"),
}

var (
	mark      = []byte("CEF:")
	errNoCEF  = errors.New("it has no CEF: header")
	errHeader = errors.New("its CEF header has not seven parts")
)

// New makes a decoder of events of one log source.
func New(in io.Reader, s *event.Schema, kind *event.Kind) event.Decoder {
	p := &parser{}
	return lines.NewFrames(in, s, func(line []byte, r *event.Record) error {
		r.Kind = kind
		return p.parse(line, r)
	})
}

// custom is one custom field of a line: its key, and the label for it.
type custom struct{ key, label []byte }

type parser struct {
	labels []custom
	values []custom
}

func (p *parser) parse(line []byte, r *event.Record) error {
	i := bytes.Index(line, mark)
	if i < 0 {
		return errNoCEF
	}
	_, rest, ok := part(line[i+len(mark):]) // the version
	if !ok {
		return errHeader
	}
	for n, name := range headers {
		var value []byte
		value, rest, ok = part(rest)
		if !ok && n < len(headers)-1 {
			return errHeader
		}
		r.Add(name, unescape(r, value))
	}
	p.labels, p.values = p.labels[:0], p.values[:0]
	p.extension(rest, r)
	p.customs(r)
	return nil
}

// part takes what stands before the next bar.
func part(b []byte) (value, rest []byte, ok bool) {
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '|':
			return b[:i], b[i+1:], true
		}
	}
	return b, nil, false
}

// extension reads key=value key=value, where values may hold spaces.
func (p *parser) extension(b []byte, r *event.Record) {
	b = bytes.TrimSpace(b)
	for len(b) > 0 {
		eq := bytes.IndexByte(b, '=')
		if eq <= 0 {
			return
		}
		key := b[:eq]
		value, rest := valueOf(b[eq+1:])
		value = unescape(r, value)
		r.Add(key, value)
		p.note(key, value, r)
		b = rest
	}
}

// valueOf takes a value: it ends before the last space in front of the next "="
// that is not escaped.
func valueOf(b []byte) (value, rest []byte) {
	space := -1
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case ' ':
			space = i
		case '=':
			if space >= 0 && isKey(b[space+1:i]) {
				return bytes.TrimRight(b[:space], " "), b[space+1:]
			}
		}
	}
	return b, nil
}

func isKey(b []byte) bool {
	for _, c := range b {
		if c != '.' && c != '_' && c != '-' && c != '[' && c != ']' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return len(b) > 0
}

// maxCustoms bounds the custom fields of one event.
const maxCustoms = 64

// note remembers custom fields and takes the time.
func (p *parser) note(key, value []byte, r *event.Record) {
	switch string(key) {
	case "rt", "end", "start":
		if r.Time().IsZero() || string(key) == "rt" {
			if t, ok := event.ParseTime(value); ok {
				r.SetTime(t)
			}
		}
	}
	if base, ok := bytes.CutSuffix(key, []byte("Label")); ok {
		if len(p.labels) < maxCustoms {
			p.labels = append(p.labels, custom{base, value})
		}
		return
	}
	if len(key) <= 5 && (key[0] == 'c' || key[0] == 'f' || key[0] == 'd') && len(p.values) < maxCustoms {
		p.values = append(p.values, custom{key, value})
	}
}

// customs adds custom fields under their labels.
func (p *parser) customs(r *event.Record) {
	for _, l := range p.labels {
		for _, v := range p.values {
			if name := bytes.ReplaceAll(l.label, []byte{' '}, nil); bytes.Equal(l.key, v.key) && len(name) > 0 {
				r.Add(r.Keep(name), v.label)
			}
		}
	}
}

// unescape is text without its escapes.
func unescape(r *event.Record, b []byte) []byte {
	if bytes.IndexByte(b, '\\') < 0 {
		return b
	}
	b = r.Keep(b)
	out := b[:0]
	for i := 0; i < len(b); i++ {
		c := b[i]
		if c == '\\' && i+1 < len(b) {
			i++
			switch b[i] {
			case 'n':
				c = '\n'
			case 'r':
				c = '\r'
			case '\\', '|', '=':
				c = b[i]
			default:
				i--
			}
		}
		out = append(out, c)
	}
	return out
}
