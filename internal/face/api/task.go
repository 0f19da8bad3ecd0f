package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// homeLocation is the one location that security data of every subscription
// has: it names no place, clients only need one to build their paths.
const homeLocation = "centralus"

const locationType = "Microsoft.Security/locations"

// locations lists the home location.
func (a *API) locations(r *request) (response, error) {
	return ok(list{Value: []any{locationBody(r.scope)}})
}

// location shows it.
func (a *API) location(r *request) (response, error) {
	if !strings.EqualFold(r.vars["location"], homeLocation) {
		return response{}, arm.NotFound(r.scope.String() + "/providers/" + locationType + "/" + r.vars["location"])
	}
	return ok(locationBody(r.scope))
}

func locationBody(scope arm.ID) map[string]any {
	return resource(scope.SubscriptionID()+"/providers/"+locationType+"/"+homeLocation, locationType,
		map[string]any{"homeRegionName": homeLocation})
}

// tasks lists what is to be done as the older form of recommendations: one task
// for each unhealthy assessment.
func (a *API) tasks(r *request) (response, error) {
	if err := r.refuse("$filter"); err != nil {
		return response{}, err
	}
	_, view, err := a.estate(r)
	if err != nil {
		return response{}, err
	}
	query := index.AssessmentQuery{Scope: r.postureScope(), State: []record.State{record.Unhealthy}, Sort: listOrder}
	if query.Limit, query.After, err = r.page(); err != nil {
		return response{}, err
	}
	page, err := view.Assessments(query)
	if err != nil {
		return response{}, err
	}
	kept, err := a.taskStates(r)
	if err != nil {
		return response{}, err
	}
	items := []any{}
	for i := range page.Rows {
		items = append(items, taskBody(r.scope, &page.Rows[i], kept))
	}
	return ok(list{Value: items, NextLink: a.next(r, page.Next)})
}

// task shows one, also when it is done.
func (a *API) task(r *request) (response, error) {
	x, err := a.namedTask(r)
	if err != nil {
		return response{}, err
	}
	kept, err := a.taskStates(r)
	if err != nil {
		return response{}, err
	}
	return ok(taskBody(r.scope, x, kept))
}

// taskVerbs are the states that clients put tasks into.
var taskVerbs = map[string]string{"activate": "Active", "dismiss": "Dismissed", "resolve": "Resolved", "start": "InProgress", "close": "Closed"}

// setTask keeps a person's word on a task. It changes no assessment: a task that
// is dismissed is still unhealthy.
func (a *API) setTask(r *request) (response, error) {
	state := taskVerbs[arm.Fold(r.vars["verb"])]
	if state == "" {
		return response{}, arm.Invalid("%q is not an action on a task; use Activate, Dismiss, Resolve, Start or Close.", clip(r.vars["verb"]))
	}
	x, err := a.namedTask(r)
	if err != nil {
		return response{}, err
	}
	id := taskID(r.scope, taskName(x))
	body, err := json.Marshal(object{ID: id, Name: taskName(x), Type: locationType + "/tasks", Properties: map[string]any{"state": state}})
	if err != nil {
		return response{}, fmt.Errorf("encode task: %w", err)
	}
	err = a.Store.Update(r.Context(), func(tx *store.Tx) error {
		o := store.Object{Tenant: r.tenant(), Kind: kindTaskState, ID: id, Body: body, UpdatedBy: r.principal.Name}
		if _, err := tx.PutObject(r.Context(), o, ifMatch(r.Header)); err != nil {
			return err
		}
		return tx.AppendAudit(r.Context(), store.AuditRow{Tenant: o.Tenant, Actor: o.UpdatedBy, Action: string(r.route.access), Target: id, Outcome: state})
	})
	if err != nil {
		return response{}, err
	}
	return noContent()
}

// taskStates are the kept states of a subscription's tasks, by name.
func (a *API) taskStates(r *request) (map[string]string, error) {
	all, err := a.objectsUnder(r, kindTaskState, taskID(r.scope, ""))
	if err != nil {
		return nil, err
	}
	kept := map[string]string{}
	for _, o := range all {
		kept[o.Name], _ = o.Properties["state"].(string)
	}
	return kept, nil
}

// taskName is the name of an assessment's task: the resource's handle and the
// recommendation, which both stay.
func taskName(x *record.Assessment) string {
	return fmt.Sprintf("%08x-%s", x.Handle, x.Recommendation.ID)
}

func (a *API) namedTask(r *request) (*record.Assessment, error) {
	_, view, err := a.estate(r)
	if err != nil {
		return nil, err
	}
	missing := arm.NotFound(taskID(r.scope, r.vars["task"]))
	hex, recommendation, _ := strings.Cut(r.vars["task"], "-")
	handle, err := strconv.ParseUint(hex, 16, 32)
	if err != nil {
		return nil, missing
	}
	var document *store.Resource
	err = a.Store.View(r.Context(), func(tx *store.Tx) error {
		var err error
		document, err = tx.ResourceByHandle(r.Context(), uint32(handle))
		return err
	})
	if isStatus(err, http.StatusNotFound) {
		return nil, missing
	}
	if err != nil {
		return nil, err
	}
	// Handles count over all tenants, so this one may be another's.
	id, err := arm.ParseID(document.Doc.ID)
	if err != nil || document.Doc.Tenant != r.tenant() || !id.Within(r.scope) {
		return nil, missing
	}
	x, known := view.Assessment(document.Doc.ID, arm.Fold(recommendation))
	if !known {
		return nil, missing
	}
	return &x, nil
}

func taskID(scope arm.ID, name string) string {
	return scope.SubscriptionID() + "/providers/" + locationType + "/" + homeLocation + "/tasks/" + name
}

func taskBody(scope arm.ID, x *record.Assessment, kept map[string]string) map[string]any {
	state := kept[taskName(x)]
	switch {
	case x.State != record.Unhealthy:
		state = "Resolved"
	case state == "":
		state = "Active"
	}
	parameters := map[string]any{
		"name": x.Recommendation.Title, "assessmentKey": x.Recommendation.ID, "resourceId": x.ResourceID,
		"resourceName": x.ResourceName, "resourceType": x.ResourceType, "severity": severityName(x.Recommendation.Severity),
	}
	properties := map[string]any{"state": state, "subState": "NA", "securityTaskParameters": parameters}
	if !x.FirstSeen.IsZero() {
		properties["creationTimeUtc"] = x.FirstSeen.UTC().Format(time.RFC3339Nano)
	}
	if !x.Since.IsZero() {
		properties["lastStateChangeTimeUtc"] = x.Since.UTC().Format(time.RFC3339Nano)
	}
	return resource(taskID(scope, taskName(x)), locationType+"/tasks", properties)
}
