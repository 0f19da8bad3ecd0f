package api

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/governance"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/ownership"
)

// place is the assignment that a request names.
func (r *request) place() ownership.Place {
	return ownership.Place{Tenant: r.tenant(), Scope: r.scope.String(), Recommendation: arm.Fold(r.vars["assessment"]), Key: r.vars["name"]}
}

// governanceAssignments lists what is assigned of one recommendation at and below
// a scope, by people and by rules: one entry for each assessment.
func (a *API) governanceAssignments(r *request) (response, error) {
	_, view, err := a.estate(r)
	if err != nil {
		return response{}, err
	}
	recommendation := arm.Fold(r.vars["assessment"])
	if view.Recommendation(recommendation) == nil {
		return response{}, arm.NotFound(assessmentID(r.scope.String(), r.vars["assessment"]))
	}
	query := index.AssessmentQuery{Scope: r.postureScope(), Recommendation: recommendation, Status: governance.Statuses, Sort: listOrder}
	if query.Limit, query.After, err = r.page(); err != nil {
		return response{}, err
	}
	for items := []any{}; ; {
		page, err := view.Assessments(query)
		if err != nil {
			return response{}, err
		}
		for i := range page.Rows {
			if e, ok := ownership.EntryOf(r.tenant(), &page.Rows[i]); ok {
				items = append(items, assignmentBody(&e))
			}
		}
		// Unhealthy ones that nothing assigns are passed over: go on until there is something to show.
		if len(items) > 0 || page.Next == "" {
			return ok(list{Value: items, NextLink: a.next(r, page.Next)})
		}
		query.After = page.Next
	}
}

// governanceAssignment shows one.
func (a *API) governanceAssignment(r *request) (response, error) {
	e, err := a.owners.Get(r.Context(), r.place())
	if err != nil {
		return response{}, err
	}
	return response{status: http.StatusOK, body: assignmentBody(&e), etag: e.ETag}, nil
}

// wireAssignment is GovernanceAssignmentProperties as clients write it.
type wireAssignment struct {
	Properties *struct {
		Owner string    `json:"owner"`
		Due   time.Time `json:"remediationDueDate"`
		Grace *bool     `json:"isGracePeriod"`
		ETA   *struct {
			ETA           time.Time `json:"eta"`
			Justification string    `json:"justification"`
		} `json:"remediationEta"`
		Notify *struct {
			Owner   *bool `json:"disableOwnerEmailNotification,omitempty"`
			Manager *bool `json:"disableManagerEmailNotification,omitempty"`
		} `json:"governanceEmailNotification"`
		Additional *struct {
			Number *int32  `json:"ticketNumber,omitempty"`
			Link   *string `json:"ticketLink,omitempty"`
			Status *string `json:"ticketStatus,omitempty"`
		} `json:"additionalData"`
	} `json:"properties"`
}

// maxAdditional bounds what is kept of tickets.
const maxAdditional = 4 << 10

// putGovernanceAssignment assigns, or promises a date.
func (a *API) putGovernanceAssignment(r *request) (response, error) {
	if err := r.principal.Allow(ownership.Read, r.scope.String()); err != nil {
		return response{}, err
	}
	var body wireAssignment
	if err := r.decode(&body); err != nil {
		return response{}, err
	}
	p := body.Properties
	if p == nil {
		return response{}, invalidAt("properties", "It is required.")
	}
	w := ownership.Wish{Place: r.place(), Match: match(r.Request), Owner: p.Owner, Due: p.Due, Grace: p.Grace}
	if p.ETA != nil {
		if w.ETA, w.Justification = p.ETA.ETA, p.ETA.Justification; w.ETA.IsZero() {
			return response{}, invalidAt("properties.remediationEta.eta", "It is required.")
		}
	}
	var err error
	if p.Notify != nil {
		if w.Notify, err = json.Marshal(p.Notify); err != nil {
			return response{}, err
		}
	}
	if p.Additional != nil {
		if w.Additional, err = json.Marshal(p.Additional); err != nil {
			return response{}, err
		}
		if len(w.Additional) > maxAdditional {
			return response{}, invalidAt("properties.additionalData", "It is longer than %d bytes.", maxAdditional)
		}
	}
	e, created, err := a.owners.Put(r.Context(), r.principal, w)
	if err != nil {
		return response{}, err
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	return response{status: status, body: assignmentBody(&e), etag: e.ETag}, nil
}

// deleteGovernanceAssignment takes back what a person assigned.
func (a *API) deleteGovernanceAssignment(r *request) (response, error) {
	if err := a.owners.Remove(r.Context(), r.principal, r.place(), match(r.Request)); err != nil {
		return response{}, err
	}
	return noContent()
}

// match is what the conditional headers demand.
func match(r *http.Request) ownership.Match {
	return ownership.Match{ETag: ifMatch(r.Header), None: r.Header.Get("If-None-Match") == "*"}
}

// assignmentBody is the wire form. What the reference has no member for stands
// beside those that it has.
func assignmentBody(e *ownership.Entry) *object {
	properties := map[string]any{"remediationDueDate": e.Due.UTC().Format(time.RFC3339Nano), "isGracePeriod": e.Grace, "assignedOn": e.Made.UTC().Format(time.RFC3339Nano)}
	for name, text := range map[string]string{"owner": e.Owner, "assignedBy": e.By, "etaSetBy": e.PromisedBy, "status": e.Status.String()} {
		if text != "" {
			properties[name] = text
		}
	}
	if e.Rule != "" {
		properties["governanceRuleId"], properties["governanceRuleName"] = e.Assignment.ID, e.Rule
	}
	if e.Gone {
		properties["ownerIsGone"] = true
	}
	if !e.ETA.IsZero() {
		properties["remediationEta"] = map[string]any{"eta": e.ETA.UTC().Format(time.RFC3339Nano), "justification": e.Justification}
		properties["etaIsLate"] = e.Late()
	}
	if !e.Completed.IsZero() {
		properties["completedOn"] = e.Completed.UTC().Format(time.RFC3339Nano)
	}
	for name, raw := range map[string]json.RawMessage{"governanceEmailNotification": e.Notify, "additionalData": e.Additional} {
		if len(raw) > 0 {
			properties[name] = raw
		}
	}
	o := &object{ID: e.Place.ID(), Name: e.Key, Type: assessmentType + "/governanceAssignments", Properties: properties, ETag: e.ETag}
	if !e.CreatedAt.IsZero() {
		o.SystemData = &systemData{CreatedAt: e.CreatedAt.UTC(), LastModifiedAt: e.UpdatedAt.UTC(), LastModifiedBy: e.UpdatedBy}
	}
	return o
}
