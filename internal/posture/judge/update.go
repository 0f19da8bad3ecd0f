package judge

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/history"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// update is one transaction of the index: what the evaluator says after some
// edits becomes rows, moves and score in the store, then the next view. It
// can be recorded again if the store failed.
type update struct {
	e         *Estate
	base      *index.View
	next      *index.View
	builder   *index.Writer
	at        time.Time
	began     time.Time
	positions map[int]uint64 // new ones, by partition

	changed  *roaring.Bitmap // rows whose verdicts may have changed
	swapped  *policyDelta    // if policies were swapped
	changes  []record.Change
	touched  []uint32          // rows whose packed states changed
	deltas   []index.Delta     // what else was changed and touched, see parts
	moves    []store.Moves     // see packMoves
	past     *history.Snapshot // as it was stored, if every row is written
	assessor assessor
	shown    bool // published
}

// begin starts the epoch after base.
func (e *Estate) begin(base *index.View, positions map[int]uint64) *update {
	b := base.Edit(e.schema())
	if !e.schema().SameScore(base.Schema()) {
		b = base.Rebuild(e.schema())
	}
	b.SkipNames, b.RowsOnly = e.shadow, e.shadow
	now := e.now()
	return &update{e: e, base: base, next: b.View, builder: b, at: now, began: now, positions: positions, assessor: assessor{e: e, at: now}}
}

// evaluate brings all verdicts up to date as of the change's instant.
func (t *update) evaluate() error {
	changed, next, err := t.e.eval.evaluate(t.at)
	if err != nil {
		return fmt.Errorf("evaluate policies: %w", err)
	}
	if t.swapped = t.e.eval.swapped(); t.swapped != nil {
		t.swapped.except.Or(t.e.recheck)
	}
	changed.Or(t.e.recheck)
	t.e.recheck = roaring.New()
	t.changed = changed
	t.e.nextTick = next
	return nil
}

// judge gives a row its statuses and books it. fresh is a row of its own; was is
// what it was before, nil if it is new.
func (t *update) judge(fresh, was *record.Row, cause record.Cause) {
	t.assessor.assess(fresh, was)
	t.put(fresh, was, cause)
}

// put takes a row that was assessed into the next view, unless it is there.
func (t *update) put(fresh, was *record.Row, cause record.Cause) {
	known := t.next.Row(fresh.Handle)
	if known != nil && record.SameRow(known, fresh) {
		return
	}
	t.builder.Put(fresh)
	before := len(t.changes)
	t.changes = record.Diff(t.changes, was, fresh, cause)
	if len(t.changes) > before || was == nil {
		t.touched = append(t.touched, fresh.Handle)
	}
}

// remove takes a row out.
func (t *update) remove(handle uint32) {
	was := t.next.Row(handle)
	if was == nil {
		return
	}
	t.builder.Remove(handle)
	t.e.bases.Drop(handle)
	t.changes = record.Diff(t.changes, was, nil, record.ResourceChanged)
}

// writeBehind says when packed states are written behind the transaction, so that
// a policy edit over a million rows shows at once.
type writeBehind struct {
	above int // rows that a transaction writes itself
	some  int // rows that one flush writes while changes may be waiting
}

var defaultBehind = writeBehind{above: manyTouched, some: 1000}

// manyTouched is the number of rows that are many.
const manyTouched = 10_000

// finish records the change and publishes the view. If the store fails the
// change is kept and recorded first thing next time.
//
// A view with very many changes is published first: to write what became of a
// million resources takes as long again as to judge them. If the process dies in
// between, the batch is read again and gives the same, at a later time.
func (t *update) finish(ctx context.Context) error {
	t.builder.Commit(t.at)
	t.assessor.done()
	if t.e.shadow {
		t.e.follow(t.positions)
		t.e.view.Store(t.next)
		return nil
	}
	if t.late() {
		t.show()
	}
	if err := t.record(ctx); err != nil {
		t.e.unwritten = t
		return err
	}
	t.e.unwritten = nil
	t.e.delivered.saved()
	t.e.bases.Saved()
	t.e.slots.Saved()
	t.e.controls.Saved()
	t.e.follow(t.positions)
	for _, o := range t.parts() {
		t.e.judge.metrics.flips.WithLabelValues(t.e.tenant).Add(float64(len(o.Changes)))
	}
	t.show()
	t.e.rankBehind(t.next)
	t.e.log.CompactBehind(ctx, len(t.moves))
	return nil
}

