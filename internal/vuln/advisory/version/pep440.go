package version

import (
	"regexp"
	"strings"
)

// pep440Form is the version pattern of PEP 440, appendix B, in our own words:
// epoch, release, pre-release, post-release, development release, local label.
var pep440Form = regexp.MustCompile(`^v?(?:(\d+)!)?(\d+(?:\.\d+)*)` +
	`(?:[-_.]?(alpha|beta|preview|pre|a|b|c|rc)[-_.]?(\d*))?` +
	`(?:-(\d+)|[-_.]?(post|rev|r)[-_.]?(\d*))?` +
	`(?:[-_.]?(dev)[-_.]?(\d*))?` +
	`(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?$`)

// pep440 is a version taken apart. Text that is no version is older than all
// versions, and ordered as text.
type pep440 struct {
	ok             bool
	epoch, release string
	pre            int // 0 development release of the version itself, 1 alpha, 2 beta, 3 candidate, 4 none
	preNumber      string
	post           bool
	postNumber     string
	dev            bool
	devNumber      string
	local          string
}

func isPEP440(v string) bool { return parsePEP440(v).ok }

// releaseOnly reads the usual form, numbers and dots, without the pattern.
func releaseOnly(v string) bool {
	return v != "" && isDigit(v[0]) && isDigit(v[len(v)-1]) && strings.Trim(v, "0123456789.") == "" && !strings.Contains(v, "..")
}

func parsePEP440(v string) pep440 {
	v = strings.ToLower(strings.TrimSpace(v))
	if releaseOnly(v) {
		return pep440{ok: true, release: v, pre: 4}
	}
	m := pep440Form.FindStringSubmatch(v)
	if m == nil {
		return pep440{local: v}
	}
	p := pep440{ok: true, epoch: m[1], release: m[2], preNumber: m[4], local: m[10]}
	p.post, p.postNumber = m[5] != "" || m[6] != "", m[5]+m[7]
	p.dev, p.devNumber = m[8] != "", m[9]
	p.pre = pep440Stage(m[3])
	if p.pre == 4 && p.dev && !p.post {
		p.pre = 0
	}
	return p
}

func pep440Stage(word string) int {
	switch word {
	case "a", "alpha":
		return 1
	case "b", "beta":
		return 2
	case "":
		return 4
	}
	return 3 // c, rc, pre, preview
}

func comparePEP440(a, b string) int {
	x, y := parsePEP440(a), parsePEP440(b)
	if !x.ok || !y.ok {
		if x.ok != y.ok {
			return boolSign(x.ok, y.ok)
		}
		return strings.Compare(x.local, y.local)
	}
	for _, c := range []int{
		compareDigits(x.epoch, y.epoch),
		compareCore(x.release, y.release),
		sign(x.pre - y.pre),
		compareDigits(x.preNumber, y.preNumber),
		boolSign(x.post, y.post),
		compareDigits(x.postNumber, y.postNumber),
		boolSign(y.dev, x.dev),
		compareDigits(x.devNumber, y.devNumber),
	} {
		if c != 0 {
			return c
		}
	}
	return comparePEP440Local(x.local, y.local)
}

// comparePEP440Local: none is oldest; numbers are newer than words; the longer
// of two equal beginnings is newer.
func comparePEP440Local(a, b string) int {
	if a == "" || b == "" {
		return boolSign(a != "", b != "")
	}
	split := func(r rune) bool { return r == '.' || r == '-' || r == '_' }
	x, y := strings.FieldsFunc(a, split), strings.FieldsFunc(b, split)
	for i := range min(len(x), len(y)) {
		dx, dy := allDigits(x[i]), allDigits(y[i])
		c := strings.Compare(x[i], y[i])
		switch {
		case dx && dy:
			c = compareDigits(x[i], y[i])
		case dx != dy:
			c = boolSign(dx, dy)
		}
		if c != 0 {
			return c
		}
	}
	return sign(len(x) - len(y))
}
