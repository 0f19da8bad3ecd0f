// Package version compares versions by the rules of the ecosystem that they come
// from: dpkg, rpm, apk, semantic versions and their relatives, PEP 440, Maven,
// NuGet, RubyGems, Composer and others.
//
// Each comparison is a total order over all text, also over text that is no
// version, but for Maven's, which is none by its own rules. Nothing panics.
// Check says apart what a scheme would refuse.
//
// It is pure and must never import another package of this module, except the
// names of ecosystems.
package version

import (
	"errors"
	"fmt"
	"strings"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/ecosystem"
)

// MaxLength bounds a version: longer text is refused, as no package manager
// writes it and some comparisons are quadratic in it.
const MaxLength = 512

// ErrInvalid says that text is no version of the scheme.
var ErrInvalid = errors.New("not a version")

// Scheme is one way of ordering versions. It holds no state: use it from many
// goroutines.
type Scheme struct {
	// Name is the scheme's own name: "dpkg", "rpm", "pep440".
	Name string

	compare func(a, b string) int
	valid   func(v string) bool
}

// Compare orders two versions: -1 if a is older than b, 0 if they are equal, 1
// if a is newer.
func (s *Scheme) Compare(a, b string) int {
	if a == b {
		return 0
	}
	return s.compare(a, b)
}

// Check returns an error of the kind ErrInvalid for text that the scheme does
// not take for a version. An advisory or a package with such a version is not
// judged: "unknown" is neither older nor newer than anything.
func (s *Scheme) Check(v string) error {
	if v == "" || len(v) > MaxLength || strings.ContainsFunc(v, unprintable) || !s.valid(v) {
		return fmt.Errorf("%w of %s: %.60q", ErrInvalid, s.Name, v)
	}
	return nil
}

func unprintable(r rune) bool { return r <= ' ' || r == 0x7f }

// schemes by the base of an ecosystem. Ecosystems that are absent have no order
// that could be relied on; only their lists of versions are matched.
var schemes = map[string]*Scheme{
	"Go":             {"go", compareGo, hasDigit},
	"npm":            semantic,
	"crates.io":      semantic,
	"Hex":            semantic,
	"Julia":          semantic,
	"SwiftURL":       semantic,
	"Bitnami":        semantic,
	"ConanCenter":    semantic,
	"GitHub Actions": semantic,
	"VSCode":         semantic,
	"Kubernetes":     semantic,
	"Pub":            {"pub", comparePub, hasDigit},
	"NuGet":          {"nuget", compareNuGet, startsWithDigit},
	"PyPI":           {"pep440", comparePEP440, isPEP440},
	"Maven":          {"maven", compareMaven, always},
	"RubyGems":       {"rubygems", compareGem, startsWithDigit},
	"Packagist":      {"composer", compareComposer, hasDigit},
	"CRAN":           {"cran", compareNumbers, startsWithDigit},
	"Bioconductor":   {"cran", compareNumbers, startsWithDigit},
	"Hackage":        {"hackage", compareNumbers, startsWithDigit},
	"GHC":            {"hackage", compareNumbers, startsWithDigit},
	"opam":           {"opam", compareDPKGPart, always},
}

var (
	semantic = &Scheme{"semver", compareSemantic, hasDigit}
	dpkg     = &Scheme{"dpkg", compareDPKG, isDPKG}
	rpm      = &Scheme{"rpm", compareRPM, always}
	apk      = &Scheme{"apk", compareAPK, startsWithDigit}
)

// For gives the scheme of an ecosystem's base name ("Debian", "npm"), and
// whether there is one.
func For(base string) (*Scheme, bool) {
	switch {
	case ecosystem.IsDPKG(base):
		return dpkg, true
	case ecosystem.IsRPM(base):
		return rpm, true
	case ecosystem.IsAPK(base):
		return apk, true
	}
	s, ok := schemes[base]
	return s, ok
}

func always(string) bool { return true }

func startsWithDigit(v string) bool {
	v = strings.TrimPrefix(v, "v")
	return v != "" && isDigit(v[0])
}

func hasDigit(v string) bool { return strings.ContainsAny(v, "0123456789") }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// compareDigits orders two runs of digits by their value, however long; a run of
// none is zero.
func compareDigits(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if len(a) != len(b) {
		return sign(len(a) - len(b))
	}
	return strings.Compare(a, b)
}

func sign(n int) int { return min(1, max(-1, n)) }

// digits splits the run of digits at the start of s from the rest.
func digits(s string) (run, rest string) {
	i := 0
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	return s[:i], s[i:]
}

func allDigits(s string) bool {
	run, rest := digits(s)
	return run != "" && rest == ""
}
