package scanner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/vuln/advisory"
	"github.com/rampart-sec/rampart/internal/vuln/image"
	"github.com/rampart-sec/rampart/internal/vuln/image/layer"
	"github.com/rampart-sec/rampart/internal/vuln/image/registry"
)

// Bounds of scans.
const (
	maxScan = 15 * time.Minute
	idle    = 5 * time.Second // how often failed images are looked at whose turn may have come
)

// work scans what is due, one image after the other.
func (s *Scanner) work(ctx context.Context) {
	for ctx.Err() == nil {
		row, c, err := s.next(ctx)
		if err != nil && ctx.Err() == nil {
			s.o.Log.Error("the queue of images cannot be read", "error", err)
		}
		if row == nil {
			select {
			case <-ctx.Done():
			case <-s.wake:
			case <-time.After(idle):
			}
			continue
		}
		s.awake() // there may be more
		s.scan(ctx, c, row)
	}
}

// next takes the image whose turn it is, nil if there is none.
func (s *Scanner) next(ctx context.Context) (row *store.ImageRow, c *connected, err error) {
	s.claim.Lock()
	defer s.claim.Unlock()
	for _, status := range []int{unscanned, failed} {
		var due []store.ImageRow
		err = s.o.Store.View(ctx, func(tx *store.Tx) (err error) {
			due, err = tx.Images(ctx, store.ImageQuery{Tenant: s.o.Tenant, ByStatus: true, Status: status, Due: s.o.Now(), Limit: 100})
			return err
		})
		if err != nil {
			return nil, nil, err
		}
		for i := range due {
			if c = s.connectors[due[i].Connector]; c == nil {
				continue // it is not connected any more
			}
			err = s.change(ctx, c, due[i].Digest, func(r *store.ImageRow) bool {
				row = r
				r.Status, r.Attempts = inProgress, r.Attempts+1
				return true
			})
			return row, c, err
		}
	}
	return nil, nil, nil
}

// scan scans one image and stores how it ended.
func (s *Scanner) scan(ctx context.Context, c *connected, row *store.ImageRow) {
	v, err := s.read(ctx, c, row)
	if ctx.Err() != nil {
		return // resume makes it due
	}
	switch {
	case registry.Gone(err) || errors.Is(err, registry.ErrArtifact):
		err = s.remove(ctx, c, row.Digest)
	case err != nil:
		err = s.fail(ctx, c, row.Digest, nil, err)
	default:
		err = s.judge(ctx, c, row.Digest, v)
	}
	if err != nil && ctx.Err() == nil {
		s.o.Log.Error("the result of a scan cannot be stored", "image", row.Digest, "error", err)
	}
}

// read reads what is in an image. A panic of a parser is an error of this image
// alone.
func (s *Scanner) read(ctx context.Context, c *connected, row *store.ImageRow) (v *image.Inventory, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.o.Log.Error("a parser panicked", "image", row.Digest, "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("%w: a parser could not cope with it", layer.ErrHostile)
		}
	}()
	if len(row.Names) == 0 {
		return nil, errors.New("it has no repository")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, maxScan, fmt.Errorf("it took longer than %s", maxScan))
	defer cancel()
	m, err := c.client.Open(ctx, repositoryOf(row.Names[0]), row.Digest)
	if err != nil {
		return nil, err
	}
	m.Names = row.Names
	v, err = image.Read(ctx, m, image.Options{Cache: s.o.Cache, Now: s.o.Now})
	if errors.Is(err, context.DeadlineExceeded) {
		err = context.Cause(ctx)
	}
	return v, err
}

// judge matches an inventory with the advisories and stores both. Without
// advisories the inventory is kept: the image need not be pulled again.
func (s *Scanner) judge(ctx context.Context, c *connected, digest string, v *image.Inventory) error {
	if s.o.Seen != nil {
		s.o.Seen(plain(v))
	}
	db, release, err := s.o.Advisories.Acquire()
	if err != nil {
		return s.fail(ctx, c, digest, v, err)
	}
	defer release()
	report, err := image.Match(ctx, v, db, s.o.Now())
	if err == nil {
		err = advisory.CheckAge(report.Feeds, s.o.Now(), s.o.MaxAge)
	}
	if err != nil {
		return s.fail(ctx, c, digest, v, err)
	}
	return s.complete(ctx, c, digest, v, report)
}

func (s *Scanner) complete(ctx context.Context, c *connected, digest string, v *image.Inventory, report *image.Report) error {
	s.scans.WithLabelValues("completed").Inc()
	s.noteHeld(c.Name, digest, v)
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return s.finish(ctx, c, digest, report, func(r *store.ImageRow) {
		r.Status, r.Reason, r.Attempts, r.Scanned, r.Inventory = completed, "", 0, s.o.Now(), body
		if v.Image.Platform != "" {
			r.Platform = v.Image.Platform
		}
	})
}

// fail stores why a scan failed and when it is tried again. What is hostile is
// not: its bytes will not change.
func (s *Scanner) fail(ctx context.Context, c *connected, digest string, v *image.Inventory, reason error) error {
	s.scans.WithLabelValues("failed").Inc()
	s.o.Log.Warn("an image could not be scanned", "registry", c.Name, "image", digest, "reason", reason)
	return s.finish(ctx, c, digest, nil, func(r *store.ImageRow) {
		r.Status, r.Reason, r.Next = failed, reason.Error(), s.o.Now().Add(backOff(r.Attempts))
		if errors.Is(reason, layer.ErrHostile) {
			r.Next = s.o.Now().AddDate(100, 0, 0)
		}
		if v != nil {
			r.Inventory, _ = json.Marshal(v) // plain data
		}
	})
}

// finish writes the row of an image that is still there, and its documents.
func (s *Scanner) finish(ctx context.Context, c *connected, digest string, report *image.Report, edit func(*store.ImageRow)) error {
	var row *store.ImageRow
	err := s.o.Store.Update(ctx, func(tx *store.Tx) (err error) {
		if row, err = tx.Image(ctx, s.o.Tenant, c.Name, digest); err != nil {
			return err
		}
		edit(row)
		return tx.PutImage(ctx, *row)
	})
	if arm.IsNotFound(err) {
		return nil // it was deleted meanwhile
	}
	if err != nil {
		return err
	}
	return s.deliver(ctx, c.document(row, report, s.o.Now()), c.report(row, report, s.o.Now()))
}