// late reports whether the change writes packed states behind it.
func (t *update) late() bool {
	n := 0
	for _, o := range t.parts() {
		n += len(o.Touched)
	}
	return n > t.e.judge.behind.above
}

// show publishes the view, once.
func (t *update) show() {
	if t.shown {
		return
	}
	t.shown = true
	t.e.judge.metrics.seconds.Observe(t.e.now().Sub(t.began).Seconds())
	t.e.publish(t.next)
}

// follow takes positions that were reached.
func (e *Estate) follow(positions map[int]uint64) { maps.Copy(e.positions, positions) }

// record writes everything in one transaction.
func (t *update) record(ctx context.Context) error {
	if err := t.packMoves(ctx); err != nil {
		return err
	}
	late := t.late()
	var rows []store.StatesRow
	for _, o := range t.parts() {
		if late {
			t.e.behind.AddMany(o.Touched)
		} else {
			rows = append(rows, t.e.statesOf(t.next, o.Touched)...)
		}
	}
	return t.e.judge.opt.Store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.PutMoves(ctx, t.moves); err != nil {
			return err
		}
		if err := tx.SetStates(ctx, rows); err != nil {
			return err
		}
		if err := tx.PutScoreRows(ctx, history.ScoreRows(t.e.tenant, t.base, t.next, t.past)); err != nil {
			return err
		}
		return t.place(ctx, tx, late)
	})
}

// place stores positions, the epoch and new slots.
func (t *update) place(ctx context.Context, tx *store.Tx, late bool) error {
	for part, seq := range t.positions {
		if err := tx.SetPosition(ctx, store.Cursor{Reader: reader, Tenant: t.e.tenant, Partition: part, Seq: seq}); err != nil {
			return err
		}
	}
	state := storedState{Seq: t.next.Seq(), Behind: t.e.behindFrom}
	if late && state.Behind == 0 {
		state.Behind = t.next.Seq()
		t.e.behindFrom = t.next.Seq()
	}
	if err := tx.PutSetting(ctx, t.e.tenant, stateSetting, state); err != nil {
		return err
	}
	if delivered := t.e.delivered.changed(); delivered != nil {
		if err := tx.PutSetting(ctx, t.e.tenant, deliveredSetting, delivered); err != nil {
			return err
		}
	}
	if err := t.e.bases.Write(ctx, tx, t.e.tenant); err != nil {
		return err
	}
	if err := t.e.slots.Store(ctx, tx, t.e.tenant, slotsSetting); err != nil {
		return err
	}
	return t.e.controls.Store(ctx, tx, t.e.tenant, controlsSetting)
}

// statesOf packs the states of rows as they are in a view.
func (e *Estate) statesOf(v *index.View, handles []uint32) []store.StatesRow {
	rows := make([]store.StatesRow, 0, len(handles))
	for _, h := range handles {
		if r := v.Row(h); r != nil {
			rows = append(rows, store.StatesRow{Handle: h, Packed: record.Pack(r.Statuses, r.Tasks), Seq: v.Seq()})
		}
	}
	return rows
}

// allBehind is more than there is to flush.
const allBehind = 1 << 31

// flush writes packed states that are behind, at most limit.
func (e *Estate) flush(ctx context.Context, limit int) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.unwritten != nil {
		return nil // the view may be ahead of the store, which is told of moves first
	}
	for limit > 0 && !e.behind.IsEmpty() {
		some := make([]uint32, min(limit, maxBatch))
		some = some[:e.behind.ManyIterator().NextMany(some)]
		limit -= len(some)
		left := e.behind.Clone()
		for _, h := range some {
			left.Remove(h)
		}
		v := e.View()
		err := e.judge.opt.Store.Update(ctx, func(tx *store.Tx) error {
			if err := tx.SetStates(ctx, e.statesOf(v, some)); err != nil || !left.IsEmpty() {
				return err
			}
			return tx.PutSetting(ctx, e.tenant, stateSetting, storedState{Seq: v.Seq()})
		})
		if err != nil {
			return fmt.Errorf("write states behind: %w", err)
		}
		e.behind = left
	}
	if e.behind.IsEmpty() {
		e.behindFrom = 0
	}
	return nil
}
