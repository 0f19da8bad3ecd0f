package posture

import "github.com/rampart-sec/rampart/content"

// Score is the secure score of a scope by the reference formula: per control
// max/(healthy+unhealthy)*healthy, summed over controls that have something to
// assess.
//
// The estate and a management group are several subscriptions: their Percent
// is the mean of the subscriptions' percents weighted by Weight, the number of
// resources with a verdict in at least one scored control. Every other scope
// (subscription, resource group, resource, tag) is scored as one pool.
type Score struct {
	Current float64 // points
	Max     int     // points of controls with something to assess
	Percent float64 // 0..100; 0 when Max is 0
	// Low and High are Percent if every unknown were unhealthy or healthy.
	Low, High float64
	// Known of Applicable (resource, control) pairs have a verdict.
	Known, Applicable int
	Weight            int // number of assessed resources, weight of a subscription among several
}

// ControlScore is one control's share of a Score. Where several subscriptions
// are weighted, the controls still show the pool of all their resources.
type ControlScore struct {
	Control                                    *content.Control
	Current                                    float64
	Max                                        int
	Healthy, Unhealthy, Unknown, NotApplicable int
	Low, High                                  float64 // points
	PotentialIncrease                          float64 // points, reference formula
	// LeftOnResource answers "n of m left before this control gives its points"
	// for scopes that are a single resource: unhealthy and all counted checks.
	LeftOnResource, ChecksOnResource int
}

// tally counts the resources of a scope in one control.
type tally struct {
	healthy, unhealthy, unknown, notApplicable int32
}

func (t tally) known() int      { return int(t.healthy + t.unhealthy) }
func (t tally) applicable() int { return t.known() + int(t.unknown) }

// share is max/n*healthy, 0 when there is nothing to assess.
func share(maximum int, healthy, n int) float64 {
	if n == 0 {
		return 0
	}
	return float64(maximum) / float64(n) * float64(healthy)
}

func controlScore(c *content.Control, t tally) ControlScore {
	low := share(c.Max, int(t.healthy), t.applicable())
	high := share(c.Max, int(t.healthy+t.unknown), t.applicable())
	return ControlScore{
		Control: c, Max: c.Max,
		Healthy: int(t.healthy), Unhealthy: int(t.unhealthy),
		Unknown: int(t.unknown), NotApplicable: int(t.notApplicable),
		Current: share(c.Max, int(t.healthy), t.known()),
		Low:     low, High: high,
		PotentialIncrease: share(c.Max, int(t.unhealthy), t.known()),
	}
}

// poolScore scores one pool of resources; tallies stand beside controls.
func poolScore(controls []*content.Control, tallies []tally, weight int) Score {
	s := Score{Weight: weight}
	var low, high float64
	widest := 0 // points if every unknown were known
	for i, c := range controls {
		t := tallies[i]
		if c.Max == 0 || t.applicable() == 0 {
			continue
		}
		s.Known += t.known()
		s.Applicable += t.applicable()
		cs := controlScore(c, t)
		widest += c.Max
		low += cs.Low
		high += cs.High
		if t.known() > 0 {
			s.Max += c.Max
			s.Current += cs.Current
		}
	}
	s.Percent = percentOf(s.Current, s.Max)
	s.Low, s.High = percentOf(low, widest), percentOf(high, widest)
	return s
}

func percentOf(points float64, maximum int) float64 {
	if maximum == 0 {
		return 0
	}
	return points / float64(maximum) * 100
}

// part is one subscription of a weighted score: pending is the number of
// resources whose only verdicts are unknown, which would gain weight if known.
type part struct {
	score   Score
	pending int
}

// weightedScore is the score of several subscriptions; maximum is the points of
// the controls that any of them assesses. The range weighs each subscription as
// if its unknowns were known; since that shifts weights it is widened to hold
// Percent where it would not.
func weightedScore(parts []part, maximum int) Score {
	s := Score{Max: maximum}
	var percent, low, high float64
	widest := 0
	for _, p := range parts {
		s.Known += p.score.Known
		s.Applicable += p.score.Applicable
		s.Weight += p.score.Weight
		percent += p.score.Percent * float64(p.score.Weight)
		w := p.score.Weight + p.pending
		widest += w
		low += p.score.Low * float64(w)
		high += p.score.High * float64(w)
	}
	if widest > 0 {
		s.Low, s.High = low/float64(widest), high/float64(widest)
	}
	if s.Weight > 0 {
		s.Percent = percent / float64(s.Weight)
		s.Low, s.High = min(s.Low, s.Percent), max(s.High, s.Percent)
	}
	s.Current = s.Percent / 100 * float64(s.Max)
	return s
}
