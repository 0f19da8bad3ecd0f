package store_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
)

const alertSub = "11111111-1111-1111-1111-111111111111"

func (db *fixture) alertRow(id, resource string, severity int) store.AlertRow {
	return store.AlertRow{ID: id, Subscription: alertSub, Resource: arm.Fold("/subscriptions/" + alertSub + resource), Rule: "r", Group: "g-" + id,
		Severity: severity, Status: 1, First: db.t.Add(-time.Minute).Truncate(time.Microsecond).UTC(), Last: db.t.Truncate(time.Microsecond).UTC(), Body: json.RawMessage(`{"id":"` + id + `"}`)}
}

func TestAlerts(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		a := db.alertRow("a", "/resourceGroups/g/providers/P/vms/one", 3)
		db.advance(time.Minute)
		b := db.alertRow("b", "/resourceGroups/g/providers/P/vms/one2", 1)
		db.advance(time.Minute)
		c := db.alertRow("c", "/resourceGroups/other", 2)
		c.Status, c.Incident = 4, "i"
		incident := db.alertRow("i", "/resourceGroups/other", 3)
		incident.IsIncident, incident.Group = true, "g-a"
		db.update(t, func(ctx context.Context, tx *store.Tx) error {
			return tx.PutAlerts(ctx, []store.AlertRow{a, b, c, incident})
		})

		for name, tt := range map[string]struct {
			q    store.AlertQuery
			want []string
		}{
			"all, newest first":  {store.AlertQuery{}, []string{"c", "b", "a"}},
			"incidents":          {store.AlertQuery{Incidents: true}, []string{"i"}},
			"both":               {store.AlertQuery{Both: true}, []string{"i", "c", "b", "a"}},
			"below a resource":   {store.AlertQuery{Under: "/subscriptions/" + alertSub + "/RESOURCEGROUPS/g/providers/P/vms/ONE"}, []string{"a"}},
			"below a group":      {store.AlertQuery{Under: "/subscriptions/" + alertSub + "/resourceGroups/g"}, []string{"b", "a"}},
			"severity":           {store.AlertQuery{MinSeverity: 2}, []string{"c", "a"}},
			"status":             {store.AlertQuery{Statuses: []int{4, 9}}, []string{"c"}},
			"of an incident":     {store.AlertQuery{Incident: "i"}, []string{"c"}},
			"other subscription": {store.AlertQuery{Subscription: "x"}, nil},
			"since":              {store.AlertQuery{Since: b.Last}, []string{"c", "b"}},
			"until":              {store.AlertQuery{Until: b.Last}, []string{"b", "a"}},
			"page":               {store.AlertQuery{Limit: 1, After: &store.AlertPlace{Last: c.Last, ID: "c"}}, []string{"b"}},
			"several conditions": {store.AlertQuery{Rule: "r", Statuses: []int{1}, Since: b.Last, Subscription: alertSub}, []string{"b"}},
		} {
			var got []string
			db.view(t, func(ctx context.Context, tx *store.Tx) error {
				rows, err := tx.Alerts(ctx, tt.q)
				for _, r := range rows {
					got = append(got, r.ID)
				}
				return err
			})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}

		db.view(t, func(ctx context.Context, tx *store.Tx) error {
			got, err := tx.Alert(ctx, "", "a")
			if err != nil {
				return err
			}
			if diff := cmp.Diff(&a, got); diff != "" {
				t.Errorf("read back (-want +got):\n%s", diff)
			}
			if last, err := tx.LastAlert(ctx, "", "g-a"); err != nil || last == nil || last.ID != "i" {
				t.Errorf("the newest of the group: %+v, %v", last, err)
			}
			if _, err := tx.Alert(ctx, "", "none"); !arm.IsNotFound(err) {
				t.Errorf("an alert that is not there: %v", err)
			}
			counts, err := tx.CountAlerts(ctx, store.AlertQuery{})
			if diff := cmp.Diff([]store.AlertCount{{1, 1, 1}, {2, 4, 1}, {3, 1, 1}}, counts); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
			return err
		})

		db.advance(store.AlertAge)
		if _, err := db.Sweep(t.Context(), store.Keep{Changes: time.Hour}); err != nil {
			t.Fatal(err)
		}
		db.view(t, func(ctx context.Context, tx *store.Tx) error {
			rows, err := tx.Alerts(ctx, store.AlertQuery{Both: true})
			if len(rows) != 2 {
				t.Errorf("%d alerts are left after their time, the two that are exactly as old wanted", len(rows))
			}
			return err
		})
	})
}
