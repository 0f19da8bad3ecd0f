package version

import "strings"

// compareRPM orders [epoch:]version[-release] as rpm does; an absent epoch is 0,
// and an absent release is older than any.
func compareRPM(a, b string) int {
	ea, va, ra := splitRPM(a)
	eb, vb, rb := splitRPM(b)
	if c := compareDigits(ea, eb); c != 0 {
		return c
	}
	if c := compareRPMPart(va, vb); c != 0 {
		return c
	}
	if ra == "" || rb == "" {
		return sign(min(len(ra), 1) - min(len(rb), 1))
	}
	return compareRPMPart(ra, rb)
}

func splitRPM(v string) (epoch, version, release string) {
	if e, rest := digits(v); strings.HasPrefix(rest, ":") {
		epoch, v = e, rest[1:]
	}
	if i := strings.LastIndexByte(v, '-'); i >= 0 {
		return epoch, v[:i], v[i+1:]
	}
	return epoch, v, ""
}

// compareRPMPart is rpmvercmp (rpm-version(7)): runs of digits or letters, all
// else only separates; a tilde sorts before the end, a caret after the end but
// before anything else.
func compareRPMPart(a, b string) int {
	for {
		a, b = strings.TrimLeftFunc(a, separatesRPM), strings.TrimLeftFunc(b, separatesRPM)
		if ta, tb := strings.HasPrefix(a, "~"), strings.HasPrefix(b, "~"); ta || tb {
			if ta != tb {
				return before(ta)
			}
			a, b = a[1:], b[1:]
			continue
		}
		if ca, cb := strings.HasPrefix(a, "^"), strings.HasPrefix(b, "^"); ca || cb {
			switch {
			case ca && cb:
				a, b = a[1:], b[1:]
				continue
			case ca:
				return before(b != "")
			}
			return -before(a != "")
		}
		if a == "" || b == "" {
			return sign(min(len(a), 1) - min(len(b), 1))
		}
		c := 0
		a, b, c = compareRPMRun(a, b)
		if c != 0 {
			return c
		}
	}
}

// before is the result for a left side that does, or does not, come first.
func before(first bool) int {
	if first {
		return -1
	}
	return 1
}

// compareRPMRun compares the runs at the start of both; of a number and a word,
// the number is newer.
func compareRPMRun(a, b string) (restA, restB string, c int) {
	if isDigit(a[0]) != isDigit(b[0]) {
		return a, b, -before(isDigit(a[0]))
	}
	if isDigit(a[0]) {
		na, ra := digits(a)
		nb, rb := digits(b)
		return ra, rb, compareDigits(na, nb)
	}
	wa, ra := letters(a)
	wb, rb := letters(b)
	return ra, rb, strings.Compare(wa, wb)
}

func letters(s string) (run, rest string) {
	i := 0
	for i < len(s) && isLetter(s[i]) {
		i++
	}
	return s[:i], s[i:]
}

func separatesRPM(r rune) bool {
	return r != '~' && r != '^' && (r >= 0x80 || !isDigit(byte(r)) && !isLetter(byte(r)))
}
