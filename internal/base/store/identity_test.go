package store_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/base/store"
)

func (db *fixture) putPrincipal(t testing.TB, p store.Principal) error {
	t.Helper()
	return db.Update(t.Context(), func(tx *store.Tx) error { return tx.PutPrincipal(t.Context(), p) })
}

func TestPrincipalLife(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		ada := store.Principal{ID: "p1", Kind: "user", Name: "Ada", Secret: []byte{1, 2}}
		if err := db.putPrincipal(t, ada); err != nil {
			t.Fatal(err)
		}
		ada.CreatedAt = db.t
		db.view(t, func(ctx context.Context, tx *store.Tx) error {
			byID, err := tx.Principal(ctx, "p1")
			if err != nil {
				return err
			}
			byName, err := tx.PrincipalByName(ctx, "user", "ADA")
			if diff := cmp.Diff(&ada, byID) + cmp.Diff(byID, byName); diff != "" {
				t.Error(diff)
			}
			return err
		})
		for name, p := range map[string]store.Principal{
			"name_of_another": {ID: "p2", Kind: "user", Name: "ada"},
			"other_tenant":    {ID: "p1", Tenant: "demo", Kind: "user", Name: "Ada"},
		} {
			if err := db.putPrincipal(t, p); !isStatus(err, 409) {
				t.Errorf("%s = %v", name, err)
			}
		}
		if err := db.putPrincipal(t, store.Principal{ID: "p2", Kind: "service", Name: "ada"}); err != nil {
			t.Errorf("the same name of another kind: %v", err)
		}
		db.advance(time.Hour)
		ada.Disabled, ada.Secret = true, nil
		if err := db.putPrincipal(t, ada); err != nil {
			t.Fatal(err)
		}
		db.view(t, func(ctx context.Context, tx *store.Tx) error {
			all, err := tx.Principals(ctx, "")
			if err == nil && (len(all) != 2 || !all[0].Disabled || len(all[0].Secret) != 0 || !all[0].CreatedAt.Equal(ada.CreatedAt)) {
				t.Errorf("principals %+v", all)
			}
			return err
		})
		err := db.View(t.Context(), func(tx *store.Tx) error { _, err := tx.Principal(t.Context(), "p9"); return err })
		if !isStatus(err, 404) {
			t.Errorf("unknown principal = %v", err)
		}
	})
}

func TestPrincipalIsDeletedWithAllItHas(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		db.update(t, func(ctx context.Context, tx *store.Tx) error {
			for _, id := range []string{"p1", "p2"} {
				if err := tx.PutPrincipal(ctx, store.Principal{ID: id, Kind: "user", Name: id}); err != nil {
					return err
				}
				if err := tx.PutCredential(ctx, store.Credential{Kind: "token", Hash: []byte(id), Principal: id, CreatedAt: db.t, ExpiresAt: db.t.Add(time.Hour)}); err != nil {
					return err
				}
				if err := tx.PutRoleAssignment(ctx, store.RoleAssignment{ID: "r" + id, Principal: id, Role: "reader", Scope: "/"}); err != nil {
					return err
				}
			}
			if err := tx.DeletePrincipal(ctx, "demo", "p2"); err != nil { // of no such tenant
				return err
			}
			return tx.DeletePrincipal(ctx, "", "p1")
		})
		db.view(t, func(ctx context.Context, tx *store.Tx) error {
			if _, err := tx.Principal(ctx, "p1"); !isStatus(err, 404) {
				t.Errorf("the principal: %v", err)
			}
			if _, err := tx.Credential(ctx, "token", []byte("p1")); !isStatus(err, 404) {
				t.Errorf("its token: %v", err)
			}
			roles, err := tx.RoleAssignments(ctx, "", "")
			if err == nil && (len(roles) != 1 || roles[0].Principal != "p2") {
				t.Errorf("roles %+v, want those of the other alone", roles)
			}
			if err == nil {
				_, err = tx.Credential(ctx, "token", []byte("p2"))
			}
			return err
		})
	})
}

