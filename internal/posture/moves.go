package posture

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
)

// restoreMoves reads what numbers controls have and how many rows of moves are
// loose.
func (e *Estate) restoreMoves(ctx context.Context, tx *store.Tx) error {
	var ids []string
	err := tx.Setting(ctx, e.tenant, controlsSetting, &ids)
	if err != nil && !arm.IsNotFound(err) {
		return err
	}
	e.controls.restore(ids)
	for _, c := range e.judge.opt.Library.Controls {
		e.log.numbers = append(e.log.numbers, e.controls.of(c.ID))
	}
	if n := len(e.controls.ids); n > maxControls {
		return fmt.Errorf("%d score controls were ever known, there is room for %d", n, maxControls)
	}
	return e.log.restore(ctx, tx)
}

// packMoves packs what the change makes of resources, once: when it is recorded
// again it is the same.
func (t *change) packMoves(ctx context.Context) error {
	if t.moves != nil {
		return nil
	}
	w := &moveLog{tenant: t.e.tenant, seq: t.next.seq, at: t.at}
	if t.builder.anew {
		if err := t.reconcile(ctx, w); err != nil {
			return err
		}
	} else {
		t.eachMove(w.note)
	}
	t.moves = w.finish()
	return nil
}

// eachMove calls fn for each row that was written and is not as it was, by
// ascending handle.
func (t *change) eachMove(fn func(m *moved)) {
	for _, o := range t.parts() {
		t.eachMoveOf(o.byHandle(), fn)
	}
}

func (t *change) eachMoveOf(o *outcome, fn func(m *moved)) {
	var packed []byte
	o.eachFlipped(func(a move, flips []flip) {
		was, is := t.base.row(a.handle), t.next.row(a.handle)
		packed = packFlips(packed[:0], flips)
		m := moved{handle: a.handle, stance: a.is.renumbered(t.e.log.numbers), flips: packed}
		switch {
		case is == nil && was == nil:
			return
		case is == nil:
			m.id = was.id
		case was == nil || !sameHome(was, is):
			m.moved, m.home, m.born = true, t.e.names.home(is), was == nil
		case a.was == a.is && len(flips) == 0:
			return
		}
		fn(&m)
	})
}

// reconcile compares the next view with the end of the stored past, where every
// row was judged: at a start, and after an edit that counts recommendations
// elsewhere. What was deleted while no judge ran is found here too.
func (t *change) reconcile(ctx context.Context, l *moveLog) error {
	e := t.e
	p := e.log.newPast(t.next.shape, pastScope{whole: true})
	if err := e.log.travel(ctx, p, trip{times: []time.Time{endOfTime}, at: func(int) {}}); err != nil {
		return fmt.Errorf("read the past: %w", err)
	}
	t.past = p
	gone, err := t.missing(ctx, p)
	if err != nil {
		return err
	}
	flips := slices.Clone(t.flips)
	slices.SortStableFunc(flips, func(a, b flip) int { return cmp.Compare(a.handle, b.handle) })
	st := make([]standing, len(t.next.shape.controls))
	var packed []byte
	take := func(h uint32) []byte { // handles ascend; some may come and go between
		packed = packed[:0]
		for len(flips) > 0 && flips[0].handle <= h {
			if flips[0].handle == h {
				packed = packFlips(packed, flips[:1])
			}
			flips = flips[1:]
		}
		return packed
	}
	note := func(m *moved) {
		m.flips = take(m.handle)
		l.note(m)
	}
	t.next.eachRow(func(h uint32, r *row) bool {
		for len(gone) > 0 && gone[0].handle < h {
			note(&gone[0])
			gone = gone[1:]
		}
		t.next.shape.standings(r, st)
		m := moved{handle: h, stance: stanceOf(r, st).renumbered(e.log.numbers), flips: take(h), home: e.names.home(r)}
		m.moved, m.born = !p.holds(h, m.home), !p.there(h)
		if m.moved || len(m.flips) > 0 || !p.stands(h, m.stance) {
			l.note(&m)
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
func (t *change) missing(ctx context.Context, p *past) ([]moved, error) {
	var gone []moved
	var handles []uint32
	p.each(func(h uint32, _ held) {
		if t.next.row(h) == nil {
			gone = append(gone, moved{handle: h, stance: nowhere})
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
		gone[i].id = ids[gone[i].handle]
	}
	return gone, err
}
