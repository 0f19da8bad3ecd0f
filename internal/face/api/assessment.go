package api

import (
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/governance"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
	"github.com/rampart-sec/rampart/internal/posture/risk"
)

// listOrder is the order of lists of assessments: a page of it costs one pass
// over sets, whatever the size of the estate, and a row keeps its place while
// its state does.
const listOrder = "severity"

const assessmentType = "Microsoft.Security/assessments"

func assessmentID(resourceID, recommendationID string) string {
	return strings.TrimSuffix(resourceID, "/") + "/providers/" + assessmentType + "/" + recommendationID
}

// assessments lists what the recommendations say of the resources in a scope.
func (a *API) assessments(r *request) (response, error) {
	_, view, err := a.estate(r)
	if err != nil {
		return response{}, err
	}
	query := index.AssessmentQuery{Scope: r.postureScope(), Sort: listOrder}
	if query.Limit, query.After, err = r.page(); err != nil {
		return response{}, err
	}
	page, err := view.Assessments(query)
	if err != nil {
		return response{}, err
	}
	pushed := []any{}
	if query.After == "" {
		if pushed, err = a.pushedAssessments(r); err != nil {
			return response{}, err
		}
	}
	items := pushed
	for i := range page.Rows {
		items = append(items, a.assessmentBody(r, &page.Rows[i]))
	}
	return ok(list{Value: items, NextLink: a.next(r, page.Next)})
}

// assessment shows one, an unhealthy one with the conditions that decided, which
// lists leave out: they are computed anew. On a subscription, a name that does
// not assess the subscription itself is a 404, as in the reference.
func (a *API) assessment(r *request) (response, error) {
	estate, view, err := a.estate(r)
	if err != nil {
		return response{}, err
	}
	found, known := view.Assessment(r.scope.String(), arm.Fold(r.vars["assessment"]))
	if !known {
		return a.pushedAssessment(r)
	}
	body := a.assessmentBody(r, &found)
	if found.State == record.Unhealthy {
		evidence, err := evidenceOf(r, estate, &found)
		if err != nil {
			return response{}, err
		}
		if err := withEvidence(body, &found, evidence); err != nil {
			return response{}, err
		}
	}
	return ok(body)
}

// assessmentBody is the wire form. The wire has no word for unknown and exempt:
// both are NotApplicable, with the cause to tell them apart and the reason in
// the description.
func (a *API) assessmentBody(r *request, x *record.Assessment) map[string]any {
	rec := x.Recommendation
	properties := map[string]any{
		"displayName":     rec.Title,
		"resourceDetails": map[string]any{"source": "Azure", "id": x.ResourceID},
		"status":          statusOf(x),
		"additionalData":  additionalData(x),
		"risk":            map[string]any{"level": riskName(x.Risk), "riskFactors": orEmpty(x.RiskFactors), "isContextualRisk": len(x.RiskFactors) > 0},
	}
	if r.expands("metadata") {
		properties["metadata"] = a.metadataProperties(rec)
	}
	if r.expands("links") {
		properties["links"] = map[string]any{"azurePortalUri": a.recommendationPage(r, rec.ID)}
	}
	return resource(assessmentID(x.ResourceID, rec.ID), assessmentType, properties)
}

func statusOf(x *record.Assessment) map[string]any {
	code, cause := statusCode(x.State)
	status := map[string]any{"code": code}
	if cause != "" {
		status["cause"] = cause
	}
	if x.Reason != "" {
		status["description"] = x.Reason
	}
	if !x.FirstSeen.IsZero() {
		status["firstEvaluationDate"] = x.FirstSeen.UTC().Format(time.RFC3339Nano)
	}
	if !x.Since.IsZero() {
		status["statusChangeDate"] = x.Since.UTC().Format(time.RFC3339Nano)
	}
	return status
}

func statusCode(s record.State) (code, cause string) {
	switch s {
	case record.Healthy:
		return "Healthy", ""
	case record.Unhealthy:
		return "Unhealthy", ""
	case record.Unknown:
		return "NotApplicable", "Unknown"
	case record.Exempt:
		return "NotApplicable", "Exempt"
	}
	return "NotApplicable", ""
}

// additionalData holds what has no field of its own; its values are strings.
func additionalData(x *record.Assessment) map[string]string {
	data := map[string]string{"resourceType": x.ResourceType}
	if !x.ObservedAt.IsZero() {
		data["lastEvaluated"] = x.ObservedAt.UTC().Format(time.RFC3339)
	}
	if x.Stale {
		data["stale"] = "true"
	}
	if x.Pending {
		data["pending"] = "true"
	}
	if x.Assigned.Owner != "" {
		data["owner"] = x.Assigned.Owner
	}
	if x.Assigned.Assigned() {
		data["dueDate"] = x.Assigned.Due.UTC().Format(time.RFC3339)
	}
	if x.Status != governance.NoTask {
		data["remediationStatus"] = x.Status.String()
	}
	return data
}

func riskName(level risk.Level) string {
	return [...]string{"None", "Low", "Medium", "High", "Critical"}[level]
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
