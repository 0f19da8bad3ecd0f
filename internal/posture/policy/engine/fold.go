package engine

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"

	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// foldUnicode appends text folded for comparison without case, the way package
// policy folds values. It allocates; plain ASCII takes lowerASCII.
func foldUnicode(dst, text []byte) []byte {
	return append(dst, policy.FoldText(string(text))...)
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
