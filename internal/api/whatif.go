package api

import (
	"encoding/json"

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
	return ok(map[string]any{"before": scoreOnly(result.Before), "after": scoreOnly(result.After), "flips": flips})
}

// scoreOnly is a score without the envelope of a resource.
func scoreOnly(s posture.Score) map[string]any {
	return map[string]any{"score": pointsOf(s.Current, s.Max), "low": round(s.Low/100, 10000), "high": round(s.High/100, 10000),
		"known": s.Known, "applicable": s.Applicable}
}
