package engine

// translation turns rows of one program into rows of another for the same
// type, as far as the first hold what the second reads.
type translation struct {
	from, to *typeProgram
	possible bool
}

func newTranslation(from, to *typeProgram) *translation {
	t := &translation{from: from, to: to}
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

// row translates one row into the decoder's scratch.
func (t *translation) row(d *decoder, old Row) Row {
	m := &machine{prog: t.from.program, row: old}
	d.lay, d.dict = t.to.layout, t.to.dict
	d.cells = append(d.cells[:0], make([]cell, d.lay.cells)...)
	d.blocks, d.text = d.blocks[:0], d.text[:0]
	t.node(d, m, 0, 0, 0, 1)
	d.cells[hiddenCell] = t.cell(d, m, old.at(1+hiddenCell), keepText)
	for kind, at := range d.lay.derived {
		d.cells[at] = t.cell(d, m, old.at(1+uint32(t.from.layout.derived[kind])), keepText|keepRaw)
	}
	return d.appendRow(nil)
}

// node copies the cells of a node and below: scope is on the decoder's stack,
// base in the old row.
func (t *translation) node(d *decoder, m *machine, n, o int32, scope int, base uint32) {
	node, old := &t.to.layout.nodes[n], &t.from.layout.nodes[o]
	if node.cell >= 0 {
		d.cells[scope+int(node.cell)] = t.cell(d, m, m.row.at(base+uint32(old.cell)), node.keep)
	}
	if node.arr >= 0 {
		t.block(d, m, n, o, scope, m.row.at(base+uint32(old.arr)))
	}
	for i := range node.keys.entries {
		k := &node.keys.entries[i]
		t.node(d, m, k.node, old.keys.find([]byte(k.name)), scope, base)
	}
}

func (t *translation) block(d *decoder, m *machine, n, o int32, scope int, c cell) {
	node, old := &t.to.layout.nodes[n], &t.from.layout.nodes[o]
	if c.tag() != tagBlock {
		d.cells[scope+int(node.arr)] = c
		return
	}
	count, from := m.row.block(c)
	base := len(d.cells)
	for range count {
		at := len(d.cells)
		for range node.width {
			d.cells = append(d.cells, 0)
		}
		t.node(d, m, node.elem, old.elem, at, from)
		from += uint32(old.width)
	}
	d.close(node, scope, base, int(count))
}

// cell copies one cell, its text numbered by the new dict.
func (t *translation) cell(d *decoder, m *machine, c cell, keep keepMode) cell {
	at := uint32(len(d.text))
	switch c.tag() {
	case tagLong, tagFloat:
		d.text = append(d.text, m.row[m.row.textAt(c):][:8]...)
		return newCell(c.tag(), at)
	case tagWord, tagWordText, tagText:
		return d.stringCell(m.view(c), keep, false)
	case tagObject, tagArray:
		if c.payload() == noText || keep&keepRaw == 0 {
			return newCell(c.tag(), noText)
		}
		d.appendText(m.row.text(c))
		return newCell(c.tag(), at)
	}
	return c
}
