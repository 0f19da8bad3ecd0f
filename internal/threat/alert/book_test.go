package alert_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/threat/alert"
)

const (
	sub  = "11111111-1111-1111-1111-111111111111"
	host = "/subscriptions/" + sub + "/resourceGroups/g/providers/Microsoft.HybridCompute/machines/web-1"
)

type fixture struct {
	db   *store.DB
	book *alert.Book
	t    time.Time
	n    int
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{t: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	now := func() time.Time { return f.t }
	db, err := store.Open(t.Context(), store.Options{URL: "sqlite:" + filepath.Join(t.TempDir(), "rampart.db"), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	f.db = db
	f.book = alert.NewBook(db, now, func(tenant, resource string) alert.Context { return alert.Context{Known: true, Exposed: true} })
	return f
}

// finding is what a rule found a minute after the one before.
func (f *fixture) finding(rule, tactic string, entities ...alert.Entity) alert.Finding {
	f.n++
	f.t = f.t.Add(time.Minute)
	return alert.Finding{Subscription: sub, Resource: host, Rule: alert.Rule{ID: rule, Title: rule, Level: "high", Tags: []string{"attack." + tactic}},
		Type: "VM_" + rule, Title: rule, Entities: entities, Completing: fmt.Sprint("event-", f.n), First: f.t, Last: f.t,
		Evidence: []alert.Evidence{{Event: fmt.Sprint("event-", f.n), Time: f.t, Raw: "raw"}}}
}

func (f *fixture) raise(t *testing.T, findings ...alert.Finding) (changed []*alert.Alert) {
	t.Helper()
	err := f.db.Update(t.Context(), func(tx *store.Tx) (err error) {
		changed, err = f.book.Raise(context.Background(), tx, findings)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

func TestRepeatsAreOneAlert(t *testing.T) {
	f := newFixture(t)
	first := f.raise(t, f.finding("miner", "impact"))
	again := f.finding("miner", "impact")
	f.raise(t, f.finding("miner", "impact"), again)
	f.raise(t, again) // a batch that is delivered twice
	a, err := f.book.Get(t.Context(), "", first[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if a.Count != 3 || len(a.Evidence) != 3 || !a.Last.Equal(f.t) || a.Severity != alert.High || a.Tactics[0] != "Impact" {
		t.Errorf("the alert: %+v", a)
	}
	if _, err := f.book.SetStatus(t.Context(), "", a.ID, "ada", alert.Resolved); err != nil {
		t.Fatal(err)
	}
	if next := f.raise(t, f.finding("miner", "impact")); next[0].ID == a.ID || next[0].Status != alert.Active {
		t.Errorf("what comes after it was resolved belongs to the old alert: %+v", next[0])
	}
	f.t = f.t.Add(48 * time.Hour)
	if later := f.raise(t, f.finding("miner", "impact")); later[0].Count != 1 {
		t.Errorf("two days later it is still the same alert")
	}
}

func TestRaisedTwiceIsTheSame(t *testing.T) {
	f := newFixture(t)
	finding := f.finding("miner", "impact")
	id := func() string {
		var got string
		stop := fmt.Errorf("rolled back")
		err := f.db.Update(t.Context(), func(tx *store.Tx) error {
			changed, err := f.book.Raise(t.Context(), tx, []alert.Finding{finding})
			if err != nil {
				return err
			}
			got = changed[0].ID
			return stop
		})
		if err == nil {
			t.Fatal("it was not rolled back")
		}
		return got
	}
	if a, b := id(), id(); a != b || len(a) != 32 {
		t.Errorf("ids %q and %q", a, b)
	}
}

func TestIncident(t *testing.T) {
	f := newFixture(t)
	eve := alert.Entity{Kind: "account", Name: "eve"}
	f.raise(t, f.finding("brute force", "credential-access", eve))
	changed := f.raise(t, f.finding("new service", "persistence"))
	if len(changed) != 3 {
		t.Fatalf("%d alerts changed; the two and their incident wanted", len(changed))
	}
	in := changed[2]
	if !in.IsIncident || len(in.Members) != 2 || in.Severity != alert.High || !strings.Contains(in.Title, "web-1") ||
		!strings.Contains(in.Description, "Persistence, Credential Access") {
		t.Errorf("the incident: %+v", in)
	}

	// The same account on another machine belongs to it.
	other := f.finding("dump", "credential-access", eve)
	other.Resource = strings.Replace(host, "web-1", "db-1", 1)
	changed = f.raise(t, other)
	if last := changed[len(changed)-1]; last.ID != in.ID || len(last.Members) != 3 {
		t.Errorf("it did not join: %+v", last)
	}

	// root everywhere joins nothing.
	root := f.finding("odd", "discovery", alert.Entity{Kind: "account", Name: "root"})
	root.Resource = strings.Replace(host, "web-1", "app-1", 1)
	if changed = f.raise(t, root); len(changed) != 1 || changed[0].Incident != "" {
		t.Errorf("root joined: %+v", changed)
	}

	if _, err := f.book.SetStatus(t.Context(), "", in.ID, "ada", alert.Resolved); err != nil {
		t.Fatal(err)
	}
	open, err := f.book.Open(t.Context(), store.AlertQuery{})
	if err != nil || open[alert.High] != 1 {
		t.Errorf("open after the incident was resolved: %v, %v; the one of root wanted", open, err)
	}
}

func TestSuppressedAlertsAreDismissed(t *testing.T) {
	f := newFixture(t)
	body := json.RawMessage(`{"properties":{"alertType":"VM_noise","reason":"Noise","state":"Enabled"}}`)
	err := f.db.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.PutObject(t.Context(), store.Object{Kind: alert.SuppressionKind, ID: "/subscriptions/" + sub + "/providers/Microsoft.Security/alertsSuppressionRules/r", Body: body}, "")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	a := f.raise(t, f.finding("noise", "discovery"))[0]
	if a.Status != alert.Dismissed || !strings.HasSuffix(a.SuppressedBy, "/r") {
		t.Errorf("the alert: %+v", a)
	}
	s, err := alert.ParseSuppression("x", body)
	if err != nil {
		t.Fatal(err)
	}
	f.raise(t, f.finding("other", "discovery"))
	if selected, seen, err := f.book.TrySuppression(t.Context(), s, store.AlertQuery{}); err != nil || seen != 2 || len(selected) != 1 {
		t.Errorf("tried on %d, selected %d, %v", seen, len(selected), err)
	}
}

func TestWorkIsAudited(t *testing.T) {
	f := newFixture(t)
	a := f.raise(t, f.finding("miner", "impact"))[0]
	if _, err := f.book.Comment(t.Context(), "", a.ID, "ada", " looks real "); err != nil {
		t.Fatal(err)
	}
	got, err := f.book.Assign(t.Context(), "", a.ID, "ada", "grace")
	if err != nil || got.Assignee != "grace" || len(got.Comments) != 1 || got.Comments[0].Text != "looks real" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := f.book.Comment(t.Context(), "", a.ID, "ada", " "); err == nil {
		t.Error("an empty comment was taken")
	}
	if _, err := f.book.SetStatus(t.Context(), "", "none", "ada", alert.Resolved); !arm.IsNotFound(err) {
		t.Errorf("an alert that is not there: %v", err)
	}
	var rows []store.AuditRow
	if err := f.db.View(t.Context(), func(tx *store.Tx) (err error) {
		rows, err = tx.AuditRows(t.Context(), store.AuditQuery{})
		return err
	}); err != nil || len(rows) != 2 || rows[0].Actor != "ada" {
		t.Errorf("audit: %+v, %v", rows, err)
	}
}

func TestEvidenceIsBounded(t *testing.T) {
	f := newFixture(t)
	var all []alert.Finding
	for range 300 {
		finding := f.finding("miner", "impact")
		finding.Evidence[0].Raw = strings.Repeat("x", 20_000)
		all = append(all, finding)
	}
	a := f.raise(t, all...)[0]
	size := 0
	for _, e := range a.Evidence {
		size += len(e.Raw)
	}
	if a.Count != 300 || len(a.Evidence) > 64 || size > 256<<10 {
		t.Errorf("%d findings keep %d events of %d bytes", a.Count, len(a.Evidence), size)
	}
	if a.Evidence[0].Event != "event-1" || a.Evidence[len(a.Evidence)-1].Event != "event-300" {
		t.Errorf("it keeps %s to %s; the first and the newest wanted", a.Evidence[0].Event, a.Evidence[len(a.Evidence)-1].Event)
	}
}
