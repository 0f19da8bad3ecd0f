package index

import "github.com/rampart-sec/rampart/internal/posture/record"

// Score is the secure score of a scope.
func (v *View) Score(scope Scope) Score { return v.ScoreOf(v.Resolve(scope)) }

// ScoreOf is the score of a selection.
func (v *View) ScoreOf(sel Selection) Score {
	switch {
	case sel.sub != nil:
		return sel.sub.Totals.Score(v.schema)
	case sel.set() == nil:
		return v.EstateScore()
	case sel.Subs != nil:
		return v.partsScore(sel.Subs, v.controlCounts(sel))
	}
	return PoolScore(v.schema.Controls, v.scoredCounts(sel), sel.Count(v.assessed))
}

// scoredCounts are what a score needs of tallies: the points' controls, and of
// them what is known or unknown.
func (v *View) scoredCounts(sel Selection) []ControlCounts {
	all := make([]ControlCounts, len(v.controls))
	for i, sets := range v.controls {
		if v.schema.Controls[i].Max > 0 {
			all[i] = ControlCounts{
				Healthy: int32(sel.Count(sets.by[record.Healthy])), Unhealthy: int32(sel.Count(sets.by[record.Unhealthy])),
				Unknown: int32(sel.Count(sets.by[record.Unknown])),
			}
		}
	}
	return all
}

// EstateScore weighs all subscriptions; what lies above them (entry noSub) is
// one part more.
func (v *View) EstateScore() Score {
	return v.Cache.score(func() Score {
		var subs []*Subscription
		v.Subs.Each(func(_ uint32, s *Subscription) bool {
			subs = append(subs, s)
			return true
		})
		return v.partsScore(subs, v.Total.Controls)
	})
}

func (v *View) partsScore(subs []*Subscription, pool []ControlCounts) Score {
	parts := make([]Part, 0, len(subs))
	for _, s := range subs {
		if s.Totals.assessed+s.Totals.pending > 0 {
			parts = append(parts, Part{s.Totals.Score(v.schema), s.Totals.pending})
		}
	}
	maximum := 0
	for i, c := range v.schema.Controls {
		if pool[i].Known() > 0 {
			maximum += c.Max
		}
	}
	return WeightedScore(parts, maximum)
}

// controlCounts counts a selection per control.
func (v *View) controlCounts(sel Selection) []ControlCounts {
	switch {
	case sel.sub != nil:
		return sel.sub.Totals.Controls
	case sel.set() == nil:
		return v.Total.Controls
	}
	all := make([]ControlCounts, len(v.controls))
	for i, sets := range v.controls {
		all[i] = ControlCounts{
			Healthy: int32(sel.Count(sets.by[record.Healthy])), Unhealthy: int32(sel.Count(sets.by[record.Unhealthy])),
			Unknown: int32(sel.Count(sets.by[record.Unknown])), NotApplicable: int32(sel.Count(sets.by[record.Exempt])),
		}
	}
	return all
}

// Controls are the shares of a scope's score, by points, then title. Controls
// with nothing to assess are listed with zero counts.
func (v *View) Controls(scope Scope) []ControlScore {
	sel := v.Resolve(scope)
	tallies := v.controlCounts(sel)
	all := make([]ControlScore, len(tallies))
	for i, c := range v.schema.Controls {
		all[i] = controlScore(c, tallies[i])
	}
	if sel.one != nil {
		v.checksLeft(sel.one, all)
	}
	return all
}

// checksLeft fills in how many counted checks of one resource are open.
func (v *View) checksLeft(r *record.Row, all []ControlScore) {
	st := make([]record.ControlStatus, len(all))
	v.schema.ControlStatuses(r, st)
	for i, s := range st {
		all[i].LeftOnResource = int(s.Unhealthy + s.Unknown)
		all[i].ChecksOnResource = int(s.Healthy + s.Unhealthy + s.Unknown)
	}
}
