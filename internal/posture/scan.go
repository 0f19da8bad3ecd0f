package posture

import (
	"bytes"
	"encoding/json"
	"strings"
)

// The few facts that the index needs of a document are found by skipping over
// its JSON, which is valid (inventory checked it): a decoder would cost more
// than all the rest of indexing. Malformed input ends a scan early, never
// panics.

// members calls fn with every key and raw value of an object, until fn returns
// false.
func members(object []byte, fn func(key, value []byte) bool) {
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

// elements calls fn with every raw element of an array.
func elements(array []byte, fn func(value []byte)) {
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

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// skipString returns the index after the closing quote, len(b) if there is none.
func skipString(b []byte, i int) int {
	i++
	if n := bytes.IndexByte(b[min(i, len(b)):], '"'); n >= 0 && bytes.IndexByte(b[i:i+n], '\\') < 0 {
		return i + n + 1
	}
	for ; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
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

func skipNested(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			i = skipString(b, i)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
			if depth == 0 {
				return i + 1
			}
		}
		i++
	}
	return i
}

// lookup is the raw value at a path of keys below an object, nil if there is
// none. Keys compare without case.
func lookup(object []byte, path []string) []byte {
	for _, name := range path {
		var found []byte
		members(object, func(key, value []byte) bool {
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

// plain is the text of a raw scalar: strings unquoted, others as written.
func plain(raw []byte) string {
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
