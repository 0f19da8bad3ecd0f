package version

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/ecosystem"
)

// ordered lists versions from the oldest to the newest; "=" joins equal ones.
// They are the rules' own examples where there are some.
var ordered = map[string][]string{
	"Debian":  {"1.0~~", "1.0~~a", "1.0~", "1.0~rc1", "1.0=1.0-0=0:1.0", "1.0-1", "1.0-1+b1", "1.0-1+deb12u4", "1.0-1+deb12u10", "1.0a", "1.0+dfsg", "1.0.1", "1:0.1"},
	"Red Hat": {"1.0~rc1-1", "1.0-1=0:1.0-1", "1.0-1.el9", "1.0-1.el9_2", "1.0-2", "1.0-10", "1.0^git1-1", "1.0^git1.1-1", "1.0.a-1", "1.0.1-1", "1.1-1", "1:0.1-1"},
	"Alpine": {"0.01.1", "0.1.0_alpha_pre2", "0.1.0_alpha", "0.1.0_alpha2", "0.1.0_beta", "0.1.0_rc1", "0.1.0", "0.1.0-r1", "0.1.0-r10", "0.1.0_git20200101", "0.1.0_p1", "0.1.0a", "0.1.0b-r1", "0.10.5",
		"1.06-r6", "006", "23_foo", "021109-r3", "20060512"},
	"Wolfi":     {"1.2.3-r0", "1.2.3-r1", "1.2.3.1-r0", "1.2.10-r0"},
	"npm":       {"1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0=v1.0.0=1.0.0+build.5", "1.0.1", "99999999999999999999.0.0"},
	"Go":        {"0.0.0-20180523222229-09b5706aa936", "0.0.0-20190101000000-abcdefabcdef", "1.20.0-rc.1=go1.20rc1=1.20rc1", "1.20.0-rc.2=go1.20rc2", "1.20.0=go1.20=v1.20", "1.20.1=go1.20.1=go1.20.1 X:boringcrypto", "1.21.0-0", "go1.21rc2", "1.21.0", "2.0.0+incompatible=2.0.0"},
	"PyPI":      {"nonsense", "1.0.dev1", "1.0a1.dev1", "1.0a1", "1.0b2.post345.dev456", "1.0b2.post345", "1.0rc1=1.0c1=1.0-preview-1", "1.0=1.0.0=v1.0", "1.0+abc.5", "1.0+abc.7", "1.0+5", "1.0.post456.dev34", "1.0.post456=1.0-456", "1.1.dev1", "1!0.1"},
	"Maven":     {"1-alpha-1=1-a1", "1-beta", "1-milestone-1=1-m1", "1-rc1=1-cr1", "1-SNAPSHOT", "1=1.0=1-ga=1-final=1.0.0-RELEASE", "1-sp", "1-foo", "1-foo10", "1-1", "1.1", "1.1.jre8", "1.2", "1.10"},
	"NuGet":     {"1.0.0-alpha=1.0.0-ALPHA", "1.0.0-beta", "1.0.0=1.0=1.0.0.0=1.0.0+x", "1.0.0.1", "1.0.1"},
	"RubyGems":  {"1.0.a", "1.0.b1", "1.0.pre.2", "1.0.rc1", "1.0=1=1.0.0", "1.0.1.rc1", "1.0.1", "1.10"},
	"Packagist": {"1.0-dev", "1.0-alpha1", "1.0-beta2", "1.0-RC1", "1.0=v1.0=1.0.0.0=1.0-stable", "1.0-p1", "1.0.1", "1.10"},
	"Hackage":   {"1.2", "1.2.0", "1.2.0.1", "1.3", "1.10"},
	"CRAN":      {"1.0", "1.0-1", "1.0-10", "1.1"},
	"Pub":       {"1.0.0-dev", "1.0.0", "1.0.0+1", "1.0.0+2", "1.0.1"},
}

