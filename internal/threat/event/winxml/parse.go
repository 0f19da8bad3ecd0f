package winxml

import (
	"bytes"
	"errors"
	"strconv"
	"unicode/utf8"

	"github.com/rampart-sec/rampart/internal/threat/event"
)

// Reasons why text is no event.
var (
	errCut     = errors.New("its XML is cut off")
	errTag     = errors.New("its XML has a broken tag")
	errNesting = errors.New("its XML is nested too deep")
	errEnd     = errors.New("its XML ends elements that it did not start")
)

// Parse gives the elements of one event to f, which was started. Names of
// elements must stay as they are as long as the record is used. Document types
// and entities of their own are not read: an unknown entity stays as it is written.
func Parse(f *Fields, b []byte) error {
	p := parser{f: f, b: b}
	for p.at < len(b) {
		if b[p.at] != '<' {
			p.text()
			continue
		}
		if err := p.markup(); err != nil {
			return err
		}
	}
	if f.Depth() > 0 {
		return errCut
	}
	return nil
}

type parser struct {
	f       *Fields
	b       []byte
	at      int
	empty   bool // the open element has nothing in it yet
	scratch []byte
}

// text takes what stands before the next tag.
func (p *parser) text() {
	end := bytes.IndexByte(p.b[p.at:], '<')
	if end < 0 {
		end = len(p.b) - p.at
	}
	p.f.Text(p.unescape(p.b[p.at:p.at+end]), event.String)
	p.at += end
	p.empty = false
}

// markup takes one tag, comment, instruction or CDATA section.
func (p *parser) markup() error {
	rest := p.b[p.at:]
	switch {
	case bytes.HasPrefix(rest, []byte("<!--")):
		return p.skipTo("-->")
	case bytes.HasPrefix(rest, []byte("<![CDATA[")):
		end := bytes.Index(rest, []byte("]]>"))
		if end < 0 {
			return errCut
		}
		p.f.Text(rest[len("<![CDATA["):end], event.String)
		p.at += end + 3
		p.empty = false
		return nil
	case bytes.HasPrefix(rest, []byte("<?")):
		return p.skipTo("?>")
	case bytes.HasPrefix(rest, []byte("<!")):
		return p.skipTo(">")
	case bytes.HasPrefix(rest, []byte("</")):
		if err := p.skipTo(">"); err != nil {
			return err
		}
		return p.close()
	}
	return p.open()
}

func (p *parser) skipTo(mark string) error {
	i := bytes.Index(p.b[p.at:], []byte(mark))
	if i < 0 {
		return errCut
	}
	p.at += i + len(mark)
	return nil
}

func (p *parser) close() error {
	if p.f.Depth() == 0 {
		return errEnd
	}
	if p.empty {
		p.f.Empty()
	}
	p.empty = false
	p.f.Close()
	return nil
}

// open takes a start tag.
func (p *parser) open() error {
	p.at++
	name := p.name()
	if len(name) == 0 {
		return errTag
	}
	if !p.f.Open(name) {
		return errNesting
	}
	p.empty = true
	for {
		p.spaces()
		if p.at >= len(p.b) {
			return errCut
		}
		switch p.b[p.at] {
		case '>':
			p.at++
			return nil
		case '/':
			p.at++
			if p.at >= len(p.b) || p.b[p.at] != '>' {
				return errTag
			}
			p.at++
			return p.close()
		}
		if err := p.attribute(); err != nil {
			return err
		}
	}
}

func (p *parser) attribute() error {
	name := p.name()
	p.spaces()
	if len(name) == 0 || p.at >= len(p.b) || p.b[p.at] != '=' {
		return errTag
	}
	p.at++
	p.spaces()
	if p.at >= len(p.b) {
		return errCut
	}
	mark := p.b[p.at]
	if mark != '"' && mark != '\'' {
		return errTag
	}
	p.at++
	end := bytes.IndexByte(p.b[p.at:], mark)
	if end < 0 {
		return errCut
	}
	p.f.Attr(name, p.unescape(p.b[p.at:p.at+end]), event.String)
	p.at += end + 1
	return nil
}

func (p *parser) spaces() {
	for p.at < len(p.b) && (p.b[p.at] == ' ' || p.b[p.at] == '\t' || p.b[p.at] == '\n' || p.b[p.at] == '\r') {
		p.at++
	}
}

// name takes a name without its prefix.
func (p *parser) name() []byte {
	start := p.at
	for p.at < len(p.b) {
		switch c := p.b[p.at]; c {
		case ' ', '\t', '\n', '\r', '>', '/', '=', '<', '"', '\'':
			return p.b[start:p.at]
		case ':':
			if !bytes.Equal(p.b[start:p.at], []byte("xmlns")) {
				start = p.at + 1
			}
		}
		p.at++
	}
	return p.b[start:p.at]
}

// unescape is text without entities.
func (p *parser) unescape(b []byte) []byte {
	if bytes.IndexByte(b, '&') < 0 {
		return b
	}
	p.scratch = p.scratch[:0]
	for {
		i := bytes.IndexByte(b, '&')
		if i < 0 {
			p.scratch = append(p.scratch, b...)
			return p.scratch
		}
		p.scratch = append(p.scratch, b[:i]...)
		b = b[i:]
		end := bytes.IndexByte(b[:min(len(b), 12)], ';')
		var ok bool
		if end > 0 {
			p.scratch, ok = appendEntity(p.scratch, b[1:end])
		}
		if ok {
			b = b[end+1:]
		} else {
			p.scratch = append(p.scratch, '&')
			b = b[1:]
		}
	}
}

// appendEntity appends the character of one of XML's five entities or of a number.
func appendEntity(dst, name []byte) ([]byte, bool) {
	switch string(name) {
	case "lt":
		return append(dst, '<'), true
	case "gt":
		return append(dst, '>'), true
	case "amp":
		return append(dst, '&'), true
	case "quot":
		return append(dst, '"'), true
	case "apos":
		return append(dst, '\''), true
	}
	if len(name) < 2 || name[0] != '#' {
		return dst, false
	}
	digits, base := name[1:], 10
	if digits[0] == 'x' || digits[0] == 'X' {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(string(digits), base, 32)
	if err != nil || !utf8.ValidRune(rune(n)) {
		return dst, false
	}
	return utf8.AppendRune(dst, rune(n)), true
}
