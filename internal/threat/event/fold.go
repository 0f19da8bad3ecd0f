package event

import (
	"unicode"
	"unicode/utf8"
)

// AppendFold appends b in lower case: rune by rune as unicode.ToLower, bytes
// that are no UTF-8 as they are. Rules fold their values with it too.
func AppendFold(dst, b []byte) []byte {
	start := len(dst)
	dst = append(dst, b...)
	s := dst[start:]
	for i, c := range s {
		if c >= utf8.RuneSelf {
			return appendFoldUnicode(dst[:start+i], b[i:])
		}
		if c-'A' < 26 {
			s[i] = c | 0x20
		}
	}
	return dst
}

func appendFoldUnicode(dst, b []byte) []byte {
	for i := 0; i < len(b); {
		c := b[i]
		if c < utf8.RuneSelf {
			if c-'A' < 26 {
				c |= 0x20
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, size := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && size <= 1 {
			dst = append(dst, c)
		} else {
			dst = utf8.AppendRune(dst, unicode.ToLower(r))
		}
		i += size
	}
	return dst
}

// foldASCII lowers b where it is, as far as it is ASCII; false if not to its end.
func foldASCII(b []byte) bool {
	for i, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
		if c-'A' < 26 {
			b[i] = c | 0x20
		}
	}
	return true
}

// Fold is AppendFold for strings.
func Fold(s string) string { return string(AppendFold(nil, []byte(s))) }
