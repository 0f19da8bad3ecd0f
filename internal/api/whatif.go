package api

import (
	"encoding/json"

	"github.com/rampart-sec/rampart/internal/compliance"
	"github.com/rampart-sec/rampart/internal/posture"
)

// hypothesis is one change of a what-if question.
type hypothesis struct {
	ResourceID string          `json:"resourceId"`
	Patch      json.RawMessage `json:"patch"`
	Body       json.RawMessage `json:"body"`
	Exempt     string          `json:"exempt"` // id of a recommendation
}

// maxHypotheses bounds one what-if question.
const maxHypotheses = 10_000

// whatIf answers what hypothetical changes would do to the score.
func (a *API) whatIf(r *request) (response, error) {
	var body struct {
		Changes []hypothesis `json:"changes"`
	}
	if err := r.decode(&body); err != nil {
		return response{}, err
	}
	if len(body.Changes) == 0 || len(body.Changes) > maxHypotheses {
		return response{}, invalidAt("changes", "It must hold between 1 and %d changes.", maxHypotheses)
	}
	tries := make([]posture.Hypothetical, len(body.Changes))
	for i, h := range body.Changes {
		tries[i] = posture.Hypothetical{ResourceID: h.ResourceID, Patch: h.Patch, Body: h.Body, Exempt: h.Exempt}
	}
	estate, _, err := a.estate(r)
	if err != nil {
		return response{}, err
	}
	result, err := estate.WhatIf(r.Context(), tries)
	if err != nil {
		return response{}, err
	}
	flips := []any{}
	for i := range result.Flips {
		flips = append(flips, a.assessmentBody(r, &result.Flips[i]))
	}
	standards, err := a.complianceIf(r, &result)
	if err != nil {
		return response{}, err
	}
	return ok(map[string]any{"before": scoreOnly(result.Before), "after": scoreOnly(result.After), "flips": flips, "compliance": standards})
}

// complianceIf is what each standard says of the estate before and after, with
// the controls that change.
func (a *API) complianceIf(r *request, result *posture.WhatIfResult) ([]any, error) {
	all, err := a.Compliance.Standards(r.Context(), r.tenant(), result.Is)
	if err != nil {
		return nil, err
	}
	attested, err := a.Compliance.Attestations(r.Context(), r.tenant(), posture.Scope{})
	if err != nil {
		return nil, err
	}
	items, now := []any{}, a.Now()
	for _, std := range all {
		is := compliance.Evaluate(result.Is, std, posture.Scope{}, attested, now)
		would := compliance.Evaluate(result.Would, std, posture.Scope{}, attested, now)
		changed := []any{}
		for i := range is.Controls {
			if from, to := is.Controls[i].State, would.Controls[i].State; from != to {
				changed = append(changed, map[string]any{"control": is.Controls[i].Number, "from": from, "to": to})
			}
		}
		items = append(items, map[string]any{"standard": std.ID, "before": controlCounts(is.Counts), "after": controlCounts(would.Counts), "controls": changed})
	}
	return items, nil
}

func controlCounts(n compliance.Counts) map[string]any {
	return map[string]any{"passed": n.Passed, "failed": n.Failed, "skipped": n.Skipped, "unsupported": n.Unsupported}
}

// scoreOnly is a score without the envelope of a resource.
func scoreOnly(s posture.Score) map[string]any {
	return map[string]any{"score": pointsOf(s.Current, s.Max), "low": round(s.Low/100, 10000), "high": round(s.High/100, 10000),
		"known": s.Known, "applicable": s.Applicable}
}
