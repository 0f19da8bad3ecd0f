package judge

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/history"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// restoreMoves reads what numbers controls have and how many rows of moves are
// loose.
func (e *Estate) restoreMoves(ctx context.Context, tx *store.Tx) error {
	var ids []string
	err := tx.Setting(ctx, e.tenant, controlsSetting, &ids)
	if err != nil && !arm.IsNotFound(err) {
		return err
	}
	e.controls.Restore(ids)
	for _, c := range e.judge.opt.Library.Controls {
		e.log.Numbers = append(e.log.Numbers, e.controls.Of(c.ID))
	}
	if n := len(e.controls.IDs); n > record.MaxControls {
		return fmt.Errorf("%d score controls were ever known, there is room for %d", n, record.MaxControls)
	}
	return e.log.Restore(ctx, tx)
}

// packMoves packs what the change makes of resources, once: when it is recorded
// again it is the same.
func (t *update) packMoves(ctx context.Context) error {
	if t.moves != nil {
		return nil
	}
	w := &history.TransactionWriter{Tenant: t.e.tenant, Seq: t.next.Seq(), At: t.at}
	if t.builder.Rebuilding {
		if err := t.reconcile(ctx, w); err != nil {
			return err
		}
	} else {
		t.eachMove(w.Note)
	}
	t.moves = w.Finish()
	return nil
}

// eachMove calls fn for each row that was written and is not as it was, by
// ascending handle.
func (t *update) eachMove(fn func(m *history.RowChange)) {
	for _, o := range t.parts() {
		t.eachMoveOf(o.ByHandle(), fn)
	}
}

func (t *update) eachMoveOf(o *index.Delta, fn func(m *history.RowChange)) {
	var packed []byte
	o.EachChanged(func(a index.Move, flips []record.Change) {
		was, is := t.base.Row(a.Handle), t.next.Row(a.Handle)
		packed = history.PackChanges(packed[:0], flips)
		m := history.RowChange{Handle: a.Handle, States: a.Is.Renumbered(t.e.log.Numbers), Changes: packed}
		switch {
		case is == nil && was == nil:
			return
		case is == nil:
			m.ID = was.ID
		case was == nil || !record.SamePlacement(was, is):
			m.Relocated, m.Placement, m.Created = true, t.e.names.Placement(is), was == nil
		case a.Was == a.Is && len(flips) == 0:
			return
		}
		fn(&m)
	})
}

// reconcile compares the next view with the end of the stored past, where every
// row was judged: at a start, and after an edit that counts recommendations
// elsewhere. What was deleted while no judge ran is found here too.
func (t *update) reconcile(ctx context.Context, l *history.TransactionWriter) error {
	e := t.e
	p := e.log.NewSnapshot(t.next.Schema(), history.SnapshotScope{Whole: true})
	if err := e.log.Replay(ctx, p, history.ReplayOptions{Times: []time.Time{history.EndOfTime}, At: func(int) {}}); err != nil {
		return fmt.Errorf("read the past: %w", err)
	}
	t.past = p
	gone, err := t.missing(ctx, p)
	if err != nil {
		return err
	}
	flips := slices.Clone(t.changes)
	slices.SortStableFunc(flips, func(a, b record.Change) int { return cmp.Compare(a.Handle, b.Handle) })
	st := make([]record.ControlStatus, len(t.next.Schema().Controls))
	var packed []byte
	take := func(h uint32) []byte { // handles ascend; some may come and go between
		packed = packed[:0]
		for len(flips) > 0 && flips[0].Handle <= h {
			if flips[0].Handle == h {
				packed = history.PackChanges(packed, flips[:1])
			}
			flips = flips[1:]
		}
		return packed
	}
	note := func(m *history.RowChange) {
		m.Changes = take(m.Handle)
		l.Note(m)
	}
	t.next.EachRow(func(h uint32, r *record.Row) bool {
		for len(gone) > 0 && gone[0].Handle < h {
			note(&gone[0])
			gone = gone[1:]
		}
		t.next.Schema().ControlStatuses(r, st)
		m := history.RowChange{Handle: h, States: record.ControlStatesOf(r, st).Renumbered(e.log.Numbers), Changes: take(h), Placement: e.names.Placement(r)}
		m.Relocated, m.Created = !p.HasPlacement(h, m.Placement), !p.Has(h)
		if m.Relocated || len(m.Changes) > 0 || !p.HasStates(h, m.States) {
			l.Note(&m)
		}
		return true
	})
	for i := range gone {
		note(&gone[i])
	}
	return nil
}

// missing are the resources of the past that the next view does not have, by
// ascending handle.
func (t *update) missing(ctx context.Context, p *history.Snapshot) ([]history.RowChange, error) {
	var gone []history.RowChange
	var handles []uint32
	p.Each(func(h uint32, _ history.RowState) {
		if t.next.Row(h) == nil {
			gone = append(gone, history.RowChange{Handle: h, States: record.Absent})
			handles = append(handles, h)
		}
	})
	if len(gone) == 0 {
		return nil, nil
	}
	var ids map[uint32]string
	err := t.e.judge.opt.Store.View(ctx, func(tx *store.Tx) error {
		var err error
		ids, err = tx.IDs(ctx, handles)
		return err
	})
	for i := range gone {
		gone[i].ID = ids[gone[i].Handle]
	}
	return gone, err
}
