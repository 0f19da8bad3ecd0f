package web

import (
	"math"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/posture/history"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// TestTrendStaysInItsField draws random histories: no point may leave the
// field, labels and grid lines must pair, and the scale must hold every score.
func TestTrendStaysInItsField(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c := clock{now: start, zone: time.UTC}
	for range 500 {
		var points []history.HistoryPoint
		at := start
		base, spread := rng.Float64()*100, rng.Float64()*100
		for range 2 + rng.IntN(40) {
			p := clamp(base + (rng.Float64()-0.5)*spread)
			points = append(points, history.HistoryPoint{At: at, Percent: p, Max: 58, Low: clamp(p - rng.Float64()*50), High: clamp(p + rng.Float64()*50)})
			at = at.Add(time.Duration(1+rng.IntN(1000)) * time.Minute)
		}
		tr := newTrend(points, c)
		if len(tr.YLabels) != len(tr.Grid) || len(tr.YLabels) < 3 || len(tr.YLabels) > 6 {
			t.Fatalf("%d labels, %d grid lines", len(tr.YLabels), len(tr.Grid))
		}
		floor, step, steps := scale(points)
		for _, p := range points {
			if p.Low < floor-1e-9 || p.High > floor+step*float64(steps)+1e-9 {
				t.Fatalf("score %.2f is outside of %.0f to %.0f", p.Percent, floor, floor+step*float64(steps))
			}
		}
		if floor < 0 || floor+step*float64(steps) > 100 {
			t.Fatalf("scale from %.0f to %.0f leaves 0 to 100", floor, floor+step*float64(steps))
		}
		checkPath(t, tr.Line+tr.Area+tr.Band)
	}
}

func checkPath(t *testing.T, path string) {
	t.Helper()
	numbers := regexp.MustCompile(`[-\d.]+|NaN|Inf`).FindAllString(path, -1)
	for i, text := range numbers {
		v, err := strconv.ParseFloat(text, 64)
		limit := float64(trendWidth)
		if i%2 == 1 {
			limit = trendHeight
		}
		if err != nil || math.IsNaN(v) || v < 0 || v > limit {
			t.Fatalf("coordinate %d is %s in %s", i, text, path)
		}
	}
}

func TestTrendNeedsTwoAssessedPoints(t *testing.T) {
	c := clock{now: fixtureNow, zone: time.UTC}
	for name, points := range map[string][]history.HistoryPoint{
		"none": nil, "one": {{At: fixtureNow, Percent: 50, Max: 10}},
		"oneAssessed": {{At: fixtureNow.Add(-time.Hour)}, {At: fixtureNow, Percent: 50, Max: 10}},
	} {
		if tr := newTrend(points, c); tr.Line != "" {
			t.Errorf("%s: drew %s", name, tr.Line)
		}
	}
}

func TestBar(t *testing.T) {
	got := string(stateBar(record.Counts{Healthy: 265, Unhealthy: 1, Unknown: 0, Exempt: 2}))
	if !strings.Contains(got, `aria-label="265 healthy, 1 unhealthy, 0 unknown, 2 exempt"`) {
		t.Errorf("no label in words: %s", got)
	}
	if strings.Count(got, "<rect") != 3 {
		t.Errorf("want one rectangle per state that is there: %s", got)
	}
	if empty := string(stateBar(record.Counts{})); strings.Contains(empty, "<rect") || strings.Contains(empty, "NaN") {
		t.Errorf("empty bar: %s", empty)
	}
}

func TestRingRange(t *testing.T) {
	for name, c := range map[string]struct {
		score  index.Score
		ranged bool
	}{
		"known":   {index.Score{Percent: 64, Low: 64, High: 64, Max: 58}, false},
		"ranged":  {index.Score{Percent: 64, Low: 60, High: 70, Max: 58}, true},
		"nothing": {index.Score{}, false},
	} {
		if r := newRing(c.score); r.Ranged != c.ranged || strings.Contains(r.Arc+r.RangeTurn, "NaN") {
			t.Errorf("%s: %+v", name, r)
		}
	}
}
