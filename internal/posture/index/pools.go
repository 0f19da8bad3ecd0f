package index

import (
	"slices"

	"github.com/rampart-sec/rampart/internal/posture/record"
)

// Pool is what a score is computed from.
type Pool struct {
	Controls          []ControlCounts
	Assessed, Pending int
}

// Pools are copies of what a scope's score is computed from, to be changed on
// paper.
type Pools struct {
	v        *View
	Weighted bool
	Pools    map[uint32]*Pool // by subscription; one under noSub if not weighted
	scores   map[uint32]Part  // of pools
	Pending  map[uint32]bool  // pools whose score must be computed again
}

// NewPools are the pools of a selection, to be changed by the caller.
func NewPools(v *View, sel Selection) *Pools {
	r := &Pools{
		v: v, Weighted: sel.set() == nil || sel.Subs != nil,
		Pools: map[uint32]*Pool{}, scores: map[uint32]Part{}, Pending: map[uint32]bool{},
	}
	if !r.Weighted {
		r.Pools[record.NoSubscription] = &Pool{slices.Clone(v.controlCounts(sel)), sel.Count(v.assessed), sel.Count(v.pending)}
		r.Pending[record.NoSubscription] = true
		return r
	}
	v.Subs.Each(func(n uint32, s *Subscription) bool {
		if sel.Subs == nil || slices.Contains(sel.Subs, s) {
			r.Pools[n] = &Pool{slices.Clone(s.Totals.Controls), s.Totals.assessed, s.Totals.pending}
			r.Pending[n] = true
		}
		return true
	})
	return r
}

// Score is the score of the pools as they are.
func (r *Pools) Score() Score {
	for n := range r.Pending {
		p := r.Pools[n]
		r.scores[n] = Part{PoolScore(r.v.schema.Controls, p.Controls, p.Assessed), p.Pending}
		delete(r.Pending, n)
	}
	if !r.Weighted {
		return r.scores[record.NoSubscription].Score
	}
	parts := make([]Part, 0, len(r.scores))
	known := make([]bool, len(r.v.schema.Controls))
	for n, p := range r.scores {
		if p.Score.Weight+p.Pending > 0 {
			parts = append(parts, p)
		}
		for i, t := range r.Pools[n].Controls {
			known[i] = known[i] || t.Known() > 0
		}
	}
	maximum := 0
	for i, c := range r.v.schema.Controls {
		if known[i] {
			maximum += c.Max
		}
	}
	return WeightedScore(parts, maximum)
}

// Add counts n resources: whether a scored control of theirs is known, or else
// whether one is unknown.
func (l *Pool) Add(n int32, known, unknown bool) {
	switch {
	case known:
		l.Assessed += int(n)
	case unknown:
		l.Pending += int(n)
	}
}

// Merge adds another pool.
func (l *Pool) Merge(other *Pool) {
	for i, t := range other.Controls {
		l.Controls[i].merge(t)
	}
	l.Assessed += other.Assessed
	l.Pending += other.Pending
}
