package scanner

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/vuln/image"
)

// Rematch judges every stored inventory again, with the advisories of now.
// Nothing is pulled; a package that many images have is matched once.
func (s *Scanner) Rematch(ctx context.Context) error {
	db, release, err := s.o.Advisories.Acquire()
	if err != nil {
		return err
	}
	defer release()
	m := image.NewMatcher(db)
	for _, name := range s.order {
		c := s.connectors[name]
		err := s.each(ctx, name, func(r *store.ImageRow) error {
			if r.Status == unscanned || r.Status == inProgress {
				return nil // it will be judged by the advisories of now
			}
			return s.rematch(ctx, c, r.Digest, m)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Scanner) rematch(ctx context.Context, c *connected, digest string, m *image.Matcher) error {
	var row *store.ImageRow
	err := s.o.Store.View(ctx, func(tx *store.Tx) (err error) {
		row, err = tx.Image(ctx, s.o.Tenant, c.Name, digest)
		return err
	})
	if err != nil || row.Inventory == nil {
		return nil // deleted meanwhile, or never read
	}
	var v image.Inventory
	if err := json.Unmarshal(row.Inventory, &v); err != nil {
		return fmt.Errorf("stored inventory of %s: %w", digest, err)
	}
	report, err := m.Match(ctx, &v, s.o.Now())
	if err != nil {
		return err
	}
	return s.complete(ctx, c, digest, &v, report)
}
