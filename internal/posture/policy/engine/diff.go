package engine

import "bytes"

// diff finds the root cells that differ between two rows of the type.
func (t *typeProgram) diff(a, b Row) cellSet {
	out := cellSet{0}
	if !sameText(a, b, a.at(1+hiddenCell), b.at(1+hiddenCell)) {
		out.add(hiddenCell)
	}
	d := rowDiff{t.layout, a, b}
	d.node(0, &out)
	for _, c := range t.layout.derived {
		if !sameText(a, b, a.at(1+uint32(c)), b.at(1+uint32(c))) {
			out.add(uint32(c))
		}
	}
	return out
}

// rowDiff compares two rows of one layout.
type rowDiff struct {
	lay  *layout
	a, b Row
}

// node adds the root cells of a trie node and below that differ.
func (d *rowDiff) node(n int32, out *cellSet) {
	node := &d.lay.nodes[n]
	if c := uint32(node.cell); node.cell >= 0 && !sameText(d.a, d.b, d.a.at(1+c), d.b.at(1+c)) {
		out.add(c)
	}
	if c := uint32(node.arr); node.arr >= 0 && !d.sameBlock(node, d.a.at(1+c), d.b.at(1+c)) {
		out.add(c)
	}
	for i := range node.keys.entries {
		d.node(node.keys.entries[i].node, out)
	}
}

func (d *rowDiff) sameBlock(node *trieNode, a, b cell) bool {
	if a.tag() != tagBlock || b.tag() != tagBlock {
		return a == b
	}
	n, x := d.a.block(a)
	m, y := d.b.block(b)
	if n != m {
		return false
	}
	for range n {
		if !d.sameElement(node.elem, x, y) {
			return false
		}
		x += uint32(node.width)
		y += uint32(node.width)
	}
	return true
}

func (d *rowDiff) sameElement(n int32, x, y uint32) bool {
	node := &d.lay.nodes[n]
	if c := uint32(node.cell); node.cell >= 0 && !sameText(d.a, d.b, d.a.at(x+c), d.b.at(y+c)) {
		return false
	}
	if c := uint32(node.arr); node.arr >= 0 && !d.sameBlock(node, d.a.at(x+c), d.b.at(y+c)) {
		return false
	}
	for i := range node.keys.entries {
		if !d.sameElement(node.keys.entries[i].node, x, y) {
			return false
		}
	}
	return true
}

// sameText compares two cells that are no blocks by what they stand for.
func sameText(a, b Row, x, y cell) bool {
	if x.tag() != y.tag() {
		return false
	}
	switch x.tag() {
	case tagLong, tagFloat:
		return a.long(x) == b.long(y)
	case tagText, tagWordText:
		return bytes.Equal(a.text(x), b.text(y))
	case tagObject, tagArray:
		if x.payload() != noText && y.payload() != noText {
			return bytes.Equal(a.text(x), b.text(y))
		}
	}
	return x == y
}
