package engine

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"strconv"
)

// maxJSONDepth is how deeply a document may nest: what the tree-walking
// evaluator's reader accepts.
const maxJSONDepth = 128

// decoder fills rows from JSON in one pass, without building a tree. It is
// scratch space that is reused: a decoder serves one goroutine, any layout.
type decoder struct {
	scanner
	lay    *layout
	dict   *dict
	cells  []cell // stack of scopes: the root's, then those of open arrays
	blocks []cell // finished array blocks
	text   []byte
	fold   []byte // scratch of one string
	plain  []byte // scratch of one unescaped string
	seen   []sighting
	object uint64 // number of the object being read, never reused
	// outline is of the body that was decoded last.
	outline Outline
}

// sighting remembers that a trie node was met in an object, under which
// spelling, for documents that repeat a key.
type sighting struct {
	object   uint64
	from, to int32
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// decode reads body into the decoder's scratch; row gives the result.
func (d *decoder) decode(lay *layout, words *dict, body []byte) error {
	d.outline = Outline{Known: !bytes.HasPrefix(body, byteOrderMark)} // other readers see no object behind one
	body = bytes.TrimPrefix(body, byteOrderMark)
	d.data, d.maxDepth, d.lay, d.dict = body, maxJSONDepth, lay, words
	d.cells = append(d.cells[:0], make([]cell, lay.cells)...)
	d.blocks, d.text = d.blocks[:0], d.text[:0]
	if len(d.seen) < len(lay.nodes) {
		d.seen = make([]sighting, len(lay.nodes))
	}
	i, err := d.value(0, 0, d.space(0), 0)
	if err != nil {
		return err
	}
	if i = d.space(i); i != len(body) {
		return d.fail(i, "something follows the value")
	}
	return nil
}

// appendRow appends the decoded row to dst.
func (d *decoder) appendRow(dst []byte) Row {
	base := len(dst)
	words := 1 + d.lay.cells + len(d.blocks)
	dst = slices.Grow(dst, 4*words+len(d.text))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(4*words))
	for _, c := range d.cells[:d.lay.cells] {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(c))
	}
	for _, c := range d.blocks {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(c))
	}
	return Row(append(dst, d.text...)[base:])
}

// value reads the value at i for trie node n, whose cells start at scope.
func (d *decoder) value(n int32, scope, i, depth int) (int, error) {
	if i >= len(d.data) {
		return 0, d.fail(i, "")
	}
	node := &d.lay.nodes[n]
	switch d.data[i] {
	case '{':
		end, err := d.members(n, scope, i, depth)
		if err == nil {
			d.whole(node, scope, tagObject, d.data[i:end])
		}
		return end, err
	case '[':
		end, err := d.elements(n, scope, i, depth)
		if err == nil {
			d.whole(node, scope, tagArray, d.data[i:end])
		}
		return end, err
	}
	if node.arr >= 0 {
		d.cells[scope+int(node.arr)] = newCell(otherTag(d.data[i]), 0)
	}
	if node.cell < 0 {
		return d.skip(i, depth)
	}
	c, end, err := d.scalar(node.keep, i)
	d.cells[scope+int(node.cell)] = c
	return end, err
}

// otherTag is the tag of an array cell for a value that is no array.
func otherTag(first byte) int {
	if first == 'n' {
		return tagNull
	}
	return tagOther
}

// whole notes that a node's value is an object or array.
func (d *decoder) whole(node *trieNode, scope, tag int, raw []byte) {
	if node.arr >= 0 && tag == tagObject {
		d.cells[scope+int(node.arr)] = newCell(tagOther, 0)
	}
	if node.cell < 0 {
		return
	}
	payload := uint32(noText)
	if node.keep&keepRaw != 0 {
		payload = uint32(len(d.text))
		d.appendText(raw)
	}
	d.cells[scope+int(node.cell)] = newCell(tag, payload)
}

func (d *decoder) appendText(b []byte) {
	d.text = binary.AppendUvarint(d.text, uint64(len(b)))
	d.text = append(d.text, b...)
}

// members reads the object at i into the children of node n.
func (d *decoder) members(n int32, scope, i, depth int) (int, error) {
	node := &d.lay.nodes[n]
	if len(node.keys.entries) == 0 {
		d.outline.Known = d.outline.Known && depth > 0
		return d.skipObject(i, depth)
	}
	if depth >= d.maxDepth {
		return 0, d.fail(i, "nested too deeply")
	}
	d.object++
	object := d.object
	i = d.space(i + 1)
	if i < len(d.data) && d.data[i] == '}' {
		return i + 1, nil
	}
	for {
		raw, plain, start, err := d.key(i)
		if err != nil {
			return 0, err
		}
		next := start
		if child := d.match(node, object, scope, memberKey{raw, plain}); child >= 0 {
			next, err = d.value(child, scope, start, depth+1)
		} else {
			next, err = d.skip(start, depth+1)
		}
		if err != nil {
			return 0, err
		}
		if depth == 0 {
			d.outline.Note(raw, d.data[start:next])
		}
		more, next, err := d.next(next, '}')
		if err != nil || !more {
			return next, err
		}
		i = next
	}
}

// memberKey is a key as it is written; plain says that this is its text.
type memberKey struct {
	raw   []byte
	plain bool
}

