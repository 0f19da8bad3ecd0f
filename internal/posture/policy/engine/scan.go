package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"unicode/utf8"
)

// errJSON is wrapped by every syntax error of the scanner.
var errJSON = errors.New("invalid JSON")

// scanner walks JSON bytes without building anything. Its methods take the
// offset of the first byte of a token and return the offset behind it; an
// error carries the offset where the text stopped being JSON.
type scanner struct {
	data     []byte
	maxDepth int
}

// Repeated bytes for eight-at-a-time comparison.
const (
	ones   = 0x0101010101010101
	highs  = 0x8080808080808080
	quotes = '"' * ones
	slants = '\\' * ones
	spaces = ' ' * ones
)

func (s *scanner) fail(i int, what string) error {
	if i >= len(s.data) {
		return fmt.Errorf("%w: unexpected end", errJSON)
	}
	return fmt.Errorf("%w: %s at offset %d", errJSON, what, i)
}

// space returns the offset of the first byte at or after i that is not white
// space; it may be len(data).
func (s *scanner) space(i int) int {
	for i < len(s.data) {
		switch s.data[i] {
		case ' ', '\t', '\n', '\r':
			i++
		default:
			return i
		}
	}
	return i
}

// strEnd finds the closing quote of the string whose first content byte is at
// i. plain is false when the content holds an escape or a byte above ASCII, so
// that the bytes are not the value itself.
func (s *scanner) strEnd(i int) (end int, plain bool, err error) {
	plain = true
	d := s.data
	for {
		for i+8 <= len(d) {
			w := binary.LittleEndian.Uint64(d[i:])
			m := special(w)
			if m == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(m) >> 3
			break
		}
		if i >= len(d) {
			return 0, false, s.fail(i, "")
		}
		switch c := d[i]; {
		case c == '"':
			return i, plain, nil
		case c == '\\':
			plain = false
			if i, err = s.escape(i); err != nil {
				return 0, false, err
			}
		case c < ' ':
			return 0, false, s.fail(i, "control character in string")
		default:
			plain = plain && c < utf8.RuneSelf
			i++
		}
	}
}

// special has the high bit set in each byte of w that ends or interrupts a
// plain string: quote, backslash, control character or beyond ASCII. Bytes
// above the lowest marked one may be marked wrongly; only the lowest counts.
func special(w uint64) uint64 {
	q := w ^ quotes
	b := w ^ slants
	return ((q-ones)&^q | (b-ones)&^b | (w-spaces)&^w | w) & highs
}

// escape checks the escape sequence at i.
func (s *scanner) escape(i int) (int, error) {
	if i+1 >= len(s.data) {
		return 0, s.fail(i+1, "")
	}
	switch s.data[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2, nil
	case 'u':
		for k := i + 2; k < i+6; k++ {
			if k >= len(s.data) || hexValue(s.data[k]) < 0 {
				return 0, s.fail(k, "bad escape")
			}
		}
		return i + 6, nil
	}
	return 0, s.fail(i+1, "bad escape")
}

