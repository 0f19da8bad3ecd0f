package web

import (
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/compliance"
)

// complianceTrend is what a standard said over time, as a drawing and as rows.
type complianceTrend struct {
	Points []compliance.Point // latest first
	// Passed, Failed and Dark are areas one above the other, in path data of a
	// field of trendWidth by trendHeight.
	Passed, Failed, Dark string
	Line                 string // share of passed controls among those judged
	XLabels, YLabels     []string
	Summary              string // for readers who do not see the drawing
	First                compliance.Counts
}

// Change is how many more controls pass than when the span began.
func (t complianceTrend) Change() int {
	if len(t.Points) == 0 {
		return 0
	}
	return t.Points[0].Passed - t.First.Passed
}

// tableRows bounds the rows of the trend's table.
const tableRows = 60

// Recent are the latest changes.
func (t complianceTrend) Recent() []compliance.Point { return t.Points[:min(tableRows, len(t.Points))] }

func (v *visit) complianceTrend(r *compliance.Report, days int) (complianceTrend, error) {
	points, err := v.complianceHistory(r, "", days)
	if err != nil {
		return complianceTrend{}, err
	}
	return newComplianceTrend(points, v.clock), nil
}

// newComplianceTrend draws changes, oldest first, up to now. What was so lasts
// until the next change, so lines go in steps.
func newComplianceTrend(points []compliance.Point, c clock) complianceTrend {
	if len(points) == 0 {
		return complianceTrend{}
	}
	from, span := points[0].At, c.now.Sub(points[0].At)
	x := func(i int) float64 {
		if i == len(points) {
			return trendWidth
		}
		if span <= 0 {
			return 0
		}
		return trendWidth * float64(points[i].At.Sub(from)) / float64(span)
	}
	most := 1
	for _, p := range points {
		most = max(most, p.Passed+p.Failed+dark(p.Counts))
	}
	height := func(n int) float64 { return trendHeight * (1 - float64(n)/float64(most)) }
	t := complianceTrend{First: points[0].Counts, Points: slices.Clone(points),
		Passed: stepArea(len(points), x, func(i int) (float64, float64) { return height(points[i].Passed), trendHeight }),
		Failed: stepArea(len(points), x, func(i int) (float64, float64) {
			return height(points[i].Passed + points[i].Failed), height(points[i].Passed)
		}),
		Dark: stepArea(len(points), x, func(i int) (float64, float64) {
			n := points[i].Passed + points[i].Failed
			return height(n + dark(points[i].Counts)), height(n)
		}),
		XLabels: xLabels(from, c.now, c), YLabels: []string{number(most), "0"}}
	slices.Reverse(t.Points)
	var line strings.Builder
	for i, p := range points {
		y := trendHeight * (1 - p.Percent()/100)
		fmt.Fprintf(&line, "%c%.1f %.1fH%.1f", "ML"[min(i, 1)], x(i), y, x(i+1))
	}
	t.Line = line.String()
	t.Summary = fmt.Sprintf("Controls by outcome: on %s %s; now %s", c.day(from), countsWord(points[0].Counts), countsWord(points[len(points)-1].Counts))
	return t
}

// stepArea is the path of an area between a top and a bottom that change in
// steps.
func stepArea(n int, x func(int) float64, edge func(int) (top, bottom float64)) string {
	var over strings.Builder
	var under []string
	for i := range n {
		top, bottom := edge(i)
		fmt.Fprintf(&over, "%c%.1f %.1fH%.1f", "ML"[min(i, 1)], x(i), top, x(i+1))
		under = append(under, fmt.Sprintf("L%.1f %.1fH%.1f", x(i+1), bottom, x(i)))
	}
	slices.Reverse(under)
	return over.String() + strings.Join(under, "") + "Z"
}

// controlTrend is the outcome of one control over time.
type controlTrend struct {
	Number, Title string
	Points        []compliance.Point // changes of its state, latest first
	Strip         template.HTML
}

// controlTrend reads the history of the control that the address names, nil if
// it names none.
func (v *visit) controlTrend(r *compliance.Report) (*controlTrend, error) {
	number := v.Get("control")
	if number == "" || !compliance.Kept(v.scope) {
		return nil, nil
	}
	c := r.Standard.Control(number)
	if c == nil {
		return nil, arm.NotFound(clip(number, 60))
	}
	days, err := v.days()
	if err != nil {
		return nil, err
	}
	points, err := v.complianceHistory(r, c.Number, days)
	if err != nil {
		return nil, err
	}
	points = slices.CompactFunc(points, func(a, b compliance.Point) bool { return a.Control == b.Control })
	t := &controlTrend{Number: c.Number, Title: c.Title, Points: points, Strip: strip(points, v.clock)}
	slices.Reverse(t.Points)
	return t, nil
}

// stripFill are the colours of outcomes; what was not in the standard has none.
var stripFill = map[compliance.State]string{compliance.Passed: "f-ok", compliance.Failed: "f-bad", compliance.Skipped: "f-na", compliance.Unsupported: "f-na", "": "f-rest"}

// strip draws how long each outcome lasted, oldest first.
func strip(points []compliance.Point, c clock) template.HTML {
	if len(points) == 0 {
		return ""
	}
	var classes, words []string
	var spans []int
	for i, p := range points {
		end := c.now
		if i+1 < len(points) {
			end = points[i+1].At
		}
		classes = append(classes, stripFill[p.Control])
		words = append(words, fmt.Sprintf("%s from %s", strings.ToLower(controlMark(p.Control).Word), c.day(p.At)))
		spans = append(spans, max(1, int(end.Sub(p.At)/time.Second)))
	}
	return bar(strings.Join(words, ", "), classes, spans)
}
