package judge

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// maxBatch is about how many changes one transaction of the index takes: enough
// that an import does not drown in epochs, few enough that a single change
// behind it does not wait long. While more than farBehind changes wait, which
// an import of a large estate makes, batches are largeBatch.
const (
	maxBatch   = 5000
	farBehind  = 50_000
	largeBatch = 20_000
)

// edits are the changes of one batch.
type edits struct {
	read      map[uint32]bool // rows to read again; false: only seen again
	gone      map[uint32]bool
	objects   [][2]string // kind and id
	positions map[int]uint64
}

// catchUp brings the estate up to date with the feed and the clock.
func (e *Estate) catchUp(ctx context.Context) error {
	for {
		more, err := e.advance(ctx)
		if err != nil || !more {
			return err
		}
	}
}

// advance takes one batch and reports whether there may be more.
func (e *Estate) advance(ctx context.Context) (bool, error) {
	e.mu.Lock()
	t := e.unwritten
	e.mu.Unlock()
	if t != nil {
		e.mu.Lock()
		defer e.mu.Unlock()
		return true, t.finish(ctx)
	}
	batch, err := e.fetch(ctx)
	if err != nil {
		return false, err
	}
	due := e.takeDue()
	if len(batch.positions) == 0 && due.IsEmpty() && !e.reports.behind() {
		if ticked, err := e.tick(ctx); ticked || err != nil {
			return true, err
		}
		return false, e.flush(ctx, e.judge.behind.some)
	}
	return true, e.apply(ctx, batch, due)
}

