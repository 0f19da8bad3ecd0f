package export

import (
	"bytes"
	"slices"
)

// Sieve tells from the raw text of a record whether it can be about a package
// that somebody asks for: decoding all records of an export to find a few hundred
// would cost more than the rest of a scan. It errs on the side of yes.
type Sieve struct {
	names      map[string]bool
	ecosystems map[string]bool
	scratch    []byte
}

// NewSieve makes one for the names of packages.
func NewSieve(names []string) *Sieve {
	s := &Sieve{names: map[string]bool{}, ecosystems: map[string]bool{}}
	for _, n := range names {
		s.names[string(s.fold([]byte(n)))] = true
	}
	return s
}

var (
	nameKey      = []byte(`"name"`)
	ecosystemKey = []byte(`"ecosystem"`)
)

// Admits reports whether the record may be about one of the names, and remembers
// its ecosystems.
func (s *Sieve) Admits(record []byte) bool {
	eachString(record, ecosystemKey, func(v []byte) bool {
		if !s.ecosystems[string(v)] {
			s.ecosystems[string(v)] = true
		}
		return true
	})
	hit := false
	eachString(record, nameKey, func(v []byte) bool {
		hit = slices.ContainsFunc(v, undecided) || s.names[string(s.fold(v))]
		return !hit
	})
	return hit
}

// undecided bytes belong to escapes or to text that decoding changes.
func undecided(c byte) bool { return c == '\\' || c >= 0x80 }

// Ecosystems lists the ecosystems of all records seen, as they write them.
func (s *Sieve) Ecosystems() (all []string) {
	for e := range s.ecosystems {
		all = append(all, e)
	}
	return all
}

// eachString gives the text of every string that follows a key. A value with an
// escaped quote is given up to that, with its backslash.
func eachString(record, key []byte, fn func(v []byte) bool) {
	for {
		i := bytes.Index(record, key)
		if i < 0 {
			return
		}
		record = bytes.TrimLeft(record[i+len(key):], " \t\r\n:")
		if len(record) == 0 || record[0] != '"' {
			continue
		}
		end := bytes.IndexByte(record[1:], '"')
		if end < 0 || !fn(record[1:1+end]) {
			return
		}
		record = record[1+end:]
	}
}

// fold makes all spellings of a name equal that any ecosystem takes for equal.
func (s *Sieve) fold(name []byte) []byte {
	s.scratch = s.scratch[:0]
	for _, c := range name {
		switch {
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case c == '_' || c == '.' || c == '-':
			if n := len(s.scratch); n > 0 && s.scratch[n-1] == '-' {
				continue
			}
			c = '-'
		}
		s.scratch = append(s.scratch, c)
	}
	return s.scratch
}
