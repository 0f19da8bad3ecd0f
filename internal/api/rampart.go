package api

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/arm"
	"github.com/rampart-sec/rampart/internal/inventory"
	"github.com/rampart-sec/rampart/internal/posture"
	"github.com/rampart-sec/rampart/internal/store"
)

// health answers as soon as the process serves.
func (a *API) health(*request) (response, error) {
	return ok(map[string]any{"status": "ok", "version": a.Version})
}

// ready answers 503 until the first load is done.
func (a *API) ready(*request) (response, error) {
	select {
	case <-a.Judge.Ready():
		return ok(map[string]any{"status": "ready", "version": a.Version})
	default:
		return response{}, notReady()
	}
}

// importResult is what an import answers. Rejected holds the first rejections,
// RejectedTotal counts all.
type importResult struct {
	Created       int         `json:"created"`
	Updated       int         `json:"updated"`
	Unchanged     int         `json:"unchanged"`
	Stale         int         `json:"stale"`
	Deleted       int         `json:"deleted"`
	Rejected      []rejection `json:"rejected"`
	RejectedTotal int         `json:"rejectedTotal"`
}

type rejection struct {
	Line   int    `json:"line"`
	ID     string `json:"id,omitempty"`
	Reason string `json:"reason"`
}

// maxSource bounds the name of a source.
const maxSource = 64

// importResources takes a stream of resources: JSON Lines, an array, or the
// answer of a list command. Each is judged alone; what is wrong is listed with
// its line, and the others land.
func (a *API) importResources(r *request) (response, error) {
	source := r.option("source")
	if source == "" {
		source = "import"
	}
	if len(source) > maxSource {
		return response{}, arm.Invalid("source: it is longer than %d characters.", maxSource)
	}
	result, err := a.Inventory.Import(r.Context(), r.tenant(), source, r.Body, nil)
	if err != nil {
		return response{}, err
	}
	if err := a.auditAction(r, fmt.Sprintf("%d accepted, %d rejected", result.Accepted(), result.RejectedTotal)); err != nil {
		return response{}, err
	}
	return ok(importBody(&result))
}

func importBody(result *inventory.Result) importResult {
	body := importResult{Created: result.Created, Updated: result.Updated, Unchanged: result.Unchanged,
		Stale: result.Stale, Deleted: result.Deleted, Rejected: []rejection{}, RejectedTotal: result.RejectedTotal}
	for _, x := range result.Rejected {
		body.Rejected = append(body.Rejected, rejection{Line: x.Line, ID: x.ID, Reason: x.Reason})
	}
	return body
}

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

// questionScope is the scope that a question below /rampart/v1 names; the
// caller must be allowed to read it.
func (r *request) questionScope() (posture.Scope, error) {
	scope := posture.Scope{ID: r.option("scope"), Tag: r.option("tag"), TagValue: r.option("value")}
	id, err := arm.ParseID("/" + scope.ID)
	if err != nil {
		return scope, invalidAt("scope", "%v.", err)
	}
	return scope, r.principal.Allow("Microsoft.Security/assessments/read", id.String())
}

// maxPoints bounds the points of a history.
const maxPoints = 1000

// history answers the score of a scope over time.
func (a *API) history(r *request) (response, error) {
	scope, err := r.questionScope()
	if err != nil {
		return response{}, err
	}
	query := posture.HistoryQuery{Scope: scope, To: a.Now(), From: a.Now().AddDate(0, 0, -30), Points: 30}
	for name, into := range map[string]*time.Time{"from": &query.From, "to": &query.To} {
		if text := r.option(name); text != "" {
			if *into, err = time.Parse(time.RFC3339, text); err != nil {
				return response{}, invalidAt(name, "%q is not a time like 2026-01-31T00:00:00Z.", clip(text))
			}
		}
	}
	if text := r.option("points"); text != "" {
		if _, err := fmt.Sscanf(text, "%d", &query.Points); err != nil || query.Points < 1 || query.Points > maxPoints {
			return response{}, invalidAt("points", "It must be a number between 1 and %d.", maxPoints)
		}
	}
	estate, _, err := a.estate(r)
	if err != nil {
		return response{}, err
	}
	points, err := estate.History(r.Context(), query)
	if err != nil {
		return response{}, err
	}
	items := []any{}
	for _, p := range points {
		items = append(items, map[string]any{"at": p.At.UTC(), "score": pointsOf(p.Current, p.Max), "low": round(p.Low/100, 10000), "high": round(p.High/100, 10000)})
	}
	return ok(list{Value: items})
}

