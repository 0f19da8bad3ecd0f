package jsonlog

import (
	"bytes"

	"github.com/rampart-sec/rampart/internal/threat/event"
)

// Walk calls fn with the name and value of every scalar of a record, in order.
func (d *Decoder) Walk(r *event.Record, fn func(name []byte, v event.Value) bool) {
	w := walker{filler: filler{b: r.Raw}, fn: fn, name: d.fill.key[:0], root: d.root, strip: d.layout.StripSpaces}
	w.value(0, d.root)
	d.fill.key = w.name[:0]
}

type walker struct {
	filler
	fn    func(name []byte, v event.Value) bool
	name  []byte // the whole path
	from  int    // where the name of the field starts in it
	root  *node
	strip bool
}

// value visits the value at i; it gives the index behind it, a negative one when
// the walk has ended.
func (w *walker) value(i int, n *node) int {
	if i >= len(w.b) {
		return short
	}
	switch w.b[i] {
	case '{':
		return w.object(i, n)
	case '[':
		for i = w.space(i + 1); i < len(w.b) && w.b[i] != ']'; {
			if i = w.value(i, n); i < 0 {
				return i
			}
			if i = w.space(i); i < len(w.b) && w.b[i] == ',' {
				i = w.space(i + 1)
			}
		}
		return i + 1
	case '"':
		end, escaped := w.str(i)
		if end > 0 && n != nil && n.embed && w.inner(i+1, end-1) {
			return end
		}
		if end > 0 && !w.fn(w.name[w.from:], event.Value{Raw: w.b[i+1 : end-1], Escaped: escaped}) {
			return broken
		}
		return end
	}
	end, kind := w.scalar(i)
	if end > 0 && !w.fn(w.name[w.from:], event.Value{Raw: w.b[i:end], Type: kind}) {
		return broken
	}
	return end
}

func (w *walker) object(i int, n *node) int {
	if w.depth++; w.depth > maxDepth {
		return broken
	}
	length, from := len(w.name), w.from
	for i = w.space(i + 1); i < len(w.b) && w.b[i] == '"'; {
		end, _ := w.str(i)
		if end < 0 {
			return end
		}
		key := w.b[i+1 : end-1]
		child := w.enter(n, key)
		if i = w.space(end); i >= len(w.b) {
			return short
		}
		if i = w.value(w.space(i+1), child); i < 0 {
			return i
		}
		w.name, w.from = w.name[:length], from
		if i = w.space(i); i < len(w.b) && w.b[i] == ',' {
			i = w.space(i + 1)
		}
	}
	w.depth--
	return i + 1
}

// enter appends a key to the name and gives the place below n.
func (w *walker) enter(n *node, key []byte) *node {
	base := n != nil && n.base
	if base {
		if w.strip {
			key = bytes.ReplaceAll(key, []byte(" "), nil)
		}
	}
	var child *node
	if n != nil {
		child = n.find(key)
	}
	if base {
		w.from = len(w.name)
	}
	if child != nil && child.skip {
		return child
	}
	if len(w.name) > w.from {
		join := byte('.')
		if n != nil && n.under {
			join = '_'
		}
		w.name = append(w.name, join)
	}
	w.name = append(w.name, bytes.TrimPrefix(key, []byte("@"))...)
	return child
}

// inner visits a record that is the text of a string; false if it is none.
func (w *walker) inner(start, end int) bool {
	text := event.AppendUnescaped(nil, w.b[start:end])
	in := walker{filler: filler{b: text, depth: w.depth + 1}, fn: w.fn, root: w.root, strip: w.strip}
	return len(text) > 0 && text[0] == '{' && in.value(0, w.root) > 0
}
