package store_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

func (db *fixture) tenant(t testing.TB, id string) {
	t.Helper()
	db.update(t, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.PutTenant(ctx, store.Tenant{ID: id, Name: "Sample", Kind: store.TenantDemo})
		return err
	})
}

func TestTenantsAreApart(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		put := func(tenant string) error {
			return db.Update(t.Context(), func(tx *store.Tx) error {
				_, err := tx.PutResources(t.Context(), tenant, []wire.Document{document(vm1, "a", db.t, 1)})
				return err
			})
		}
		if err := put("demo"); !isStatus(err, 404) {
			t.Errorf("document for an unknown tenant = %v", err)
		}
		db.tenant(t, "demo")
		if err := put("demo"); err != nil {
			t.Fatal(err)
		}
		if r := db.get(t, vm1); r != nil {
			t.Error("the default tenant sees the demo's document")
		}
		if err := put(""); err != nil {
			t.Fatal(err)
		}
		db.update(t, func(ctx context.Context, tx *store.Tx) error { return tx.DropTenant(ctx, "demo") })
		if err := put("demo"); !isStatus(err, 404) {
			t.Errorf("document for a dropped tenant = %v", err)
		}
		if r := db.get(t, vm1); r == nil || r.Doc.Tenant != "" {
			t.Error("dropping the demo took the real document along")
		}
		if err := db.Update(t.Context(), func(tx *store.Tx) error { return tx.DropTenant(t.Context(), "") }); !isStatus(err, 400) {
			t.Errorf("dropping the default tenant = %v", err)
		}
		var got []string
		for _, c := range db.feed(t, "", 0) {
			got = append(got, c.Kind+" "+c.Key)
		}
		if diff := cmp.Diff([]string{"tenant ", "tenant demo", "tenant-deleted demo"}, got); diff != "" {
			t.Errorf("feed (-want +got):\n%s", diff)
		}
	})
}

func TestRolledBackTenantIsNotRemembered(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		_ = db.Update(t.Context(), func(tx *store.Tx) error {
			if _, err := tx.PutTenant(t.Context(), store.Tenant{ID: "x", Kind: store.TenantReal}); err != nil {
				t.Error(err)
			}
			if err := tx.PutSetting(t.Context(), "x", "a", 1); err != nil {
				t.Error(err)
			}
			return context.Canceled
		})
		db.tenant(t, "y") // takes the number that x would have had
		err := db.View(t.Context(), func(tx *store.Tx) error { return tx.Setting(t.Context(), "x", "a", new(int)) })
		if !isStatus(err, 404) {
			t.Errorf("setting of a tenant that was rolled back = %v", err)
		}
	})
}

func TestSettings(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		type value struct{ A, B int }
		db.update(t, func(ctx context.Context, tx *store.Tx) error {
			if err := tx.PutSetting(ctx, "", "v", value{1, 2}); err != nil {
				return err
			}
			return tx.PutSetting(ctx, "", "v", value{3, 4})
		})
		db.view(t, func(ctx context.Context, tx *store.Tx) error {
			var got value
			if err := tx.Setting(ctx, "", "v", &got); err != nil || got != (value{3, 4}) {
				t.Errorf("setting %v, %v", got, err)
			}
			return nil
		})
		db.update(t, func(ctx context.Context, tx *store.Tx) error { return tx.DeleteSetting(ctx, "", "v") })
		err := db.View(t.Context(), func(tx *store.Tx) error { return tx.Setting(t.Context(), "", "v", new(value)) })
		if !isStatus(err, 404) {
			t.Errorf("deleted setting = %v", err)
		}
	})
}

func TestAuditPages(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		for _, action := range []string{"one", "two", "three"} {
			db.update(t, func(ctx context.Context, tx *store.Tx) error {
				return tx.AppendAudit(ctx, store.AuditRow{Actor: "ann", Action: action, Target: vm1, Outcome: "done", Detail: json.RawMessage(`{}`)})
			})
		}
		var got []string
		db.view(t, func(ctx context.Context, tx *store.Tx) error {
			for before := int64(0); ; {
				rows, err := tx.AuditRows(ctx, store.AuditQuery{Before: before, Limit: 2})
				if err != nil || len(rows) == 0 {
					return err
				}
				for _, r := range rows {
					got = append(got, r.Action)
					before = r.No
				}
			}
		})
		if diff := cmp.Diff([]string{"three", "two", "one"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestLeases(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		take := func(holder string) (l store.Lease, got bool) {
			db.update(t, func(ctx context.Context, tx *store.Tx) (err error) {
				l, got, err = tx.TakeLease(ctx, "assess/3", holder, time.Minute)
				return err
			})
			return l, got
		}
		check := func(epoch uint64) error {
			return db.Update(t.Context(), func(tx *store.Tx) error { return tx.CheckLease(t.Context(), "assess/3", epoch) })
		}
		first, got := take("ann")
		if !got || first.Epoch != 1 {
			t.Fatalf("free lease: %+v, %v", first, got)
		}
		if l, got := take("bob"); got || l.Holder != "ann" {
			t.Errorf("held lease: %+v, %v", l, got)
		}
		db.advance(50 * time.Second)
		if l, got := take("ann"); !got || l.Epoch != 1 {
			t.Errorf("renewal: %+v, %v", l, got)
		}
		db.advance(2 * time.Minute)
		if l, got := take("bob"); !got || l.Epoch != 2 {
			t.Errorf("expired lease: %+v, %v", l, got)
		}
		if err := check(1); !isStatus(err, 409) {
			t.Errorf("check of the old epoch = %v", err)
		}
		if err := check(2); err != nil {
			t.Error(err)
		}
		db.update(t, func(ctx context.Context, tx *store.Tx) error { return tx.ReleaseLease(ctx, "assess/3", "bob") })
		if l, got := take("ann"); !got || l.Epoch != 3 {
			t.Errorf("released lease: %+v, %v", l, got)
		}
	})
}

func TestViewIsReadOnlyAndStandsStill(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		err := db.View(t.Context(), func(tx *store.Tx) error { return tx.PutSetting(t.Context(), "", "x", 1) })
		if err == nil {
			t.Error("a view writes")
		}
		db.view(t, func(ctx context.Context, tx *store.Tx) error {
			before, err := tx.Heads(ctx, "")
			if err != nil {
				return err
			}
			db.put(t, document(vm1, "a", db.t, 1))
			after, err := tx.Heads(ctx, "")
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("a view sees a later commit:\n%s", diff)
			}
			return err
		})
		db.put(t, document(vm2, "a", db.t, 1)) // and the session that failed is usable
	})
}

// TestFailedStatementDoomsTheTransaction: both engines agree, although SQLite
// would go on.
func TestFailedStatementDoomsTheTransaction(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		ctx, cancel := context.WithCancel(t.Context())
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			if err := tx.PutSetting(t.Context(), "", "x", 1); err != nil {
				return err
			}
			cancel()
			_ = tx.PutSetting(ctx, "", "y", 1) // fails: its context is done
			return nil
		})
		if err == nil {
			t.Error("the transaction committed after a failed statement")
		}
		err = db.View(t.Context(), func(tx *store.Tx) error { return tx.Setting(t.Context(), "", "x", new(int)) })
		if !isStatus(err, 404) {
			t.Errorf("what it wrote = %v", err)
		}
	})
}