// exportColumns are the columns of the CSV export.
var exportColumns = []string{"resourceId", "resourceType", "recommendation", "title", "severity", "state", "reason", "since", "observedAt", "risk", "owner", "due"}

// export streams every assessment of a scope, without a cap: as CSV, or as JSON
// Lines in the form of the assessments list.
func (a *API) export(r *request) (response, error) {
	scope, err := r.questionScope()
	if err != nil {
		return response{}, err
	}
	_, view, err := a.estate(r)
	if err != nil {
		return response{}, err
	}
	each := func(use func(*posture.Assessment) error) error { return everyAssessment(view, scope, use) }
	switch format := r.option("format"); format {
	case "csv":
		return response{status: http.StatusOK, contentType: "text/csv; charset=utf-8", stream: func(w io.Writer) error { return writeCSV(w, each) }}, nil
	case "", "jsonl":
		return response{status: http.StatusOK, contentType: "application/x-ndjson", stream: func(w io.Writer) error {
			encoder := json.NewEncoder(w)
			return each(func(x *posture.Assessment) error { return encoder.Encode(a.assessmentBody(r, x)) })
		}}, nil
	default:
		return response{}, invalidAt("format", "%q is neither csv nor jsonl.", clip(format))
	}
}

// everyAssessment pages through one epoch, so what is exported is one moment.
func everyAssessment(view *posture.View, scope posture.Scope, use func(*posture.Assessment) error) error {
	query := posture.AssessmentQuery{Scope: scope, Sort: "name", Limit: maxPage}
	for {
		page, err := view.Assessments(query)
		if err != nil {
			return err
		}
		for i := range page.Rows {
			if err := use(&page.Rows[i]); err != nil {
				return err
			}
		}
		if page.Next == "" {
			return nil
		}
		query.After = page.Next
	}
}

func writeCSV(w io.Writer, each func(func(*posture.Assessment) error) error) error {
	out := csv.NewWriter(w)
	if err := out.Write(exportColumns); err != nil {
		return err
	}
	err := each(func(x *posture.Assessment) error {
		return out.Write([]string{x.ResourceID, x.ResourceType, x.Recommendation.ID, harmless(x.Recommendation.Title), string(x.Recommendation.Severity),
			x.State.String(), harmless(x.Reason), stamp(x.Since), stamp(x.ObservedAt), riskName(x.Risk), harmless(x.Owner), stamp(x.Due)})
	})
	if err != nil {
		return err
	}
	out.Flush()
	return out.Error()
}

// harmless keeps a spreadsheet from taking a text for a formula.
func harmless(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// link makes a one-time sign-in link for the first administrator.
func (a *API) link(r *request) (response, error) {
	token, err := a.Access.NewLink(r.Context())
	if err != nil {
		return response{}, err
	}
	if err := a.auditAction(r, ""); err != nil {
		return response{}, err
	}
	return ok(map[string]any{"url": a.pages(r) + "/signin?code=" + token})
}

// auditAction appends a row for an action that has no object of its own.
func (a *API) auditAction(r *request, outcome string) error {
	if outcome == "" {
		outcome = "ok"
	}
	return a.Store.Update(r.Context(), func(tx *store.Tx) error {
		return tx.AppendAudit(r.Context(), store.AuditRow{Tenant: r.tenant(), Actor: r.principal.Name,
			Action: string(r.route.access), Target: r.URL.Path, Outcome: outcome})
	})
}

// notImplemented says so, with the error body that clients expect.
func (a *API) notImplemented(r *request) (response, error) {
	return response{}, &arm.Error{Status: http.StatusNotImplemented, Code: "NotImplemented", Message: "This server does not answer " + clip(r.URL.Path) + " yet."}
}
