package rawjson

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math/bits"
	"strings"
)

// Members calls fn with every key and raw value of an object in order, until fn
// returns false. A key is what stands between its quotes, escapes included: see
// Name. What is no object has no members.
func Members(object []byte, fn func(key, value []byte) bool) {
	i := skipSpace(object, 0)
	if i >= len(object) || object[i] != '{' {
		return
	}
	i++
	for {
		i = skipSpace(object, i)
		if i >= len(object) || object[i] != '"' {
			return
		}
		end := skipString(object, i)
		if end < i+2 {
			return
		}
		key := object[i+1 : end-1]
		i = skipSpace(object, end)
		if i >= len(object) || object[i] != ':' {
			return
		}
		start := skipSpace(object, i+1)
		i = skipValue(object, start)
		if i <= start || !fn(key, object[start:i]) {
			return
		}
		i = skipSpace(object, i)
		if i >= len(object) || object[i] != ',' {
			return
		}
		i++
	}
}

// Elements calls fn with every raw element of an array in order. What is no array
// has none.
func Elements(array []byte, fn func(value []byte)) {
	i := skipSpace(array, 0)
	if i >= len(array) || array[i] != '[' {
		return
	}
	for i++; ; i++ {
		start := skipSpace(array, i)
		if i = skipValue(array, start); i <= start {
			return
		}
		fn(array[start:i])
		if i = skipSpace(array, i); i >= len(array) || array[i] != ',' {
			return
		}
	}
}

// Lookup is the raw value at a path of keys below an object, nil if there is
// none; without keys it is the object. Keys compare without case and as they are
// written; of keys that are the same the first counts.
func Lookup(object []byte, path ...string) []byte {
	for _, name := range path {
		var found []byte
		Members(object, func(key, value []byte) bool {
			if len(key) == len(name) && strings.EqualFold(string(key), name) {
				found = value
			}
			return found == nil
		})
		if found == nil {
			return nil
		}
		object = found
	}
	return object
}

// Text is the text of a raw value: strings unquoted, others as written.
func Text(raw []byte) string {
	if len(raw) < 2 || raw[0] != '"' {
		return string(raw)
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return string(raw)
	}
	return s
}

// AppendText appends the Text of a raw value to dst.
func AppendText(dst, raw []byte) []byte {
	switch {
	case len(raw) < 2 || raw[0] != '"':
		return append(dst, raw...)
	case bytes.IndexByte(raw, '\\') < 0:
		return append(dst, raw[1:len(raw)-1]...)
	}
	return append(dst, Text(raw)...)
}

// AppendName appends the Name of a key to dst.
func AppendName(dst, key []byte) []byte {
	if bytes.IndexByte(key, '\\') < 0 {
		return append(dst, key...)
	}
	return append(dst, Name(key)...)
}

// Name is the name that a key of Members spells.
func Name(key []byte) string {
	if bytes.IndexByte(key, '\\') < 0 {
		return string(key)
	}
	return Text([]byte(`"` + string(key) + `"`))
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// skipString returns the index after the closing quote, len(b) if there is none.
func skipString(b []byte, i int) int {
	for i++; i < len(b); i++ {
		for i+8 <= len(b) {
			m := quoteOrSlash(binary.LittleEndian.Uint64(b[i:]))
			if m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				break
			}
			i += 8
		}
		if i >= len(b) {
			break
		}
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// Repeated bytes, to compare eight at a time.
const (
	ones   = 0x0101010101010101
	highs  = 0x8080808080808080
	quotes = '"' * ones
	slants = '\\' * ones
)

// quoteOrSlash has the high bit set in the lowest byte of w that is a quote or a
// backslash; higher bytes may be marked wrongly. It is 0 if there is none.
func quoteOrSlash(w uint64) uint64 {
	q, s := w^quotes, w^slants
	return ((q-ones)&^q | (s-ones)&^s) & highs
}

func skipValue(b []byte, i int) int {
	if i >= len(b) {
		return i
	}
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		return skipNested(b, i)
	}
	for i < len(b) && !strings.ContainsRune(",]} \n\t\r", rune(b[i])) {
		i++
	}
	return i
}

// The bytes that matter between the brackets of a value.
const (
	opens = iota + 1
	closes
	begins
)

var nesting = [256]uint8{'{': opens, '[': opens, '}': closes, ']': closes, '"': begins}

func skipNested(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch nesting[b[i]] {
		case begins:
			i = skipString(b, i)
			continue
		case opens:
			depth++
		case closes:
			depth--
			if depth == 0 {
				return i + 1
			}
		}
		i++
	}
	return i
}
