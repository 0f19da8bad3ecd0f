package web

import (
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/posture/history"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// ringLength is the circumference of the score ring, radius 52.
const ringLength = 2 * math.Pi * 52

// ring is the score as an arc, with its range as a paler arc behind the tip.
type ring struct {
	Score index.Score
	// Arc, RangeLength and RangeTurn are what the SVG needs: lengths of dashes
	// and the angle at which the range begins, in degrees.
	Arc, RangeLength, RangeTurn string
	Ranged                      bool
}

func newRing(s index.Score) ring {
	low, high := clamp(s.Low), clamp(s.High)
	return ring{
		Score:       s,
		Arc:         fmt.Sprintf("%.1f %.1f", clamp(s.Percent)/100*ringLength, ringLength),
		RangeLength: fmt.Sprintf("%.1f %.1f", (high-low)/100*ringLength, ringLength),
		RangeTurn:   fmt.Sprintf("rotate(%.1f 64 64)", low*3.6-90),
		Ranged:      high-low >= 0.5,
	}
}

func clamp(p float64) float64 { return min(max(p, 0), 100) }

// The trend is drawn on a field of this size and stretched to its place.
const trendWidth, trendHeight = 600, 100

// trend is the score over time: a line, the area below it and the band of its
// range, with labels in text beside the drawing.
type trend struct {
	Points           []history.HistoryPoint
	Line, Area, Band string // path data
	Last             string // path of the last point, drawn as a round dot
	Grid             []string
	YLabels, XLabels []string
	Summary          string // for readers who do not see the drawing
}

// newTrend draws the points that had something to assess; fewer than two give
// an empty trend.
func newTrend(points []history.HistoryPoint, c clock) trend {
	known := points[:0:0]
	for _, p := range points {
		if p.Max > 0 {
			known = append(known, p)
		}
	}
	if len(known) < 2 {
		return trend{}
	}
	floor, step, steps := scale(known)
	t := trend{Points: known}
	from, to := known[0].At, known[len(known)-1].At
	place := func(at time.Time, p float64) string {
		x := trendWidth * float64(at.Sub(from)) / math.Max(1, float64(to.Sub(from)))
		y := trendHeight * (1 - (p-floor)/(step*float64(steps)))
		return fmt.Sprintf("%.1f %.1f", x, min(max(y, 0), trendHeight))
	}
	var line, high, low []string
	for _, p := range known {
		line = append(line, place(p.At, p.Percent))
		high = append(high, place(p.At, p.High))
		low = append([]string{place(p.At, p.Low)}, low...)
	}
	t.Line = "M" + strings.Join(line, "L")
	t.Area = t.Line + fmt.Sprintf("L%d %dL0 %dZ", trendWidth, trendHeight, trendHeight)
	t.Band = "M" + strings.Join(high, "L") + "L" + strings.Join(low, "L") + "Z"
	t.Last = "M" + line[len(line)-1] + "h.01"
	for i := steps; i >= 0; i-- {
		t.YLabels = append(t.YLabels, percent(floor+step*float64(i)))
		t.Grid = append(t.Grid, fmt.Sprintf("M0 %.1fH%d", trendHeight*float64(steps-i)/float64(steps), trendWidth))
	}
	t.XLabels = xLabels(from, to, c)
	t.Summary = fmt.Sprintf("Score from %s on %s to %s on %s", percent(known[0].Percent), c.day(from),
		percent(known[len(known)-1].Percent), c.day(to))
	return t
}

// scale chooses a floor and a round step so that two to four steps hold every
// value and its range; it never shows less than ten points of the score, so that noise does
// not look like news.
func scale(points []history.HistoryPoint) (floor, step float64, steps int) {
	lo, hi := 100.0, 0.0
	for _, p := range points {
		lo, hi = min(lo, p.Percent, p.Low), max(hi, p.Percent, p.High)
	}
	for _, step = range []float64{5, 10, 20, 25, 50} {
		floor = math.Floor(lo/step) * step
		steps = int(math.Ceil((hi - floor) / step))
		if steps <= 4 {
			break
		}
	}
	steps = max(steps, 2)
	if over := floor + step*float64(steps) - 100; over > 0 {
		floor = max(0, floor-over)
	}
	return floor, step, steps
}

// xLabels are the two ends and the middle, as days or, within two days, as times.
func xLabels(from, to time.Time, c clock) []string {
	write := c.day
	if to.Sub(from) <= 48*time.Hour {
		write = func(t time.Time) string { return t.In(c.zone).Format("15:04") }
	}
	labels := []string{write(from), write(from.Add(to.Sub(from) / 2)), write(to)}
	if labels[0] == labels[2] {
		return labels[2:]
	}
	return labels
}

// bar draws shares of a whole. classes and values go together; the label says
// in words what the drawing shows.
func bar(label string, classes []string, values []int) template.HTML {
	total := 0
	for _, v := range values {
		total += v
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" role="img" aria-label="%s">`, template.HTMLEscapeString(label))
	x := 0.0
	for i, v := range values {
		if v <= 0 {
			continue
		}
		// Something that exists stays visible: at least 1.5 % of the width.
		width := max(100*float64(v)/float64(total), 1.5)
		fmt.Fprintf(&b, `<rect class="%s" x="%.2f" width="%.2f" height="4"/>`, classes[i], x, width)
		x += width
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String())
}

// stateBar shows resources by state.
func stateBar(c record.Counts) template.HTML {
	label := fmt.Sprintf("%s healthy, %s unhealthy, %s unknown, %s exempt",
		number(c.Healthy), number(c.Unhealthy), number(c.Unknown), number(c.Exempt))
	return bar(label, []string{"f-bad", "f-unknown", "f-ok", "f-na"}, []int{c.Unhealthy, c.Unknown, c.Healthy, c.Exempt})
}

// shareBar shows part of a whole.
func shareBar(part, whole int) template.HTML {
	return bar(number(part)+" of "+number(whole), []string{"f-ok", "f-rest"}, []int{part, whole - part})
}

// pointsBar shows points won of points possible, in tenths.
func pointsBar(current float64, limit int) template.HTML {
	won := int(math.Round(current * 10))
	return bar(points(current)+" of "+count(limit, "point", "points"), []string{"f-accent", "f-rest"}, []int{won, limit*10 - won})
}
