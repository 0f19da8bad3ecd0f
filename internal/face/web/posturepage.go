package web

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/history"
	"github.com/rampart-sec/rampart/internal/posture/index"
)

// postureChanges bounds the list of reasons on one page.
const postureChanges = 60

// trendDays are the spans of time that the trend offers.
var trendDays = []int{1, 7, 30, 90, 365}

// posturePageData answers: where does the score come from, and why did it move?
type posturePageData struct {
	*frame
	Score         index.Score
	Ring          ring
	Days          int
	Spans         []int
	Trend         trend
	Controls      []index.ControlScore
	Subscriptions []index.SubscriptionScore
	news                  // of the span
	Delta         float64 // of the span, when the history has both ends
	Before        float64
	HasDelta      bool
	Tags          []string
}

func posturePage(v *visit) (page, error) {
	if err := v.allowScope(); err != nil {
		return page{}, err
	}
	days, err := v.days()
	if err != nil {
		return page{}, err
	}
	from := v.now.AddDate(0, 0, -days)
	p := &posturePageData{
		frame: v.newFrame("Posture", "score", "trend", "controls", "subscriptions", "why"),
		Days:  days, Spans: trendDays, Score: v.view.Score(v.scope), Tags: v.tagNames(),
	}
	p.Ring = newRing(p.Score)
	history, err := v.estate.History().Scores(v.Context(), history.HistoryQuery{Scope: v.scope, From: from, To: v.now, Points: 90})
	if err != nil {
		return page{}, fmt.Errorf("read score history: %w", err)
	}
	p.Trend = newTrend(history, v.clock)
	if len(p.Trend.Points) > 0 {
		p.Before, p.HasDelta = p.Trend.Points[0].Percent, true
		p.Delta = p.Score.Percent - p.Before
	}
	p.Controls = slices.DeleteFunc(slices.Clone(v.view.Controls(v.scope)), func(c index.ControlScore) bool {
		return c.Healthy+c.Unhealthy+c.Unknown == 0
	})
	for _, s := range v.scopes() {
		if v.scope.ID == "" || arm.Fold(s.ID) == arm.Fold(v.scope.ID) {
			p.Subscriptions = append(p.Subscriptions, s)
		}
	}
	if p.news, err = v.changes(from, postureChanges); err != nil {
		return page{}, err
	}
	return page{name: "posture", data: p}, nil
}

// days reads the span of the trend, 30 by default.
func (v *visit) days() (int, error) {
	text := v.Get("days")
	if text == "" {
		return 30, nil
	}
	days, err := strconv.Atoi(text)
	if err != nil || !slices.Contains(trendDays, days) {
		return 0, arm.Invalid("The trend shows 1, 7, 30, 90 or 365 days, not %q.", clip(text, 20))
	}
	return days, nil
}
