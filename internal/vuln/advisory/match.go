package advisory

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/affected"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/cvss"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/ecosystem"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/exploit"
)

// hit is one advisory that names an installed package's version.
type hit struct {
	ref    int
	fixed  string
	status affected.Status
	rating cvss.Severity
}

// matcher joins packages and advisories.
type matcher struct {
	src      source
	feeds    map[string][]Feed // by ecosystem
	gaps     map[Gap]int
	result   *Result
	loaded   map[int]affected.Advisory
	reported map[string]bool // ecosystems asked for
}

func newResult() *Result {
	return &Result{Findings: []Finding{}, Excluded: []Excluded{}, Gaps: []Gap{}, Feeds: []Feed{}}
}

func newMatcher(src source) *matcher {
	m := &matcher{src: src, feeds: map[string][]Feed{}, gaps: map[Gap]int{}, loaded: map[int]affected.Advisory{}, reported: map[string]bool{}, result: newResult()}
	for _, f := range src.feeds() {
		m.feeds[f.base()] = append(m.feeds[f.base()], f)
	}
	return m
}

func match(ctx context.Context, src source, packages []installed) (*Result, error) {
	m := newMatcher(src)
	for i := range packages {
		if i%256 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err := m.one(&packages[i]); err != nil {
			return nil, err
		}
	}
	m.finish()
	results := []Result{*m.result}
	return &results[0], m.enrich(results)
}

// one matches one package.
func (m *matcher) one(in *installed) error {
	feeds := m.feeds[in.base]
	if !m.reported[in.base] {
		m.reported[in.base] = true
		m.result.Feeds = append(m.result.Feeds, feeds...)
	}
	if reason := in.gap(feeds); reason != "" {
		m.gaps[Gap{Ecosystem: in.Ecosystem.String(), Reason: reason}]++
		return nil
	}
	hits, err := m.hits(in)
	if err != nil || len(hits) == 0 {
		return err
	}
	findings, err := m.fold(in, hits)
	if err != nil {
		return err
	}
	kernel := in.kernelReason()
	for _, f := range findings {
		switch {
		case kernel != "":
			m.result.Excluded = append(m.result.Excluded, Excluded{f, kernel})
		case f.Status == affected.NotAffected.String():
			m.result.Excluded = append(m.result.Excluded, Excluded{f, "the distribution says that it is not affected"})
		case f.Status == affected.Unimportant.String():
			m.result.Excluded = append(m.result.Excluded, Excluded{f, "the distribution says that it has no security impact as packaged"})
		default:
			m.result.Findings = append(m.result.Findings, f)
		}
	}
	return nil
}

