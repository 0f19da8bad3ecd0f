package software

import (
	"bytes"
	"iter"
	"strings"
)

// maxLine is where a line of a text file is cut: no field that is read is
// longer.
const maxLine = 64 << 10

// lines yields the lines of a text file without their ends.
func lines(data []byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		for len(data) > 0 {
			var line []byte
			line, data, _ = bytes.Cut(data, []byte{'\n'})
			line = bytes.TrimSuffix(line, []byte{'\r'})
			if !yield(string(line[:min(len(line), maxLine)])) {
				return
			}
		}
	}
}

// fields reads one paragraph of RFC 822 shape (dpkg, METADATA): the first value
// of each of the wanted names, which are compared without case, and where the
// paragraph ends. Continuation lines are skipped.
func fields(data []byte, want func(name string, value []byte)) (rest []byte) {
	for len(data) > 0 {
		var line []byte
		line, data, _ = bytes.Cut(data, []byte{'\n'})
		line = bytes.TrimSuffix(line, []byte{'\r'})
		if len(bytes.TrimSpace(line)) == 0 {
			return data
		}
		if line[0] == ' ' || line[0] == '\t' {
			continue
		}
		if i := bytes.IndexByte(line, ':'); i > 0 {
			want(string(line[:i]), bytes.TrimSpace(line[i+1:]))
		}
	}
	return nil
}

// clean is a value as text, "" if it is longer than any name or version or
// holds control characters: such a field is damaged.
func clean(value []byte) string {
	if len(value) > 512 {
		return ""
	}
	for _, c := range value {
		if c < ' ' || c == 0x7f {
			return ""
		}
	}
	return strings.ToValidUTF8(string(value), "")
}
