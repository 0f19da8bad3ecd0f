package api

import (
	"github.com/rampart-sec/rampart/internal/posture/judge"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// sweep judges the tenant's whole estate anew from the store and answers what
// the running estate says otherwise, which must be nothing. It may take as long
// as a start; if there are differences, a few minutes more.
func (a *API) sweep(r *request) (response, error) {
	estate, _, err := a.estate(r)
	if err != nil {
		return response{}, err
	}
	s, err := estate.Sweep(r.Context())
	if err != nil {
		return response{}, err
	}
	return ok(sweepBody(s, estate.Problems()))
}

func sweepBody(s *judge.Sweep, problems []record.Problem) map[string]any {
	differences, unusable, unjudged := []any{}, []any{}, []any{}
	for _, d := range s.Differences {
		differences = append(differences, map[string]any{
			"resourceId": d.ResourceID, "recommendation": d.Recommendation, "kept": d.Kept, "swept": d.Swept})
	}
	for _, p := range problems {
		unusable = append(unusable, map[string]any{"id": p.ID, "reason": p.Reason})
	}
	for _, p := range s.Unjudged {
		unjudged = append(unjudged, map[string]any{"id": p.ID, "reason": p.Reason})
	}
	return map[string]any{
		"unjudgedTotal": s.UnjudgedTotal, "unjudged": unjudged,
		"resources": s.Resources, "assessments": s.Assessments, "seconds": s.Took.Seconds(),
		"differencesTotal": s.Total, "differences": differences, "problems": unusable,
	}
}
