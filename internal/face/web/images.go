package web

import (
	"context"
	"time"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/record"
	"github.com/rampart-sec/rampart/internal/vuln/image"
	"github.com/rampart-sec/rampart/internal/vuln/image/scanner"
)

// Images are the images of connected registries and how their scans stand.
type Images interface {
	States(ctx context.Context) ([]scanner.State, error)
	Items(ctx context.Context, limit int) (items []scanner.Item, total int, err error)
}

// imageRows bounds the images on the page.
const imageRows = 200

// imageRecommendation judges an image's report.
const imageRecommendation = "c0b7cfc6-3172-465a-b378-53c7ff2cc0d5"

// imagesPage shows the connected registries, the queue, and the images.
type imagesPage struct {
	*frame
	Connected  bool // a registry is
	Registries []scanner.State
	Images     []imageRow
	Total      int
}

// imageRow is an image with what its report comes to.
type imageRow struct {
	scanner.Item
	Judged   bool
	State    record.State
	Findings int
	Failed   bool
}

func images(v *visit) (page, error) {
	if err := v.allowScope(); err != nil {
		return page{}, err
	}
	p := &imagesPage{frame: v.newFrame("Images", "registries", "images")}
	source := v.server.opt.Images
	if source == nil || v.tenant != store.DefaultTenant {
		return page{name: "images", data: p}, nil
	}
	var err error
	if p.Registries, err = source.States(v.Context()); err != nil {
		return page{}, err
	}
	p.Connected = len(p.Registries) > 0
	items, total, err := source.Items(v.Context(), imageRows)
	if err != nil {
		return page{}, err
	}
	p.Total = total
	for _, i := range items {
		row := imageRow{Item: i, Failed: i.Status == image.Failed}
		if a, ok := v.view.Assessment(i.ID, imageRecommendation); ok {
			row.Judged, row.State = true, a.State
		}
		row.Findings, _ = v.view.FindingCounts(i.ID)
		p.Images = append(p.Images, row)
	}
	return page{name: "images", data: p}, nil
}

// Wait is how long the oldest image has waited, in words.
func (p *imagesPage) Wait(d time.Duration) string { return d.Truncate(time.Second).String() }