func TestOrdered(t *testing.T) {
	for base, groups := range ordered {
		t.Run(strings.ReplaceAll(base, " ", ""), func(t *testing.T) {
			s, ok := For(base)
			if !ok {
				t.Fatal("no scheme")
			}
			for i, a := range groups {
				for j, b := range groups {
					for x := range strings.SplitSeq(a, "=") {
						for y := range strings.SplitSeq(b, "=") {
							if got, want := s.Compare(x, y), sign(i-j); got != want {
								t.Errorf("Compare(%q, %q) = %d, want %d", x, y, got, want)
							}
						}
					}
				}
			}
		})
	}
}

func TestCheck(t *testing.T) {
	tests := map[string]struct{ good, bad []string }{
		"Debian": {[]string{"1", "1:2.3-4~bpo11+1", "0.0"}, []string{"", "a1", "1 2", "x:1", "1_2", ":1", "1\x00"}},
		"PyPI":   {[]string{"1.0", "1!2.0rc1.dev3+abc"}, []string{"", "2019-09-12x", "latest", "1.0.*"}},
		"npm":    {[]string{"1.0.0", "v1"}, []string{"", "latest", "*", strings.Repeat("1", MaxLength+1)}},
		"Alpine": {[]string{"1.2.3-r0"}, []string{"", "git"}},
		"Go":     {[]string{"v1.2.3", "go1.22", "0.0.0-20180523222229-09b5706aa936"}, []string{"", "(devel)"}},
	}
	for base, tt := range tests {
		s, _ := For(base)
		for _, v := range tt.good {
			if err := s.Check(v); err != nil {
				t.Errorf("%s: %v", base, err)
			}
		}
		for _, v := range tt.bad {
			if s.Check(v) == nil {
				t.Errorf("%s: %q passes", base, v)
			}
		}
	}
}

// allSchemes lists every scheme once.
func allSchemes() (list []*Scheme) {
	for _, base := range append(slices.Sorted(maps.Keys(schemes)), "Debian", "Red Hat", "Alpine") {
		s, _ := For(base)
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// checkOrder fails if three versions are not in one order.
func checkOrder(t *testing.T, s *Scheme, a, b, c string) {
	t.Helper()
	ab, ba, bc, ac := s.Compare(a, b), s.Compare(b, a), s.Compare(b, c), s.Compare(a, c)
	if ab != -ba || s.Compare(a, a) != 0 {
		t.Errorf("%s: Compare(%q, %q) = %d, and %d the other way round", s.Name, a, b, ab, ba)
	}
	// Maven's own comparison goes in circles for some mixtures of qualifiers and
	// lists ("1rc1x" < "1" < "1.a-b" < "1rc1x"); we follow it there too.
	if s.Name != "maven" && ab <= 0 && bc <= 0 && ac != min(ab, bc) {
		t.Errorf("%s: %q, %q, %q are in no order: %d %d %d", s.Name, a, b, c, ab, bc, ac)
	}
}

func TestTotalOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	from := slices.Concat(slices.Collect(maps.Values(pieces))...)
	for _, s := range allSchemes() {
		t.Run(s.Name, func(t *testing.T) {
			for range 20000 {
				checkOrder(t, s, random(r, from), random(r, from), random(r, from))
			}
		})
	}
}

func FuzzCompare(f *testing.F) {
	for _, groups := range ordered {
		for i := range len(groups) - 2 {
			f.Add(groups[i], groups[i+1], groups[i+2])
		}
	}
	f.Add("", "~", "\x00")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if len(a) > MaxLength || len(b) > MaxLength || len(c) > MaxLength {
			return
		}
		for _, s := range allSchemes() {
			checkOrder(t, s, a, b, c)
			_ = s.Check(a)
		}
	})
}

func TestEveryKnownEcosystemWithoutOrderIsMeant(t *testing.T) {
	for _, base := range []string{"Debian", "Ubuntu", "Wolfi", "SUSE", "Rocky Linux", "Go", "npm", "crates.io", "Hex", "GitHub Actions", "SwiftURL"} {
		if _, ok := For(base); !ok || !ecosystem.Known(base) {
			t.Errorf("%s has no order", base)
		}
	}
}
