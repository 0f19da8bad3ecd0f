package version

import "strings"

// compareGem orders as Gem::Version: runs of digits and of letters are segments,
// a hyphen starts a pre-release, zeros before a word and at the end do not count,
// a word is older than a number or nothing.
func compareGem(a, b string) int {
	x, y := gemSegments(a), gemSegments(b)
	for i := range max(len(x), len(y)) {
		if c := compareGemSegment(segmentOr(x, i), segmentOr(y, i)); c != 0 {
			return c
		}
	}
	return 0
}

func segmentOr(s []string, i int) string {
	if i < len(s) {
		return s[i]
	}
	return "0"
}

func compareGemSegment(x, y string) int {
	dx, dy := isDigit(x[0]), isDigit(y[0])
	switch {
	case dx && dy:
		return compareDigits(x, y)
	case dx != dy:
		return -before(dx)
	}
	return strings.Compare(x, y)
}

// gemSegments splits a version and drops zeros that do not count: those before
// the first word and those at the end.
func gemSegments(v string) []string {
	var numbers, words []string
	for v = strings.ReplaceAll(v, "-", ".pre."); v != ""; {
		run, rest := digits(v)
		if run == "" {
			if run, rest = letters(v); run == "" {
				v = v[1:]
				continue
			}
		}
		if len(words) > 0 || !isDigit(run[0]) {
			words = append(words, run)
		} else {
			numbers = append(numbers, run)
		}
		v = rest
	}
	return append(trimZeros(numbers), trimZeros(words)...)
}

func trimZeros(s []string) []string {
	for len(s) > 0 && strings.Trim(s[len(s)-1], "0") == "" {
		s = s[:len(s)-1]
	}
	return s
}
