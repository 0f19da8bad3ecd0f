package engine

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"unicode/utf8"
)

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

// lowerASCII appends src to dst with A to Z lowered, eight bytes at a time.
func lowerASCII(dst, src []byte) []byte {
	n := len(dst)
	dst = append(dst, src...)
	b := dst[n:]
	for len(b) >= 8 {
		w := binary.LittleEndian.Uint64(b)
		binary.LittleEndian.PutUint64(b, lowerWord(w))
		b = b[8:]
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return dst
}

// lowerWord lowers the ASCII letters among eight bytes; bytes beyond ASCII stay.
func lowerWord(w uint64) uint64 {
	low := w &^ highs
	upper := (low + (0x80-'A')*ones) & ^(low + (0x80-'Z'-1)*ones) & ^w & highs
	return w | upper>>2
}

func isASCII(b []byte) bool {
	for len(b) >= 8 {
		if binary.LittleEndian.Uint64(b)&highs != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// dropSpaces removes blanks in place, for locations ("East US 2" is eastus2).
func dropSpaces(b []byte) []byte {
	if bytes.IndexByte(b, ' ') < 0 {
		return b
	}
	out := b[:0]
	for _, c := range b {
		if c != ' ' {
			out = append(out, c)
		}
	}
	return out
}
