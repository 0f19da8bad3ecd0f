package api

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/compliance"
)

const standardType = "Microsoft.Security/regulatoryComplianceStandards"

// standards lists the compliance standards that apply to the scope, with their
// state.
func (a *API) standards(r *request) (response, error) {
	keep, err := stateFilter(r)
	if err != nil {
		return response{}, err
	}
	_, view, err := a.estate(r)
	if err != nil {
		return response{}, err
	}
	all, err := a.Compliance.Standards(r.Context(), r.tenant(), view)
	if err != nil {
		return response{}, err
	}
	attested, err := a.Compliance.Attestations(r.Context(), r.tenant(), r.postureScope())
	if err != nil {
		return response{}, err
	}
	items := []any{}
	for _, std := range all {
		if !std.Applies(view, r.postureScope()) {
			continue
		}
		report := compliance.Evaluate(view, std, r.postureScope(), attested, a.Now())
		if keep(string(stateOfStandard(&report))) {
			items = append(items, standardBody(r.scope, &report))
		}
	}
	return slice(a, r, items)
}

// standard shows one.
func (a *API) standard(r *request) (response, error) {
	report, err := a.namedReport(r)
	if err != nil {
		return response{}, err
	}
	return ok(standardBody(r.scope, report))
}

// standardControls lists the controls of a standard.
func (a *API) standardControls(r *request) (response, error) {
	keep, err := stateFilter(r)
	if err != nil {
		return response{}, err
	}
	report, err := a.namedReport(r)
	if err != nil {
		return response{}, err
	}
	items := []any{}
	for i := range report.Controls {
		if keep(string(report.Controls[i].State)) {
			items = append(items, complianceControlBody(r.scope, report, &report.Controls[i]))
		}
	}
	return slice(a, r, items)
}

// standardControl shows one.
func (a *API) standardControl(r *request) (response, error) {
	report, control, err := a.namedControl(r)
	if err != nil {
		return response{}, err
	}
	return ok(complianceControlBody(r.scope, report, control))
}

// standardAssessments lists the recommendations that serve a control.
func (a *API) standardAssessments(r *request) (response, error) {
	keep, err := stateFilter(r)
	if err != nil {
		return response{}, err
	}
	report, control, err := a.namedControl(r)
	if err != nil {
		return response{}, err
	}
	items := []any{}
	for i := range control.Assessments {
		if keep(string(control.Assessments[i].State)) {
			items = append(items, a.complianceAssessmentBody(r, report, control, i))
		}
	}
	return slice(a, r, items)
}

// standardAssessment shows one.
func (a *API) standardAssessment(r *request) (response, error) {
	report, control, err := a.namedControl(r)
	if err != nil {
		return response{}, err
	}
	for i := range control.Assessments {
		if strings.EqualFold(control.Assessments[i].Recommendation.ID, r.vars["assessment"]) {
			return ok(a.complianceAssessmentBody(r, report, control, i))
		}
	}
	return response{}, arm.NotFound(complianceControlID(r.scope, report, control) + "/regulatoryComplianceAssessments/" + r.vars["assessment"])
}

// namedReport evaluates the standard that the path names, if it applies to the
// scope.
func (a *API) namedReport(r *request) (*compliance.Report, error) {
	report, err := a.reportOf(r, r.vars["standard"], r.postureScope())
	if isStatus(err, http.StatusNotFound) {
		return nil, arm.NotFound(r.scope.String() + "/providers/" + standardType + "/" + r.vars["standard"])
	}
	return report, err
}

func (a *API) namedControl(r *request) (*compliance.Report, *compliance.Control, error) {
	report, err := a.namedReport(r)
	if err != nil {
		return nil, nil, err
	}
	for i := range report.Controls {
		if strings.EqualFold(report.Controls[i].Number, r.vars["control"]) {
			return report, &report.Controls[i], nil
		}
	}
	return nil, nil, arm.NotFound(standardID(r.scope, report) + "/regulatoryComplianceControls/" + r.vars["control"])
}

// stateFilter reads $filter=state eq 'Failed', the one that these lists have.
func stateFilter(r *request) (func(string) bool, error) {
	filter := strings.TrimSpace(r.option("$filter"))
	if filter == "" {
		return func(string) bool { return true }, nil
	}
	m := filterTerm.FindStringSubmatch(filter)
	if m == nil || !strings.EqualFold(strings.TrimPrefix(arm.Fold(m[1]), "properties/"), "state") {
		return nil, &arm.Error{Status: http.StatusBadRequest, Code: "InvalidFilterInQueryString", Target: "$filter",
			Message: fmt.Sprintf("$filter: %q is not supported here; use state eq 'Failed'.", clip(filter))}
	}
	return func(state string) bool { return strings.EqualFold(state, m[2]) }, nil
}
