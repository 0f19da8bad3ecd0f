package exposure

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

// retry is how long after an error of the store it is tried again.
const retry = 5 * time.Second

// settle is how long changes are gathered before the machines' exposure is
// computed again: a deployment changes many network resources at once.
// It is settleFactor times as long as computing it took, between these bounds, so that
// in a large estate that changes all the time it takes a fifth of a processor.
const (
	settle       = 250 * time.Millisecond
	settleMost   = 10 * time.Second
	settleFactor = 4
)

// Options of Follow; all must be set.
type Options struct {
	Store *store.DB
	// Deliver stores documents of a tenant.
	Deliver func(ctx context.Context, tenant string, docs []wire.Document) error
	Now     func() time.Time
	Log     *slog.Logger
}

// Follow keeps the exposure documents of every tenant true until ctx ends. It
// holds the network's documents in memory and no position: after a restart, or
// an error of the store, which is logged, it reads them again and delivers what
// differs.
func Follow(ctx context.Context, opt Options) error {
	f := &follower{Options: opt, tenants: map[string]*tenant{}}
	wake := opt.Store.Watch(ctx)
	for {
		var again <-chan time.Time
		began := time.Now()
		err := f.round(ctx)
		took := time.Since(began)
		if err != nil && ctx.Err() == nil {
			opt.Log.Error("exposure is behind; it is tried again", "error", err)
			again = time.After(retry)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-wake:
		case <-again:
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(max(settle, settleFactor*took), settleMost)):
		}
	}
}

type follower struct {
	Options
	tenants map[string]*tenant
}

// tenant is one tenant's network, how far its feed was read, and the digest of
// what was delivered per document.
type tenant struct {
	network   *Network
	positions map[int]uint64
	delivered map[string][sha256.Size]byte
}

// round brings every tenant up to date.
func (f *follower) round(ctx context.Context) error {
	var all []store.Tenant
	err := f.Store.View(ctx, func(tx *store.Tx) (err error) {
		all, err = tx.Tenants(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("list tenants: %w", err)
	}
	var errs []error
	known := map[string]bool{}
	for _, t := range all {
		err := f.update(ctx, t.ID)
		if err != nil && !store.IsNoTenant(err) {
			errs = append(errs, fmt.Errorf("tenant %q: %w", t.ID, err))
		}
		known[t.ID] = err == nil
	}
	for id := range f.tenants {
		if !known[id] {
			delete(f.tenants, id)
		}
	}
	return errors.Join(errs...)
}

func (f *follower) update(ctx context.Context, id string) error {
	t := f.tenants[id]
	changed := true
	var err error
	if t == nil {
		if t, err = f.load(ctx, id); err != nil {
			return err
		}
		f.tenants[id] = t
	} else if changed, err = f.follow(ctx, id, t); err != nil {
		return err
	}
	if !changed {
		return nil
	}
	return f.deliver(ctx, id, t)
}

// load reads the network's documents. The heads of the feed are read first, so
// that nothing that changes during the scan is missed.
func (f *follower) load(ctx context.Context, id string) (*tenant, error) {
	t := &tenant{network: NewNetwork(), delivered: map[string][sha256.Size]byte{}}
	err := f.Store.View(ctx, func(tx *store.Tx) (err error) {
		t.positions, err = tx.Heads(ctx, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	low, high, n, err := f.Store.HandleRange(ctx, id)
	if err != nil || n == 0 {
		return t, err
	}
	scan := store.ScanRange{Tenant: id, From: low, To: high, Types: Types}
	return t, f.Store.ScanResources(ctx, scan, func(r *store.Resource) error {
		f.put(t, r)
		return nil
	})
}

func (f *follower) put(t *tenant, r *store.Resource) {
	if err := t.network.Put(r.Doc.ID, r.Doc.Type, r.Doc.Body, r.Doc.Unavailable); err != nil {
		f.Log.Warn("a network document can't be used", "error", err)
	}
}

// follow applies the changes since the last round and says whether any
// mattered.
func (f *follower) follow(ctx context.Context, id string, t *tenant) (changed bool, err error) {
	const batch = 1000
	parts, err := f.Store.ChangedPartitions(ctx, id, t.positions)
	if err != nil {
		return false, err
	}
	for _, part := range parts {
		for {
			changes, err := f.Store.Changes(ctx, id, part, t.positions[part], batch)
			if err != nil {
				return changed, err
			}
			for _, c := range changes {
				hit, err := f.apply(ctx, id, t, c)
				if err != nil {
					return changed, err
				}
				changed = changed || hit
				t.positions[part] = c.Seq
			}
			if len(changes) < batch {
				break
			}
		}
	}
	return changed, nil
}

func (f *follower) apply(ctx context.Context, tenantID string, t *tenant, c store.Change) (bool, error) {
	id, err := arm.ParseID(c.Key)
	if err != nil || !Matters(id.Type()) {
		return false, nil
	}
	switch c.Kind {
	case store.KindResourceDeleted:
		t.network.Delete(c.Key, id.Type())
		return true, nil
	case store.KindResource:
		var r *store.Resource
		err := f.Store.View(ctx, func(tx *store.Tx) (err error) {
			r, err = tx.Resource(ctx, tenantID, c.Key)
			return err
		})
		var gone *arm.Error
		if errors.As(err, &gone) { // deleted since: that change follows
			return false, nil
		}
		if err != nil {
			return false, err
		}
		f.put(t, r)
		return true, nil
	}
	return false, nil
}

// deliver stores the documents that differ from those delivered last.
func (f *follower) deliver(ctx context.Context, id string, t *tenant) error {
	var out []wire.Document
	digests := make(map[string][sha256.Size]byte, len(t.delivered))
	for _, doc := range t.network.Documents(f.Now()) {
		sum := digest(doc)
		digests[doc.ID] = sum
		if t.delivered[doc.ID] != sum {
			out = append(out, doc)
		}
	}
	for old := range t.delivered {
		if _, there := digests[old]; !there {
			out = append(out, wire.Document{ID: old, Type: DocumentType, Source: source, ObservedAt: f.Now(), Deleted: true})
		}
	}
	const batch = 500
	for len(out) > 0 {
		n := min(batch, len(out))
		if err := f.Deliver(ctx, id, out[:n]); err != nil {
			return err
		}
		out = out[n:]
	}
	t.delivered = digests
	return nil
}

func digest(doc wire.Document) [sha256.Size]byte {
	h := sha256.New()
	h.Write(doc.Body)
	for _, u := range doc.Unavailable {
		h.Write([]byte{0})
		h.Write([]byte(u))
	}
	return [sha256.Size]byte(h.Sum(nil))
}
