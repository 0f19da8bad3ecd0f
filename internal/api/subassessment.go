package api

import (
	"strconv"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/arm"
	"github.com/rampart-sec/rampart/internal/posture"
)

// subAssessmentsOf lists the findings of one recommendation over a scope.
func (a *API) subAssessmentsOf(r *request) (response, error) {
	return a.findings(r, []string{arm.Fold(r.vars["assessment"])})
}

// subAssessments lists the findings of every recommendation over a scope.
func (a *API) subAssessments(r *request) (response, error) {
	var producers []string
	for _, rec := range a.Library.Recommendations {
		if rec.FindingsOf != "" {
			producers = append(producers, rec.ID)
		}
	}
	return a.findings(r, producers)
}

// findings pages over the assessments of some recommendations, one after the
// other, and expands each into its findings: a page may be longer than the page
// size and is never cut within a resource. The cursor is the recommendation's
// place and the cursor within it.
func (a *API) findings(r *request, recommendations []string) (response, error) {
	estate, view, err := a.estate(r)
	if err != nil {
		return response{}, err
	}
	query := posture.AssessmentQuery{Scope: r.postureScope(), Sort: listOrder}
	if query.Limit, err = r.limit(); err != nil {
		return response{}, err
	}
	place, err := r.findingsPlace(&query, len(recommendations))
	if err != nil {
		return response{}, err
	}
	for items := []any{}; ; {
		if place == len(recommendations) {
			return ok(list{Value: items})
		}
		query.Recommendation = recommendations[place]
		page, err := view.Assessments(query)
		if err != nil {
			return response{}, err
		}
		if items, err = appendFindings(r, estate, items, page.Rows); err != nil {
			return response{}, err
		}
		if query.After = page.Next; page.Next == "" {
			place++
		}
		// Most assessments have no findings: go on until there is something to show.
		if len(items) > 0 && place < len(recommendations) {
			return ok(list{Value: items, NextLink: a.next(r, strconv.Itoa(place)+" "+query.After)})
		}
	}
}

// findingsPlace reads the cursor into the query and returns the place of the
// recommendation that it stands at.
func (r *request) findingsPlace(query *posture.AssessmentQuery, places int) (int, error) {
	text, err := r.cursor()
	if text == "" || err != nil {
		return 0, err
	}
	number, after, ok := strings.Cut(text, " ")
	place, err := strconv.Atoi(number)
	if !ok || err != nil || place < 0 || place >= places {
		return 0, invalidToken()
	}
	query.After = after
	return place, nil
}

func appendFindings(r *request, estate *posture.Estate, items []any, rows []posture.Assessment) ([]any, error) {
	for i := range rows {
		found, err := findingsOf(r, estate, &rows[i])
		if err != nil {
			return nil, err
		}
		for j := range found {
			items = append(items, findingBody(&rows[i], &found[j]))
		}
	}
	return items, nil
}

// findingsOf reads the findings of an assessment whose recommendation has a
// producer of them.
func findingsOf(r *request, estate *posture.Estate, x *posture.Assessment) ([]posture.Finding, error) {
	if c := x.Recommendation.Content; c == nil || c.FindingsOf == "" {
		return nil, nil
	}
	return estate.Findings(r.Context(), x.ResourceID, x.Recommendation.ID)
}

// subAssessment shows one finding; at a subscription it is looked for in every
// resource that has the recommendation.
func (a *API) subAssessment(r *request) (response, error) {
	estate, view, err := a.estate(r)
	if err != nil {
		return response{}, err
	}
	query := posture.AssessmentQuery{Scope: r.postureScope(), Recommendation: arm.Fold(r.vars["assessment"]), Sort: listOrder, Limit: maxPage}
	for {
		page, err := view.Assessments(query)
		if err != nil {
			return response{}, err
		}
		for i := range page.Rows {
			found, err := findingsOf(r, estate, &page.Rows[i])
			if err != nil {
				return response{}, err
			}
			for j := range found {
				if strings.EqualFold(found[j].ID, r.vars["name"]) {
					return ok(findingBody(&page.Rows[i], &found[j]))
				}
			}
		}
		if page.Next == "" {
			return response{}, arm.NotFound(assessmentID(r.scope.String(), r.vars["assessment"]) + "/subAssessments/" + r.vars["name"])
		}
		query.After = page.Next
	}
}

func findingBody(x *posture.Assessment, f *posture.Finding) map[string]any {
	code, cause := statusCode(f.State)
	status := map[string]any{"code": code, "severity": severityName(f.Severity)}
	if cause != "" {
		status["cause"] = cause
	}
	if f.Evidence != "" {
		status["description"] = f.Evidence
	}
	properties := map[string]any{
		"id": f.ID, "displayName": f.Title, "category": f.Category, "description": f.Description,
		"impact": f.Impact, "remediation": f.Remediation, "status": status,
		"resourceDetails": map[string]any{"source": "Azure", "id": x.ResourceID},
		// The discriminator that clients know for what is found on a machine.
		"additionalData": map[string]any{"assessedResourceType": "ServerVulnerabilityAssessment", "type": x.Recommendation.Content.FindingsOf},
	}
	if !f.Observed.IsZero() {
		properties["timeGenerated"] = f.Observed.UTC().Format(time.RFC3339Nano)
	}
	id := assessmentID(x.ResourceID, x.Recommendation.ID) + "/subAssessments/" + f.ID
	return resource(id, assessmentType+"/subAssessments", properties)
}
