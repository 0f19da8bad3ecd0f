package store

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

// Written is the outcome for one document. Handle is 0 if nothing is stored
// under its id.
type Written struct {
	Handle  uint32
	Outcome Outcome
}

// PutResources writes documents in order and appends their changes to the
// feed. The ownership and order rules of the inventory hold: see Outcome. A
// document with Deleted set removes the stored one and leaves a tombstone.
func (tx *Tx) PutResources(ctx context.Context, tenant string, docs []wire.Document) ([]Written, error) {
	ps, err := Prepare(docs)
	if err != nil {
		return nil, err
	}
	return tx.PutPrepared(ctx, tenant, ps)
}

// PutPrepared is PutResources for documents that were prepared before the
// transaction began.
func (tx *Tx) PutPrepared(ctx context.Context, tenant string, ps []Prepared) ([]Written, error) {
	no, err := tx.tenantNo(ctx, tenant)
	if err != nil {
		return nil, err
	}
	b := batch{tx: tx, tenant: tenant, no: no, written: make([]Written, 0, len(ps)), changes: map[int][]Change{}, touched: map[uint32]bool{}}
	for len(ps) > 0 {
		n := distinct(ps)
		if err := b.put(ctx, ps[:n]); err != nil {
			return nil, fmt.Errorf("put resources: %w", err)
		}
		ps = ps[n:]
	}
	return b.written, b.appendChanges(ctx)
}

// distinct is how many documents from the first on have different ids.
func distinct(ps []Prepared) int {
	have := map[key]struct{}{} // not sized: a run may be short
	for i := range ps {
		if _, ok := have[ps[i].key]; ok {
			return i
		}
		have[ps[i].key] = struct{}{}
	}
	return len(ps)
}

// row is one resources row to be written.
type row struct {
	*Prepared
	handle    uint32
	tenant    int64
	updatedAt int64
	deletedAt int64
}

// batch writes the documents of one PutPrepared.
type batch struct {
	tx      *Tx
	tenant  string
	no      int64
	written []Written
	changes map[int][]Change // by partition

	insert, update []row // of the current run of distinct ids
	touch          []row
	touched        map[uint32]bool
	takeover       []row
}

// put writes documents with distinct ids.
func (b *batch) put(ctx context.Context, ps []Prepared) error {
	have, err := b.tx.stored(ctx, b.no, ps)
	if err != nil {
		return err
	}
	b.insert, b.update, b.touch, b.takeover = b.insert[:0], b.update[:0], b.touch[:0], b.takeover[:0]
	clear(b.touched)
	first := len(b.written)
	for i := range ps {
		old := have[ps[i].key]
		if old != nil && arm.Fold(old.id) != ps[i].id.Key() {
			return collision(old.id, ps[i].doc.ID)
		}
		b.decide(&ps[i], old)
	}
	if err := b.write(ctx); err != nil {
		return err
	}
	next := 0
	for i := range ps {
		w := &b.written[first+i]
		if w.Outcome == Created && w.Handle == 0 {
			w.Handle = b.insert[next].handle
			next++
		}
		b.note(&ps[i], *w)
	}
	return nil
}

// decide applies the rules of ownership and order to one document.
func (b *batch) decide(p *Prepared, old *storedRow) {
	r := row{Prepared: p, tenant: b.no, updatedAt: micros(b.tx.at)}
	if old != nil {
		r.handle = old.handle
	}
	outcome := old.judge(p)
	switch {
	case outcome == Created && old == nil:
		b.insert = append(b.insert, r)
	case outcome == Deleted:
		r.deletedAt = r.updatedAt
		b.update = append(b.update, r)
	case outcome == Created || outcome == Updated:
		b.update = append(b.update, r)
	case outcome == Unchanged && old != nil && old.deletedAt == 0 && old.source == p.doc.Source && old.seen.compare(p.seen()) < 0:
		b.touch = append(b.touch, r)
		b.touched[r.handle] = true
	}
	if old != nil && outcome == Updated && old.source != p.doc.Source {
		b.takeover = append(b.takeover, r)
	}
	b.written = append(b.written, Written{Handle: r.handle, Outcome: outcome})
}

// write brings the decided rows into the database.
func (b *batch) write(ctx context.Context) error {
	if len(b.insert) > 0 {
		hs, err := b.tx.db.handles(ctx, b.tx, len(b.insert))
		if err != nil {
			return fmt.Errorf("take handles: %w", err)
		}
		for i := range b.insert {
			b.insert[i].handle = hs[i]
		}
		if err := b.tx.fail(b.tx.db.insertResources(ctx, b.tx, b.insert)); err != nil {
			return err
		}
	}
	if len(b.update) > 0 {
		if err := b.tx.fail(b.tx.db.updateResources(ctx, b.tx, b.update)); err != nil {
			return err
		}
	}
	return b.mark(ctx)
}

// mark forgets the states of deleted documents, what an owner that was taken
// over from last observed, and moves the observation time of unchanged ones.
func (b *batch) mark(ctx context.Context) error {
	for _, r := range b.update {
		if r.deletedAt == 0 {
			continue
		}
		if _, err := b.tx.exec(ctx, `DELETE FROM marks WHERE handle = $1`, int64(r.handle)); err != nil {
			return err
		}
	}
	for _, r := range b.takeover {
		if _, err := b.tx.exec(ctx, `UPDATE marks SET source_version = NULL, observed_at = NULL WHERE handle = $1`, int64(r.handle)); err != nil {
			return err
		}
	}
	for _, r := range b.touch {
		_, err := b.tx.exec(ctx, `INSERT INTO marks (handle, source_version, observed_at) VALUES ($1, $2, $3)
			ON CONFLICT (handle) DO UPDATE SET source_version = excluded.source_version, observed_at = excluded.observed_at`,
			int64(r.handle), r.doc.SourceVersion, micros(r.doc.ObservedAt))
		if err != nil {
			return err
		}
	}
	return nil
}

// note records the change that an outcome means for readers of the feed.
func (b *batch) note(p *Prepared, w Written) {
	kind := ""
	switch w.Outcome {
	case Created, Updated:
		kind = KindResource
	case Deleted:
		kind = KindResourceDeleted
	case Unchanged:
		if b.touched[w.Handle] {
			kind = KindResourceSeen
		}
	}
	if kind != "" {
		part := Partition(p.id)
		b.changes[part] = append(b.changes[part], Change{Kind: kind, Key: p.doc.ID, Handle: w.Handle})
	}
}

// appendChanges goes by ascending partition, so that two transactions cannot
// wait for each other's partition.
func (b *batch) appendChanges(ctx context.Context) error {
	for _, part := range slices.Sorted(maps.Keys(b.changes)) {
		if _, err := b.tx.appendChanges(ctx, b.tenant, part, b.changes[part]); err != nil {
			return err
		}
	}
	return nil
}
