package alert

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
)

// repeatSpan is how long after an alert's last event another of its group
// repeats it instead of raising a new one.
const repeatSpan = 24 * time.Hour

// An alert keeps copies of some events: the first ones and the newest, within
// bounds of number and size.
const (
	maxEvidence      = 64
	maxEvidenceBytes = 256 << 10
	maxRaw           = 16 << 10
)

// Book keeps alerts in the store. It is safe for concurrent use.
type Book struct {
	store *store.DB
	now   func() time.Time
	about func(tenant, resource string) Context
}

// NewBook gives the alerts of a store. about tells what is known of a resource;
// it must not wait for the store.
func NewBook(db *store.DB, now func() time.Time, about func(tenant, resource string) Context) *Book {
	return &Book{store: db, now: now, about: about}
}

// Raise stores findings in a transaction of the caller's, which also stores how
// far the caller is: what is rolled back is raised again with the same ids. The
// alerts that changed are returned, each as it now is, incidents among them.
func (b *Book) Raise(ctx context.Context, tx *store.Tx, findings []Finding) ([]*Alert, error) {
	if len(findings) == 0 {
		return nil, nil
	}
	w := &raising{tx: tx, book: b, byGroup: map[string]*Alert{}, changed: map[string]*Alert{}, rules: map[string][]*Suppression{}, recent: map[string][]*Alert{}}
	for i := range findings {
		if err := w.raise(ctx, &findings[i]); err != nil {
			return nil, err
		}
	}
	return w.write(ctx)
}

// raising is one call of Raise.
type raising struct {
	tx      *store.Tx
	book    *Book
	byGroup map[string]*Alert
	changed map[string]*Alert
	order   []string
	rules   map[string][]*Suppression // by tenant
	recent  map[string][]*Alert       // open ones of the store, by tenant
}

func (w *raising) raise(ctx context.Context, f *Finding) error {
	key := f.Tenant + " " + f.groupKey()
	last := w.byGroup[key]
	if last == nil {
		row, err := w.tx.LastAlert(ctx, f.Tenant, f.groupKey())
		if err != nil {
			return err
		}
		if row != nil {
			if last, err = decode(row); err != nil {
				return err
			}
			if c := w.changed[last.ID]; c != nil {
				last = c // an incident of this call took it in
			}
		}
	}
	if last != nil && last.Status != Resolved && f.First.Sub(last.Last) <= repeatSpan {
		last.repeat(f)
		w.byGroup[key] = last
		w.note(last)
		return nil
	}
	a := newAlert(f, w.book.about(f.Tenant, f.Resource))
	if err := w.suppress(ctx, a); err != nil {
		return err
	}
	w.byGroup[key] = a
	w.note(a)
	if a.Status.Open() {
		return w.join(ctx, a)
	}
	return nil
}

func (w *raising) note(a *Alert) {
	if w.changed[a.ID] == nil {
		w.order = append(w.order, a.ID)
	}
	w.changed[a.ID] = a
}

func newAlert(f *Finding, c Context) *Alert {
	a := &Alert{ID: f.id(), Tenant: f.Tenant, Subscription: f.Subscription, Resource: f.Resource, Rule: f.Rule, Type: f.Type, Title: f.Title,
		Description: f.Description, NextSteps: f.NextSteps, Group: f.Group, First: f.First, Last: f.Last, Count: 1, Status: Active, Sample: f.Sample,
		groupKey: f.groupKey()}
	a.Severity, a.Reasons = weigh(f.Rule.Level, c)
	if f.Note != "" {
		a.Reasons = append(a.Reasons, f.Note)
	}
	a.Tactics, a.Techniques = readTags(f.Rule.Tags)
	a.addEntities(f.Entities)
	a.addEvidence(f.Evidence)
	return a
}

// repeat takes one more finding in. One whose event is among the evidence was
// taken in before and came again.
func (a *Alert) repeat(f *Finding) {
	if slices.ContainsFunc(a.Evidence, func(e Evidence) bool { return e.Event == f.Completing }) {
		return
	}
	a.Count++
	if f.First.Before(a.First) {
		a.First = f.First
	}
	if f.Last.After(a.Last) {
		a.Last = f.Last
	}
	a.addEntities(f.Entities)
	a.addEvidence(f.Evidence)
}

// addEvidence keeps events within the bounds. When they are full the oldest of
// the second half give way: the beginning and the newest stay.
func (a *Alert) addEvidence(es []Evidence) {
	for _, e := range es {
		if slices.ContainsFunc(a.Evidence, func(x Evidence) bool { return x.Event == e.Event }) {
			continue
		}
		if len(e.Raw) > maxRaw {
			e.Raw = strings.ToValidUTF8(e.Raw[:maxRaw], "") + " [cut]"
		}
		a.Evidence = append(a.Evidence, e)
	}
	for len(a.Evidence) > 1 && (len(a.Evidence) > maxEvidence || a.evidenceSize() > maxEvidenceBytes) {
		middle := min(maxEvidence/2, len(a.Evidence)/2)
		a.Evidence = slices.Delete(a.Evidence, middle, middle+1)
	}
}

func (a *Alert) evidenceSize() (n int) {
	for _, e := range a.Evidence {
		n += len(e.Raw)
		for k, v := range e.Fields {
			n += len(k) + len(v)
		}
	}
	return n
}

