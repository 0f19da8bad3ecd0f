package csaf

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/affected"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/cvss"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/ecosystem"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/version"
)

// IsRedHat reports whether a document is one of Red Hat's, whose products are
// packages of its distributions.
func (d *Document) IsRedHat() bool {
	return strings.HasPrefix(d.Document.Publisher.Name, "Red Hat")
}

// Entry is an advisory with what it says of packages.
type Entry struct {
	affected.Advisory
	Packages []affected.Package
}

// RedHat turns a document into advisories, one for each vulnerability. Products
// that are no packages of an RPM distribution say nothing here.
func (d *Document) RedHat() (entries []Entry) {
	for i := range d.Vulnerabilities {
		v := &d.Vulnerabilities[i]
		if v.CVE == "" || len(v.CVE) > 64 {
			continue
		}
		e := Entry{Advisory: affected.Advisory{
			ID: "REDHAT-" + v.CVE, CVEs: []string{v.CVE}, Summary: shorten(cmp.Or(v.Title, d.Document.Title)),
			Published: v.Released, Modified: d.Document.Tracking.Current,
		}}
		e.Severity, e.Score, e.Vector = v.rate()
		if own := cvss.Word(d.Document.Severity.Text); own != cvss.Unknown {
			e.Severity = own // Red Hat rates by what its builds are exposed to
		}
		e.Packages = d.packages(v)
		if len(e.Packages) > 0 {
			entries = append(entries, e)
		}
	}
	return entries
}

func (v *Vulnerability) rate() (sev cvss.Severity, best float64, vector string) {
	for _, s := range v.Scores {
		for _, text := range []string{s.V3.Vector, s.V2.Vector} {
			if score, err := cvss.Score(text); text != "" && err == nil && score > best {
				best, vector, sev = score, text, cvss.Rate(score)
			}
		}
	}
	return sev, best, vector
}

// claimKey names a package of a release.
type claimKey struct {
	eco    ecosystem.Ecosystem
	name   string
	module string
}

// packages joins what the statuses say. A package that is fixed and called
// affected too is affected below the fix.
func (d *Document) packages(v *Vulnerability) []affected.Package {
	claims := map[claimKey]*affected.Package{}
	reasons := v.reasons()
	for status, ids := range v.Status {
		for _, id := range ids {
			key, fixed, source, ok := d.identify(id)
			if !ok {
				continue
			}
			switch status {
			case "fixed":
				addFixed(claims, key, fixed)
			case "known_affected":
				addOpen(claims, key, reasons[id], source)
			case "known_not_affected":
				addOpen(claims, key, affected.NotAffected, source)
			}
		}
	}
	list := make([]affected.Package, 0, len(claims))
	for _, p := range claims {
		list = append(list, *p)
	}
	slices.SortFunc(list, func(a, b affected.Package) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Ecosystem.Release, b.Ecosystem.Release), cmp.Compare(a.Ecosystem.Channel, b.Ecosystem.Channel), cmp.Compare(a.Module, b.Module))
	})
	return list
}

// addFixed notes a fixed version; of several the oldest, since each of them is
// called fixed.
func addFixed(claims map[claimKey]*affected.Package, key claimKey, fixed string) {
	scheme, _ := version.For(key.eco.Base)
	if scheme.Check(fixed) != nil {
		return
	}
	p := claims[key]
	if p == nil || p.Intervals[0].Fixed == "" {
		claims[key] = &affected.Package{Ecosystem: key.eco, Name: key.name, Module: key.module, Intervals: []affected.Interval{{Introduced: "0", Fixed: fixed}}}
		return
	}
	if scheme.Compare(fixed, p.Intervals[0].Fixed) < 0 {
		p.Intervals[0].Fixed = fixed
	}
}

func addOpen(claims map[claimKey]*affected.Package, key claimKey, status affected.Status, source bool) {
	if p := claims[key]; p != nil {
		if p.Status > status && p.Intervals[0].Fixed == "" {
			p.Status = status
		}
		return
	}
	claims[key] = &affected.Package{Ecosystem: key.eco, Name: key.name, Module: key.module, Status: status, Source: source, Intervals: []affected.Interval{{Introduced: "0"}}}
}

// reasons reads why affected products have no fix.
func (v *Vulnerability) reasons() map[string]affected.Status {
	out := map[string]affected.Status{}
	for _, r := range v.Remediations {
		status := affected.Open
		details := strings.ToLower(r.Details)
		switch {
		case strings.Contains(details, "out of support"):
			status = affected.EndOfLife
		case r.Category == "no_fix_planned":
			status = affected.WillNotFix
		case r.Category == "none_available" && strings.Contains(details, "deferred"):
			status = affected.Deferred
		default:
			continue
		}
		for _, id := range r.Products {
			out[id] = status
		}
	}
	return out
}

// identify reads the package, its version and the release of a product.
func (d *Document) identify(id string) (key claimKey, fixed string, source, ok bool) {
	p := d.Product(id)
	if p == nil || p.Component == nil || p.Platform == nil {
		return key, "", false, false
	}
	tail := cpeTail(p.Platform.CPE)
	if tail == "" {
		return key, "", false, false
	}
	key.eco = ecosystem.Parse("Red Hat:" + tail)
	name := p.Component.ID
	if p.Component.PURL != "" {
		name, fixed, source = rpmPURL(p.Component.PURL)
		key.module = moduleOf(p.Component.PURL)
	}
	if module, inner, found := strings.Cut(p.Component.ID, "/"); found && strings.Contains(module, ":") && key.module == "" {
		key.module = module
		if p.Component.PURL == "" {
			name = inner
		}
	}
	key.name = name
	return key, fixed, source || fixed == "", name != "" && key.eco.Release != ""
}

// cpeTail gives product, version and edition of Red Hat's CPE URIs
// ("cpe:/o:redhat:enterprise_linux:9::baseos").
func cpeTail(cpe string) string {
	for _, part := range []string{"cpe:/o:redhat:", "cpe:/a:redhat:"} {
		if tail, ok := strings.CutPrefix(cpe, part); ok {
			return tail
		}
	}
	return ""
}

// rpmPURL reads name, version with epoch, and whether it is a source package.
func rpmPURL(text string) (name, evr string, source bool) {
	rest, ok := strings.CutPrefix(text, "pkg:rpm/redhat/")
	if !ok {
		return "", "", false
	}
	rest, query, _ := strings.Cut(rest, "?")
	name, evr, _ = strings.Cut(rest, "@")
	if name, err := url.PathUnescape(name); err == nil {
		values, _ := url.ParseQuery(query)
		evr, _ = url.PathUnescape(evr)
		if epoch := values.Get("epoch"); epoch != "" && epoch != "0" && evr != "" {
			evr = epoch + ":" + evr
		}
		return name, evr, values.Get("arch") == "src"
	}
	return "", "", false
}

func moduleOf(purl string) string {
	_, query, _ := strings.Cut(purl, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return ""
	}
	parts := strings.Split(values.Get("rpmmod"), ":")
	if len(parts) < 2 {
		return ""
	}
	return parts[0] + ":" + parts[1]
}

func shorten(s string) string {
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "")
	}
	return s
}
