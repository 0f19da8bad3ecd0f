package index

import (
	"math/rand/v2"
	"testing"

	"github.com/rampart-sec/rampart/content"
)

// TestControlScoreReference holds the example that the reference documents: a
// control of 6 points over 78 resources of which 4 are healthy.
func TestControlScoreReference(t *testing.T) {
	cs := controlScore(&content.Control{Max: 6}, ControlCounts{Healthy: 4, Unhealthy: 74})
	if !nearly(Share(6, 1, 78), 0.0769, 5e-5) || !nearly(cs.Current, 0.31, 5e-3) || !nearly(cs.PotentialIncrease, 5.69, 5e-3) {
		t.Errorf("per resource %.4f, current %.2f, potential %.2f; want 0.0769, 0.31, 5.69",
			Share(6, 1, 78), cs.Current, cs.PotentialIncrease)
	}
}

// TestPoolScoreReference holds the two documented totals: 29 of 60 points and
// 22 of 58 points.
func TestPoolScoreReference(t *testing.T) {
	for _, tc := range []struct {
		name    string
		max     []int
		healthy []int32 // of 10 in each control
		want    float64
	}{
		{"29of60", []int{30, 20, 10}, []int32{5, 5, 4}, 48.3333},
		{"22of58", []int{20, 20, 18}, []int32{5, 6, 0}, 37.9310},
	} {
		t.Run(tc.name, func(t *testing.T) {
			controls := make([]*content.Control, len(tc.max))
			tallies := make([]ControlCounts, len(tc.max))
			for i := range controls {
				controls[i] = &content.Control{Max: tc.max[i]}
				tallies[i] = ControlCounts{Healthy: tc.healthy[i], Unhealthy: 10 - tc.healthy[i]}
			}
			if s := PoolScore(controls, tallies, 10); !nearly(s.Percent, tc.want, 1e-3) {
				t.Errorf("percent = %.4f, want %.4f", s.Percent, tc.want)
			}
		})
	}
}

func TestPoolScoreLeavesOutEmptyControls(t *testing.T) {
	controls := []*content.Control{{Max: 10}, {Max: 8}, {Max: 4}, {Max: 0}}
	tallies := []ControlCounts{{Healthy: 1, Unhealthy: 1}, {}, {Unknown: 3}, {Unhealthy: 9}}
	s := PoolScore(controls, tallies, 2)
	want := Score{Current: 5, Max: 10, Percent: 50, Low: 5. / 14 * 100, High: 9. / 14 * 100, Known: 2, Applicable: 5, Weight: 2}
	if s != want {
		t.Errorf("got %+v, want %+v", s, want)
	}
}

func TestWeightedScore(t *testing.T) {
	s := WeightedScore([]Part{
		{Score: Score{Percent: 100, Low: 100, High: 100, Weight: 1}},
		{Score: Score{Percent: 20, Low: 20, High: 20, Weight: 3}},
		{Score: Score{Low: 0, High: 100}, Pending: 4},
	}, 50)
	if s.Percent != 40 || s.Current != 20 || s.Low != 20 || s.High != 70 {
		t.Errorf("got %+v, want percent 40, current 20, range 20 to 70", s)
	}
}

// TestRangeHoldsScore checks on random tallies that the range always holds the
// score, for one pool and for several subscriptions.
func TestRangeHoldsScore(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	controls := []*content.Control{{Max: 10}, {Max: 6}, {Max: 4}, {Max: 1}}
	for range 2000 {
		var parts []Part
		for range 1 + rnd.IntN(4) {
			tallies := make([]ControlCounts, len(controls))
			for i := range tallies {
				tallies[i] = ControlCounts{Healthy: rnd.Int32N(4), Unhealthy: rnd.Int32N(4), Unknown: rnd.Int32N(4)}
			}
			p := Part{Score: PoolScore(controls, tallies, 1+rnd.IntN(20)), Pending: rnd.IntN(20)}
			if p.Score.Known == 0 {
				p.Score.Weight = 0
			}
			holds(t, p.Score)
			parts = append(parts, p)
		}
		holds(t, WeightedScore(parts, 21))
	}
}

func holds(t *testing.T, s Score) {
	t.Helper()
	if s.Low > s.Percent+1e-9 || s.High < s.Percent-1e-9 || s.Low < 0 || s.High > 100+1e-9 {
		t.Fatalf("score outside its range: %+v", s)
	}
}
