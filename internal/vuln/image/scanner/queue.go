package scanner

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/vuln/image"
	"github.com/rampart-sec/rampart/internal/vuln/image/registry"
)

// Statuses as they are stored.
const (
	unscanned = iota
	inProgress
	failed
	completed
)

// statuses are the words for them.
var statuses = [...]image.Status{image.Unscanned, image.InProgress, image.Failed, image.Completed}

// take puts images that a name of a repository stands for into the queue, unless
// they are there already: one scan per digest, whatever its names. Names with a
// tag leave the images that had them before.
func (s *Scanner) take(ctx context.Context, c *connected, name string, found []registry.Found) error {
	digests := map[string]bool{}
	for _, f := range found {
		digests[f.Digest] = true
		if err := s.takeOne(ctx, c, name, f); err != nil {
			return err
		}
	}
	if !strings.Contains(name, ":") {
		return nil
	}
	return s.each(ctx, c.Name, func(r *store.ImageRow) error {
		if digests[r.Digest] || !slices.Contains(r.Names, name) {
			return nil
		}
		return s.change(ctx, c, r.Digest, func(r *store.ImageRow) bool {
			r.Names = slices.DeleteFunc(r.Names, func(n string) bool { return n == name })
			return true
		})
	})
}

func (s *Scanner) takeOne(ctx context.Context, c *connected, name string, f registry.Found) error {
	return s.change(ctx, c, f.Digest, func(r *store.ImageRow) bool {
		is := r.Queued.IsZero()
		if is {
			r.Queued, r.Next = s.o.Now(), s.o.Now()
		}
		if f.Platform != "" && r.Platform == "" {
			r.Platform, is = f.Platform, true
		}
		if !slices.Contains(r.Names, name) {
			r.Names, is = append(r.Names, name), true
			slices.Sort(r.Names)
		}
		return is
	})
}

// change edits the row of an image, which is empty if there is none, and writes
// its document if edit says that it changed.
func (s *Scanner) change(ctx context.Context, c *connected, digest string, edit func(*store.ImageRow) bool) error {
	var row *store.ImageRow
	changed := false
	err := s.o.Store.Update(ctx, func(tx *store.Tx) (err error) {
		row, err = tx.Image(ctx, s.o.Tenant, c.Name, digest)
		if arm.IsNotFound(err) {
			row, err = &store.ImageRow{Tenant: s.o.Tenant, Connector: c.Name, Digest: digest}, nil
		}
		if err != nil {
			return err
		}
		if changed = edit(row); !changed {
			return nil
		}
		return tx.PutImage(ctx, *row)
	})
	if err != nil || !changed {
		return err
	}
	s.awake()
	return s.deliver(ctx, c.document(row, nil, s.o.Now()))
}

// remove forgets an image and takes its documents out of the inventory.
func (s *Scanner) remove(ctx context.Context, c *connected, digest string) error {
	err := s.o.Store.Update(ctx, func(tx *store.Tx) error { return tx.DeleteImage(ctx, s.o.Tenant, c.Name, digest) })
	if err != nil {
		return err
	}
	id := c.imageID(digest)
	return s.deliver(ctx, gone(id+reportSuffix, reportType, s.o.Now()), gone(id, imageType, s.o.Now()))
}

// unname takes the names of a repository off an image, and forgets an image that
// has no other.
func (s *Scanner) unname(ctx context.Context, c *connected, digest, repository string) error {
	left, known := 0, false
	err := s.o.Store.View(ctx, func(tx *store.Tx) error {
		r, err := tx.Image(ctx, s.o.Tenant, c.Name, digest)
		if arm.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		known = true
		for _, n := range r.Names {
			if repositoryOf(n) != repository {
				left++
			}
		}
		return nil
	})
	switch {
	case err != nil || !known:
		return err
	case left == 0:
		return s.remove(ctx, c, digest)
	}
	return s.change(ctx, c, digest, func(r *store.ImageRow) bool {
		r.Names = slices.DeleteFunc(r.Names, func(n string) bool { return repositoryOf(n) == repository })
		return true
	})
}

func repositoryOf(name string) string {
	repository, _, _ := strings.Cut(name, ":")
	return repository
}

func (s *Scanner) deliver(ctx context.Context, docs ...wire.Document) error {
	return s.o.Deliver(ctx, s.o.Tenant, docs)
}

// backOff is how long a failed scan waits for its next try.
func backOff(attempts int) time.Duration {
	return min(30*time.Second<<min(attempts, 12), 6*time.Hour)
}
