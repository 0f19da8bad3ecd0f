package web

import (
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/threat/alert"
)

// What alerts need.
const (
	actionAlertRead  = "Microsoft.Security/alerts/read"
	actionAlertWrite = "Microsoft.Security/alerts/write"
)

// alertRows is how many alerts a page lists.
const alertRows = 50

// alertsPage lists alerts and incidents, the newest first.
type alertsPage struct {
	*frame
	Rows             []alertRow
	Incidents        []alertRow // open ones, above the alerts
	Open             int
	BySeverity       []alertCount
	Status, Severity string // what is shown; "" is open, and any
	Statuses         []string
	Severities       []string
	More             string // address of the next page
}

type alertCount struct {
	Mark mark
	N    int
}

// alertRow is an alert with what lists show of it.
type alertRow struct {
	*alert.Alert
	Mark     mark
	Resource string // its name
	Tactics  []string
}

func rowOf(a *alert.Alert) alertRow {
	r := alertRow{Alert: a, Mark: alertMark(a.Severity), Resource: a.Resource[strings.LastIndexByte(a.Resource, '/')+1:]}
	for _, t := range a.Tactics {
		r.Tactics = append(r.Tactics, alert.TacticTitle(t))
	}
	return r
}

func alertMark(s alert.Severity) mark {
	switch s {
	case alert.High:
		return severityMark(content.High)
	case alert.Medium:
		return severityMark(content.Medium)
	case alert.Low:
		return severityMark(content.Low)
	}
	return mark{"none", "unknown", "Informational"}
}

// alertQuery is the reader's scope as alerts know it.
func (v *visit) alertQuery() store.AlertQuery {
	q := store.AlertQuery{Tenant: v.tenant}
	if id, err := arm.ParseID(v.scope.ID); err == nil && id.Subscription() != "" {
		q.Subscription = id.Subscription()
		if id.ResourceGroup() != "" {
			q.Under = v.scope.ID
		}
	}
	return q
}

var openStatuses = []int{int(alert.Active), int(alert.InProgress)}

func alerts(v *visit) (page, error) {
	if err := v.who.Allow(actionAlertRead, v.scope.ID); err != nil {
		return page{}, err
	}
	p := &alertsPage{frame: v.newFrame("Alerts"), Status: v.Get("status"), Severity: v.Get("severity"),
		Statuses: []string{"Active", "InProgress", "Resolved", "Dismissed", "All"}, Severities: []string{"High", "Medium", "Low"}}
	p.Refresh = 20
	book := v.server.opt.Alerts
	if book == nil {
		return page{name: "alerts", data: p}, nil
	}
	q := v.alertQuery()
	counts, err := book.Open(v.Context(), q)
	if err != nil {
		return page{}, err
	}
	for _, s := range []alert.Severity{alert.High, alert.Medium, alert.Low, alert.Informational} {
		p.Open += counts[s]
		p.BySeverity = append(p.BySeverity, alertCount{alertMark(s), counts[s]})
	}
	if p.Incidents, err = v.incidents(q); err != nil {
		return page{}, err
	}
	q.Statuses = openStatuses
	if s, ok := alert.ParseStatus(p.Status); ok {
		q.Statuses = []int{int(s)}
	} else if p.Status == "All" {
		q.Statuses = nil
	} else {
		p.Status = ""
	}
	if s, ok := alert.ParseSeverity(p.Severity); ok {
		q.MinSeverity = int(s)
	} else {
		p.Severity = ""
	}
	if at, id, ok := strings.Cut(v.Get("after"), " "); ok {
		if t, err := time.Parse(time.RFC3339Nano, at); err == nil {
			q.After = &store.AlertPlace{Last: t, ID: id}
		}
	}
	q.Limit = alertRows + 1
	found, err := book.List(v.Context(), q)
	if err != nil {
		return page{}, err
	}
	if len(found) > alertRows {
		found = found[:alertRows]
		last := found[alertRows-1]
		p.More = v.With("after", last.Last.Format(time.RFC3339Nano)+" "+last.ID)
	}
	for _, a := range found {
		p.Rows = append(p.Rows, rowOf(a))
	}
	return page{name: "alerts", data: p}, nil
}

