package posture

import "slices"

// pool is what a score is computed from.
type pool struct {
	tallies           []tally
	assessed, pending int
}

// pools are copies of what a scope's score is computed from, to be changed on
// paper.
type pools struct {
	v        *View
	weighted bool
	pools    map[uint32]*pool // by subscription; one under noSub if not weighted
	scores   map[uint32]part  // of pools
	pending  map[uint32]bool  // pools whose score must be computed again
}

func newPools(v *View, sel selection) *pools {
	r := &pools{
		v: v, weighted: sel.set() == nil || sel.subs != nil,
		pools: map[uint32]*pool{}, scores: map[uint32]part{}, pending: map[uint32]bool{},
	}
	if !r.weighted {
		r.pools[noSub] = &pool{slices.Clone(v.tallies(sel)), sel.count(v.assessed), sel.count(v.pending)}
		r.pending[noSub] = true
		return r
	}
	v.subs.Each(func(n uint32, s *subscription) bool {
		if sel.subs == nil || slices.Contains(sel.subs, s) {
			r.pools[n] = &pool{slices.Clone(s.ledger.controls), s.ledger.assessed, s.ledger.pending}
			r.pending[n] = true
		}
		return true
	})
	return r
}

// score is the score of the pools as they are.
func (r *pools) score() Score {
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

// add counts n resources: whether a scored control of theirs is known, or else
// whether one is unknown.
func (l *pool) add(n int32, known, unknown bool) {
	switch {
	case known:
		l.assessed += int(n)
	case unknown:
		l.pending += int(n)
	}
}

func (l *pool) merge(other *pool) {
	for i, t := range other.tallies {
		l.tallies[i].merge(t)
	}
	l.assessed += other.assessed
	l.pending += other.pending
}
