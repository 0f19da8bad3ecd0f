package api

import (
	"net/http"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/history"
	"github.com/rampart-sec/rampart/internal/posture/index"
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

// questionScope is the scope that a question below /rampart/v1 names; the
// caller must be allowed to read it.
func (r *request) questionScope() (index.Scope, error) {
	scope := index.Scope{ID: r.option("scope"), Tag: r.option("tag"), TagValue: r.option("value")}
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
	query := history.HistoryQuery{Scope: scope}
	if query.From, query.To, err = a.span(r); err != nil {
		return response{}, err
	}
	if query.Points, err = r.countOption("points", 30, maxPoints); err != nil {
		return response{}, err
	}
	estate, _, err := a.estate(r)
	if err != nil {
		return response{}, err
	}
	points, err := estate.History().Scores(r.Context(), query)
	if err != nil {
		return response{}, err
	}
	items := []any{}
	for _, p := range points {
		items = append(items, map[string]any{"at": p.At.UTC(), "score": pointsOf(p.Current, p.Max), "low": round(p.Low/100, 10000), "high": round(p.High/100, 10000)})
	}
	return ok(list{Value: items})
}

// changes answers why the score of a scope changed: the assessments that did,
// latest first, and what each did to the score.
func (a *API) changes(r *request) (response, error) {
	scope, err := r.questionScope()
	if err != nil {
		return response{}, err
	}
	query := history.WhyQuery{Scope: scope}
	if query.From, query.To, err = a.span(r); err != nil {
		return response{}, err
	}
	if query.Before, err = r.cursor(); err != nil {
		return response{}, err
	}
	if query.Limit, err = r.limit(); err != nil {
		return response{}, err
	}
	estate, _, err := a.estate(r)
	if err != nil {
		return response{}, err
	}
	page, err := estate.History().Changes(r.Context(), query)
	if err != nil {
		return response{}, err
	}
	items := []any{}
	for i := range page.Changes {
		items = append(items, changeBody(&page.Changes[i]))
	}
	return ok(list{Value: items, NextLink: a.next(r, page.Next)})
}

func changeBody(c *history.ScoreChange) map[string]any {
	body := map[string]any{"at": c.At.UTC(), "resourceId": c.ResourceID, "cause": c.Cause, "delta": round(c.Delta/100, 1e8)}
	if c.Recommendation != nil {
		body["assessment"], body["displayName"] = c.Recommendation.ID, c.Recommendation.Title
		body["from"], body["to"] = c.From.String(), c.To.String()
	}
	return body
}

// span reads from and to, by default the last 30 days.
func (a *API) span(r *request) (from, to time.Time, err error) {
	from, to = a.Now().AddDate(0, 0, -30), a.Now()
	for name, into := range map[string]*time.Time{"from": &from, "to": &to} {
		if text := r.option(name); text != "" {
			if *into, err = time.Parse(time.RFC3339, text); err != nil {
				return from, to, invalidAt(name, "%q is not a time like 2026-01-31T00:00:00Z.", clip(text))
			}
		}
	}
	return from, to, nil
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
