package jsonlog

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"github.com/rampart-sec/rampart/internal/threat/event"
)

// What stands for an index where there is none.
const (
	broken = -1 // this is no JSON
	short  = -2 // the input ends before the value does
)

// maxDepth is how deep a record may nest.
const maxDepth = 200

// filler walks one record and fills slots on its way.
type filler struct {
	b      []byte
	rec    *event.Record
	schema *event.Schema
	root   *node // of the record
	depth  int
	coded  bool   // a value is spelled by codes, or is a record in itself
	key    []byte // scratch for keys that must be rewritten
}

// value reads a value at i, whose place is n (nil: nobody wants it), and gives
// the index behind it.
func (f *filler) value(i int, n *node) int {
	if i >= len(f.b) {
		return short
	}
	switch f.b[i] {
	case '"':
		end, escaped := f.str(i)
		if end > 0 && n != nil && (n.slot >= 0 || n.embed) {
			f.text(n, event.Value{Raw: f.b[i+1 : end-1], Escaped: escaped})
		}
		return end
	case '{':
		return f.object(i, n)
	case '[':
		return f.array(i, n)
	}
	end, kind := f.scalar(i)
	if end > 0 && n != nil && n.slot >= 0 {
		f.put(n, event.Value{Raw: f.b[i:end], Type: kind})
	}
	return end
}

func (f *filler) put(n *node, v event.Value) {
	f.rec.Put(n.slot, v)
	for _, slot := range n.also {
		f.rec.Put(slot, v)
	}
}

// text takes a string: the value of a field, or a record in itself.
func (f *filler) text(n *node, v event.Value) {
	if n.slot >= 0 {
		f.put(n, v)
	}
	if !n.embed {
		return
	}
	f.coded = true
	inner := f.rec.Keep(event.AppendUnescaped(nil, v.Raw))
	if len(inner) > 0 && inner[0] == '{' {
		in := filler{b: inner, rec: f.rec, schema: f.schema, root: f.root, depth: f.depth + 1}
		in.value(0, f.root)
	}
}

func (f *filler) object(i int, n *node) int {
	if f.depth++; f.depth > maxDepth {
		return broken
	}
	start, had := i, f.count(n)
	if n != nil && n.pairs {
		f.pair(i)
	}
	i = f.space(i + 1)
	if i < len(f.b) && f.b[i] == '}' {
		f.depth--
		return f.nested(start, i+1, n, had)
	}
	for {
		if i >= len(f.b) {
			return short
		}
		if f.b[i] != '"' {
			return broken
		}
		end, escaped := f.str(i)
		if end < 0 {
			return end
		}
		var child *node
		if n != nil {
			child = f.child(n, f.b[i+1:end-1], escaped)
		}
		if i = f.space(end); i >= len(f.b) {
			return short
		}
		if f.b[i] != ':' {
			return broken
		}
		if i = f.value(f.space(i+1), child); i < 0 {
			return i
		}
		if i = f.space(i); i >= len(f.b) {
			return short
		}
		switch f.b[i] {
		case ',':
			i = f.space(i + 1)
		case '}':
			f.depth--
			return f.nested(start, i+1, n, had)
		default:
			return broken
		}
	}
}

// count is how many values the field of a place has.
func (f *filler) count(n *node) (c int) {
	if n == nil || n.slot < 0 {
		return 0
	}
	for v := f.rec.First(n.slot); v != 0; v = f.rec.Next(v) {
		c++
	}
	return c
}

// nested gives the field of an object's place its text, if it has a field and
// no member of the object was its value.
func (f *filler) nested(start, end int, n *node, had int) int {
	if n != nil && n.slot >= 0 && !n.pairs && f.count(n) == had {
		f.put(n, event.Value{Raw: f.compact(f.b[start:end]), Type: event.Nested})
	}
	return end
}

// compact is JSON text without the spaces around it.
func (f *filler) compact(b []byte) []byte {
	if bytes.IndexByte(b, '\n') < 0 && !bytes.Contains(b, []byte(`": `)) {
		return b
	}
	out := f.key[:0]
	for i := 0; i < len(b); {
		switch b[i] {
		case ' ', '\t', '\r', '\n':
			i++
		case '"':
			g := filler{b: b}
			end, _ := g.str(i)
			if end < 0 {
				end = len(b)
			}
			out = append(out, b[i:end]...)
			i = end
		default:
			out = append(out, b[i])
			i++
		}
	}
	f.key = out
	return f.rec.Keep(out)
}

func (f *filler) array(i int, n *node) int {
	if f.depth++; f.depth > maxDepth {
		return broken
	}
	i = f.space(i + 1)
	if i < len(f.b) && f.b[i] == ']' {
		f.depth--
		if n != nil && n.slot >= 0 {
			f.put(n, event.Value{Raw: emptyList, Type: event.Nested})
		}
		return i + 1
	}
	for {
		if i = f.value(i, n); i < 0 {
			return i
		}
		if i = f.space(i); i >= len(f.b) {
			return short
		}
		switch f.b[i] {
		case ',':
			i = f.space(i + 1)
		case ']':
			f.depth--
			return i + 1
		default:
			return broken
		}
	}
}

