package host

import (
	"bytes"
	"iter"
	"strings"
)

// maxLine is where a line of a text file is cut.
const maxLine = 64 << 10

// Lines yields the lines of a text file, numbered from 1, without line end.
func Lines(data []byte) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		for n := 1; len(data) > 0; n++ {
			var line []byte
			line, data, _ = bytes.Cut(data, []byte{'\n'})
			line = bytes.TrimSuffix(line, []byte{'\r'})
			if !yield(n, string(line[:min(len(line), maxLine)])) {
				return
			}
		}
	}
}

// Settings yields the lines of a configuration file that say something: blank
// ones and those that begin with one of the comment characters are left out.
func Settings(data []byte, comment string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		for n, line := range Lines(data) {
			line = strings.TrimSpace(line)
			if line == "" || strings.IndexByte(comment, line[0]) >= 0 {
				continue
			}
			if !yield(n, line) {
				return
			}
		}
	}
}

// Setting is a value and where it was found; Line 0 means a default.
type Setting struct {
	Value string
	Path  string
	Line  int
}
