package engine

import "hash/maphash"

// dict numbers the folded texts that the programs of one resource type compare
// with, so that a comparison with a constant is a comparison of integers. It is
// immutable once built; a text that no rule names has no number and never
// equals one that has.
type dict struct {
	seed  maphash.Seed
	texts []string // by id
	table []uint32 // open addressing: id+1, 0 is empty
	mask  uint64
}

// newDict numbers the folded texts in their order; they are distinct.
func newDict(texts []string) *dict {
	size := 4
	for size < 2*len(texts) {
		size *= 2
	}
	d := &dict{seed: maphash.MakeSeed(), texts: texts, table: make([]uint32, size), mask: uint64(size - 1)}
	for id, text := range texts {
		h := maphash.String(d.seed, text) & d.mask
		for d.table[h] != 0 {
			h = (h + 1) & d.mask
		}
		d.table[h] = uint32(id) + 1
	}
	return d
}

// find returns the number of a folded text.
func (d *dict) find(folded []byte) (id uint32, ok bool) {
	h := maphash.Bytes(d.seed, folded) & d.mask
	for {
		e := d.table[h]
		if e == 0 {
			return 0, false
		}
		if string(folded) == d.texts[e-1] {
			return e - 1, true
		}
		h = (h + 1) & d.mask
	}
}
