package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/base/store"
)

func (db *fixture) complianceRow(scope string, passed int32, states string) store.ComplianceRow {
	return store.ComplianceRow{Standard: "own", Scope: scope, At: db.t, Passed: passed, Failed: 1, Controls: []string{"1.1", "1.2"}, States: states}
}

func (db *fixture) putCompliance(t *testing.T, rows ...store.ComplianceRow) {
	t.Helper()
	db.update(t, func(ctx context.Context, tx *store.Tx) error { return tx.PutCompliance(ctx, rows) })
}

func (db *fixture) complianceHistory(t *testing.T, q store.ComplianceQuery) (rows []store.ComplianceRow) {
	t.Helper()
	db.view(t, func(ctx context.Context, tx *store.Tx) (err error) {
		rows, err = tx.ComplianceHistory(ctx, q)
		return err
	})
	return rows
}

func TestComplianceHistory(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		begin := db.t
		first := db.complianceRow("", 1, "PF")
		db.putCompliance(t, first, db.complianceRow("/subscriptions/S", 0, "FF"))
		db.advance(10 * time.Minute)
		again := db.complianceRow("", 2, "PP")
		db.putCompliance(t, again)
		db.advance(time.Hour)
		later := db.complianceRow("", 0, "FF")
		later.Controls = []string{"1.1", "1.2", "2"} // the standard was edited
		later.States = "FFS"
		db.putCompliance(t, later)

		all := db.complianceHistory(t, store.ComplianceQuery{Standard: "own"})
		if diff := cmp.Diff([]store.ComplianceRow{again, later}, all); diff != "" {
			t.Errorf("an hour has its last row (-want +got):\n%s", diff)
		}
		for name, tt := range map[string]struct {
			q    store.ComplianceQuery
			want int
		}{
			"before anything":     {store.ComplianceQuery{Standard: "own", To: begin.Add(-time.Hour)}, 0},
			"what was so at from": {store.ComplianceQuery{Standard: "own", From: begin.Add(30 * time.Minute), To: begin.Add(40 * time.Minute)}, 1},
			"from and within":     {store.ComplianceQuery{Standard: "own", From: begin.Add(30 * time.Minute)}, 2},
			"other scope":         {store.ComplianceQuery{Standard: "own", Scope: "/SUBSCRIPTIONS/s"}, 1},
			"other standard":      {store.ComplianceQuery{Standard: "other"}, 0},
		} {
			if got := db.complianceHistory(t, tt.q); len(got) != tt.want {
				t.Errorf("%s: %d rows, want %d", name, len(got), tt.want)
			}
		}
		db.view(t, func(ctx context.Context, tx *store.Tx) error {
			rows, err := tx.LatestCompliance(ctx, "")
			if len(rows) != 2 {
				t.Errorf("latest rows: %+v, want one for each of two scopes", rows)
			}
			return err
		})
		db.update(t, func(ctx context.Context, tx *store.Tx) error { return tx.ForgetCompliance(ctx, "", "own") })
		if left := db.complianceHistory(t, store.ComplianceQuery{Standard: "own"}); len(left) != 0 {
			t.Errorf("%d rows after the standard was forgotten", len(left))
		}
	})
}

// TestComplianceIsBounded writes a row every hour of 420 days and keeps two
// days of hours, 400 of days, and the row that was so when they begin.
func TestComplianceIsBounded(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		db.t = db.t.Truncate(24 * time.Hour).Add(30 * time.Minute)
		const days = 420
		var rows []store.ComplianceRow
		for hour := range days * 24 {
			rows = append(rows, db.complianceRow("", int32(hour), "PF"))
			db.advance(time.Hour)
		}
		quiet := rows[0]
		quiet.Scope = "/subscriptions/quiet" // never changes again
		db.putCompliance(t, append(rows, quiet)...)
		last := rows[len(rows)-1].At
		for more := true; more; {
			var err error
			if more, err = db.SweepCompliance(t.Context(), time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
		left := db.complianceHistory(t, store.ComplianceQuery{Standard: "own"})
		if want := 400 + 2*24; len(left) < want-2 || len(left) > want+24 {
			t.Errorf("%d rows are kept, want about %d", len(left), want)
		}
		if !left[len(left)-1].At.Equal(last) || left[len(left)-1].At.Sub(left[len(left)-2].At) != time.Hour {
			t.Error("the newest hours are kept")
		}
		if first := left[1]; first.At.Hour() != 23 {
			t.Errorf("the last row of a day is kept, not that of %s", first.At)
		}
		if got := db.complianceHistory(t, store.ComplianceQuery{Standard: "own", Scope: quiet.Scope, From: last}); len(got) != 1 {
			t.Errorf("what has not changed for 420 days is still known: %s", fmt.Sprint(got))
		}
	})
}