// suppress dismisses an alert that a rule of its subscription selects.
func (w *raising) suppress(ctx context.Context, a *Alert) error {
	rules, err := w.suppressions(ctx, a.Tenant)
	if err != nil {
		return err
	}
	for _, s := range rules {
		scope := "/subscriptions/" + a.Subscription + "/"
		if a.Subscription != "" && len(s.ID) >= len(scope) && strings.EqualFold(s.ID[:len(scope)], scope) && s.Selects(a) {
			a.Status, a.SuppressedBy = Dismissed, s.ID
			return nil
		}
	}
	return nil
}

func (w *raising) suppressions(ctx context.Context, tenant string) ([]*Suppression, error) {
	if rules, ok := w.rules[tenant]; ok {
		return rules, nil
	}
	objects, err := w.tx.Objects(ctx, store.ObjectQuery{Tenant: tenant, Kind: SuppressionKind})
	if err != nil {
		return nil, err
	}
	rules := []*Suppression{}
	for _, o := range objects {
		if s, err := ParseSuppression(o.ID, o.Body); err == nil { // what can't be read was refused when it was put
			rules = append(rules, s)
		}
	}
	w.rules[tenant] = rules
	return rules, nil
}

// maxRecent is how many open alerts are looked at for what they share.
const maxRecent = 2000

// open reads the newest open alerts of a tenant, once.
func (w *raising) open(ctx context.Context, tenant string) ([]*Alert, error) {
	if alerts, ok := w.recent[tenant]; ok {
		return alerts, nil
	}
	rows, err := w.tx.Alerts(ctx, store.AlertQuery{Tenant: tenant, Both: true, Statuses: []int{int(Active), int(InProgress)}, Limit: maxRecent})
	if err != nil {
		return nil, err
	}
	alerts := make([]*Alert, len(rows))
	for i := range rows {
		if alerts[i], err = decode(&rows[i]); err != nil {
			return nil, err
		}
	}
	w.recent[tenant] = alerts
	return alerts, nil
}

// join looks for open alerts of the day before and after that share an entity.
func (w *raising) join(ctx context.Context, a *Alert) error {
	stored, err := w.open(ctx, a.Tenant)
	if err != nil {
		return err
	}
	var recent []*Alert
	incidents := map[string]*Alert{}
	for _, other := range stored {
		if w.changed[other.ID] == nil && a.First.Sub(other.Last) <= incidentSpan && other.First.Sub(a.Last) <= incidentSpan {
			sortIn(other, &recent, incidents)
		}
	}
	for _, other := range w.changed {
		if other.Tenant == a.Tenant && other.Status.Open() && a.First.Sub(other.Last) <= incidentSpan && other.First.Sub(a.Last) <= incidentSpan {
			sortIn(other, &recent, incidents)
		}
	}
	in, members := joinIncident(a, recent, incidents)
	if in == nil {
		return nil
	}
	members, err = w.members(ctx, in, members)
	if err != nil {
		return err
	}
	in.describe(members)
	for _, m := range members {
		if m.Incident != in.ID {
			m.Incident = in.ID
			w.note(m)
		}
	}
	w.note(in)
	return nil
}

func sortIn(a *Alert, alerts *[]*Alert, incidents map[string]*Alert) {
	if a.IsIncident {
		incidents[a.ID] = a
	} else {
		*alerts = append(*alerts, a)
	}
}

// members adds those that an incident already has. Alerts of another incident
// stay there.
func (w *raising) members(ctx context.Context, in *Alert, found []*Alert) ([]*Alert, error) {
	members := slices.DeleteFunc(slices.Clone(found), func(m *Alert) bool { return m.Incident != "" && m.Incident != in.ID })
	for _, id := range in.Members {
		if slices.ContainsFunc(members, func(m *Alert) bool { return m.ID == id }) {
			continue
		}
		m := w.changed[id]
		if m == nil {
			row, err := w.tx.Alert(ctx, in.Tenant, id)
			if arm.IsNotFound(err) {
				continue // older than alerts are kept
			}
			if err != nil {
				return nil, err
			}
			if m, err = decode(row); err != nil {
				return nil, err
			}
		}
		members = append(members, m)
	}
	slices.SortFunc(members, func(x, y *Alert) int {
		if c := x.First.Compare(y.First); c != 0 {
			return c
		}
		return strings.Compare(x.ID, y.ID)
	})
	return members, nil
}

func (w *raising) write(ctx context.Context) ([]*Alert, error) {
	rows := make([]store.AlertRow, 0, len(w.order))
	alerts := make([]*Alert, 0, len(w.order))
	for _, id := range w.order {
		a := w.changed[id]
		row, err := encode(a)
		if err != nil {
			return nil, err
		}
		rows, alerts = append(rows, row), append(alerts, a)
	}
	return alerts, w.tx.PutAlerts(ctx, rows)
}

func encode(a *Alert) (store.AlertRow, error) {
	body, err := json.Marshal(a)
	if err != nil {
		return store.AlertRow{}, fmt.Errorf("encode alert: %w", err)
	}
	return store.AlertRow{Tenant: a.Tenant, ID: a.ID, Subscription: a.Subscription, Resource: a.Resource, Rule: a.Rule.ID, Group: a.groupKey,
		Incident: a.Incident, IsIncident: a.IsIncident, Severity: int(a.Severity), Status: int(a.Status), First: a.First, Last: a.Last, Body: body}, nil
}

func decode(row *store.AlertRow) (*Alert, error) {
	a := &Alert{}
	if err := json.Unmarshal(row.Body, a); err != nil {
		return nil, fmt.Errorf("read alert %s: %w", row.ID, err)
	}
	a.Tenant, a.groupKey = row.Tenant, row.Group
	return a, nil
}
