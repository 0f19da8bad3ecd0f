package api

import (
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/compliance"
)

func standardID(scope arm.ID, report *compliance.Report) string {
	return strings.TrimSuffix(scope.String(), "/") + "/providers/" + standardType + "/" + report.Standard.Name
}

func complianceControlID(scope arm.ID, report *compliance.Report, c *compliance.Control) string {
	return standardID(scope, report) + "/regulatoryComplianceControls/" + c.Number
}

func stateOfStandard(report *compliance.Report) compliance.State {
	switch {
	case report.Failed > 0:
		return compliance.Failed
	case report.Passed > 0:
		return compliance.Passed
	case report.Skipped > 0:
		return compliance.Skipped
	}
	return compliance.Unsupported
}

func standardBody(scope arm.ID, report *compliance.Report) map[string]any {
	return resource(standardID(scope, report), standardType, map[string]any{
		"state":          stateOfStandard(report),
		"passedControls": report.Passed, "failedControls": report.Failed,
		"skippedControls": report.Skipped, "unsupportedControls": report.Unsupported,
	})
}

func complianceControlBody(scope arm.ID, report *compliance.Report, c *compliance.Control) map[string]any {
	var passed, failed, skipped int
	for i := range c.Assessments {
		switch c.Assessments[i].State {
		case compliance.Passed:
			passed++
		case compliance.Failed:
			failed++
		default:
			skipped++
		}
	}
	return resource(complianceControlID(scope, report, c), standardType+"/regulatoryComplianceControls", map[string]any{
		"description": c.Title, "state": c.State,
		"passedAssessments": passed, "failedAssessments": failed, "skippedAssessments": skipped,
	})
}

func (a *API) complianceAssessmentBody(r *request, report *compliance.Report, c *compliance.Control, i int) map[string]any {
	x := &c.Assessments[i]
	properties := map[string]any{
		"description": x.Recommendation.Title, "assessmentType": "Assessment", "state": x.State,
		"assessmentDetailsLink": a.recommendationPage(r, x.Recommendation.ID),
		"passedResources":       x.Healthy + x.Exempt, "failedResources": x.Unhealthy,
		"skippedResources": x.NotApplicable + x.Unknown, "unsupportedResources": 0,
	}
	id := complianceControlID(r.scope, report, c) + "/regulatoryComplianceAssessments/" + x.Recommendation.ID
	return resource(id, standardType+"/regulatoryComplianceControls/regulatoryComplianceAssessments", properties)
}
