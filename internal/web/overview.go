package web

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/arm"
	"github.com/rampart-sec/rampart/internal/posture"
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
	Score     posture.Score
	Ring      ring
	Trend     trend
	Needs     []need
	Start     []need // the greatest risks, when nothing needs to be done today
	Steps     []step
	Coverage  []coverage
	Resources int
	Stalest   []posture.ResourceRow
	Controls  []posture.ControlScore
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
	posture.PlanStep
	With float64
}

func newSteps(plan []posture.PlanStep) []step {
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

// need is one thing that should be looked at today.
type need struct {
	Title, Detail, URL string
	Mark               mark
}

// coverage says of how many resources of a type everything is known.
type coverage struct {
	Type           string
	Known, Present int
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
	history, err := v.estate.History(v.Context(), posture.HistoryQuery{Scope: v.scope, From: v.now.AddDate(0, 0, -30), To: v.now, Points: 60})
	if err != nil {
		return page{}, fmt.Errorf("read score history: %w", err)
	}
	p.Trend = newTrend(history, v.clock)
	steps, err := v.estate.Plan(v.Context(), v.scope, overviewSteps)
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
	var err error
	if p.Coverage, err = v.coverage(overviewTypes); err != nil {
		return err
	}
	if p.Stalest, err = v.stalest(2); err != nil {
		return err
	}
	p.Controls = costliest(v.view.Controls(v.scope), overviewControls)
	unknown, err := v.view.Recommendations(posture.RecommendationQuery{Scope: v.scope, State: []posture.State{posture.Unknown}, Limit: 1})
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
		rows, err := v.view.Recommendations(posture.RecommendationQuery{Scope: v.scope, State: []posture.State{posture.Unhealthy}, Severity: []content.Severity{s}, Limit: 1})
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

// needs finds what should be looked at today: dangers that are open, what got
// worse since yesterday, and what is overdue; start is what to begin with when
// there is none.
func (v *visit) needs(changes []change) (needs, start []need, err error) {
	top, err := v.view.Recommendations(posture.RecommendationQuery{Scope: v.scope, State: []posture.State{posture.Unhealthy}, Sort: "risk", Limit: 50})
	if err != nil {
		return nil, nil, err
	}
	listed := map[string]bool{}
	for _, c := range changes {
		if c.To != posture.Unhealthy || c.Recommendation.Severity != content.High && c.Recommendation.Severity != content.Critical {
			continue
		}
		listed[c.Recommendation.ID] = true
		needs = append(needs, need{Title: c.Recommendation.Title, Mark: severityMark(c.Recommendation.Severity), URL: v.To("/recommendation", "id", c.Recommendation.ID),
			Detail: fmt.Sprintf("new since %s on %s", v.ago(c.At), c.Where())})
	}
	for _, r := range top.Rows {
		n := need{Title: r.Title, Mark: riskMark(r.Risk), URL: v.To("/recommendation", "id", r.ID), Detail: openDetail(r)}
		switch {
		case listed[r.ID]:
		case r.Overdue > 0 || r.Risk == posture.RiskCritical:
			needs = append(needs, n)
		case len(start) < overviewStart && r.Counted:
			start = append(start, n)
		}
	}
	return needs[:min(len(needs), overviewNeeds)], start, nil
}

func openDetail(r posture.RecommendationRow) string {
	parts := []string{count(r.Unhealthy, "resource", "resources") + " affected"}
	if r.Overdue > 0 {
		parts = append(parts, number(r.Overdue)+" overdue")
	}
	if r.Unassigned > 0 {
		parts = append(parts, number(r.Unassigned)+" without owner")
	}
	return strings.Join(parts, " · ")
}

// headline is the page's answer in one sentence.
func headline(p *overviewPage) string {
	switch {
	case p.Resources == 0:
		return "Nothing is connected yet"
	case len(p.Needs) == 1:
		return "One thing needs you today"
	case len(p.Needs) > 1:
		return inWords(len(p.Needs)) + " things need you today"
	case p.Open == 0 && p.Unknown > 0:
		return "Nothing is known to be wrong, but not everything is known"
	case p.Open == 0:
		return "Everything that is assessed is in order"
	}
	return "Nothing urgent; " + count(p.Open, "recommendation is", "recommendations are") + " open"
}

// stalest are the resources whose data is oldest. Containers that nobody
// delivered have no age.
func (v *visit) stalest(limit int) ([]posture.ResourceRow, error) {
	oldest, err := v.view.Inventory(posture.InventoryQuery{Scope: v.scope, Sort: "seen", Limit: 1000})
	if err != nil {
		return nil, err
	}
	var rows []posture.ResourceRow
	for _, r := range oldest.Rows {
		if id, err := arm.ParseID(r.ID); err != nil || id.IsChild() || r.ObservedAt.IsZero() || r.Source == "inventory" {
			continue
		}
		if rows = append(rows, r); len(rows) == limit {
			break
		}
	}
	return rows, nil
}

// coverage counts, for the assessed types with the most resources, those of
// which nothing is unknown.
func (v *visit) coverage(limit int) ([]coverage, error) {
	assessed := map[string]bool{}
	for _, r := range v.view.AllRecommendations() {
		for _, t := range r.Types {
			assessed[arm.Fold(t)] = true
		}
	}
	types := slices.Clone(v.view.Types())
	slices.SortStableFunc(types, func(a, b posture.TypeCount) int { return b.N - a.N })
	var rows []coverage
	for _, t := range types {
		if len(rows) == limit {
			break
		}
		if !assessed[arm.Fold(t.Type)] {
			continue
		}
		row, err := v.coverageOf(t.Type)
		if err != nil {
			return nil, err
		}
		if row.Present > 0 {
			rows = append(rows, row)
		}
	}
	return rows, nil
}

func (v *visit) coverageOf(typ string) (coverage, error) {
	q := posture.InventoryQuery{Scope: v.scope, Type: typ, Limit: 1}
	all, err := v.view.Inventory(q)
	if err != nil {
		return coverage{}, err
	}
	q.State = []posture.State{posture.Unknown}
	dark, err := v.view.Inventory(q)
	return coverage{typ, all.Total - dark.Total, all.Total}, err
}

// costliest are the controls that lose the most points.
func costliest(controls []posture.ControlScore, limit int) []posture.ControlScore {
	kept := slices.DeleteFunc(slices.Clone(controls), func(c posture.ControlScore) bool {
		return c.Max == 0 || c.Healthy+c.Unhealthy == 0
	})
	slices.SortStableFunc(kept, func(a, b posture.ControlScore) int {
		return cmp.Compare(float64(b.Max)-b.Current, float64(a.Max)-a.Current)
	})
	return kept[:min(limit, len(kept))]
}
