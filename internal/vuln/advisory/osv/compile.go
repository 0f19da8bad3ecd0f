package osv

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/affected"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/cvss"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/ecosystem"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/version"
)

const (
	maxAffected = 20_000  // packages of one record
	maxEvents   = 20_000  // events of one range
	maxVersions = 200_000 // versions of one package
	maxSummary  = 300     // bytes of summary that are kept
)

// Compile turns a record into an advisory and its affected packages. What cannot
// be used is left out and named in problems; the rest holds. A withdrawn record
// has no packages.
func Compile(r *Record) (adv affected.Advisory, packages []affected.Package, problems []error) {
	adv = affected.Advisory{
		ID:        r.ID,
		Published: r.Published.Time,
		Modified:  r.Modified.Time,
		Summary:   summary(r),
		Disputed:  disputed(r.Summary) || disputed(r.Details),
	}
	adv.CVEs, adv.Aliases = identities(r)
	var err error
	if adv.Severity, adv.Score, adv.Vector, err = rate(r.Severity); err != nil {
		problems = append(problems, err)
	}
	if adv.Severity == cvss.Unknown {
		adv.Severity = cvss.Word(r.Database.Severity)
	}
	if strings.HasPrefix(r.ID, "MAL-") {
		adv.Severity = cvss.Critical // the package itself is the attack
	}
	if r.Withdrawal() {
		return adv, nil, problems
	}
	if len(r.Affected) > maxAffected {
		return adv, nil, append(problems, fmt.Errorf("%d affected packages, more than %d", len(r.Affected), maxAffected))
	}
	for i := range r.Affected {
		p, ok, err := compileAffected(r, &r.Affected[i], &adv)
		if err != nil {
			problems = append(problems, err)
		}
		if ok {
			packages = append(packages, p)
		}
	}
	return adv, packages, problems
}

func compileAffected(r *Record, a *Affected, adv *affected.Advisory) (p affected.Package, ok bool, problem error) {
	eco := ecosystem.Parse(a.Package.Ecosystem)
	if a.Package.Name == "" || !ecosystem.Known(eco.Base) {
		return p, false, nil // sources by commit, operating systems of phones: nothing that is matched
	}
	p = affected.Package{Ecosystem: eco, Name: ecosystem.Name(eco.Base, a.Package.Name), Binaries: a.Ecosystem.Binaries}
	p.Status, p.Severity = standing(eco.Base, a, adv)
	scheme, ordered := version.For(eco.Base)
	for _, rng := range a.Ranges {
		if rng.Type == "GIT" || !ordered {
			continue
		}
		intervals, err := compileRange(scheme, rng.Events)
		if err != nil {
			problem = fmt.Errorf("%s: %w", a.Package.Name, err)
		}
		p.Intervals = append(p.Intervals, intervals...)
	}
	if len(a.Versions) > maxVersions {
		return p, len(p.Intervals) > 0, fmt.Errorf("%s: %d versions, more than %d", a.Package.Name, len(a.Versions), maxVersions)
	}
	for _, v := range a.Versions {
		if v != "" && len(v) <= version.MaxLength && !covered(scheme, p.Intervals, v) {
			p.Versions = append(p.Versions, v)
		}
	}
	if len(p.Intervals) == 0 && len(p.Versions) == 0 {
		return p, false, problem
	}
	if ecosystem.IsRPM(eco.Base) {
		p.Module = module(r, a, p.Intervals)
	}
	slices.Sort(p.Binaries)
	return p, true, problem
}

// covered reports whether the intervals hold a version, so that listing it adds
// nothing.
func covered(scheme *version.Scheme, intervals []affected.Interval, v string) bool {
	if scheme == nil || len(intervals) == 0 || scheme.Check(v) != nil {
		return false
	}
	p := affected.Package{Intervals: intervals}
	hit, _ := p.Affects(scheme, v)
	return hit
}

// compileRange turns events into intervals, as the schema's evaluation says: in
// the order of versions, "introduced" opens, "fixed" and "last_affected" close.
func compileRange(scheme *version.Scheme, events []Event) ([]affected.Interval, error) {
	if len(events) > maxEvents {
		return nil, fmt.Errorf("%d events, more than %d", len(events), maxEvents)
	}
	sorted := make([]point, 0, len(events))
	limit := ""
	for _, e := range events {
		pt, err := newPoint(scheme, e)
		switch {
		case err != nil:
			return nil, err
		case pt.kind == limited && pt.version != "*" && (limit == "" || scheme.Compare(pt.version, limit) > 0):
			limit = pt.version
		case pt.kind < limited:
			sorted = append(sorted, pt)
		}
	}
	slices.SortStableFunc(sorted, func(a, b point) int {
		if c := a.compare(scheme, b); c != 0 {
			return c
		}
		return int(a.kind - b.kind)
	})
	return closeIntervals(scheme, sorted, limit), nil
}

func closeIntervals(scheme *version.Scheme, points []point, limit string) (list []affected.Interval) {
	open := -1
	for _, pt := range points {
		switch {
		case pt.kind == introduced && open < 0:
			open = len(list)
			list = append(list, affected.Interval{Introduced: pt.version})
		case pt.kind == fixed && open >= 0:
			list[open].Fixed, open = pt.version, -1
		case pt.kind == lastAffected && open >= 0:
			list[open].LastAffected, open = pt.version, -1
		}
	}
	if open >= 0 && limit != "" && (list[open].Introduced == "0" || scheme.Compare(list[open].Introduced, limit) < 0) {
		list[open].Fixed = limit
	}
	return list
}

// point is an event: a version and what begins or ends there. At one version a
// fix comes before a new introduction, and a last affected version after it.
type point struct {
	kind    pointKind
	version string
}

