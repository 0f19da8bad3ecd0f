package host

import "strings"

// CompareDebian orders two Debian package versions: negative if a is older
// than b (epoch, upstream, revision; ~ sorts before everything).
func CompareDebian(a, b string) int {
	ea, ua, ra := splitDebian(a)
	eb, ub, rb := splitDebian(b)
	if c := compareDebianPart(ea, eb); c != 0 {
		return c
	}
	if c := compareDebianPart(ua, ub); c != 0 {
		return c
	}
	return compareDebianPart(ra, rb)
}

func splitDebian(v string) (epoch, upstream, revision string) {
	epoch = "0"
	if i := strings.IndexByte(v, ':'); i >= 0 {
		epoch, v = v[:i], v[i+1:]
	}
	if i := strings.LastIndexByte(v, '-'); i >= 0 {
		return epoch, v[:i], v[i+1:]
	}
	return epoch, v, ""
}

// compareDebianPart compares runs of non-digits and digits in turn.
func compareDebianPart(a, b string) int {
	for a != "" || b != "" {
		for a != "" && !digit(a[0]) || b != "" && !digit(b[0]) {
			wa, wb := debianWeight(a), debianWeight(b)
			if wa != wb {
				return wa - wb
			}
			a, b = a[1:], b[1:]
		}
		var da, db string
		da, a = cutDigits(a)
		db, b = cutDigits(b)
		if c := len(da) - len(db); c != 0 {
			return c
		}
		if c := strings.Compare(da, db); c != 0 {
			return c
		}
	}
	return 0
}

// debianWeight orders one character: ~, then the end or a digit, then letters,
// then the rest.
func debianWeight(s string) int {
	switch {
	case s == "" || digit(s[0]):
		return 0
	case s[0] == '~':
		return -1
	case 'a' <= s[0] && s[0] <= 'z' || 'A' <= s[0] && s[0] <= 'Z':
		return int(s[0])
	}
	return int(s[0]) + 256
}

// cutDigits cuts the leading number, without leading zeros.
func cutDigits(s string) (digits, rest string) {
	end := 0
	for end < len(s) && digit(s[end]) {
		end++
	}
	return strings.TrimLeft(s[:end], "0"), s[end:]
}

func digit(c byte) bool { return '0' <= c && c <= '9' }
