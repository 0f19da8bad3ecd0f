package posture

import (
	"context"
	"encoding/json"
)

// Hypothetical is one change to try: exactly one of Patch, Body and Exempt is
// set.
type Hypothetical struct {
	ResourceID string
	Patch      json.RawMessage // RFC 6902, of the stored body
	Body       json.RawMessage // a whole new body; the resource may be new
	Exempt     string          // id of a recommendation to exempt the resource from
}

// WhatIfResult is what hypothetical changes would do to the estate.
type WhatIfResult struct {
	Before, After Score
	Flips         []Assessment // in their new state
}

// WhatIf evaluates hypothetical changes against the current epoch and changes
// nothing.
func (e *Estate) WhatIf(ctx context.Context, changes []Hypothetical) (WhatIfResult, error) {
	return WhatIfResult{}, nil
}

// PlanStep is one step of a plan: fix one recommendation on these resources.
type PlanStep struct {
	RecommendationRow
	Resources []string // ids, at most 100 named
	Gain      float64  // percent points, after the steps before it
	Effort    string   // low, moderate, high
}

// Plan proposes the n fixes that bring the most points per effort.
func (e *Estate) Plan(ctx context.Context, scope Scope, n int) ([]PlanStep, error) {
	return nil, nil
}
