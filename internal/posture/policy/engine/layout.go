package engine

import (
	"maps"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// layout says which paths of a document are kept in a row and where: a trie
// over property names whose nodes name cells. It is immutable once compiled.
type layout struct {
	nodes []trieNode // 0 is the body itself
	cells int        // of the root scope
	// derived are cells that are computed from the document's envelope, by the
	// kind of field; -1 if nobody reads it.
	derived map[policy.FieldKind]int32
}

// hiddenCell holds the declared unavailable paths, one a line; it is missing
// in the usual row, which has none.
const hiddenCell = 0

// trieNode is one place in a document. Its cells lie in the scope of the
// nearest array above it, or in the root scope.
type trieNode struct {
	cell  int32 // takes the value as a whole, -1 if nobody reads it
	arr   int32 // takes the array's block, -1 if nobody selects its members
	elem  int32 // node of an element, if arr is not -1
	width int32 // cells of an element's scope
	keep  keepMode
	keys  keyTable
}

// keepMode says what a cell needs beyond the folded text.
type keepMode uint8

const (
	keepText     keepMode = 1 << iota // strings as they are written
	keepRaw                           // arrays and objects as raw JSON
	keepLocation                      // strings fold as locations do, blanks dropped
)

// place is the address of a path in rows: the trie nodes of the arrays to go
// through, and the cell in the scope of the last one. Where the arrays' blocks
// are named and how wide their elements are is only known when the layout is
// complete: steps has that.
type place struct {
	arrays []int32
	cell   int32
}

// newLayout makes a layout without any path.
func newLayout() *layout {
	return &layout{nodes: []trieNode{{cell: -1, arr: -1, elem: -1}}, cells: hiddenCell + 1, derived: map[policy.FieldKind]int32{}}
}

// clone copies a layout, to add to it.
func (l *layout) clone() *layout {
	c := &layout{nodes: slices.Clone(l.nodes), cells: l.cells, derived: maps.Clone(l.derived)}
	for i := range c.nodes {
		keys := &c.nodes[i].keys
		keys.entries = slices.Clip(keys.entries) // slots are made anew by insert
	}
	return c
}

// equal reports whether a layout that began as a clone of o has nothing more.
func (l *layout) equal(o *layout) bool {
	return l.cells == o.cells && len(l.derived) == len(o.derived) && slices.EqualFunc(l.nodes, o.nodes, func(a, b trieNode) bool {
		return a.cell == b.cell && a.arr == b.arr && a.width == b.width && a.keep == b.keep
	})
}

// add makes room for a path and returns its place. A path that ends in [*]
// addresses the members as a whole. The empty path is the whole body.
func (l *layout) add(path policy.Path, keep keepMode) place {
	p := place{}
	n, scope := int32(0), int32(-1) // scope: the array node whose elements we are in
	for _, seg := range path {
		if !seg.Wildcard {
			n = l.child(n, seg.Name)
			continue
		}
		if l.nodes[n].arr < 0 {
			arr, elem := l.grow(scope), l.newNode()
			l.nodes[n].arr, l.nodes[n].elem = arr, elem
		}
		p.arrays = append(p.arrays, n)
		scope = n
		n = l.nodes[n].elem
	}
	if l.nodes[n].cell < 0 {
		c := l.grow(scope)
		l.nodes[n].cell = c
	}
	l.nodes[n].keep |= keep
	p.cell = l.nodes[n].cell
	return p
}

// derive makes room for a field that is computed from the envelope, and for
// the member of the body that it is computed from.
func (l *layout) derive(kind policy.FieldKind) int32 {
	if c, ok := l.derived[kind]; ok {
		return c
	}
	if name, ok := derivedFrom[kind]; ok {
		l.add(member(name), keepText|keepRaw)
	}
	c := l.grow(-1)
	l.derived[kind] = c
	return c
}

// Kinds of derived cells that no rule names: the envelope's own texts, for the
// tree walker.
const (
	envelopeID policy.FieldKind = 200 + iota
	envelopeType
	envelopeVersion
)

var envelopeKinds = [...]policy.FieldKind{envelopeID, envelopeType, envelopeVersion}

// derivedFrom is the member of the body that a derived field starts from.
var derivedFrom = map[policy.FieldKind]string{
	policy.FieldName: "name", policy.FieldFullName: "name", policy.FieldID: "id", policy.FieldAPIVersion: "apiVersion",
}

func (l *layout) grow(scope int32) int32 {
	if scope < 0 {
		l.cells++
		return int32(l.cells - 1)
	}
	l.nodes[scope].width++
	return l.nodes[scope].width - 1
}

func (l *layout) newNode() int32 {
	l.nodes = append(l.nodes, trieNode{cell: -1, arr: -1, elem: -1})
	return int32(len(l.nodes) - 1)
}

func (l *layout) child(n int32, name string) int32 {
	if c := l.nodes[n].keys.find([]byte(name)); c >= 0 {
		return c
	}
	c := l.newNode()
	l.nodes[n].keys.insert(name, c)
	return c
}

// keyTable finds the child of a trie node by property name, ASCII letters
// compared without case. Its zero value is empty.
type keyTable struct {
	entries []keyEntry
	slots   []uint16 // entry+1 by hash, 0 is empty; a power of two
}

type keyEntry struct {
	name   string // as a rule spells it
	folded string
	node   int32
}

// keyHash is cheap and good enough for the few dozen names of one object.
func keyHash(key []byte) uint32 {
	n := len(key)
	if n == 0 {
		return 0
	}
	a, b, c := uint32(key[0]|0x20), uint32(key[n/2]|0x20), uint32(key[n-1]|0x20)
	return (uint32(n)*0x9E3779B1 ^ a*0x85EBCA6B ^ b*0xC2B2AE35 ^ c*0x27D4EB2F) >> 7
}

// entry returns the index of the entry for key, or -1.
func (t *keyTable) entry(key []byte) int {
	if len(t.slots) == 0 {
		return -1
	}
	mask := uint32(len(t.slots) - 1)
	for h := keyHash(key) & mask; ; h = (h + 1) & mask {
		e := int(t.slots[h]) - 1
		if e < 0 {
			return -1
		}
		if k := &t.entries[e]; k.name == string(key) || equalFoldASCII(key, k.folded) {
			return e
		}
	}
}

func (t *keyTable) find(key []byte) int32 {
	if e := t.entry(key); e >= 0 {
		return t.entries[e].node
	}
	return -1
}

func (t *keyTable) insert(name string, node int32) {
	t.entries = append(t.entries, keyEntry{name, strings.Clone(arm.Fold(name)), node})
	size := 4
	for size < 2*len(t.entries) {
		size *= 2
	}
	t.slots = make([]uint16, size)
	mask := uint32(size - 1)
	for i := range t.entries {
		h := keyHash([]byte(t.entries[i].name)) & mask
		for t.slots[h] != 0 {
			h = (h + 1) & mask
		}
		t.slots[h] = uint16(i + 1)
	}
}

// equalFoldASCII compares key with a lower-case text.
func equalFoldASCII(key []byte, folded string) bool {
	if len(key) != len(folded) {
		return false
	}
	for i, c := range key {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != folded[i] {
			return false
		}
	}
	return true
}
