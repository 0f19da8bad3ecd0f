package image

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/rampart-sec/rampart/internal/base/software"
	"github.com/rampart-sec/rampart/internal/vuln/advisory"
)

// Status is where an image stands in the life cycle of scans.
type Status string

// The statuses of images.
const (
	Unscanned  Status = "Unscanned"
	InProgress Status = "Scan in progress"
	Failed     Status = "Scan error"
	Completed  Status = "Completed"
)

// Finding is a vulnerability of a package of an image.
type Finding struct {
	advisory.Finding
	Layer     string `json:"layer,omitempty"`     // that brought the package
	CreatedBy string `json:"createdBy,omitempty"` // the step of the build that made the layer
}

// Report is what a scan of an image found.
type Report struct {
	Inventory
	Status   Status              `json:"status"`
	Findings []Finding           `json:"findings"`
	Excluded []advisory.Excluded `json:"excluded"` // named by advisories, not counted, with the reason
	Gaps     []advisory.Gap      `json:"gaps"`     // packages that could not be judged
	Feeds    []advisory.Feed     `json:"feeds"`    // the advisories, with their age
	Scanned  time.Time           `json:"scanned"`
	Seconds  float64             `json:"seconds"`
}

var errNoDB = errors.New("no advisories are open")

// Match judges an inventory again, with other advisories.
func Match(ctx context.Context, v *Inventory, db *advisory.DB, now time.Time) (*Report, error) {
	r := &Report{Inventory: *v, Status: Completed, Scanned: now.UTC()}
	return r, r.match(ctx, db)
}

func (r *Report) match(ctx context.Context, db *advisory.DB) error {
	if db == nil {
		return errNoDB
	}
	type place struct{ path, name, version string }
	at := map[place]*Package{}
	list := make([]software.Package, len(r.Packages))
	for i := range r.Packages {
		p := &r.Packages[i]
		list[i] = p.Package
		at[place{p.Path, p.Name, p.Version}] = p
	}
	result, err := db.Match(ctx, list)
	if err != nil {
		return err
	}
	r.Excluded, r.Gaps, r.Feeds = result.Excluded, result.Gaps, result.Feeds
	r.Findings = make([]Finding, 0, len(result.Findings))
	for _, f := range result.Findings {
		of := Finding{Finding: f}
		if p := at[place{f.Path, f.Package, f.Version}]; p != nil {
			of.Layer = p.Layer
			if p.LayerIndex < len(r.Image.Layers) {
				of.CreatedBy = r.Image.Layers[p.LayerIndex].CreatedBy
			}
		}
		r.Findings = append(r.Findings, of)
	}
	return nil
}

// Matcher judges many inventories with the same advisories; a package that many
// of them have is judged once. It is not for concurrent use.
type Matcher struct {
	db    *advisory.DB
	known map[software.Package]advisory.Result
}

// NewMatcher makes one for advisories that stay open while it is used.
func NewMatcher(db *advisory.DB) *Matcher {
	return &Matcher{db: db, known: map[software.Package]advisory.Result{}}
}

// maxKnown bounds what a Matcher remembers.
const maxKnown = 500_000

// Match judges an inventory as the function Match does.
func (m *Matcher) Match(ctx context.Context, v *Inventory, now time.Time) (*Report, error) {
	if len(m.known) > maxKnown {
		clear(m.known)
	}
	var missing []software.Package
	for i := range v.Packages {
		p := bare(v.Packages[i].Package)
		if _, ok := m.known[p]; !ok {
			m.known[p] = advisory.Result{}
			missing = append(missing, p)
		}
	}
	results, err := m.db.MatchEach(ctx, missing)
	if err != nil {
		return nil, err
	}
	for i, r := range results {
		m.known[missing[i]] = r
	}
	r := &Report{Inventory: *v, Status: Completed, Scanned: now.UTC(), Findings: []Finding{}, Excluded: []advisory.Excluded{}, Gaps: []advisory.Gap{}, Feeds: []advisory.Feed{}}
	all := make([]software.Package, len(v.Packages))
	for i := range v.Packages {
		all[i] = v.Packages[i].Package
		r.join(&v.Packages[i], m.known[bare(all[i])])
	}
	r.Feeds, err = m.db.FeedsOf(all)
	return r, err
}

// bare is a package as advisories look at it: where it lies says nothing.
func bare(p software.Package) software.Package {
	p.Path, p.PURL = "", ""
	return p
}

// join adds what was found of one package.
func (r *Report) join(p *Package, of advisory.Result) {
	for _, f := range of.Findings {
		f.Path, f.PURL = p.Path, p.PURL
		finding := Finding{Finding: f, Layer: p.Layer}
		if p.LayerIndex < len(r.Image.Layers) {
			finding.CreatedBy = r.Image.Layers[p.LayerIndex].CreatedBy
		}
		r.Findings = append(r.Findings, finding)
	}
	for _, e := range of.Excluded {
		e.Path, e.PURL = p.Path, p.PURL
		r.Excluded = append(r.Excluded, e)
	}
	for _, g := range of.Gaps {
		at := slices.IndexFunc(r.Gaps, func(have advisory.Gap) bool { return have.Ecosystem == g.Ecosystem && have.Reason == g.Reason })
		if at < 0 {
			r.Gaps = append(r.Gaps, g)
		} else {
			r.Gaps[at].Packages += g.Packages
		}
	}
	for _, f := range of.Feeds {
		if !slices.ContainsFunc(r.Feeds, func(have advisory.Feed) bool { return have.Name == f.Name }) {
			r.Feeds = append(r.Feeds, f)
		}
	}
}
