package index

import "github.com/rampart-sec/rampart/internal/posture/record"

// AfterFix is a control's tally when fixed rows become healthy and softened
// ones unknown.
func (t ControlCounts) AfterFix(fixed, softened int32) ControlCounts {
	t.Healthy += fixed
	t.Unhealthy -= fixed + softened
	t.Unknown += softened
	return t
}

// gain is the percent that a pool's score rises if only one recommendation of a
// control is fixed everywhere in it.
func (l *Totals) gain(maximum, control int, rec RecommendationCounts, s Score) float64 {
	if rec.fixed == 0 && rec.softened == 0 || maximum == 0 {
		return 0
	}
	before := l.Controls[control]
	after := before.AfterFix(rec.fixed, rec.softened)
	points := s.Current + Share(maximum, int(after.Healthy), after.Known()) - Share(maximum, int(before.Healthy), before.Known())
	total := s.Max
	if after.Known() == 0 {
		total -= maximum
	}
	return percentOf(points, total) - s.Percent
}

// gain is the percent points that a scope's score rises if one recommendation
// is fixed everywhere in it and nothing else changes.
func (v *View) gain(sel Selection, l *Totals, slot uint16) float64 {
	control := v.schema.Control(slot)
	if control == record.NotCounted {
		return 0
	}
	maximum := v.schema.Controls[control].Max
	if sel.Subs == nil && sel.set() != nil {
		return l.gain(maximum, control, l.Of(slot), l.Score(v.schema))
	}
	if t := l.Of(slot); t.fixed == 0 && t.softened == 0 {
		return 0 // every resource has something else open
	}
	var before, after, weight, left float64
	v.eachPart(sel, func(s *Subscription, score Score) {
		w := float64(score.Weight)
		weight += w
		before += w * score.Percent
		if rec := s.Totals.Of(slot); rec.fixed != 0 || rec.softened != 0 {
			w -= float64(rec.dropped)
			score.Percent += s.Totals.gain(maximum, control, rec, score)
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
func (v *View) eachPart(sel Selection, fn func(*Subscription, Score)) {
	if sel.Subs != nil {
		for _, s := range sel.Subs {
			fn(s, s.Totals.Score(v.schema))
		}
		return
	}
	for _, p := range v.Cache.parts(v) {
		fn(p.sub, p.score)
	}
}

// potential is the reference's figure for a recommendation: the points per
// resource of its control times its unhealthy resources, in percent points,
// never more than the control's own.
func (v *View) potential(l *Totals, slot uint16, maximum int) float64 {
	control := v.schema.Control(slot)
	if control == record.NotCounted || maximum == 0 {
		return 0
	}
	t := l.Controls[control]
	n := min(l.Of(slot).ByState[record.Unhealthy], t.Unhealthy)
	return Share(v.schema.Controls[control].Max, int(n), t.Known()) / float64(maximum) * 100
}

// GainOf is the points that the score of the row's subscription rises if one
// of its assessments is fixed.
func (v *View) GainOf(r *record.Row, slot uint16) float64 {
	control := v.schema.Control(slot)
	sub := v.Subs.At(r.Subscription)
	if control == record.NotCounted || sub == nil {
		return 0
	}
	st := make([]record.ControlStatus, len(v.schema.Controls))
	v.schema.ControlStatuses(r, st)
	if !st[control].LastUnhealthy() {
		return 0
	}
	before := sub.Totals.Controls[control]
	after := before.AfterFix(1, 0)
	if st[control].Unknown > 0 {
		after = before.AfterFix(0, 1)
	}
	maximum := v.schema.Controls[control].Max
	return Share(maximum, int(after.Healthy), after.Known()) - Share(maximum, int(before.Healthy), before.Known())
}
