package api

import (
	"io"
	"net/http"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/compliance"
	"github.com/rampart-sec/rampart/internal/posture/index"
)

// reportOf evaluates a standard by name over a scope to which it applies.
func (a *API) reportOf(r *request, name string, scope index.Scope) (*compliance.Report, error) {
	_, view, err := a.estate(r)
	if err != nil {
		return nil, err
	}
	std, err := a.Compliance.Standard(r.Context(), r.tenant(), view, name)
	if err != nil {
		return nil, err
	}
	if !view.Holds(scope.ID) {
		return nil, arm.NotFound(clip(scope.ID))
	}
	if !std.Applies(view, scope) {
		return nil, arm.NotFound(clip(scope.ID) + "/providers/" + standardType + "/" + std.Name)
	}
	attested, err := a.Compliance.Attestations(r.Context(), r.tenant(), scope)
	if err != nil {
		return nil, err
	}
	report := compliance.Evaluate(view, std, scope, attested, a.Now())
	return &report, nil
}

// complianceReport hands out a standard's report as JSON, CSV or a page.
func (a *API) complianceReport(r *request) (response, error) {
	scope, err := r.questionScope()
	if err != nil {
		return response{}, err
	}
	report, err := a.reportOf(r, r.option("standard"), scope)
	if err != nil {
		return response{}, err
	}
	switch format := r.option("format"); format {
	case "", "json":
		return response{status: http.StatusOK, contentType: "application/json", stream: report.WriteJSON}, nil
	case "csv":
		return response{status: http.StatusOK, contentType: "text/csv; charset=utf-8", stream: report.WriteCSV}, nil
	case "html":
		return response{status: http.StatusOK, contentType: "text/html; charset=utf-8", file: report.Standard.ID + ".html", stream: report.WriteHTML}, nil
	default:
		return response{}, invalidAt("format", "%q is none of json, csv and html.", clip(format))
	}
}

// keptScope is the question's scope if history is kept of it.
func (r *request) keptScope() (index.Scope, error) {
	scope, err := r.questionScope()
	if err == nil && !compliance.Kept(scope) {
		err = invalidAt("scope", "What standards said over time is kept of the whole estate and of each subscription.")
	}
	return scope, err
}

// instant reads a time of the query, zero if it is not given.
func (r *request) instant(name string) (time.Time, error) {
	text := r.option(name)
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, invalidAt(name, "%q is not a time like 2026-01-31T00:00:00Z.", clip(text))
	}
	return at, nil
}

// complianceHistory answers what a standard said over time: a point for each
// change, as JSON or CSV.
func (a *API) complianceHistory(r *request) (response, error) {
	scope, err := r.keptScope()
	if err != nil {
		return response{}, err
	}
	report, err := a.reportOf(r, r.option("standard"), scope)
	if err != nil {
		return response{}, err
	}
	q := compliance.HistoryQuery{Standard: report.Standard.ID, Scope: scope.ID, Control: r.option("control")}
	if q.Control != "" && report.Standard.Control(q.Control) == nil {
		return response{}, invalidAt("control", "The standard has no control %q.", clip(q.Control))
	}
	if q.From, err = r.instant("from"); err != nil {
		return response{}, err
	}
	if q.To, err = r.instant("to"); err != nil {
		return response{}, err
	}
	points, err := a.Compliance.History(r.Context(), r.tenant(), q)
	if err != nil {
		return response{}, err
	}
	if r.option("format") == "csv" {
		return response{status: http.StatusOK, contentType: "text/csv; charset=utf-8", stream: func(w io.Writer) error {
			return compliance.WriteHistoryCSV(w, report.Standard, q.Control, points)
		}}, nil
	}
	items := []any{}
	for _, p := range points {
		item := map[string]any{"at": p.At.UTC(), "passedControls": p.Passed, "failedControls": p.Failed, "skippedControls": p.Skipped, "unsupportedControls": p.Unsupported}
		if q.Control != "" {
			item["controlState"] = p.Control
		}
		items = append(items, item)
	}
	return ok(list{Value: items})
}

// complianceAsOf answers the state of every control as of a time.
func (a *API) complianceAsOf(r *request) (response, error) {
	scope, err := r.keptScope()
	if err != nil {
		return response{}, err
	}
	report, err := a.reportOf(r, r.option("standard"), scope)
	if err != nil {
		return response{}, err
	}
	at, err := r.instant("at")
	if err != nil {
		return response{}, err
	}
	if at.IsZero() {
		at = a.Now()
	}
	past, err := a.Compliance.AsOf(r.Context(), r.tenant(), report.Standard.ID, scope.ID, at)
	if err != nil {
		return response{}, err
	}
	if past == nil {
		return response{}, &arm.Error{Status: http.StatusNotFound, Code: "NoHistory", Target: "at", Message: "Nothing was written by then."}
	}
	controls := []any{}
	for _, c := range report.Controls {
		if state := past.State(c.Number); state != "" {
			controls = append(controls, map[string]any{"number": c.Number, "title": c.Title, "state": state})
		}
	}
	return ok(map[string]any{"since": past.At.UTC(), "passedControls": past.Passed, "failedControls": past.Failed,
		"skippedControls": past.Skipped, "unsupportedControls": past.Unsupported, "controls": controls})
}
