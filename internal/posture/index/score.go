package index

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

// ControlCounts counts the resources of a scope in one control.
type ControlCounts struct {
	Healthy, Unhealthy, Unknown, NotApplicable int32
}

// Known is the number of resources that are healthy or unhealthy.
func (t ControlCounts) Known() int      { return int(t.Healthy + t.Unhealthy) }
func (t ControlCounts) applicable() int { return t.Known() + int(t.Unknown) }

// Share is max/n*healthy, 0 when there is nothing to assess.
func Share(maximum int, healthy, n int) float64 {
	if n == 0 {
		return 0
	}
	return float64(maximum) / float64(n) * float64(healthy)
}

func controlScore(c *content.Control, t ControlCounts) ControlScore {
	low := Share(c.Max, int(t.Healthy), t.applicable())
	high := Share(c.Max, int(t.Healthy+t.Unknown), t.applicable())
	return ControlScore{
		Control: c, Max: c.Max,
		Healthy: int(t.Healthy), Unhealthy: int(t.Unhealthy),
		Unknown: int(t.Unknown), NotApplicable: int(t.NotApplicable),
		Current: Share(c.Max, int(t.Healthy), t.Known()),
		Low:     low, High: high,
		PotentialIncrease: Share(c.Max, int(t.Unhealthy), t.Known()),
	}
}

// PoolScore scores one pool of resources; tallies stand beside controls.
func PoolScore(controls []*content.Control, tallies []ControlCounts, weight int) Score {
	s := Score{Weight: weight}
	var low, high float64
	widest := 0 // points if every unknown were known
	for i, c := range controls {
		t := tallies[i]
		if c.Max == 0 || t.applicable() == 0 {
			continue
		}
		s.Known += t.Known()
		s.Applicable += t.applicable()
		cs := controlScore(c, t)
		widest += c.Max
		low += cs.Low
		high += cs.High
		if t.Known() > 0 {
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

// Part is one subscription of a weighted score: pending is the number of
// resources whose only verdicts are unknown, which would gain weight if known.
type Part struct {
	Score   Score
	Pending int
}

// WeightedScore is the score of several subscriptions; maximum is the points of
// the controls that any of them assesses. The range weighs each subscription as
// if its unknowns were known; since that shifts weights it is widened to hold
// Percent where it would not.
func WeightedScore(parts []Part, maximum int) Score {
	s := Score{Max: maximum}
	var percent, low, high float64
	widest := 0
	for _, p := range parts {
		s.Known += p.Score.Known
		s.Applicable += p.Score.Applicable
		s.Weight += p.Score.Weight
		percent += p.Score.Percent * float64(p.Score.Weight)
		w := p.Score.Weight + p.Pending
		widest += w
		low += p.Score.Low * float64(w)
		high += p.Score.High * float64(w)
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
