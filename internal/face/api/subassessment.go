package api

import (
	"cmp"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/judge"
	"github.com/rampart-sec/rampart/internal/posture/record"
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
	query := index.AssessmentQuery{Scope: r.postureScope(), Sort: listOrder}
	if query.Limit, err = r.limit(); err != nil {
		return response{}, err
	}
	filter, err := readFindingFilter(r.option("$filter"))
	if err != nil {
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
		if items, err = filter.append(r, estate, items, page.Rows); err != nil {
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
func (r *request) findingsPlace(query *index.AssessmentQuery, places int) (int, error) {
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

// findingsOf reads the findings of an assessment whose recommendation has a
// producer of them.
func findingsOf(r *request, estate *judge.Estate, x *record.Assessment) ([]judge.Finding, error) {
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
	query := index.AssessmentQuery{Scope: r.postureScope(), Recommendation: arm.Fold(r.vars["assessment"]), Sort: listOrder, Limit: maxPage}
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

func findingBody(x *record.Assessment, f *judge.Finding) map[string]any {
	code, cause := findingStatus(f)
	status := map[string]any{"code": code, "severity": severityName(f.Severity)}
	if cause != "" {
		status["cause"] = cause
	}
	if text := findingText(f); text != "" {
		status["description"] = text
	}
	properties := map[string]any{
		"id": f.ID, "displayName": f.Title, "category": f.Category, "description": f.Description,
		"impact": f.Impact, "remediation": f.Remediation, "status": status,
		"resourceDetails": map[string]any{"source": "Azure", "id": x.ResourceID},
		"additionalData":  findingData(x, f),
	}
	if !f.Observed.IsZero() {
		properties["timeGenerated"] = f.Observed.UTC().Format(time.RFC3339Nano)
	}
	id := assessmentID(x.ResourceID, x.Recommendation.ID) + "/subAssessments/" + f.ID
	return resource(id, assessmentType+"/subAssessments", properties)
}

// disabledCause is the cause in the status of a finding that a rule disables.
const disabledCause = "DisabledByRule"

func findingStatus(f *judge.Finding) (code, cause string) {
	code, cause = statusCode(f.State)
	if f.Disabled != nil {
		cause = disabledCause
	}
	return code, cause
}

// findingText is what a finding says of itself: why it is disabled, and what was
// found.
func findingText(f *judge.Finding) string {
	if f.Disabled == nil {
		return f.Evidence
	}
	text := "disabled by rule " + f.Disabled.Name + ": " + f.Disabled.Reason
	if f.Evidence != "" {
		text += " (" + f.Evidence + ")"
	}
	return text
}

// assessedTypes are the discriminators that clients know, by resource type; what
// is found on a machine has another.
var assessedTypes = map[string]string{
	"microsoft.containerregistry/registries/images":  "ContainerRegistryVulnerability",
	"microsoft.sql/servers":                          "SqlServerVulnerability",
	"microsoft.sqlvirtualmachine/sqlvirtualmachines": "SqlServerVulnerability",
}

// findingData holds what has no field of its own.
func findingData(x *record.Assessment, f *judge.Finding) map[string]any {
	data := map[string]any{
		"assessedResourceType": cmp.Or(assessedTypes[arm.Fold(x.ResourceType)], "ServerVulnerabilityAssessment"),
		"type":                 x.Recommendation.Content.FindingsOf, "findingId": f.Key,
	}
	if len(f.CVEs) > 0 {
		links := make([]map[string]string, len(f.CVEs))
		for i, id := range f.CVEs {
			links[i] = map[string]string{"title": id, "link": "https://nvd.nist.gov/vuln/detail/" + url.PathEscape(id)}
		}
		data["cve"] = links
	}
	if f.CVSS > 0 {
		data["cvss"] = map[string]any{"3.0": map[string]any{"base": f.CVSS}}
	}
	if f.Patchable != nil {
		data["patchable"] = *f.Patchable
	}
	if f.Digest != "" {
		data["imageDigest"] = "sha256:" + f.Digest
	}
	if d := f.Disabled; d != nil {
		by := map[string]any{"id": d.RuleID, "displayName": d.Name, "reason": d.Reason}
		if !d.Expires.IsZero() {
			by["expiresOn"] = d.Expires.UTC().Format(time.RFC3339)
		}
		data["disabledBy"] = by
	}
	return data
}