// match finds the child that a key fills, -1 if the value is of no interest:
// nobody reads it, or the object has the key already in a spelling that wins.
// Of keys that differ in case only, the one spelled as the rule does wins (of
// rules that differ in it, the first), else the first in the document; of
// identical keys the last, as for every reader of JSON.
func (d *decoder) match(node *trieNode, object uint64, scope int, k memberKey) int32 {
	raw, key := k.raw, k.raw
	if !k.plain {
		d.plain = unescape(d.plain[:0], raw)
		key = d.plain
	}
	e := node.keys.entry(key)
	if e < 0 {
		return -1
	}
	child := node.keys.entries[e].node
	s := &d.seen[child]
	if s.object == object {
		if !bytes.Equal(d.data[s.from:s.to], raw) && node.keys.entries[e].name != string(key) {
			return -1
		}
		d.clear(child, scope)
	}
	at := cap(d.data) - cap(raw) // raw is a slice of data
	*s = sighting{object, int32(at), int32(at + len(raw))}
	return child
}

// clear forgets what node n and the nodes below it have filled.
func (d *decoder) clear(n int32, scope int) {
	node := &d.lay.nodes[n]
	if node.cell >= 0 {
		d.cells[scope+int(node.cell)] = 0
	}
	if node.arr >= 0 {
		d.cells[scope+int(node.arr)] = 0
	}
	for i := range node.keys.entries {
		d.clear(node.keys.entries[i].node, scope)
	}
}

// elements reads the array at i into a block, if anybody selects its members.
func (d *decoder) elements(n int32, scope, i, depth int) (int, error) {
	node := &d.lay.nodes[n]
	if node.arr < 0 {
		return d.skipArray(i, depth)
	}
	if depth >= d.maxDepth {
		return 0, d.fail(i, "nested too deeply")
	}
	base, count := len(d.cells), 0
	i = d.space(i + 1)
	if i < len(d.data) && d.data[i] == ']' {
		i++
		d.close(node, scope, base, 0)
		return i, nil
	}
	for {
		at := len(d.cells)
		for range node.width {
			d.cells = append(d.cells, 0)
		}
		next, err := d.value(node.elem, at, i, depth+1)
		if err != nil {
			return 0, err
		}
		count++
		more, next, err := d.next(next, ']')
		if err != nil {
			return 0, err
		}
		if !more {
			d.close(node, scope, base, count)
			return next, nil
		}
		i = next
	}
}

// close moves the elements on the stack into a block of their own.
func (d *decoder) close(node *trieNode, scope, base, count int) {
	at := uint32(1 + d.lay.cells + len(d.blocks))
	d.blocks = append(d.blocks, cell(count))
	d.blocks = append(d.blocks, d.cells[base:]...)
	d.cells = d.cells[:base]
	d.cells[scope+int(node.arr)] = newCell(tagBlock, at)
}

// scalar reads a value that is neither object nor array.
func (d *decoder) scalar(keep keepMode, i int) (c cell, end int, err error) {
	switch d.data[i] {
	case '"':
		end, plain, err := d.strEnd(i + 1)
		if err != nil {
			return 0, 0, err
		}
		raw := d.data[i+1 : end]
		if !plain {
			d.plain = unescape(d.plain[:0], raw)
			raw = d.plain
		}
		return d.stringCell(raw, keep, plain), end + 1, nil
	case 't':
		end, err = d.literal(i, "true")
		return newCell(tagTrue, 0), end, err
	case 'f':
		end, err = d.literal(i, "false")
		return newCell(tagFalse, 0), end, err
	case 'n':
		end, err = d.literal(i, "null")
		return newCell(tagNull, 0), end, err
	}
	if end, err = d.number(i); err != nil {
		return 0, 0, err
	}
	c, err = d.numberCell(i, end)
	return c, end, err
}

// stringCell makes the cell of a text. ascii says that it surely has no byte
// beyond ASCII.
func (d *decoder) stringCell(text []byte, keep keepMode, ascii bool) cell {
	if ascii || isASCII(text) {
		d.fold = lowerASCII(d.fold[:0], text)
	} else {
		d.fold = foldUnicode(d.fold[:0], text)
	}
	if keep&keepLocation != 0 {
		d.fold = dropSpaces(d.fold)
	}
	id, known := d.dict.find(d.fold)
	if known && keep&keepText == 0 {
		return newCell(tagWord, id)
	}
	at := uint32(len(d.text))
	tag := tagText
	if known {
		d.text = binary.LittleEndian.AppendUint32(d.text, id)
		tag = tagWordText
	}
	d.appendText(text)
	return newCell(tag, at)
}

// numberCell makes the cell of the number in data[i:end], which is well formed.
func (d *decoder) numberCell(i, end int) (cell, error) {
	raw := d.data[i:end]
	if n, ok := smallInt(raw); ok {
		return intCell(n), nil
	}
	at := uint32(len(d.text))
	if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		d.text = binary.LittleEndian.AppendUint64(d.text, uint64(n))
		return newCell(tagLong, at), nil
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || math.IsInf(f, 0) {
		return 0, d.fail(i, "number out of range")
	}
	if n := int64(f); f == float64(n) && f >= -1<<53 && f <= 1<<53 {
		// 1.0 is the same number as 1, as for policy.FloatValue.
		if minInt <= n && n <= maxInt {
			return intCell(n), nil
		}
		d.text = binary.LittleEndian.AppendUint64(d.text, uint64(n))
		return newCell(tagLong, at), nil
	}
	d.text = binary.LittleEndian.AppendUint64(d.text, math.Float64bits(f))
	return newCell(tagFloat, at), nil
}

// smallInt parses a plain integer that fits a cell.
func smallInt(raw []byte) (int64, bool) {
	digits := raw
	if raw[0] == '-' {
		digits = raw[1:]
	}
	if len(digits) > 8 {
		return 0, false
	}
	n := int64(0)
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	if len(digits) != len(raw) {
		n = -n
	}
	return n, minInt <= n && n <= maxInt
}
