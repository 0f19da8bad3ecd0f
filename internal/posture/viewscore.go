package posture

// Score is the secure score of a scope.
func (v *View) Score(scope Scope) Score { return v.scoreOf(v.resolve(scope)) }

func (v *View) scoreOf(sel selection) Score {
	switch {
	case sel.sub != nil:
		return sel.sub.ledger.score(v.shape)
	case sel.set() == nil:
		return v.estateScore()
	case sel.subs != nil:
		return v.partsScore(sel.subs, v.tallies(sel))
	}
	return poolScore(v.shape.controls, v.scoredTallies(sel), sel.count(v.assessed))
}

// scoredTallies are what a score needs of tallies: the points' controls, and of
// them what is known or unknown.
func (v *View) scoredTallies(sel selection) []tally {
	all := make([]tally, len(v.controls))
	for i, sets := range v.controls {
		if v.shape.controls[i].Max > 0 {
			all[i] = tally{
				healthy: int32(sel.count(sets.by[Healthy])), unhealthy: int32(sel.count(sets.by[Unhealthy])),
				unknown: int32(sel.count(sets.by[Unknown])),
			}
		}
	}
	return all
}

// estateScore weighs all subscriptions; what lies above them (entry noSub) is
// one part more.
func (v *View) estateScore() Score {
	return v.cache.score(func() Score {
		var subs []*subscription
		v.subs.Each(func(_ uint32, s *subscription) bool {
			subs = append(subs, s)
			return true
		})
		return v.partsScore(subs, v.total.controls)
	})
}

func (v *View) partsScore(subs []*subscription, pool []tally) Score {
	parts := make([]part, 0, len(subs))
	for _, s := range subs {
		if s.ledger.assessed+s.ledger.pending > 0 {
			parts = append(parts, part{s.ledger.score(v.shape), s.ledger.pending})
		}
	}
	maximum := 0
	for i, c := range v.shape.controls {
		if pool[i].known() > 0 {
			maximum += c.Max
		}
	}
	return weightedScore(parts, maximum)
}

// tallies counts a selection per control.
func (v *View) tallies(sel selection) []tally {
	switch {
	case sel.sub != nil:
		return sel.sub.ledger.controls
	case sel.set() == nil:
		return v.total.controls
	}
	all := make([]tally, len(v.controls))
	for i, sets := range v.controls {
		all[i] = tally{
			healthy: int32(sel.count(sets.by[Healthy])), unhealthy: int32(sel.count(sets.by[Unhealthy])),
			unknown: int32(sel.count(sets.by[Unknown])), notApplicable: int32(sel.count(sets.by[Exempt])),
		}
	}
	return all
}

// Controls are the shares of a scope's score, by points, then title. Controls
// with nothing to assess are listed with zero counts.
func (v *View) Controls(scope Scope) []ControlScore {
	sel := v.resolve(scope)
	tallies := v.tallies(sel)
	all := make([]ControlScore, len(tallies))
	for i, c := range v.shape.controls {
		all[i] = controlScore(c, tallies[i])
	}
	if sel.one != nil {
		v.checksLeft(sel.one, all)
	}
	return all
}

// checksLeft fills in how many counted checks of one resource are open.
func (v *View) checksLeft(r *row, all []ControlScore) {
	st := make([]standing, len(all))
	v.shape.standings(r, st)
	for i, s := range st {
		all[i].LeftOnResource = int(s.unhealthy + s.unknown)
		all[i].ChecksOnResource = int(s.healthy + s.unhealthy + s.unknown)
	}
}
