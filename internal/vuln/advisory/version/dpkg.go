package version

import "strings"

// compareDPKG orders as dpkg does: epoch, upstream version, revision
// (deb-version(7)).
func compareDPKG(a, b string) int {
	ea, ua, ra := splitDPKG(a)
	eb, ub, rb := splitDPKG(b)
	if c := compareDigits(ea, eb); c != 0 {
		return c
	}
	if c := compareDPKGPart(ua, ub); c != 0 {
		return c
	}
	return compareDPKGPart(ra, rb)
}

// splitDPKG takes [epoch:]upstream[-revision] apart. What stands before a colon
// and is no number belongs to the upstream version.
func splitDPKG(v string) (epoch, upstream, revision string) {
	if e, rest, ok := strings.Cut(v, ":"); ok && allDigits(e) {
		epoch, v = e, rest
	}
	if i := strings.LastIndexByte(v, '-'); i >= 0 {
		return epoch, v[:i], v[i+1:]
	}
	return epoch, v, ""
}

// compareDPKGPart alternates between runs without digits, where a tilde sorts
// before the end and letters before other characters, and runs of digits.
func compareDPKGPart(a, b string) int {
	for a != "" || b != "" {
		for a != "" && !isDigit(a[0]) || b != "" && !isDigit(b[0]) {
			wa, wb := weightDPKG(a), weightDPKG(b)
			if wa != wb {
				return sign(wa - wb)
			}
			a, b = a[1:], b[1:] // equal weights: both are at the same character
		}
		var na, nb string
		na, a = digits(a)
		nb, b = digits(b)
		if c := compareDigits(na, nb); c != 0 {
			return c
		}
	}
	return 0
}

func weightDPKG(s string) int {
	switch {
	case s == "" || isDigit(s[0]):
		return 0
	case s[0] == '~':
		return -1
	case isLetter(s[0]):
		return int(s[0])
	}
	return int(s[0]) + 256
}

// isDPKG asks for what dpkg insists on: an upstream version that has a digit at
// its start and holds no foreign characters.
func isDPKG(v string) bool {
	if i := strings.IndexByte(v, ':'); i >= 0 && !allDigits(v[:i]) {
		return false
	}
	_, upstream, _ := splitDPKG(v)
	return upstream != "" && isDigit(upstream[0]) &&
		strings.Trim(v, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.+-:~") == ""
}
