package posture

import (
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/store"
)

// replay goes back in time from a view: it undoes history, latest first, and
// keeps the score of a scope while it does. Its cost is that of what changed,
// not of the estate.
type replay struct {
	v        *View
	within   *roaring.Bitmap // nil: all
	weighted bool
	cells    map[uint32][]cell // of rows that history touched
	pools    map[uint32]*pool  // by subscription; one under noSub if not weighted
	scores   map[uint32]part   // of pools
	pending  map[uint32]bool   // pools whose score must be computed again
	st       []standing
}

// pool is what a score is computed from.
type pool struct {
	tallies           []tally
	assessed, pending int
}

func newReplay(v *View, sel selection) *replay {
	r := &replay{
		v: v, within: sel.set(), weighted: sel.set() == nil || sel.subs != nil, cells: map[uint32][]cell{},
		pools: map[uint32]*pool{}, scores: map[uint32]part{}, pending: map[uint32]bool{}, st: make([]standing, len(v.shape.controls)),
	}
	if !r.weighted {
		r.pools[noSub] = &pool{slices.Clone(v.tallies(sel)), sel.count(v.assessed), sel.count(v.pending)}
		r.pending[noSub] = true
		return r
	}
	v.subs.each(func(n uint32, s *subscription) bool {
		if sel.subs == nil || slices.Contains(sel.subs, s) {
			r.pools[n] = &pool{slices.Clone(s.ledger.controls), s.ledger.assessed, s.ledger.pending}
			r.pending[n] = true
		}
		return true
	})
	return r
}

// undo takes one block back and tells note, if it is set, of every counted
// assessment that it changed.
func (r *replay) undo(b *store.HistoryBlock, note func(ScoreChange)) error {
	from, to, cause, err := decodeFlip(b.State)
	if err != nil {
		return err
	}
	handles, err := blockHandles(b)
	if err != nil {
		return err
	}
	if r.within != nil {
		handles.And(r.within)
	}
	slot, ok := r.v.shape.slot(b.Recommendation)
	if !ok || r.v.shape.control(slot) == uncounted {
		return nil
	}
	it := handles.ReverseIterator()
	for it.HasNext() {
		row := r.v.rows.at(it.Next())
		if row == nil {
			continue
		}
		after := 0.0
		if note != nil {
			after = r.score().Percent
		}
		r.set(row, slot, from)
		if note != nil {
			note(ScoreChange{
				At: b.At, Recommendation: r.v.shape.slots[slot], ResourceID: row.id, From: from, To: to,
				Cause: causeWords(cause, from, to), Delta: after - r.score().Percent,
			})
		}
	}
	return nil
}

// set changes one cell of a row and the pool that the row is in.
func (r *replay) set(row *row, slot uint16, to State) {
	cells, ok := r.cells[row.handle]
	if !ok {
		cells = slices.Clone(row.cells)
	}
	n := uint32(noSub)
	if r.weighted {
		n = row.sub
	}
	r.book(n, cells, -1)
	i := slices.IndexFunc(cells, func(c cell) bool { return c.slot == slot })
	switch {
	case i < 0:
		cells = append(cells, cell{slot: slot, state: to})
	default:
		cells[i].state = to
	}
	r.book(n, cells, +1)
	r.cells[row.handle] = cells
}

func (r *replay) book(n uint32, cells []cell, sign int32) {
	p := r.pools[n]
	if p == nil {
		return
	}
	r.pending[n] = true
	r.v.shape.standings(&row{cells: cells}, r.st)
	for i, s := range r.st {
		p.tallies[i].add(s.state(), sign)
	}
	known, unknown := r.v.shape.scored(r.st)
	switch {
	case known > 0:
		p.assessed += int(sign)
	case unknown > 0:
		p.pending += int(sign)
	}
}

// score is the scope's score at the time that was gone back to.
func (r *replay) score() Score {
	for n := range r.pending {
		p := r.pools[n]
		r.scores[n] = part{poolScore(r.v.shape.controls, p.tallies, p.assessed), p.pending}
		delete(r.pending, n)
	}
	if !r.weighted {
		return r.scores[noSub].score
	}
	parts := make([]part, 0, len(r.scores))
	known := make([]bool, len(r.v.shape.controls))
	for n, p := range r.scores {
		if p.score.Weight+p.pending > 0 {
			parts = append(parts, p)
		}
		for i, t := range r.pools[n].tallies {
			known[i] = known[i] || t.known() > 0
		}
	}
	maximum := 0
	for i, c := range r.v.shape.controls {
		if known[i] {
			maximum += c.Max
		}
	}
	return weightedScore(parts, maximum)
}
