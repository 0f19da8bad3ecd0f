package api

import (
	"strconv"

	"github.com/rampart-sec/rampart/internal/posture/planning"
)

// Steps of a plan, when nobody says how many and at most.
const (
	planSteps    = 10
	maxPlanSteps = 100
)

// fixPlan proposes what to fix next in a scope.
func (a *API) fixPlan(r *request) (response, error) {
	scope, err := r.questionScope()
	if err != nil {
		return response{}, err
	}
	n, err := r.countOption("steps", planSteps, maxPlanSteps)
	if err != nil {
		return response{}, err
	}
	estate, _, err := a.estate(r)
	if err != nil {
		return response{}, err
	}
	steps, err := a.fixes.Plan(r.Context(), r.tenant(), estate.View(), scope, n)
	if err != nil {
		return response{}, err
	}
	items := []any{}
	for i := range steps {
		items = append(items, planStepBody(&steps[i]))
	}
	return ok(list{Value: items})
}

func planStepBody(s *planning.PlanStep) map[string]any {
	return map[string]any{"recommendation": s.ID, "displayName": s.Title, "severity": severityName(s.Severity), "unhealthy": s.Unhealthy,
		"effort": title(s.Effort), "gain": round(s.Gain/100, 1e6), "quickFix": s.FixAvailable, "resources": orEmpty(s.Resources)}
}

// countOption is a number from 1 to limit.
func (r *request) countOption(name string, without, limit int) (int, error) {
	text := r.option(name)
	if text == "" {
		return without, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > limit {
		return 0, invalidAt(name, "It must be a number between 1 and %d.", limit)
	}
	return n, nil
}
