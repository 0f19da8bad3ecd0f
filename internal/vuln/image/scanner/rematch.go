package scanner

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"sync"

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
	var held []target
	for _, id := range s.index.Holders(change.Packages) {
		name, digest, _ := strings.Cut(id, "\x00")
		if c := s.connectors[name]; c != nil {
			held = append(held, target{c, digest})
		}
	}
	err = s.rematchEach(ctx, db, held)
	if err != nil {
		s.indexed.Store(false) // the next change judges all: this one is not done
	}
	return err
}

// rematchAll judges all inventories, and fills the index of who has what: after a
// start nobody has read them yet.
func (s *Scanner) rematchAll(ctx context.Context) error {
	db, release, err := s.o.Advisories.Acquire()
	if err != nil {
		return err
	}
	defer release()
	var all []target
	for _, name := range s.order {
		c := s.connectors[name]
		err := s.each(ctx, name, func(r *store.ImageRow) error {
			if r.Status != unscanned && r.Status != inProgress { // these will be judged by the advisories of now
				all = append(all, target{c, r.Digest})
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if err := s.rematchEach(ctx, db, all); err != nil {
		return err
	}
	s.indexed.Store(true)
	return nil
}

// target is an image whose inventory is judged again.
type target struct {
	c      *connected
	digest string
}

// rematchEach judges inventories on every core; its error is the first. Reading
// them costs most.
func (s *Scanner) rematchEach(ctx context.Context, db *advisory.DB, targets []target) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	queue := make(chan target)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			m := image.NewMatcher(db)
			for t := range queue {
				if ctx.Err() != nil {
					continue
				}
				if err := s.rematch(ctx, t.c, t.digest, m); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, t := range targets {
		queue <- t
	}
	close(queue)
	workers.Wait()
	return context.Cause(ctx)
}

// indexID names an image in the index.
func indexID(connector, digest string) string { return connector + "\x00" + digest }

// noteHeld keeps in the index what an image has.
func (s *Scanner) noteHeld(connector, digest string, v *image.Inventory) {
	s.index.Set(indexID(connector, digest), plain(v))
}

// plain gives the packages without their layers.
func plain(v *image.Inventory) []software.Package {
	list := make([]software.Package, len(v.Packages))
	for i := range v.Packages {
		list[i] = v.Packages[i].Package
	}
	return list
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
	if row.Status != completed {
		return s.complete(ctx, c, digest, &v, report)
	}
	s.noteHeld(c.Name, digest, &v) // the row stays as it is
	return s.deliver(ctx, c.document(row, report, s.o.Now()), c.report(row, report, s.o.Now()))
}
