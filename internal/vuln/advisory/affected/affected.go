// Package affected holds advisories in the form that they are matched in: which
// versions of which package of which release are affected, and what fixes them.
// All sources of advisories are read into it; the database stores it.
//
// It must never import a source of advisories, the database, or what is
// installed anywhere.
package affected

import (
	"slices"
	"time"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/cvss"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/ecosystem"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/version"
)

// Advisory is what a publisher says about one vulnerability, or about several
// that one update fixes.
type Advisory struct {
	ID      string   // the publisher's: "GHSA-...", "DEBIAN-CVE-2024-1", "RHSA-2024:1"
	CVEs    []string // the vulnerabilities that it is about, sorted
	Aliases []string // other ids of the same vulnerability, sorted, without CVEs

	Severity cvss.Severity
	Score    float64 // CVSS base score; 0 if there is no vector
	Vector   string

	Published time.Time // zero if unknown
	Modified  time.Time // zero if unknown
	Summary   string
	Disputed  bool // somebody who ought to know says that it is none
}

// Status is what the publisher of a distribution says beyond ranges.
type Status uint8

// The statuses, from the most to the least pressing; a finding that several
// advisories speak of has the smallest.
const (
	Open        Status = iota // a plain range: fixed or not, as the range says
	NoDSA                     // Debian: minor, fixed with the next point release, not by an advisory of its own
	Postponed                 // Debian: the fix waits for a next advisory
	Deferred                  // Red Hat: fix deferred
	WillNotFix                // Red Hat: will not fix, or out of support scope; Debian: ignored
	EndOfLife                 // the release or package is no longer supported
	Unimportant               // Debian: no security impact as packaged
	NotAffected               // the publisher says that the package isn't affected
)

var statuses = [...]string{"open", "no-dsa", "postponed", "deferred", "will-not-fix", "end-of-life", "unimportant", "not-affected"}

func (s Status) String() string {
	if int(s) < len(statuses) {
		return statuses[s]
	}
	return statuses[Open]
}

// StatusOf reads what String writes; Open if it is none of these.
func StatusOf(text string) Status {
	return Status(max(0, slices.Index(statuses[:], text)))
}

// Interval is a run of affected versions, from Introduced on. Introduced is "" or
// "0" for the first version of all. At most one of Fixed and LastAffected is set;
// with neither, all later versions are affected.
type Interval struct {
	Introduced   string
	Fixed        string // the first version that is not affected
	LastAffected string
}

// Package is what an advisory says about one package of one ecosystem.
type Package struct {
	Ecosystem ecosystem.Ecosystem
	Name      string // as ecosystem.Name spells it
	Intervals []Interval
	Versions  []string // affected versions that no interval holds
	Binaries  []string // built packages that are affected; all of the source if empty
	Module    string   // Red Hat module and stream, "nodejs:18"; "" for packages outside of modules
	Status    Status
	Severity  cvss.Severity // the publisher's own rating of this package, Unknown if the advisory's holds
	Source    bool          // Name is that of a source package, though the ecosystem's advisories name built ones: all that is built of it is meant
}

// Affects reports whether a version is affected, and which version fixes it: ""
// if none does, or if nobody says which.
func (p *Package) Affects(scheme *version.Scheme, v string) (hit bool, fixed string) {
	for _, in := range p.Intervals {
		if in.holds(scheme, v) {
			return true, in.Fixed
		}
	}
	return slices.Contains(p.Versions, v), ""
}

func (in Interval) holds(scheme *version.Scheme, v string) bool {
	switch {
	case scheme == nil:
		return false
	case in.Introduced != "" && in.Introduced != "0" && scheme.Compare(v, in.Introduced) < 0:
		return false
	case in.Fixed != "":
		return scheme.Compare(v, in.Fixed) < 0
	case in.LastAffected != "":
		return scheme.Compare(v, in.LastAffected) <= 0
	}
	return true
}