func (m *matcher) hits(in *installed) (hits []hit, err error) {
	for i, name := range in.names {
		err = m.src.candidates(in, name, func(p *affected.Package, ref int) {
			if i > 0 && !p.Source || !in.concerns(p) {
				return
			}
			if ok, fixed := p.Affects(in.scheme, in.version); ok {
				hits = append(hits, hit{ref, fixed, p.Status, p.Severity})
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return hits, nil
}

// concerns reports whether an advisory speaks of this very package: its release
// and channel, the built package, the module stream.
func (in *installed) concerns(p *affected.Package) bool {
	if !ecosystem.Covers(p.Ecosystem, in.Ecosystem) {
		return false
	}
	if len(p.Binaries) > 0 && !slices.Contains(p.Binaries, in.Name) {
		return false
	}
	if !ecosystem.IsRPM(in.base) {
		return true
	}
	modular := in.Module != "" || strings.Contains(in.Version, ".module")
	switch {
	case p.Module != "" && in.Module != "":
		return sameStream(p.Module, in.Module)
	case p.Module != "":
		return modular
	}
	return !modular || slices.ContainsFunc(p.Intervals, func(iv affected.Interval) bool { return iv.Fixed == "" || strings.Contains(iv.Fixed, ".module") })
}

// sameStream compares module and stream; version and context do not count.
func sameStream(a, b string) bool {
	stream := func(s string) string {
		name, rest, _ := strings.Cut(s, ":")
		stream, _, _ := strings.Cut(rest, ":")
		return name + ":" + stream
	}
	return stream(a) == stream(b)
}

// fold makes one finding per vulnerability of the advisories that name a package.
// Those that share a CVE or an alias speak of the same one; an advisory about
// several CVEs gives a finding for each.
func (m *matcher) fold(in *installed, hits []hit) ([]Finding, error) {
	advisories := make([]affected.Advisory, len(hits))
	known := identities{}
	for i, h := range hits {
		adv, err := m.load(h.ref)
		if err != nil {
			return nil, err
		}
		advisories[i] = adv
		known.add(&adv)
	}
	byID := map[string]*Finding{}
	var order []string
	for i, h := range hits {
		for _, id := range known.subjects(&advisories[i]) {
			f := byID[id]
			if f == nil {
				f = in.finding(id)
				byID[id] = f
				order = append(order, id)
			}
			f.join(in, &advisories[i], h)
		}
	}
	list := make([]Finding, 0, len(order))
	for _, id := range order {
		list = append(list, byID[id].done())
	}
	return list, nil
}

func (m *matcher) load(ref int) (affected.Advisory, error) {
	if a, ok := m.loaded[ref]; ok {
		return a, nil
	}
	a, err := m.src.advisory(ref)
	if err == nil {
		m.loaded[ref] = a
	}
	return a, err
}

// unset is a status that nobody gave yet.
const unset = "?"

func (in *installed) finding(id string) *Finding {
	return &Finding{ID: id, Package: in.Name, Version: in.Version, Ecosystem: in.Package.Ecosystem, Source: in.Source, PURL: in.PURL, Path: in.Path, Status: unset}
}

// join adds what an advisory says. Of several fixes the newest holds: with it
// every publisher is content. Of several ratings the highest holds. What a
// distribution says of its package holds over a mere range.
func (f *Finding) join(in *installed, a *affected.Advisory, h hit) {
	if a.ID != f.ID {
		f.Aliases = append(f.Aliases, a.ID)
	}
	for _, alias := range a.Aliases {
		if alias != f.ID {
			f.Aliases = append(f.Aliases, alias)
		}
	}
	if h.fixed != "" && (f.FixedVersion == "" || in.scheme.Compare(h.fixed, f.FixedVersion) > 0) {
		f.FixedVersion = h.fixed
	}
	f.Status = joinStatus(f.Status, h.status)
	if a.Score > f.CVSS {
		f.CVSS, f.Vector = a.Score, a.Vector
	}
	f.Severity = max(f.Severity, h.rating, a.Severity)
	if !a.Published.IsZero() && (f.Published == nil || a.Published.Before(*f.Published)) {
		f.Published = stampOf(a.Published)
	}
	if f.Summary == "" {
		f.Summary = a.Summary
	}
	f.Disputed = f.Disputed || a.Disputed
}

// joinStatus keeps what a distribution says beyond ranges; of several verdicts the
// most pressing.
func joinStatus(have string, more affected.Status) string {
	if have == unset || have == affected.Open.String() {
		return more.String()
	}
	if more != affected.Open && more < affected.StatusOf(have) {
		return more.String()
	}
	return have
}

// done gives the finding its last form.
func (f *Finding) done() Finding {
	slices.Sort(f.Aliases)
	f.Aliases = slices.Compact(f.Aliases)
	if f.Aliases == nil {
		f.Aliases = []string{}
	}
	switch status := affected.StatusOf(f.Status); {
	case status < affected.EndOfLife && f.FixedVersion != "":
		f.Status = "fixed" // there is an update after all
	case status == affected.Open:
		f.Status = "unfixed"
	}
	return *f
}

// enrich adds what is known of the vulnerabilities beside their advisories.
func (m *matcher) enrich(results []Result) error {
	var all []*Finding
	for i := range results {
		for j := range results[i].Findings {
			all = append(all, &results[i].Findings[j])
		}
		for j := range results[i].Excluded {
			all = append(all, &results[i].Excluded[j].Finding)
		}
	}
	if len(all) == 0 {
		return nil
	}
	cves := make([]string, 0, len(all))
	for _, f := range all {
		cves = append(cves, f.ID)
	}
	of, err := m.src.facts(cves)
	if err != nil {
		return err
	}
	for _, f := range all {
		f.enrich(of(f.ID))
	}
	return nil
}

func (f *Finding) enrich(facts exploit.Facts) {
	f.EPSS = facts.EPSS
	if f.Severity == cvss.Unknown { // those who rated it speak of another package
		f.Severity, f.CVSS = facts.Severity, max(f.CVSS, facts.Score)
	}
	if !facts.Added.IsZero() {
		f.KEV, f.KEVAdded = true, facts.Added.Format(time.DateOnly)
	}
}

// finish sorts.
func (m *matcher) finish() {
	for g, n := range m.gaps {
		g.Packages = n
		m.result.Gaps = append(m.result.Gaps, g)
	}
	clear(m.gaps)
	slices.SortFunc(m.result.Gaps, func(a, b Gap) int {
		return cmp.Or(cmp.Compare(a.Ecosystem, b.Ecosystem), cmp.Compare(a.Reason, b.Reason))
	})
	slices.SortStableFunc(m.result.Findings, func(a, b Finding) int { return a.order(&b) })
	slices.SortStableFunc(m.result.Excluded, func(a, b Excluded) int { return a.order(&b.Finding) })
	slices.SortFunc(m.result.Feeds, func(a, b Feed) int { return cmp.Compare(a.Name, b.Name) })
}

func (f *Finding) order(o *Finding) int {
	return cmp.Or(cmp.Compare(f.Package, o.Package), cmp.Compare(f.Version, o.Version), cmp.Compare(f.Path, o.Path), cmp.Compare(f.ID, o.ID))
}
