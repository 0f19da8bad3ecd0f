package web

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/posture/history"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/planning"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// How much Overview shows of each list; the rest is one link away.
const (
	overviewSteps    = 5
	overviewNeeds    = 4
	overviewStart    = 3
	overviewChanges  = 6
	overviewTypes    = 6
	overviewControls = 5
)

// overviewPage answers: what needs me today, how do we stand, what next?
type overviewPage struct {
	*frame
	Headline  string
	Score     index.Score
	Ring      ring
	Trend     trend
	Needs     []need
	Start     []need // the greatest risks, when nothing needs to be done today
	Steps     []step
	Coverage  []coverage
	Resources int
	Stalest   []index.ResourceRow
	Controls  []index.ControlScore
	news      // since yesterday
	Standards []standardRow
	Unknown   int // recommendations that are unknown somewhere
	Open      int // unhealthy recommendations
	Severity  []severityCount
}

// KnownShare is the percentage of (resource, control) pairs with a verdict.
func (p *overviewPage) KnownShare() float64 {
	return 100 * float64(p.Score.Known) / float64(max(1, p.Score.Applicable))
}

// step is one step of the plan. With is the step that brings the points when
// this one alone does not: a control gives them when all of it is done.
type step struct {
	planning.PlanStep
	With float64
}

func newSteps(plan []planning.PlanStep) []step {
	steps := make([]step, len(plan))
	for i, s := range plan {
		steps[i].PlanStep = s
		if s.Gain >= 0.05 {
			continue
		}
		for _, later := range plan[i+1:] {
			if later.Control == s.Control && later.Gain >= 0.05 {
				steps[i].With = later.Gain
				break
			}
		}
	}
	return steps
}

func overview(v *visit) (page, error) {
	if err := v.allowScope(); err != nil {
		return page{}, err
	}
	v.register()
	p := &overviewPage{
		frame:     v.newFrame("Overview", "headline", "score", "needs", "steps", "coverage", "controls", "changes", "compliance"),
		Score:     v.view.Score(v.scope),
		Resources: v.resources(),
	}
	p.Ring = newRing(p.Score)
	history, err := v.estate.History().Scores(v.Context(), history.HistoryQuery{Scope: v.scope, From: v.now.AddDate(0, 0, -30), To: v.now, Points: 60})
	if err != nil {
		return page{}, fmt.Errorf("read score history: %w", err)
	}
	p.Trend = newTrend(history, v.clock)
	steps, err := v.server.fixes.Plan(v.Context(), v.tenant, v.view, v.scope, overviewSteps)
	if err != nil {
		return page{}, fmt.Errorf("plan next steps: %w", err)
	}
	p.Steps = newSteps(steps)
	if p.news, err = v.changes(v.now.Add(-24*time.Hour), overviewChanges); err != nil {
		return page{}, err
	}
	if err := p.read(v); err != nil {
		return page{}, err
	}
	p.Headline = headline(p)
	return page{name: "overview", data: p}, nil
}

// read fills what comes from the index alone.
func (p *overviewPage) read(v *visit) error {
	known, err := v.freshness(overviewTypes, 2)
	if err != nil {
		return err
	}
	p.Coverage, p.Stalest = known.Coverage, known.Stalest
	p.Controls = costliest(v.view.Controls(v.scope), overviewControls)
	unknown, err := v.view.Recommendations(index.RecommendationQuery{Scope: v.scope, State: []record.State{record.Unknown}, Limit: 1})
	if err != nil {
		return err
	}
	p.Unknown = unknown.Total
	p.Open = v.openRecommendations()
	if p.Severity, err = v.openBySeverity(); err != nil {
		return err
	}
	if p.Standards, err = v.standards(); err != nil {
		return err
	}
	p.Standards = lowest(p.Standards, 4)
	p.Needs, p.Start, err = v.needs(p.Changes)
	return err
}

// severityCount is how many open recommendations have a severity.
type severityCount struct {
	content.Severity
	N int
}

func (v *visit) openBySeverity() ([]severityCount, error) {
	var counts []severityCount
	for _, s := range severities {
		rows, err := v.view.Recommendations(index.RecommendationQuery{Scope: v.scope, State: []record.State{record.Unhealthy}, Severity: []content.Severity{s}, Limit: 1})
		if err != nil {
			return nil, err
		}
		if rows.Total > 0 {
			counts = append(counts, severityCount{s, rows.Total})
		}
	}
	return counts, nil
}

// register gives every subscription that nobody registered the Free tier and
// the built-in initiative: the first visit of the dashboard does that.
func (v *visit) register() {
	for _, s := range v.view.Subscriptions() {
		if v.estate.Registered(s.ID) || !v.may(actionPricing, s.ID) {
			continue
		}
		// Not the visit's context: a reader who leaves must not leave half of
		// the subscriptions registered.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(v.Context()), 10*time.Second)
		err := v.estate.Register(ctx, s.ID)
		cancel()
		if err != nil {
			v.server.opt.Log.Error("register subscription", "subscription", s.ID, "error", err)
			return
		}
	}
}

// costliest are the controls that lose the most points.
func costliest(controls []index.ControlScore, limit int) []index.ControlScore {
	kept := slices.DeleteFunc(slices.Clone(controls), func(c index.ControlScore) bool {
		return c.Max == 0 || c.Healthy+c.Unhealthy == 0
	})
	slices.SortStableFunc(kept, func(a, b index.ControlScore) int {
		return cmp.Compare(float64(b.Max)-b.Current, float64(a.Max)-a.Current)
	})
	return kept[:min(limit, len(kept))]
}
