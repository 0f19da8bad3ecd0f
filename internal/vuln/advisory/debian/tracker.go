// Package debian reads the JSON export of Debian's security tracker, which says
// more of a package than ranges do: issues that get no update of their own, that
// have no security impact, or that do not affect a release.
//
// It must never import the database or what is installed anywhere.
package debian

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/affected"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/cvss"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/ecosystem"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/version"
)

// Bounds of one export; the real one has 4,000 packages, 45,000 issues, 60 MB.
const (
	maxBytes    = 1 << 30
	maxPackages = 100_000
	maxIssues   = 2_000_000
)

// ErrTracker says that text is no export of the tracker.
var ErrTracker = errors.New("not an export of the Debian security tracker")

// releases by code name. Unstable has no packages that are matched.
var releases = map[string]string{
	"wheezy": "7", "jessie": "8", "stretch": "9", "buster": "10", "bullseye": "11", "bookworm": "12", "trixie": "13", "forky": "14",
}

// issue is what the tracker says of a CVE in one package.
type issue struct {
	Description string             `json:"description"`
	Releases    map[string]verdict `json:"releases"`
}

// verdict is what it says for one release.
type verdict struct {
	Status       string  `json:"status"` // resolved, open, undetermined
	FixedVersion string  `json:"fixed_version"`
	Urgency      string  `json:"urgency"`
	NoDSA        *string `json:"nodsa"`
	NoDSAReason  string  `json:"nodsa_reason"`
}

// Is reports whether text begins as an export does: an object of packages, each an
// object of issues.
func Is(start []byte) bool {
	d := json.NewDecoder(bytes.NewReader(start))
	for _, want := range []func(json.Token) bool{isBrace, isText, isBrace, isIssue, isBrace} {
		t, err := d.Token()
		if err != nil || !want(t) {
			return false
		}
	}
	return true
}

func isBrace(t json.Token) bool { return t == json.Delim('{') }
func isText(t json.Token) bool  { _, ok := t.(string); return ok }

func isIssue(t json.Token) bool {
	s, ok := t.(string)
	return ok && (strings.HasPrefix(s, "CVE-") || strings.HasPrefix(s, "TEMP-"))
}

// Entry is an advisory with what it says of packages.
type Entry struct {
	affected.Advisory
	Packages []affected.Package
}

// Read gives every issue once, sorted by its number. Packages that cannot be read
// are told to problem and left out.
func Read(r io.Reader, problem func(pkg string, err error)) ([]Entry, error) {
	d := json.NewDecoder(io.LimitReader(r, maxBytes))
	if t, err := d.Token(); err != nil || !isBrace(t) {
		return nil, ErrTracker
	}
	byCVE := map[string]*Entry{}
	for n := 0; d.More(); n++ {
		if n >= maxPackages || len(byCVE) > maxIssues {
			return nil, fmt.Errorf("%w: more than %d packages or %d issues", ErrTracker, maxPackages, maxIssues)
		}
		name, err := d.Token()
		pkg, ok := name.(string)
		if err != nil || !ok {
			return nil, fmt.Errorf("%w: after %d packages: %v", ErrTracker, n, err)
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, fmt.Errorf("%w: package %.60q: %v", ErrTracker, pkg, err)
		}
		var issues map[string]issue
		if err := json.Unmarshal(raw, &issues); err != nil {
			problem(pkg, err)
			continue
		}
		for cve, i := range issues {
			add(byCVE, pkg, cve, i)
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, fmt.Errorf("%w: it is cut short", ErrTracker)
	}
	return sorted(byCVE), nil
}

func sorted(byCVE map[string]*Entry) []Entry {
	list := make([]Entry, 0, len(byCVE))
	for _, cve := range slices.Sorted(maps.Keys(byCVE)) {
		e := byCVE[cve]
		slices.SortFunc(e.Packages, func(a, b affected.Package) int {
			return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Ecosystem.Release, b.Ecosystem.Release))
		})
		list = append(list, *e)
	}
	return list
}

// add joins an issue of one package to those of others with the same number.
func add(byCVE map[string]*Entry, pkg, cve string, i issue) {
	if pkg == "" || len(pkg) > 200 || !strings.HasPrefix(cve, "CVE-") && !strings.HasPrefix(cve, "TEMP-") || len(cve) > 64 {
		return
	}
	for codename, v := range i.Releases {
		number, known := releases[codename]
		if !known {
			continue
		}
		p, ok := compile(v)
		if !ok {
			continue
		}
		p.Ecosystem = ecosystem.Ecosystem{Base: "Debian", Release: number}
		p.Name = pkg
		e := byCVE[cve]
		if e == nil {
			e = &Entry{Advisory: affected.Advisory{ID: "DEBIAN-" + cve, Summary: shorten(i.Description)}}
			if strings.HasPrefix(cve, "CVE-") {
				e.CVEs = []string{cve}
			}
			byCVE[cve] = e
		}
		e.Packages = append(e.Packages, p)
	}
}

// compile turns a verdict into a claim; false if it says nothing.
func compile(v verdict) (p affected.Package, ok bool) {
	p.Intervals = []affected.Interval{{Introduced: "0"}}
	p.Severity = urgency(v.Urgency)
	scheme, _ := version.For("Debian")
	switch {
	case v.Status == "resolved" && v.FixedVersion == "0":
		p.Status = affected.NotAffected
	case v.Status == "resolved":
		if scheme.Check(v.FixedVersion) != nil {
			return p, false
		}
		p.Intervals[0].Fixed = v.FixedVersion
	case v.Status != "open":
		return p, false // undetermined: nobody has looked yet
	case v.Urgency == "unimportant":
		p.Status = affected.Unimportant
	case v.Urgency == "end-of-life":
		p.Status = affected.EndOfLife
	case v.NoDSAReason == "ignored":
		p.Status = affected.WillNotFix
	case v.NoDSAReason == "postponed":
		p.Status = affected.Postponed
	case v.NoDSA != nil:
		p.Status = affected.NoDSA
	}
	if v.Status == "resolved" && v.Urgency == "unimportant" && p.Status == affected.Open {
		p.Status = affected.Unimportant
	}
	return p, true
}

// urgency reads the tracker's own rating; two stars mean that it was set by a
// program.
func urgency(text string) cvss.Severity { return cvss.Word(strings.TrimRight(text, "*")) }

func shorten(s string) string {
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "")
	}
	return s
}
