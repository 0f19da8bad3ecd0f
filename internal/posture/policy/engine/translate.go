package engine

import "slices"

// translation turns rows of one program into rows of another for the same
// type, as far as the first hold what the second reads.
type translation struct {
	from, to *typeProgram
	possible bool
	same     bool // rows stay as they are
	// rewatched is set when the type is asked other things by rules about
	// related types.
	rewatched bool
	// looksElsewhere is set when rules look for related resources beneath or
	// attached where none did.
	looksElsewhere bool
	back           *translation // the other way, where documents are read again
}

func newTranslation(from, to *typeProgram) *translation {
	t := &translation{from: from, to: to, same: from.layout == to.layout && from.dict == to.dict}
	t.rewatched = !slices.EqualFunc(from.watches, to.watches, func(a, b watchProgram) bool { return a.watch == b.watch })
	t.looksElsewhere = from.near()&to.near() != to.near()
	t.possible = t.covers(0, 0)
	for kind := range to.layout.derived {
		if _, ok := from.layout.derived[kind]; !ok {
			t.possible = false
		}
	}
	return t
}

// covers reports whether the old trie holds all that the new one wants from a
// node on.
func (t *translation) covers(n, o int32) bool {
	node, old := &t.to.layout.nodes[n], &t.from.layout.nodes[o]
	if node.cell >= 0 && (old.cell < 0 || node.keep&^old.keep != 0 || (node.keep^old.keep)&keepLocation != 0) {
		return false
	}
	if node.arr >= 0 && (old.arr < 0 || !t.covers(node.elem, old.elem)) {
		return false
	}
	for i := range node.keys.entries {
		k := &node.keys.entries[i]
		child := old.keys.find([]byte(k.name))
		if child < 0 || !t.covers(k.node, child) {
			return false
		}
	}
	return true
}

// row appends the translation of one row to dst, by way of a decoder's scratch.
func (t *translation) row(d *decoder, dst []byte, old Row) Row {
	d.lay, d.dict = t.to.layout, t.to.dict
	d.cells = append(d.cells[:0], make([]cell, d.lay.cells)...)
	d.blocks, d.text = d.blocks[:0], d.text[:0]
	c := rowCopy{translation: t, d: d, m: &machine{prog: t.from.program, row: old}}
	c.node(pair{}, 0, 1)
	d.cells[hiddenCell] = c.cell(old.at(1+hiddenCell), keepText)
	for kind, at := range d.lay.derived {
		from := old.at(1 + uint32(t.from.layout.derived[kind]))
		if slices.Contains(envelopeKinds[:], kind) {
			d.cells[at] = d.optional(string(c.m.view(from))) // never a word, as decoded
			continue
		}
		d.cells[at] = c.cell(from, keepText|keepRaw)
	}
	return d.appendRow(dst)
}

// rowCopy is the translation of one row.
type rowCopy struct {
	*translation
	d *decoder
	m *machine // has the old row
}

// pair is a node of the new trie with the one of the old trie at its place.
type pair struct{ to, from int32 }

// node copies the cells of a node and below: scope is on the decoder's stack,
// base in the old row.
func (c *rowCopy) node(at pair, scope int, base uint32) {
	node, old := &c.to.layout.nodes[at.to], &c.from.layout.nodes[at.from]
	if node.cell >= 0 {
		c.d.cells[scope+int(node.cell)] = c.cell(c.m.row.at(base+uint32(old.cell)), node.keep)
	}
	if node.arr >= 0 {
		c.block(at, scope, c.m.row.at(base+uint32(old.arr)))
	}
	for i := range node.keys.entries {
		k := &node.keys.entries[i]
		c.node(pair{k.node, old.keys.find([]byte(k.name))}, scope, base)
	}
}

// block copies the elements of an array.
func (c *rowCopy) block(at pair, scope int, block cell) {
	node, old := &c.to.layout.nodes[at.to], &c.from.layout.nodes[at.from]
	if block.tag() != tagBlock {
		c.d.cells[scope+int(node.arr)] = block
		return
	}
	count, from := c.m.row.block(block)
	base := len(c.d.cells)
	for range count {
		element := len(c.d.cells)
		for range node.width {
			c.d.cells = append(c.d.cells, 0)
		}
		c.node(pair{node.elem, old.elem}, element, from)
		from += uint32(old.width)
	}
	c.d.close(node, scope, base, int(count))
}

// cell copies one cell, its text numbered by the new dict.
func (c *rowCopy) cell(old cell, keep keepMode) cell {
	d, m := c.d, c.m
	at := uint32(len(d.text))
	switch old.tag() {
	case tagLong, tagFloat:
		d.text = append(d.text, m.row[m.row.textAt(old):][:8]...)
		return newCell(old.tag(), at)
	case tagWord, tagWordText, tagText:
		return d.stringCell(m.view(old), keep, false)
	case tagObject, tagArray:
		if old.payload() == noText || keep&keepRaw == 0 {
			return newCell(old.tag(), noText)
		}
		d.appendText(m.row.text(old))
		return newCell(old.tag(), at)
	}
	return old
}
