package jsonlog

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/threat/event"
)

// Layout says where a source keeps its fields. A field a.b.c is found as nested
// objects, as one key "a.b.c", or in between (a, then "b.c"; "a.b", then c);
// objects inside arrays are looked through.
type Layout struct {
	// Bases are the places where field names start, as keys joined by points; "*"
	// is any key. Empty: the record itself.
	Bases []string
	// Paths are further places of single fields: path to field name.
	Paths map[string]string
	// Attributes are places whose elements have fields of their own in an object
	// "#attributes" (or prefixed by @); the names are joined by an underscore.
	Attributes []string
	// Pairs are places of arrays of objects that name a field and its value.
	Pairs []string
	// Embedded are places of strings that hold a record as JSON text.
	Embedded []string
	// Prefixes are starts of field names that records may leave out.
	Prefixes []string
	// Lists are the keys of an object around a list of records.
	Lists []string
	// FoldKeys lets keys match in any case.
	FoldKeys bool
	// StripSpaces takes spaces out of keys in Bases.
	StripSpaces bool
}

// node is one place in a record.
type node struct {
	slot  event.Slot
	also  []event.Slot // further fields with the same value
	any   *node
	table []entry
	mask  uint32
	base  bool // names start here
	strip bool // keys lose their spaces
	pairs bool // objects here name a field and its value
	under bool // names are joined by an underscore
	skip  bool // is no part of names
	fold  bool
	embed bool // strings here are records

	kids map[string]*node // while it is built
}

type entry struct {
	key   string
	child *node
}

// textKeys hold the text of an element that has attributes.
var textKeys = []string{"#text", "#value", "$t"}

type builder struct {
	layout *Layout
	schema *event.Schema
}

// compile makes the tree for a schema.
func compile(l *Layout, s *event.Schema) *node {
	b := &builder{layout: l, schema: s}
	root := b.node()
	bases := l.Bases
	if len(bases) == 0 {
		bases = []string{""}
	}
	for _, base := range bases {
		n := b.walk(root, base)
		n.base, n.strip = true, l.StripSpaces
		for slot, name := range s.Names() {
			b.field(n, name, event.Slot(slot))
			for _, prefix := range l.Prefixes {
				if rest, ok := strings.CutPrefix(name, prefix); ok {
					b.field(n, rest, event.Slot(slot))
				}
			}
		}
	}
	for path, name := range l.Paths {
		if slot := s.Slot(name); slot != event.NoSlot {
			b.place(root, path, slot)
		}
	}
	for _, path := range l.Embedded {
		b.walk(root, path).embed = true
	}
	for _, path := range l.Pairs {
		b.walk(root, path).pairs = true
	}
	for _, base := range l.Attributes {
		b.attributes(b.walk(root, base))
	}
	b.seal(root, map[*node]bool{})
	return root
}

func (b *builder) node() *node {
	return &node{slot: event.NoSlot, kids: map[string]*node{}, fold: b.layout.FoldKeys}
}

func (b *builder) kid(n *node, key string) *node {
	if key == "*" {
		if n.any == nil {
			n.any = b.node()
		}
		return n.any
	}
	if b.layout.FoldKeys {
		key = strings.ToLower(key)
	}
	if n.kids[key] == nil {
		n.kids[key] = b.node()
	}
	return n.kids[key]
}

func (b *builder) walk(n *node, path string) *node {
	if path == "" {
		return n
	}
	for _, key := range strings.Split(path, ".") {
		n = b.kid(n, key)
	}
	return n
}

// place is field for one exact path.
func (b *builder) place(n *node, path string, slot event.Slot) {
	b.walk(n, path).add(slot)
}

func (n *node) add(slot event.Slot) {
	switch {
	case n.slot == event.NoSlot:
		n.slot = slot
	case n.slot != slot && !slices.Contains(n.also, slot):
		n.also = append(n.also, slot)
	}
}

// maxSplits bounds the parts of a name that are tried in every grouping.
const maxSplits = 6

// field gives a name its slot below a base, whole and in parts: each of its points
// may be one between objects or one in a key.
func (b *builder) field(n *node, name string, slot event.Slot) {
	b.kid(n, name).add(slot)
	every := strings.Count(name, ".") < maxSplits
	for i, c := range name {
		if c != '.' || i == 0 || i == len(name)-1 {
			continue
		}
		b.field(b.kid(n, name[:i]), name[i+1:], slot)
		if !every {
			return
		}
	}
}

// attributes lets elements below a place be fields, and their attributes, joined
// by an underscore.
func (b *builder) attributes(n *node) {
	n.base, n.under = true, true
	for i, name := range b.schema.Names() {
		slot := event.Slot(i)
		element := b.kid(n, name)
		element.add(slot)
		for _, key := range textKeys {
			b.hidden(element, key).add(slot)
		}
		if head, attr, ok := strings.Cut(name, "_"); ok {
			owner := b.kid(n, head)
			owner.under = true
			b.kid(b.hidden(owner, "#attributes"), attr).add(slot)
			b.kid(owner, "@"+attr).add(slot)
			b.kid(owner, attr).add(slot)
		}
	}
}

func (b *builder) hidden(n *node, key string) *node {
	k := b.kid(n, key)
	k.skip, k.under = true, true
	return k
}

// seal turns the maps into tables.
func (b *builder) seal(n *node, done map[*node]bool) {
	if n == nil || done[n] {
		return
	}
	done[n] = true
	if len(n.kids) > 0 {
		size := 1 << bits.Len(uint(len(n.kids)*2))
		n.table, n.mask = make([]entry, size), uint32(size-1)
		for key, kid := range n.kids {
			i := hashKey([]byte(key)) & n.mask
			for n.table[i].child != nil {
				i = (i + 1) & n.mask
			}
			n.table[i] = entry{key, kid}
			b.seal(kid, done)
		}
	}
	b.seal(n.any, done)
	n.kids = nil
}

// find is the place that a key leads to, nil if nobody wants what is there.
func (n *node) find(key []byte) *node {
	if n.table != nil {
		for i := hashKey(key) & n.mask; ; i = (i + 1) & n.mask {
			e := &n.table[i]
			if e.child == nil {
				break
			}
			if string(key) == e.key || n.fold && len(key) == len(e.key) && equalFold(key, e.key) {
				return e.child
			}
		}
	}
	return n.any
}

// equalFold compares ASCII in any case; lower is in lower case.
func equalFold(key []byte, lower string) bool {
	for i, c := range key {
		if c-'A' < 26 {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// hashKey is the same for keys that differ only in the case of ASCII letters.
func hashKey(k []byte) uint32 {
	const blank = 0x2020202020202020
	var a, z uint64
	switch n := len(k); {
	case n >= 8:
		a, z = binary.LittleEndian.Uint64(k), binary.LittleEndian.Uint64(k[n-8:])
	case n >= 4:
		a, z = uint64(binary.LittleEndian.Uint32(k)), uint64(binary.LittleEndian.Uint32(k[n-4:]))
	case n > 0:
		a = uint64(k[0]) | uint64(k[n/2])<<8 | uint64(k[n-1])<<16
	}
	h := ((a | blank) ^ bits.RotateLeft64(z|blank, 29) ^ uint64(len(k))) * 0x9E3779B97F4A7C15
	return uint32(h >> 32)
}
