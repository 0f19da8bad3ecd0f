package image

import (
	"context"
	"errors"
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
