package msrc

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/vuln/advisory"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/cvss"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/version"
)

// Catalog joins bulletins: what is vulnerable, what fixes it, and which updates
// replace which. It is not for several goroutines while it is filled.
type Catalog struct {
	byProduct  map[string][]entry
	supersedes map[string][]string
}

// entry is a vulnerability of a product.
type entry struct {
	cve, title string

	rating  Rating
	updates []Update
}

// NewCatalog makes an empty one.
func NewCatalog() *Catalog {
	return &Catalog{byProduct: map[string][]entry{}, supersedes: map[string][]string{}}
}

// Add takes in a bulletin. One about the same CVE and product as an earlier one
// takes its place: Microsoft corrects bulletins.
func (c *Catalog) Add(b *Bulletin) {
	for _, v := range b.Vulnerabilities {
		for _, u := range v.Updates {
			if u.KB != "" {
				c.supersedes[u.KB] = append(c.supersedes[u.KB], u.Supersedes...)
			}
		}
		for _, r := range v.Products {
			e := entry{v.CVE, v.Title, r, updatesFor(v.Updates, r.Product)}
			key := productKey(r.Product)
			list := c.byProduct[key]
			if i := slices.IndexFunc(list, func(o entry) bool { return o.cve == v.CVE }); i >= 0 {
				list[i] = e
				continue
			}
			c.byProduct[key] = append(list, e)
		}
	}
}

func updatesFor(all []Update, product string) (list []Update) {
	for _, u := range all {
		if slices.ContainsFunc(u.Products, func(p string) bool { return productKey(p) == productKey(product) }) {
			list = append(list, u)
		}
	}
	return list
}

// productKey makes spellings of a product's name equal.
func productKey(name string) string { return strings.Join(strings.Fields(strings.ToLower(name)), " ") }

// Machine is what is known of a Windows machine.
type Machine struct {
	Product string   // as bulletins name it: "Windows Server 2022"
	Build   string   // "10.0.20348.2159"; "" if it is not known
	KBs     []string // installed updates, with or without "KB"; nil if they are not known
}

// Result is what bulletins say of a machine.
type Result struct {
	Findings []advisory.Finding
	Gaps     []advisory.Gap // what could not be decided, and why
}

// Match judges a machine. Neither build nor updates known is a gap, never a clean
// machine.
func (c *Catalog) Match(m Machine) Result {
	entries, known := c.byProduct[productKey(m.Product)]
	switch {
	case !known:
		return Result{Gaps: []advisory.Gap{{Ecosystem: "Windows", Packages: 1, Reason: "no bulletin names the product"}}}
	case m.Build == "" && m.KBs == nil:
		return Result{Gaps: []advisory.Gap{{Ecosystem: "Windows", Packages: 1, Reason: "neither its build nor its updates are known"}}}
	}
	installed := c.covered(m.KBs)
	var r Result
	undecided := 0
	for _, e := range entries {
		switch e.state(m, installed) {
		case open:
			r.Findings = append(r.Findings, e.finding(m))
		case unknown:
			undecided++
		}
	}
	if undecided > 0 {
		r.Gaps = append(r.Gaps, advisory.Gap{Ecosystem: "Windows", Packages: undecided, Reason: "the bulletin names an update without a build, and the machine's updates are not known"})
	}
	slices.SortFunc(r.Findings, func(a, b advisory.Finding) int { return cmp.Compare(a.ID, b.ID) })
	return r
}

// covered gives the installed updates and all that they replace, directly or by
// others between.
func (c *Catalog) covered(kbs []string) map[string]bool {
	all := map[string]bool{}
	var todo []string
	for _, kb := range kbs {
		todo = append(todo, number(kb))
	}
	for len(todo) > 0 {
		kb := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if kb == "" || all[kb] {
			continue
		}
		all[kb] = true
		todo = append(todo, c.supersedes[kb]...)
	}
	return all
}

// state of a vulnerability on a machine.
type state int

const (
	open state = iota
	closed
	unknown
)

// state is closed if one of the updates is there, by its number or by the build
// that it leads to.
func (e *entry) state(m Machine, installed map[string]bool) state {
	result := open
	for _, u := range e.updates {
		if u.KB != "" && installed[u.KB] {
			return closed
		}
		switch {
		case u.FixedBuild != "" && m.Build != "":
			if sameBranch(m.Build, u.FixedBuild) && compareBuilds(m.Build, u.FixedBuild) >= 0 {
				return closed
			}
		case m.KBs == nil:
			result = unknown
		}
	}
	return result
}

// sameBranch: the first three numbers name the release of Windows; only builds of
// one release follow one another.
func sameBranch(a, b string) bool {
	return a[:max(0, strings.LastIndexByte(a, '.'))] == b[:max(0, strings.LastIndexByte(b, '.'))]
}

func compareBuilds(a, b string) int {
	scheme, _ := version.For("NuGet") // four numbers
	return scheme.Compare(a, b)
}

func (e *entry) finding(m Machine) advisory.Finding {
	f := advisory.Finding{
		ID: e.cve, Aliases: []string{}, Package: m.Product, Version: m.Build, Ecosystem: "Windows", Status: "unfixed",
		Severity: e.rating.Severity, CVSS: e.rating.Score, Vector: e.rating.Vector, Summary: e.title,
	}
	if f.Severity == cvss.Unknown && e.rating.Score > 0 {
		f.Severity = cvss.Rate(e.rating.Score)
	}
	for _, u := range e.updates {
		if m.Build != "" && u.FixedBuild != "" && !sameBranch(m.Build, u.FixedBuild) {
			continue
		}
		if f.FixedVersion == "" || compareBuilds(u.FixedBuild, buildIn(f.FixedVersion)) < 0 {
			f.FixedVersion, f.Status = u.name(), "fixed"
		}
	}
	return f
}

// name writes an update as people look for it: "10.0.20348.2227 (KB5034129)".
func (u Update) name() string {
	switch {
	case u.KB == "":
		return u.FixedBuild
	case u.FixedBuild == "":
		return "KB" + u.KB
	}
	return u.FixedBuild + " (KB" + u.KB + ")"
}

func buildIn(name string) string {
	build, _, _ := strings.Cut(name, " ")
	return build
}