func TestCredentialLife(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		c := store.Credential{Kind: "token", Hash: []byte{1}, Principal: "p1", CreatedAt: db.t, ExpiresAt: db.t.Add(time.Hour)}
		late := store.Credential{Kind: "link", Hash: []byte{1}, Principal: "p1", Data: []byte("x"), CreatedAt: db.t, ExpiresAt: db.t.Add(time.Minute)}
		db.update(t, func(ctx context.Context, tx *store.Tx) error {
			if err := tx.PutCredential(ctx, c); err != nil {
				return err
			}
			return tx.PutCredential(ctx, late)
		})
		find := func(kind string, hash byte) error {
			return db.View(t.Context(), func(tx *store.Tx) error { _, err := tx.Credential(t.Context(), kind, []byte{hash}); return err })
		}
		if find("token", 1) != nil || find("link", 1) != nil || !isStatus(find("session", 1), 404) || !isStatus(find("token", 2), 404) {
			t.Error("a credential is found by kind and hash, and by nothing else")
		}
		db.update(t, func(ctx context.Context, tx *store.Tx) error {
			got, err := tx.TakeCredential(ctx, "link", []byte{1})
			if diff := cmp.Diff(&late, got); diff != "" {
				t.Error(diff)
			}
			return err
		})
		if !isStatus(find("link", 1), 404) {
			t.Error("what was taken is gone")
		}
		db.update(t, func(ctx context.Context, tx *store.Tx) error {
			n, err := tx.PurgeCredentials(ctx, c.ExpiresAt)
			if n != 0 {
				t.Errorf("%d purged before their end", n)
			}
			if err != nil {
				return err
			}
			n, err = tx.PurgeCredentials(ctx, c.ExpiresAt.Add(time.Second))
			if n != 1 {
				t.Errorf("%d purged after their end", n)
			}
			return err
		})
	})
}

// TestCredentialHasOneTaker: of many takers at once one gets it.
func TestCredentialHasOneTaker(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		db.update(t, func(ctx context.Context, tx *store.Tx) error {
			return tx.PutCredential(ctx, store.Credential{Kind: "link", Hash: []byte{7}, CreatedAt: db.t, ExpiresAt: db.t.Add(time.Hour)})
		})
		var wg sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for range 8 {
			wg.Go(func() {
				err := db.Update(t.Context(), func(tx *store.Tx) error { _, err := tx.TakeCredential(t.Context(), "link", []byte{7}); return err })
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					won++
				case !isStatus(err, 404):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if won != 1 {
			t.Errorf("%d took one credential", won)
		}
	})
}

func TestRoleAssignmentsAndTenants(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		db.tenant(t, "demo")
		mine := store.RoleAssignment{ID: "r1", Principal: "p1", Role: "owner", Scope: "/", CreatedBy: "ann"}
		theirs := store.RoleAssignment{ID: "r2", Tenant: "demo", Principal: "p2", Role: "reader", Scope: "/subscriptions/S"}
		db.update(t, func(ctx context.Context, tx *store.Tx) error {
			for _, r := range []store.RoleAssignment{mine, theirs} {
				if err := tx.PutRoleAssignment(ctx, r); err != nil {
					return err
				}
			}
			if err := tx.PutPrincipal(ctx, store.Principal{ID: "p2", Tenant: "demo", Kind: "user", Name: "demo"}); err != nil {
				return err
			}
			return tx.PutCredential(ctx, store.Credential{Kind: "token", Hash: []byte{2}, Principal: "p2", CreatedAt: db.t, ExpiresAt: db.t.Add(time.Hour)})
		})
		mine.CreatedAt = db.t
		list := func(tenant, principal string) (all []store.RoleAssignment) {
			db.view(t, func(ctx context.Context, tx *store.Tx) (err error) {
				all, err = tx.RoleAssignments(ctx, tenant, principal)
				return err
			})
			return all
		}
		if diff := cmp.Diff([]store.RoleAssignment{mine}, list("", "")); diff != "" {
			t.Error(diff)
		}
		if len(list("", "p2")) != 0 || len(list("demo", "p2")) != 1 {
			t.Error("an assignment is its tenant's alone")
		}
		taken := theirs
		taken.Tenant = ""
		err := db.Update(t.Context(), func(tx *store.Tx) error { return tx.PutRoleAssignment(t.Context(), taken) })
		if !isStatus(err, 409) {
			t.Errorf("taking another tenant's assignment over = %v", err)
		}
		err = db.Update(t.Context(), func(tx *store.Tx) error { return tx.DeleteRoleAssignment(t.Context(), "", "r2") })
		if !isStatus(err, 404) {
			t.Errorf("deleting another tenant's assignment = %v", err)
		}

		db.update(t, func(ctx context.Context, tx *store.Tx) error { return tx.DropTenant(ctx, "demo") })
		err = db.View(t.Context(), func(tx *store.Tx) error { _, err := tx.Principal(t.Context(), "p2"); return err })
		if !isStatus(err, 404) {
			t.Errorf("the principal of a dropped tenant = %v", err)
		}
		err = db.View(t.Context(), func(tx *store.Tx) error { _, err := tx.Credential(t.Context(), "token", []byte{2}); return err })
		if !isStatus(err, 404) {
			t.Errorf("the token of a dropped tenant = %v", err)
		}
		if diff := cmp.Diff([]store.RoleAssignment{mine}, list("", "")); diff != "" {
			t.Error(diff)
		}
	})
}
