package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/threat/alert"
	"github.com/rampart-sec/rampart/internal/threat/detect"
)

const (
	alertType       = "Microsoft.Security/Locations/alerts"
	suppressionType = "Microsoft.Security/alertsSuppressionRules"
)

// suppressionKind are the rules that dismiss new alerts.
var suppressionKind = &objectKind{kind: alert.SuppressionKind, typ: suppressionType,
	created: http.StatusOK, updated: http.StatusOK, deleted: http.StatusNoContent, check: checkSuppression}

func checkSuppression(ctx context.Context, c *change) error {
	body, err := json.Marshal(map[string]any{"properties": c.after.Properties})
	if err != nil {
		return err
	}
	if _, err := alert.ParseSuppression(c.after.ID, body); err != nil {
		return arm.Invalid("%s", err)
	}
	c.after.Properties["lastModifiedUtc"] = c.api.Now().UTC().Format(time.RFC3339)
	return nil
}

// alertQuery is what a request may see: its subscription or group.
func (r *request) alertQuery() store.AlertQuery {
	q := store.AlertQuery{Tenant: r.tenant(), Both: true, Subscription: r.scope.Subscription()}
	if r.scope.ResourceGroup() != "" {
		q.Under = r.scope.String()
	}
	return q
}

// alerts lists the alerts and incidents of a subscription or group, newest first.
func (a *API) alerts(r *request) (response, error) {
	if err := r.refuse("$filter"); err != nil {
		return response{}, err
	}
	if err := r.checkLocation(); err != nil {
		return response{}, err
	}
	limit, cursor, err := r.page()
	if err != nil {
		return response{}, err
	}
	q := r.alertQuery()
	q.Limit = limit + 1
	if cursor != "" {
		micros, id, ok := strings.Cut(cursor, " ")
		n, err := strconv.ParseInt(micros, 10, 64)
		if !ok || err != nil {
			return response{}, invalidToken()
		}
		q.After = &store.AlertPlace{Last: time.UnixMicro(n), ID: id}
	}
	found, err := a.Alerts.List(r.Context(), q)
	if err != nil {
		return response{}, err
	}
	next := ""
	if len(found) > limit {
		found = found[:limit]
		last := found[limit-1]
		next = fmt.Sprintf("%d %s", last.Last.UnixMicro(), last.ID)
	}
	items := []any{}
	for _, x := range found {
		items = append(items, a.alertBody(r, x))
	}
	return ok(list{Value: items, NextLink: a.next(r, next)})
}

// checkLocation refuses a place that there is not.
func (r *request) checkLocation() error {
	if l, given := r.vars["location"]; given && !strings.EqualFold(l, homeLocation) {
		return arm.NotFound(r.scope.String() + "/providers/" + locationType + "/" + l)
	}
	return nil
}

// findAlert reads the alert that a request names, if it lies in its scope.
func (a *API) findAlert(r *request) (*alert.Alert, error) {
	if err := r.checkLocation(); err != nil {
		return nil, err
	}
	id := r.scope.String() + "/providers/" + locationType + "/" + homeLocation + "/alerts/" + r.vars["alert"]
	x, err := a.Alerts.Get(r.Context(), r.tenant(), strings.ToLower(r.vars["alert"]))
	if err != nil {
		if arm.IsNotFound(err) {
			return nil, arm.NotFound(id)
		}
		return nil, err
	}
	group := r.scope.ResourceGroup()
	inGroup := group == "" || strings.HasPrefix(arm.Fold(x.Resource)+"/", arm.Fold(r.scope.String())+"/")
	if !strings.EqualFold(x.Subscription, r.scope.Subscription()) || !inGroup {
		return nil, arm.NotFound(id)
	}
	return x, nil
}

// alert shows one.
func (a *API) alert(r *request) (response, error) {
	x, err := a.findAlert(r)
	if err != nil {
		return response{}, err
	}
	return ok(a.alertBody(r, x))
}

// alertVerbs are the last segments of paths that set a status.
var alertVerbs = map[string]alert.Status{"activate": alert.Active, "inprogress": alert.InProgress, "resolve": alert.Resolved, "dismiss": alert.Dismissed}

// setAlert sets an alert's status.
func (a *API) setAlert(r *request) (response, error) {
	status, known := alertVerbs[strings.ToLower(r.vars["verb"])]
	if !known {
		return response{}, &arm.Error{Status: http.StatusNotFound, Code: "InvalidResourceType", Message: "An alert can be activated, set in progress, resolved or dismissed."}
	}
	x, err := a.findAlert(r)
	if err != nil {
		return response{}, err
	}
	if _, err := a.Alerts.SetStatus(r.Context(), r.tenant(), x.ID, r.principal.Name, status); err != nil {
		return response{}, err
	}
	return noContent()
}

