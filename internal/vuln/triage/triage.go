// Package triage decides which findings count: the threshold of a scope, and the
// rules by which people disable findings, with a reason and an end.
//
// It is pure: given findings, rules and the time it gives a decision. It must
// never import stores, images or registries.
package triage

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/vuln/advisory"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/cvss"
)

// Threshold says which findings of a scope count. Its zero value counts all.
type Threshold struct {
	Severity    cvss.Severity `json:"severity"`              // and worse; a finding that nobody has rated counts where low ones do
	FixableOnly bool          `json:"fixableOnly,omitempty"` // what no version fixes never counts
	Exploited   bool          `json:"exploited,omitempty"`   // known exploitation counts at any severity
	EPSS        float64       `json:"epss,omitempty"`        // as likely exploitation counts at any severity; 0 for no such rule
}

// Counts reports whether a finding is at or above the threshold.
func (t Threshold) Counts(f *advisory.Finding) bool {
	switch {
	case t.FixableOnly && f.FixedVersion == "":
		return false
	case t.Exploited && f.KEV, t.EPSS > 0 && f.EPSS >= t.EPSS:
		return true
	case f.Severity == cvss.Unknown:
		return t.Severity <= cvss.Low
	}
	return f.Severity >= t.Severity
}

// Check returns an error for a threshold that nobody can mean.
func (t Threshold) Check() error {
	if !(t.EPSS >= 0 && t.EPSS <= 1) {
		return fmt.Errorf("EPSS %v: it is a probability, 0 to 1", t.EPSS)
	}
	return nil
}

// Rule disables findings. All members that are set must fit; of a list one entry
// must. Names of packages and paths may have the wildcards of path.Match, and a
// path ending in "/**" means all below it.
type Rule struct {
	ID       string        `json:"id"`
	Reason   string        `json:"reason"`           // why; a rule without one is none
	Expires  time.Time     `json:"expires,omitzero"` // zero for never
	CVEs     []string      `json:"cves,omitempty"`   // or any other id of the vulnerability
	Packages []string      `json:"packages,omitempty"`
	Paths    []string      `json:"paths,omitempty"`   // of the file that says that the package is installed
	Scopes   []string      `json:"scopes,omitempty"`  // resource ids; the rule holds for what is at or below one of them
	AtMost   cvss.Severity `json:"atMost,omitempty"`  // findings up to this severity; Unknown for any
	Unfixed  bool          `json:"unfixed,omitempty"` // findings that no version fixes
}

// Bounds of a rule.
const (
	maxEntries = 10_000
	maxReason  = 2_000
)

// Check returns an error that says what is wrong with a rule.
func (r Rule) Check() error {
	switch {
	case strings.TrimSpace(r.Reason) == "":
		return errors.New("a rule needs a reason")
	case len(r.Reason) > maxReason:
		return fmt.Errorf("the reason has %d bytes, more than %d", len(r.Reason), maxReason)
	case len(r.CVEs)+len(r.Packages)+len(r.Paths) == 0 && r.AtMost == cvss.Unknown && !r.Unfixed:
		return errors.New("a rule names vulnerabilities, packages, paths, a severity or what is unfixed: this one would disable everything")
	case len(r.CVEs)+len(r.Packages)+len(r.Paths)+len(r.Scopes) > maxEntries:
		return fmt.Errorf("a rule has at most %d entries", maxEntries)
	}
	for _, p := range slices.Concat(r.Packages, r.Paths) {
		if _, err := path.Match(p, ""); err != nil || p == "" {
			return fmt.Errorf("%q is no pattern", p)
		}
	}
	return nil
}

// Expired reports whether the rule holds no more.
func (r Rule) Expired(now time.Time) bool { return !r.Expires.IsZero() && !now.Before(r.Expires) }

// fits reports whether the rule disables a finding; scope was checked before.
func (r Rule) fits(f *advisory.Finding) bool {
	switch {
	case len(r.CVEs) > 0 && !slices.ContainsFunc(r.CVEs, func(id string) bool { return named(f, id) }),
		len(r.Packages) > 0 && !slices.ContainsFunc(r.Packages, func(p string) bool { return glob(p, f.Package) || f.Source != "" && glob(p, f.Source) }),
		len(r.Paths) > 0 && !slices.ContainsFunc(r.Paths, func(p string) bool { return glob(p, f.Path) }),
		r.AtMost != cvss.Unknown && (f.Severity > r.AtMost || f.Severity == cvss.Unknown),
		r.Unfixed && f.FixedVersion != "":
		return false
	}
	return true
}

func named(f *advisory.Finding, id string) bool {
	return strings.EqualFold(f.ID, id) || slices.ContainsFunc(f.Aliases, func(a string) bool { return strings.EqualFold(a, id) })
}

func glob(pattern, text string) bool {
	if below, ok := strings.CutSuffix(pattern, "/**"); ok {
		return strings.HasPrefix(text, below+"/")
	}
	ok, _ := path.Match(pattern, text)
	return ok
}

// covers reports whether a scope is at or below one of the rule's.
func (r Rule) covers(scope string) bool {
	return len(r.Scopes) == 0 || slices.ContainsFunc(r.Scopes, func(s string) bool {
		s = strings.TrimSuffix(s, "/")
		return strings.EqualFold(scope, s) || len(scope) > len(s) && scope[len(s)] == '/' && strings.EqualFold(scope[:len(s)], s)
	})
}

// Disabled is a finding that a rule disables.
type Disabled struct {
	advisory.Finding
	Rule   string `json:"rule"`
	Reason string `json:"reason"`
}

// Decision is what counts of findings, and why the rest does not.
type Decision struct {
	Counted  []advisory.Finding `json:"counted"`
	Below    []advisory.Finding `json:"below"` // below the threshold
	Disabled []Disabled         `json:"disabled"`
	Unused   []string           `json:"unused"` // rules for the scope that fit nothing
}

// Decide sorts the findings of a resource. Of several rules that fit the first
// disables; those that have expired disable nothing.
func Decide(findings []advisory.Finding, t Threshold, rules []Rule, scope string, now time.Time) Decision {
	var active []Rule
	for _, r := range rules {
		if !r.Expired(now) && r.covers(scope) && r.Check() == nil {
			active = append(active, r)
		}
	}
	used := make([]bool, len(active))
	var d Decision
	for _, f := range findings {
		i := slices.IndexFunc(active, func(r Rule) bool { return r.fits(&f) })
		switch {
		case i >= 0:
			used[i] = true
			d.Disabled = append(d.Disabled, Disabled{f, active[i].ID, active[i].Reason})
		case t.Counts(&f):
			d.Counted = append(d.Counted, f)
		default:
			d.Below = append(d.Below, f)
		}
	}
	for i, u := range used {
		if !u {
			d.Unused = append(d.Unused, active[i].ID)
		}
	}
	return d
}
