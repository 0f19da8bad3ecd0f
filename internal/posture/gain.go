package posture

// afterFix is a control's tally when fixed rows become healthy and softened
// ones unknown.
func (t tally) afterFix(fixed, softened int32) tally {
	t.healthy += fixed
	t.unhealthy -= fixed + softened
	t.unknown += softened
	return t
}

// gain is the percent that a pool's score rises if only one recommendation of a
// control is fixed everywhere in it.
func (l *ledger) gain(maximum, control int, rec recTally, s Score) float64 {
	if rec.fixed == 0 && rec.softened == 0 || maximum == 0 {
		return 0
	}
	before := l.controls[control]
	after := before.afterFix(rec.fixed, rec.softened)
	points := s.Current + share(maximum, int(after.healthy), after.known()) - share(maximum, int(before.healthy), before.known())
	total := s.Max
	if after.known() == 0 {
		total -= maximum
	}
	return percentOf(points, total) - s.Percent
}

// gain is the percent points that a scope's score rises if one recommendation
// is fixed everywhere in it and nothing else changes.
func (v *View) gain(sel selection, l *ledger, slot uint16) float64 {
	control := v.shape.control(slot)
	if control == uncounted {
		return 0
	}
	maximum := v.shape.controls[control].Max
	if sel.subs == nil && sel.set() != nil {
		return l.gain(maximum, control, l.rec(slot), l.score(v.shape))
	}
	if t := l.rec(slot); t.fixed == 0 && t.softened == 0 {
		return 0 // every resource has something else open
	}
	var before, after, weight, left float64
	v.eachPart(sel, func(s *subscription, score Score) {
		w := float64(score.Weight)
		weight += w
		before += w * score.Percent
		if rec := s.ledger.rec(slot); rec.fixed != 0 || rec.softened != 0 {
			w -= float64(rec.dropped)
			score.Percent += s.ledger.gain(maximum, control, rec, score)
		}
		left += w
		after += w * score.Percent
	})
	if weight == 0 || left == 0 {
		return 0
	}
	return after/left - before/weight
}

// eachPart calls fn for the subscriptions of a weighted score.
func (v *View) eachPart(sel selection, fn func(*subscription, Score)) {
	if sel.subs != nil {
		for _, s := range sel.subs {
			fn(s, s.ledger.score(v.shape))
		}
		return
	}
	for _, p := range v.cache.parts(v) {
		fn(p.sub, p.score)
	}
}

// potential is the reference's figure for a recommendation: the points per
// resource of its control times its unhealthy resources, in percent points,
// never more than the control's own.
func (v *View) potential(l *ledger, slot uint16, maximum int) float64 {
	control := v.shape.control(slot)
	if control == uncounted || maximum == 0 {
		return 0
	}
	t := l.controls[control]
	n := min(l.rec(slot).by[Unhealthy], t.unhealthy)
	return share(v.shape.controls[control].Max, int(n), t.known()) / float64(maximum) * 100
}

// gainOf is the points that the score of the row's subscription rises if one
// of its assessments is fixed.
func (v *View) gainOf(r *row, slot uint16) float64 {
	control := v.shape.control(slot)
	sub := v.subs.At(r.sub)
	if control == uncounted || sub == nil {
		return 0
	}
	st := make([]standing, len(v.shape.controls))
	v.shape.standings(r, st)
	if !st[control].last() {
		return 0
	}
	before := sub.ledger.controls[control]
	after := before.afterFix(1, 0)
	if st[control].unknown > 0 {
		after = before.afterFix(0, 1)
	}
	maximum := v.shape.controls[control].Max
	return share(maximum, int(after.healthy), after.known()) - share(maximum, int(before.healthy), before.known())
}