// incidents are the open incidents of a scope.
func (v *visit) incidents(q store.AlertQuery) (rows []alertRow, err error) {
	q.Incidents, q.Statuses, q.Limit = true, openStatuses, 10
	found, err := v.server.opt.Alerts.List(v.Context(), q)
	for _, a := range found {
		rows = append(rows, rowOf(a))
	}
	return rows, err
}

// openAlerts is the number in the navigation.
func (v *visit) openAlerts() (n int) {
	if v.server.opt.Alerts == nil || !v.may(actionAlertRead, v.scope.ID) {
		return 0
	}
	counts, err := v.server.opt.Alerts.Open(v.Context(), v.alertQuery())
	if err != nil {
		return 0
	}
	for _, c := range counts {
		n += c
	}
	return n
}

// alertPage is one alert or incident.
type alertPage struct {
	*frame
	Alert    alertRow
	Members  []alertRow // of an incident, the first first
	Incident *alertRow  // that the alert belongs to
	Next     []statusChoice
	CanWrite bool
	Known    bool // the resource is in the inventory
}

// statusChoice is a status that a button sets.
type statusChoice struct{ Status, Label string }

func alertDetail(v *visit) (page, error) {
	book := v.server.opt.Alerts
	if book == nil {
		return page{}, arm.NotFound("alert")
	}
	a, err := v.readAlert(v.Get("id"))
	if err != nil {
		return page{}, err
	}
	p := &alertPage{frame: v.newFrame(a.Title), Alert: rowOf(a), CanWrite: v.may(actionAlertWrite, alertScope(a))}
	_, p.Known = v.view.Resource(a.Resource)
	for _, c := range []struct {
		s     alert.Status
		label string
	}{{alert.InProgress, "Start work"}, {alert.Resolved, "Resolve"}, {alert.Dismissed, "Dismiss"}, {alert.Active, "Reopen"}} {
		if c.s != a.Status && !(c.s == alert.Active && a.Status == alert.InProgress) {
			p.Next = append(p.Next, statusChoice{c.s.String(), c.label})
		}
	}
	if a.Incident != "" {
		if in, err := book.Get(v.Context(), v.tenant, a.Incident); err == nil {
			row := rowOf(in)
			p.Incident = &row
		}
	}
	if a.IsIncident {
		members, err := book.List(v.Context(), store.AlertQuery{Tenant: v.tenant, Incident: a.ID, Limit: 200})
		if err != nil {
			return page{}, err
		}
		slices.Reverse(members)
		for _, m := range members {
			p.Members = append(p.Members, rowOf(m))
		}
	}
	return page{name: "alert", data: p}, nil
}

// alertScope is where the reader's roles are asked for an alert.
func alertScope(a *alert.Alert) string {
	if a.Resource != "" {
		return a.Resource
	}
	if a.Subscription != "" {
		return "/subscriptions/" + a.Subscription
	}
	return ""
}

// readAlert reads an alert that the reader may see; others are not there.
func (v *visit) readAlert(id string) (*alert.Alert, error) {
	a, err := v.server.opt.Alerts.Get(v.Context(), v.tenant, clip(id, 64))
	if err != nil {
		return nil, err
	}
	if !v.may(actionAlertRead, alertScope(a)) {
		return nil, arm.NotFound(clip(id, 64))
	}
	return a, nil
}

// workOnAlert takes the forms of an alert's page: status, assignee or comment.
func workOnAlert(v *visit) (string, error) {
	form, book := v.PostForm, v.server.opt.Alerts
	if book == nil {
		return "", arm.NotFound("alert")
	}
	a, err := v.readAlert(form.Get("id"))
	if err != nil {
		return "", err
	}
	if err := v.who.Allow(actionAlertWrite, alertScope(a)); err != nil {
		return "", err
	}
	switch {
	case form.Get("status") != "":
		s, ok := alert.ParseStatus(form.Get("status"))
		if !ok {
			return "", arm.Invalid("status: %q is none", clip(form.Get("status"), 40))
		}
		_, err = book.SetStatus(v.Context(), v.tenant, a.ID, v.who.Name, s)
	case form.Has("assignee"):
		_, err = book.Assign(v.Context(), v.tenant, a.ID, v.who.Name, form.Get("assignee"))
	default:
		_, err = book.Comment(v.Context(), v.tenant, a.ID, v.who.Name, form.Get("comment"))
	}
	return v.To("/alert", "id", a.ID), err
}
