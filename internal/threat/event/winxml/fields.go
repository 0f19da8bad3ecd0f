package winxml

import (
	"bytes"

	"github.com/rampart-sec/rampart/internal/threat/event"
)

// place is where in an event an element stands.
type place uint8

const (
	outside place = iota
	inEvent
	inSystem
	systemField
	inEventData
	dataField // Data, with or without a name
	inUserData
	userRoot
	userField
	inRendering
	message
)

// maxDepth is how deep elements may be nested.
const maxDepth = 64

// element is one open element.
type element struct {
	place    place
	field    []byte // the name of its value
	text     int    // where its text starts in Fields.buf, -1 before any
	kind     event.Type
	parent   bool // has elements below it, so its text is only layout
	itemized bool // its values were given as items
}

// Fields collects one event after the other into records. The zero Fields is
// ready. It is not safe for concurrent use.
type Fields struct {
	rec   *event.Record
	buf   []byte // text and names of the record
	stack []element
	seen  bool // an Event element was there
	room  int
}

// maxText is the most text that one event may have.
const maxText = event.MaxRecord

// keepText is the most scratch space kept between records.
const keepText = 1 << 20

// Start begins an event whose fields go to r, which was reset.
func (f *Fields) Start(r *event.Record) {
	if cap(f.buf) > keepText {
		f.buf = nil
	}
	f.rec, f.buf, f.stack, f.seen, f.room = r, f.buf[:0], f.stack[:0], false, maxText
}

// Found reports whether there was an Event element.
func (f *Fields) Found() bool { return f.seen }

// Depth is how many elements are open.
func (f *Fields) Depth() int { return len(f.stack) }

// Open begins an element. Name must stay as it is until the record is used. It
// reports false if elements are nested too deep.
func (f *Fields) Open(name []byte) bool {
	if len(f.stack) >= maxDepth {
		return false
	}
	e := element{text: -1}
	if n := len(f.stack); n > 0 {
		up := &f.stack[n-1]
		up.parent = true
		e.place, e.field = f.below(up, name)
	} else if string(name) == "Event" {
		e.place, f.seen = inEvent, true
	}
	f.stack = append(f.stack, e)
	return true
}

// below says what an element is by the one around it, and the name of its value.
func (f *Fields) below(up *element, name []byte) (place, []byte) {
	switch up.place {
	case outside: // Events around several
		if string(name) == "Event" {
			f.seen = true
			return inEvent, nil
		}
	case inEvent:
		return section(name), nil
	case inSystem:
		return systemField, name
	case inEventData:
		return dataField, name
	case inUserData:
		return userRoot, nil
	case userRoot:
		return userField, name
	case dataField, userField:
		return userField, f.join(up.field, '.', name)
	case inRendering:
		if string(name) == "Message" {
			return message, name
		}
	}
	return outside, nil
}

func section(name []byte) place {
	switch string(name) {
	case "System":
		return inSystem
	case "EventData":
		return inEventData
	case "UserData":
		return inUserData
	case "RenderingInfo":
		return inRendering
	}
	return outside
}

func (f *Fields) join(a []byte, mark byte, b []byte) []byte {
	return f.keep(a, []byte{mark}, b)
}

// keep copies parts, as far as there is room, to where they stay.
func (f *Fields) keep(parts ...[]byte) []byte {
	start := len(f.buf)
	for _, p := range parts {
		f.append(p)
	}
	return f.buf[start:len(f.buf):len(f.buf)]
}

func (f *Fields) append(b []byte) {
	b = b[:min(len(b), f.room)]
	f.room -= len(b)
	f.buf = append(f.buf, b...)
}

// Attr gives the open element an attribute; value is copied, name must stay.
func (f *Fields) Attr(name, value []byte, kind event.Type) {
	if len(f.stack) == 0 {
		return
	}
	e := &f.stack[len(f.stack)-1]
	switch e.place {
	case systemField:
		if string(name) != "xmlns" {
			f.rec.AddValue(f.join(e.field, '_', name), event.Value{Raw: f.keep(value), Type: kind})
		}
	case dataField:
		if string(name) == "Name" {
			e.field = f.withoutSpaces(value)
		}
	}
}

func (f *Fields) withoutSpaces(name []byte) []byte {
	if bytes.IndexByte(name, ' ') < 0 {
		return f.keep(name)
	}
	start := len(f.buf)
	for _, c := range name {
		if c != ' ' {
			f.append([]byte{c})
		}
	}
	return f.buf[start:len(f.buf):len(f.buf)]
}

// Text adds to the text of the open element.
func (f *Fields) Text(b []byte, kind event.Type) {
	if len(f.stack) == 0 {
		return
	}
	e := &f.stack[len(f.stack)-1]
	if e.field == nil {
		return
	}
	if e.text < 0 {
		e.text, e.kind = len(f.buf), kind
	} else {
		e.kind = event.String
	}
	f.append(b)
}

// Empty says that the open element has nothing in it: event data has an empty
// value then.
func (f *Fields) Empty() {
	if n := len(f.stack); n > 0 && (f.stack[n-1].place == dataField || f.stack[n-1].place == userField) {
		f.Text(nil, event.String)
	}
}

// Item gives the open element one of several values.
func (f *Fields) Item(b []byte, kind event.Type) {
	if len(f.stack) == 0 {
		return
	}
	if e := &f.stack[len(f.stack)-1]; e.field != nil {
		e.itemized = true
		f.rec.AddValue(e.field, event.Value{Raw: f.keep(b), Type: kind})
	}
}

// Close ends the open element.
func (f *Fields) Close() {
	n := len(f.stack)
	if n == 0 {
		return
	}
	e := f.stack[n-1]
	f.stack = f.stack[:n-1]
	if e.field == nil || e.text < 0 || e.parent || e.itemized {
		return
	}
	f.rec.AddValue(e.field, event.Value{Raw: f.buf[e.text:len(f.buf):len(f.buf)], Type: e.kind})
}