var emptyList = []byte("[]")

// child is the place of a key below n.
func (f *filler) child(n *node, key []byte, escaped bool) *node {
	if escaped {
		f.key = event.AppendUnescaped(f.key[:0], key)
		key = f.key
	}
	if n.strip && bytes.IndexByte(key, ' ') >= 0 {
		key = f.stripped(key)
	}
	return n.find(key)
}

func (f *filler) stripped(key []byte) []byte {
	out := f.key[:0]
	for _, c := range key {
		if c != ' ' {
			out = append(out, c)
		}
	}
	f.key = out
	return out
}

// str reads the string at i and gives the index behind its closing quote.
func (f *filler) str(i int) (end int, escaped bool) {
	b := f.b
	i++
	for {
		for i+8 <= len(b) {
			w := binary.LittleEndian.Uint64(b[i:])
			q, s := w^quotes, w^slants
			if m := ((q-ones)&^q | (s-ones)&^s) & highs; m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				break
			}
			i += 8
		}
		if i >= len(b) {
			return short, false
		}
		switch b[i] {
		case '"':
			return i + 1, escaped
		case '\\':
			if i+1 >= len(b) {
				return short, false
			}
			escaped = true
			if b[i+1] == 'u' {
				f.coded = true
			}
			i += 2
		default:
			i++
		}
	}
}

// Repeated bytes, to compare eight at a time.
const (
	ones   = 0x0101010101010101
	highs  = 0x8080808080808080
	quotes = '"' * ones
	slants = '\\' * ones
)

// scalar reads a number or a literal at i.
func (f *filler) scalar(i int) (int, event.Type) {
	b := f.b
	switch c := b[i]; {
	case c-'0' < 10 || c == '-':
		for i++; i < len(b); i++ {
			if c := b[i]; c-'0' >= 10 && c != '.' && c|0x20 != 'e' && c != '+' && c != '-' {
				return i, event.Number
			}
		}
		return short, event.Number // more digits may follow
	case c == 't':
		return f.literal(i, "true"), event.Bool
	case c == 'f':
		return f.literal(i, "false"), event.Bool
	case c == 'n':
		return f.literal(i, "null"), event.Null
	}
	return broken, 0
}

func (f *filler) literal(i int, want string) int {
	if len(f.b)-i < len(want) {
		if string(f.b[i:]) == want[:len(f.b)-i] {
			return short
		}
		return broken
	}
	if string(f.b[i:i+len(want)]) != want {
		return broken
	}
	return i + len(want)
}

func (f *filler) space(i int) int {
	for i < len(f.b) && f.b[i] <= ' ' && (f.b[i] == ' ' || f.b[i] == '\n' || f.b[i] == '\r' || f.b[i] == '\t') {
		i++
	}
	return i
}

// pair looks ahead into an object that names a field and its value, such as
// {"@Name":"Image","#text":"a.exe"}, and fills that field.
func (f *filler) pair(i int) {
	var name, value []byte
	var raw event.Value
	g := filler{b: f.b}
	g.members(i, func(key []byte, start, end int) {
		switch string(key) {
		case "@Name", "Name", "name":
			name = trimQuotes(f.b[start:end])
		case "#text", "#value", "Value", "value", "$t", "content":
			value = f.b[start:end]
		case "#attributes":
			h := filler{b: f.b}
			h.members(start, func(key []byte, start, end int) {
				if string(key) == "Name" {
					name = trimQuotes(f.b[start:end])
				}
			})
		}
	})
	slot := f.schema.SlotOf(name)
	if slot == event.NoSlot {
		slot = f.schema.SlotOf(event.AppendFold(nil, name))
	}
	if name == nil || value == nil || slot == event.NoSlot {
		return
	}
	raw.Raw, raw.Type = value, event.Number
	if value[0] == '"' {
		raw.Raw, raw.Type = value[1:len(value)-1], event.String
		raw.Escaped = bytes.IndexByte(raw.Raw, '\\') >= 0
	}
	f.rec.Put(slot, raw)
}

func trimQuotes(b []byte) []byte {
	if len(b) >= 2 && b[0] == '"' {
		return b[1 : len(b)-1]
	}
	return nil
}

// members calls fn with the members of the object at i, until it ends or breaks.
func (f *filler) members(i int, fn func(key []byte, start, end int)) {
	if i >= len(f.b) || f.b[i] != '{' {
		return
	}
	for i = f.space(i + 1); i < len(f.b) && f.b[i] == '"'; i = f.space(i + 1) {
		end, _ := f.str(i)
		if end < 0 {
			return
		}
		key := f.b[i+1 : end-1]
		if i = f.space(end); i >= len(f.b) || f.b[i] != ':' {
			return
		}
		start := f.space(i + 1)
		if i = f.value(start, nil); i < 0 {
			return
		}
		fn(key, start, i)
		if i = f.space(i); i >= len(f.b) || f.b[i] != ',' {
			return
		}
	}
}
