package scanner

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/software"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/vuln/advisory"
	"github.com/rampart-sec/rampart/internal/vuln/image"
)

// Rematch judges stored inventories again, with the advisories of now: those that
// have a package that changed, or all. Nothing is pulled; a package that many
// images have is matched once.
func (s *Scanner) Rematch(ctx context.Context, change advisory.Change) error {
	if change.All || !s.indexed.Load() {
		return s.rematchAll(ctx)
	}
	db, release, err := s.o.Advisories.Acquire()
	if err != nil {
		return err
	}
	defer release()
	m := image.NewMatcher(db)
	for _, id := range s.index.Holders(change.Packages) {
		name, digest, _ := strings.Cut(id, "\x00")
		c := s.connectors[name]
		if c == nil {
			continue
		}
		if err := s.rematch(ctx, c, digest, m); err != nil {
			s.indexed.Store(false) // the next change judges all: this one is not done
			return err
		}
	}
	return nil
}

// rematchAll judges all inventories, and fills the index of who has what: after a
// start nobody has read them yet.
func (s *Scanner) rematchAll(ctx context.Context) error {
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
	s.indexed.Store(true)
	return nil
}

// indexID names an image in the index.
func indexID(connector, digest string) string { return connector + "\x00" + digest }

// noteHeld keeps in the index what an image has.
func (s *Scanner) noteHeld(connector, digest string, v *image.Inventory) {
	list := make([]software.Package, len(v.Packages))
	for i := range v.Packages {
		list[i] = v.Packages[i].Package
	}
	s.index.Set(indexID(connector, digest), list)
}

func (s *Scanner) rematch(ctx context.Context, c *connected, digest string, m *image.Matcher) error {
	var row *store.ImageRow
	err := s.o.Store.View(ctx, func(tx *store.Tx) (err error) {
		row, err = tx.Image(ctx, s.o.Tenant, c.Name, digest)
		return err
	})
	if err != nil || row.Inventory == nil {
		s.index.Remove(indexID(c.Name, digest))
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