// simulateAlerts raises sample alerts: bundles that the caller names.
func (a *API) simulateAlerts(r *request) (response, error) {
	var body struct {
		Properties struct {
			Kind    string   `json:"kind"`
			Bundles []string `json:"bundles"`
		} `json:"properties"`
	}
	if err := r.decode(&body); err != nil {
		return response{}, err
	}
	if !strings.EqualFold(body.Properties.Kind, "Bundles") || len(body.Properties.Bundles) == 0 {
		return response{}, invalidAt("properties.bundles", "Name at least one bundle, with kind Bundles.")
	}
	findings, err := alert.Samples(r.tenant(), r.scope.Subscription(), body.Properties.Bundles, a.Now())
	if err != nil {
		return response{}, invalidAt("properties.bundles", err.Error())
	}
	err = a.Store.Update(r.Context(), func(tx *store.Tx) error {
		_, err := a.Alerts.Raise(r.Context(), tx, findings)
		return err
	})
	if err != nil {
		return response{}, err
	}
	if err := a.auditAction(r, fmt.Sprintf("%d sample alerts", len(findings))); err != nil {
		return response{}, err
	}
	return response{status: http.StatusAccepted, body: map[string]any{}}, nil
}

// alertBody is an alert on the wire (2022-01-01).
func (a *API) alertBody(r *request, x *alert.Alert) map[string]any {
	scope := "/subscriptions/" + x.Subscription
	if id, err := arm.ParseID(x.Resource); err == nil && id.ResourceGroup() != "" {
		scope += "/resourceGroups/" + id.ResourceGroup()
	}
	entities := []any{}
	for i, e := range x.Entities {
		body := map[string]any{"$id": strconv.Itoa(i + 1), "type": e.Kind, "name": e.Name}
		if e.Kind == "ip" {
			body["address"] = e.Name
		}
		for k, v := range e.Fields {
			body[k] = v
		}
		entities = append(entities, body)
	}
	identifiers := []any{}
	if x.Resource != "" {
		identifiers = append(identifiers, map[string]any{"type": "AzureResource", "azureResourceId": x.Resource})
	}
	extended := map[string]string{"count": strconv.Itoa(x.Count)}
	for _, v := range x.Group {
		extended[v.Field] = v.Value
	}
	if len(x.Reasons) > 0 {
		extended["severityReasons"] = strings.Join(x.Reasons, " ")
	}
	if x.Incident != "" {
		extended["incidentId"] = x.Incident
	}
	if x.Sample {
		extended["sample"] = "true"
	}
	evidence := []any{}
	for _, e := range x.Evidence {
		evidence = append(evidence, map[string]any{"time": e.Time, "source": e.Source, "fields": e.Fields, "event": e.Event})
	}
	properties := map[string]any{
		"version": "2022-01-01", "alertType": x.Type, "systemAlertId": x.ID, "productName": "Rampart", "vendorName": "Rampart",
		"alertDisplayName": x.Title, "description": x.Description, "severity": x.Severity, "intent": strings.Join(x.Tactics, ", "), "status": x.Status,
		"startTimeUtc": x.First, "endTimeUtc": x.Last, "timeGeneratedUtc": x.Last, "compromisedEntity": lastSegment(x.Resource),
		"isIncident": x.IsIncident, "entities": entities, "resourceIdentifiers": identifiers, "remediationSteps": nonNil(x.NextSteps), "techniques": nonNil(x.Techniques),
		"extendedProperties": extended, "alertUri": a.pages(r) + "/alert?id=" + x.ID, "extendedLinks": []any{},
		"supportingEvidence": map[string]any{"type": "events", "events": evidence},
	}
	if x.Incident != "" {
		properties["correlationKey"] = x.Incident
	}
	return resource(scope+"/providers/"+locationType+"/"+homeLocation+"/alerts/"+x.ID, alertType, properties)
}

func nonNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// maxSourceName bounds who an upload of events says it is from.
const maxSourceName = 256

// events takes a stream of events of one source and says what became of it when
// the alerts that it raised are stored.
func (a *API) events(r *request) (response, error) {
	if a.Detect == nil {
		return response{}, &arm.Error{Status: http.StatusServiceUnavailable, Code: "DetectionNotRunning", Message: "This server runs no detection rules."}
	}
	b := detect.Batch{Tenant: r.tenant(), Source: r.option("source"), Resource: r.option("resource"), From: r.option("from")}
	if b.From == "" {
		b.From = r.principal.Name
	}
	if len(b.From) > maxSourceName {
		return response{}, arm.Invalid("from: it is longer than %d characters", maxSourceName)
	}
	if b.Resource != "" {
		id, err := arm.ParseID(b.Resource)
		if err != nil || id.Subscription() == "" {
			return response{}, arm.Invalid("resource: %q is no id of a resource", clip(b.Resource))
		}
	}
	result, err := a.Detect.Take(r.Context(), b, r.Body)
	if err != nil {
		return response{}, err
	}
	if err := a.auditAction(r, fmt.Sprintf("%d events, %d skipped, %d alerts", result.Events, result.Skipped, result.Alerts)); err != nil {
		return response{}, err
	}
	return ok(result)
}