func hexValue(c byte) rune {
	switch {
	case '0' <= c && c <= '9':
		return rune(c - '0')
	case 'a' <= c && c <= 'f':
		return rune(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return rune(c-'A') + 10
	}
	return -1
}

// number returns the offset behind the number at i.
func (s *scanner) number(i int) (int, error) {
	d := s.data
	if i < len(d) && d[i] == '-' {
		i++
	}
	switch {
	case i >= len(d):
		return 0, s.fail(i, "")
	case d[i] == '0':
		i++
	case '1' <= d[i] && d[i] <= '9':
		i = s.digits(i)
	default:
		return 0, s.fail(i, "bad number")
	}
	if i < len(d) && d[i] == '.' {
		j := s.digits(i + 1)
		if j == i+1 {
			return 0, s.fail(j, "bad number")
		}
		i = j
	}
	if i < len(d) && d[i]|0x20 == 'e' {
		i++
		if i < len(d) && (d[i] == '+' || d[i] == '-') {
			i++
		}
		j := s.digits(i)
		if j == i {
			return 0, s.fail(j, "bad number")
		}
		i = j
	}
	return i, nil
}

func (s *scanner) digits(i int) int {
	for i < len(s.data) && '0' <= s.data[i] && s.data[i] <= '9' {
		i++
	}
	return i
}

// literal checks that word stands at i.
func (s *scanner) literal(i int, word string) (int, error) {
	if len(s.data)-i < len(word) || string(s.data[i:i+len(word)]) != word {
		return 0, s.fail(i, "unexpected character")
	}
	return i + len(word), nil
}

// skip returns the offset behind the value at i, which is checked as strictly
// as a value that is wanted.
func (s *scanner) skip(i, depth int) (int, error) {
	if i >= len(s.data) {
		return 0, s.fail(i, "")
	}
	switch s.data[i] {
	case '"':
		end, _, err := s.strEnd(i + 1)
		return end + 1, err
	case '{':
		return s.skipObject(i, depth)
	case '[':
		return s.skipArray(i, depth)
	case 't':
		return s.literal(i, "true")
	case 'f':
		return s.literal(i, "false")
	case 'n':
		return s.literal(i, "null")
	}
	return s.number(i)
}

func (s *scanner) skipObject(i, depth int) (int, error) {
	if depth >= s.maxDepth {
		return 0, s.fail(i, "nested too deeply")
	}
	i = s.space(i + 1)
	if i < len(s.data) && s.data[i] == '}' {
		return i + 1, nil
	}
	for {
		_, _, next, err := s.key(i)
		if err != nil {
			return 0, err
		}
		if next, err = s.skip(next, depth+1); err != nil {
			return 0, err
		}
		more, next, err := s.next(next, '}')
		if err != nil || !more {
			return next, err
		}
		i = next
	}
}

func (s *scanner) skipArray(i, depth int) (int, error) {
	if depth >= s.maxDepth {
		return 0, s.fail(i, "nested too deeply")
	}
	i = s.space(i + 1)
	if i < len(s.data) && s.data[i] == ']' {
		return i + 1, nil
	}
	for {
		next, err := s.skip(i, depth+1)
		if err != nil {
			return 0, err
		}
		more, next, err := s.next(next, ']')
		if err != nil || !more {
			return next, err
		}
		i = next
	}
}

// key reads the member key at i: its raw bytes, whether they are the key
// itself, and the offset of the member's value.
func (s *scanner) key(i int) (raw []byte, plain bool, next int, err error) {
	if i >= len(s.data) || s.data[i] != '"' {
		return nil, false, 0, s.fail(i, "expected a property name")
	}
	end, plain, err := s.strEnd(i + 1)
	if err != nil {
		return nil, false, 0, err
	}
	next = end + 1
	if next >= len(s.data) || s.data[next] != ':' {
		if next = s.space(next); next >= len(s.data) || s.data[next] != ':' {
			return nil, false, 0, s.fail(next, "expected a colon")
		}
	}
	return s.data[i+1 : end], plain, s.space(next + 1), nil
}

// next reads what follows a member or element: a comma (more, with the offset
// of the next one) or the closing byte (with the offset behind it).
func (s *scanner) next(i int, closing byte) (more bool, next int, err error) {
	i = s.space(i)
	if i >= len(s.data) {
		return false, 0, s.fail(i, "")
	}
	switch s.data[i] {
	case ',':
		return true, s.space(i + 1), nil
	case closing:
		return false, i + 1, nil
	}
	return false, 0, s.fail(i, "expected a comma or the end")
}

// unescape appends the value of the string content raw, which the scanner has
// checked, to dst. Surrogate halves without partner and bytes that are not
// UTF-8 become U+FFFD, as encoding/json does.
func unescape(dst, raw []byte) []byte {
	for i := 0; i < len(raw); {
		switch c := raw[i]; {
		case c == '\\':
			var n int
			dst, n = unescapeOne(dst, raw[i:])
			i += n
		case c < utf8.RuneSelf:
			dst = append(dst, c)
			i++
		default:
			r, n := utf8.DecodeRune(raw[i:])
			dst = utf8.AppendRune(dst, r)
			i += n
		}
	}
	return dst
}

func unescapeOne(dst, raw []byte) ([]byte, int) {
	switch c := raw[1]; c {
	case 'b':
		return append(dst, '\b'), 2
	case 'f':
		return append(dst, '\f'), 2
	case 'n':
		return append(dst, '\n'), 2
	case 'r':
		return append(dst, '\r'), 2
	case 't':
		return append(dst, '\t'), 2
	case 'u':
		r, n := unescapeRune(raw)
		return utf8.AppendRune(dst, r), n
	default:
		return append(dst, c), 2
	}
}

func unescapeRune(raw []byte) (rune, int) {
	r := hex4(raw[2:])
	if r < 0xD800 || r > 0xDFFF {
		return r, 6
	}
	if r < 0xDC00 && len(raw) >= 12 && raw[6] == '\\' && raw[7] == 'u' {
		if low := hex4(raw[8:]); 0xDC00 <= low && low <= 0xDFFF {
			return 0x10000 + (r-0xD800)<<10 + (low - 0xDC00), 12
		}
	}
	return utf8.RuneError, 6
}

func hex4(b []byte) rune {
	return hexValue(b[0])<<12 | hexValue(b[1])<<8 | hexValue(b[2])<<4 | hexValue(b[3])
}