// fetch reads the feed of all partitions behind the estate's positions.
func (e *Estate) fetch(ctx context.Context) (*edits, error) {
	b := &edits{read: map[uint32]bool{}, gone: map[uint32]bool{}, positions: map[int]uint64{}}
	e.mu.Lock()
	positions := maps.Clone(e.positions)
	e.mu.Unlock()
	err := e.judge.opt.Store.View(ctx, func(tx *store.Tx) error {
		heads, err := tx.Heads(ctx, e.tenant)
		if err != nil {
			return err
		}
		limit := batchSize(heads, positions)
		for part, head := range heads {
			if head <= positions[part] {
				continue
			}
			if len(b.read)+len(b.gone) >= limit {
				break // the map's order is random, so no partition starves
			}
			changes, err := tx.Changes(ctx, e.tenant, part, positions[part], limit)
			if err != nil {
				return err
			}
			for i := range changes {
				if !b.note(&changes[i]) {
					break
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read changes: %w", err)
	}
	return b, nil
}

// batchSize is how many changes the next batch takes, by how many wait.
func batchSize(heads, positions map[int]uint64) int {
	waiting := uint64(0)
	for part, head := range heads {
		waiting += head - min(head, positions[part])
	}
	if waiting > farBehind {
		return largeBatch
	}
	return maxBatch
}

// note takes one change into the batch. A resource that was deleted in it and
// comes back begins anew, in the next batch: then note takes nothing and
// reports false.
func (b *edits) note(c *store.Change) bool {
	if c.Kind == store.KindResource && b.gone[c.Handle] {
		return false
	}
	b.positions[c.Partition] = c.Seq
	switch c.Kind {
	case store.KindResource:
		b.read[c.Handle] = true
	case store.KindResourceSeen:
		if _, known := b.read[c.Handle]; !known {
			b.read[c.Handle] = false
		}
	case store.KindResourceDeleted:
		b.gone[c.Handle] = true
		delete(b.read, c.Handle)
	case store.KindObject, store.KindObjectDeleted:
		if kind, id, err := store.ParseObjectKey(c.Key); err == nil {
			b.objects = append(b.objects, [2]string{kind, id})
		}
	}
	return true
}

// apply judges a batch and what is due, and publishes.
func (e *Estate) apply(ctx context.Context, b *edits, due *roaring.Bitmap) error {
	docs, objects, err := e.readEdits(ctx, b)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	base := e.View()
	if e.shadow && slices.ContainsFunc(objects, decides) {
		return errStartOver
	}
	reached, err := e.takeObjects(ctx, base, objects)
	if err != nil {
		return err
	}
	e.about(base, docs, b)
	for h := range b.gone {
		e.eval.remove(h) // first: its id may have come back under another handle
		e.governance.displace(base.Row(h))
	}
	rows, moved := e.takeDocs(docs, b)
	if moved && e.shadow {
		return errStartOver
	}
	if moved {
		// Which assignments and exemptions reach a subscription depends on the
		// groups above it.
		if err := e.compile(ctx); err != nil {
			return err
		}
		for _, r := range rows {
			if r.Type == record.SubscriptionType {
				reached.Or(base.InScope(arm.Fold(r.ID)))
			}
		}
	}
	reached.Or(e.reassignOwners(base))
	ruled, err := e.reapplyRules(ctx, maxBatch)
	if err != nil {
		return err
	}
	t := e.begin(base, b.positions)
	if err := t.evaluate(); err != nil {
		return err
	}
	for h := range b.gone {
		t.remove(h)
	}
	t.judgeMany(rows, record.ResourceChanged)
	t.againMany(ruled.rows, ruled.cause)
	t.againAll(reached, rows, len(objects) > 0, due)
	if err := t.finish(ctx); err != nil {
		return err
	}
	_, err = e.registerNew(ctx, subsOf(rows))
	return err
}

// againAll judges the rows whose documents did not change: those that exemptions
// and governance rules reach, those whose verdicts changed with other resources or
// definitions, and those that are due.
func (t *update) againAll(reached *roaring.Bitmap, rows []*record.Row, policies bool, due *roaring.Bitmap) {
	if t.swapped != nil {
		t.swapped.except.Or(due)
	}
	done := roaring.New()
	for _, r := range rows {
		done.Add(r.Handle)
	}
	verdictCause := record.ResourceChanged
	if policies {
		verdictCause = record.PolicyChanged
	}
	for _, part := range []struct {
		rows  *roaring.Bitmap
		cause record.Cause
	}{{reached, record.ExemptionChanged}, {t.changed, verdictCause}, {due, record.TimePassed}} {
		t.againMany(roaring.AndNot(part.rows, done), part.cause)
		done.Or(part.rows)
	}
}

// readEdits reads the documents and objects that changed. One that is gone
// again is taken as gone; a later change will say so too.
func (e *Estate) readEdits(ctx context.Context, b *edits) (docs []store.Resource, objects []store.Object, err error) {
	err = e.judge.opt.Store.View(ctx, func(tx *store.Tx) error {
		handles := make([]uint32, 0, len(b.read))
		for h := range b.read {
			handles = append(handles, h)
		}
		if docs, err = tx.ResourcesByHandle(ctx, handles); err != nil {
			return err
		}
		for _, key := range b.objects {
			o, err := tx.Object(ctx, e.tenant, key[0], key[1])
			if arm.IsNotFound(err) {
				o = &store.Object{Kind: key[0], ID: key[1]}
			} else if err != nil {
				return err
			}
			objects = append(objects, *o)
		}
		return nil
	})
	for h := range b.read {
		b.gone[h] = true
	}
	for i := range docs {
		delete(b.gone, docs[i].Handle)
	}
	return docs, objects, err
}

// takeObjects keeps changed policy objects and returns the rows they reach.
func (e *Estate) takeObjects(ctx context.Context, v *index.View, objects []store.Object) (*roaring.Bitmap, error) {
	matters, policies := false, false
	for i := range objects {
		o := &objects[i]
		if o.Body == nil {
			o = nil
		}
		if e.keep(objects[i].Kind, objects[i].ID, o) {
			matters = true
			policies = policies || e.objects.Judges(objects[i].Kind)
		}
	}
	if !matters {
		return roaring.New(), nil
	}
	return e.reform(ctx, v, policies)
}

// takeDocs gives changed documents to the evaluator and makes their rows. moved
// says that a subscription came under other management groups.
func (e *Estate) takeDocs(docs []store.Resource, b *edits) (rows []*record.Row, moved bool) {
	for i := range docs {
		doc := &docs[i]
		if doc.Doc.Tenant != e.tenant {
			continue
		}
		r, err := e.names.Row(e.judge.risk, doc.Handle, &doc.Doc)
		if err != nil {
			e.refuse(&doc.Doc, err)
			continue
		}
		r.Assessed = true
		if b.read[doc.Handle] {
			e.take(r, &doc.Doc)
		}
		moved = e.placeAbove(r) || moved
		rows = append(rows, r)
	}
	return rows, moved
}

func subsOf(rows []*record.Row) map[uint32]bool {
	subs := map[uint32]bool{}
	for _, r := range rows {
		subs[r.Subscription] = true
	}
	return subs
}

// registerNew registers subscriptions that are seen for the first time, unless
// that is switched off, and reports whether there were any. The objects come
// back by the feed, except at load.
func (e *Estate) registerNew(ctx context.Context, subs map[uint32]bool) (some bool, err error) {
	if e.judge.opt.KeepUnregistered || e.shadow {
		return false, nil
	}
	for n := range subs {
		id := e.names.Subscriptions.Name(n)
		if n == record.NoSubscription || e.Registered(id) {
			continue
		}
		if err := e.judge.plans.Register(ctx, e.tenant, id); err != nil {
			return some, err
		}
		e.registered.Store(id, true)
		some = true
	}
	return some, nil
}

// takeDue takes the rows that are due.
func (e *Estate) takeDue() *roaring.Bitmap {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.due.take(e.now())
}

// tick judges what the passing of time alone has changed, if anything, and
// reports whether that made a new view.
func (e *Estate) tick(ctx context.Context) (bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.nextTick.IsZero() || e.now().Before(e.nextTick) {
		return false, nil
	}
	changed, next, err := e.eval.evaluate(e.now())
	if err != nil {
		return false, fmt.Errorf("evaluate policies: %w", err)
	}
	e.nextTick = next
	changed.Or(e.recheck)
	e.recheck = roaring.New()
	if changed.IsEmpty() {
		return false, nil
	}
	t := e.begin(e.View(), nil)
	t.againMany(changed, record.TimePassed)
	if !t.builder.Dirty {
		return false, nil
	}
	return true, t.finish(ctx)
}

// next is when something is due, ok false if nothing is.
func (e *Estate) next() (at time.Time, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	at, ok = e.due.earliest()
	if !e.nextTick.IsZero() && (!ok || e.nextTick.Before(at)) {
		at, ok = e.nextTick, true
	}
	if !e.behind.IsEmpty() || e.reports.behind() {
		at, ok = e.now(), true
	}
	return at, ok
}

// rankBehind sorts names anew in the background when many rows came since. Ranks
// hold for all epochs, so the view of that moment takes them without a change.
func (e *Estate) rankBehind(v *index.View) {
	late := v.Unranked()
	if late < 1000 || late < v.Resources()/32 || !e.sorting.CompareAndSwap(false, true) {
		return
	}
	e.background.Go(func() {
		defer e.sorting.Store(false)
		k := index.NewRanks(v)
		e.mu.Lock()
		defer e.mu.Unlock()
		e.view.Store(e.View().Ranked(k))
	})
}
