package lint

import (
	"bytes"
	"slices"
)

// Apply gives the text of a file with the mends of its findings made, and how
// many there were. A mend whose text does not stand where it was found is left.
func Apply(text []byte, findings []Finding) ([]byte, int) {
	lines := bytes.SplitAfter(text, []byte("\n"))
	n := 0
	fs := slices.Clone(findings)
	slices.SortStableFunc(fs, func(a, b Finding) int { return b.Column - a.Column }) // from the right
	for _, f := range fs {
		if f.Mend == nil || f.Line < 1 || f.Line > len(lines) {
			continue
		}
		line := lines[f.Line-1]
		at := f.Column - 1
		if at < len(line) && (line[at] == '"' || line[at] == '\'') {
			at++
		}
		if at < 0 || at > len(line) || !bytes.HasPrefix(line[at:], []byte(f.Mend.Old)) {
			continue
		}
		lines[f.Line-1] = slices.Concat(line[:at], []byte(f.Mend.New), line[at+len(f.Mend.Old):])
		n++
	}
	return bytes.Join(lines, nil), n
}