type pointKind int

const (
	fixed pointKind = iota
	introduced
	lastAffected
	limited
)

func newPoint(scheme *version.Scheme, e Event) (pt point, err error) {
	switch {
	case e.Introduced == "0":
		return point{introduced, "0"}, nil
	case e.Introduced != "":
		pt = point{introduced, e.Introduced}
	case e.Fixed != "":
		pt = point{fixed, e.Fixed}
	case e.LastAffected != "":
		pt = point{lastAffected, e.LastAffected}
	default:
		pt = point{limited, e.Limit}
		if e.Limit == "" || e.Limit == "*" {
			return point{limited, "*"}, nil
		}
	}
	pt.version = strings.TrimSpace(pt.version) // some publishers end them with a space
	return pt, scheme.Check(pt.version)
}

// compare orders by version; "0" is before all.
func (pt point) compare(scheme *version.Scheme, o point) int {
	first, oFirst := pt.kind == introduced && pt.version == "0", o.kind == introduced && o.version == "0"
	switch {
	case first && oFirst:
		return 0
	case first:
		return -1
	case oFirst:
		return 1
	}
	return scheme.Compare(pt.version, o.version)
}

// standing reads a distribution's own verdict on a package.
func standing(base string, a *Affected, adv *affected.Advisory) (affected.Status, cvss.Severity) {
	status := affected.Open
	urgency := a.Ecosystem.Urgency
	if base == "Debian" {
		switch urgency {
		case "unimportant":
			status = affected.Unimportant
		case "end-of-life":
			status = affected.EndOfLife
		}
	}
	own, score, vector, _ := rate(a.Severity)
	if own != cvss.Unknown && adv.Severity == cvss.Unknown {
		adv.Severity, adv.Score, adv.Vector = own, score, vector
	}
	if own == cvss.Unknown {
		own = cvss.Word(a.Ecosystem.Severity)
	}
	if own == cvss.Unknown {
		own = cvss.Word(a.Database.Severity)
	}
	return status, own
}

// rate picks the newest CVSS version that a record has. Distributions' own words
// ("Ubuntu": "medium") hold where there is no vector.
func rate(ratings []Severity) (sev cvss.Severity, score float64, vector string, problem error) {
	best := ""
	for _, s := range ratings {
		if !strings.HasPrefix(s.Type, "CVSS_") {
			if sev == cvss.Unknown {
				sev = cvss.Word(s.Score)
			}
			continue
		}
		if s.Type <= best || s.Score == "" {
			continue
		}
		got, err := cvss.Score(s.Score)
		if err != nil {
			problem = err
			continue
		}
		best, score, vector = s.Type, got, s.Score
	}
	if vector != "" {
		sev = cvss.Rate(score)
	}
	return sev, score, vector, problem
}

// vendorAdvisory matches ids of updates, which are about all the CVEs that they
// list as related. Other publishers use the member for what is merely alike.
var vendorAdvisory = regexp.MustCompile(`^(RH[SBE]A|AL[SBE]A|RL[SBE]A|RX[SBE]A|ELSA|ALAS|SUSE-|openSUSE-|USN-|DSA-|DLA-|DTSA-|OESA-|MGASA-|PHSA-|AZL-|ALPINE-|UBUNTU-|DEBIAN-)`)

// identities splits a record's names for what it is about into CVEs and others.
func identities(r *Record) (cves, aliases []string) {
	names := slices.Concat([]string{r.ID}, r.Aliases, r.Upstream)
	if vendorAdvisory.MatchString(r.ID) {
		names = append(names, r.Related...)
	}
	for _, n := range names {
		switch {
		case n == "" || len(n) > 128:
		case IsCVE(n):
			cves = append(cves, n)
		case n != r.ID:
			aliases = append(aliases, n)
		}
	}
	slices.Sort(cves)
	slices.Sort(aliases)
	return slices.Compact(cves), slices.Compact(aliases)
}

// IsCVE reports whether a name is a CVE number: "CVE-2024-3094".
func IsCVE(name string) bool {
	rest, ok := strings.CutPrefix(name, "CVE-")
	year, number, found := strings.Cut(rest, "-")
	return ok && found && len(year) == 4 && len(number) >= 4 && len(number) <= 9 && strings.Trim(year+number, "0123456789") == ""
}

var (
	moduleQualifier = regexp.MustCompile(`[?&]rpmmod=([^:&]+)(?::|%3A)([^:&%]+)`)
	moduleTitle     = regexp.MustCompile(`\b([a-z][a-z0-9_+-]*):([a-z0-9][a-z0-9._-]*)\b`)
)

// module finds the module stream that a fix was built for. Some publishers name
// it in the package URL, others only in the title of the advisory
// ("Important: nodejs:18 security update").
func module(r *Record, a *Affected, intervals []affected.Interval) string {
	if m := moduleQualifier.FindStringSubmatch(a.Package.PURL); m != nil {
		return m[1] + ":" + m[2]
	}
	built := slices.ContainsFunc(intervals, func(in affected.Interval) bool { return strings.Contains(in.Fixed, ".module") })
	if m := moduleTitle.FindStringSubmatch(r.Summary); m != nil && built {
		return m[1] + ":" + m[2]
	}
	return ""
}

func summary(r *Record) string {
	s := r.Summary
	if s == "" {
		s, _, _ = strings.Cut(strings.TrimSpace(r.Details), "\n")
	}
	if len(s) > maxSummary {
		s = s[:maxSummary]
	}
	return strings.ToValidUTF8(s, "")
}

func rejected(s string) bool { return strings.HasPrefix(strings.TrimSpace(s), "** REJECT **") }

func disputed(s string) bool { return strings.Contains(s[:min(len(s), 200)], "** DISPUTED **") }
