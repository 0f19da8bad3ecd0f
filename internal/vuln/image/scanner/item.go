package scanner

import (
	"context"
	"slices"
	"time"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/vuln/image"
)

// Item is an image as lists show it.
type Item struct {
	ID       string // of its document
	Registry string // the connector's name
	Digest   string
	Names    []string // REPOSITORY:TAG
	Platform string
	Status   image.Status
	Reason   string // of a scan error
	Queued   time.Time
	Next     time.Time // of a scan error: when it is tried again
	Scanned  time.Time // zero if it never was
}

// Items lists the images of all connected registries, scan errors first, then
// those that wait, then the latest scanned; at most limit, of the number that
// there are.
func (s *Scanner) Items(ctx context.Context, limit int) (items []Item, total int, err error) {
	for _, name := range s.order {
		c := s.connectors[name]
		err := s.each(ctx, name, func(r *store.ImageRow) error {
			items = append(items, Item{c.imageID(r.Digest), name, r.Digest, r.Names, r.Platform, statuses[r.Status], r.Reason, r.Queued, r.Next, r.Scanned})
			return nil
		})
		if err != nil {
			return nil, 0, err
		}
	}
	rank := map[image.Status]int{image.Failed: 0, image.InProgress: 1, image.Unscanned: 2, image.Completed: 3}
	slices.SortStableFunc(items, func(a, b Item) int {
		if d := rank[a.Status] - rank[b.Status]; d != 0 {
			return d
		}
		return b.Scanned.Compare(a.Scanned)
	})
	return items[:min(limit, len(items))], len(items), nil
}
