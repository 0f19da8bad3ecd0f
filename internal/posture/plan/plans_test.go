package plan_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/store/pgtest"
	"github.com/rampart-sec/rampart/internal/posture/plan"
)

var (
	subscription = arm.MustParseID("/subscriptions/6f9619ff-8b86-d011-b42d-00cf4fc964ff")
	machine      = arm.MustParseID("/subscriptions/6f9619ff-8b86-d011-b42d-00cf4fc964ff/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm1")
	me           = plan.Caller{Name: "tester"}
)

var cluster pgtest.Cluster

func TestMain(m *testing.M) {
	code := m.Run()
	cluster.Stop()
	os.Exit(code)
}

// fixture is a Plans over a real store with a clock that tests move.
type fixture struct {
	*plan.Plans
	db  *store.DB
	now time.Time
	url string
}

// onEachEngine runs the test on SQLite and on PostgreSQL.
func onEachEngine(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Run("sqlite", func(t *testing.T) { test(t, open(t, "sqlite:"+filepath.Join(t.TempDir(), "rampart.db"))) })
	t.Run("postgres", func(t *testing.T) { test(t, open(t, cluster.Database(t))) })
}

func open(t *testing.T, url string) *fixture {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{db: db, now: time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC), url: url}
	t.Cleanup(f.close)
	f.Plans = plan.New(db, func() time.Time { return f.now })
	return f
}

// close closes the store once: before a restart, else at the end of the test.
func (f *fixture) close() {
	if f.db != nil {
		_ = f.db.Close()
		f.db = nil
	}
}

func (f *fixture) set(t *testing.T, scope arm.ID, name string, c plan.Change) *plan.Setting {
	t.Helper()
	all, err := f.Set(t.Context(), me, scope, plan.Update{Plan: name, Change: c})
	if err != nil {
		t.Fatal(err)
	}
	return all[0]
}

func (f *fixture) get(t *testing.T, scope arm.ID, name string) *plan.Setting {
	t.Helper()
	s, err := f.Get(t.Context(), "", scope, name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func wantStatus(t *testing.T, err error, status int) {
	t.Helper()
	var e *arm.Error
	if !errors.As(err, &e) || e.Status != status {
		t.Fatalf("error %v, want status %d", err, status)
	}
}

func TestTrialRunsOnceByTheCalendar(t *testing.T) {
	onEachEngine(t, func(t *testing.T, f *fixture) {
		s := f.set(t, subscription, "virtualmachines", plan.Change{Tier: "standard"})
		if s.State.Tier != plan.Standard || s.State.SubPlan != "P2" || s.Coverage != plan.FullyCovered {
			t.Fatalf("setting %+v", s)
		}
		f.now = f.now.AddDate(0, 0, 10)
		f.set(t, subscription, "VirtualMachines", plan.Change{Tier: "Free"})
		f.now = f.now.AddDate(0, 0, 10)
		s = f.set(t, subscription, "VirtualMachines", plan.Change{Tier: "Standard"})
		if left := s.Plan.TrialRemaining(s.State, f.now); left != 10*24*time.Hour {
			t.Errorf("%v are left of the trial, want 10 days", left)
		}
		if !s.State.EnabledAt.Equal(f.now) {
			t.Errorf("enabled at %v, want %v", s.State.EnabledAt, f.now)
		}
		f.now = f.now.AddDate(0, 0, 10)
		s = f.get(t, subscription, "VirtualMachines")
		if s.Plan.InTrial(s.State, f.now) {
			t.Error("the trial must be over after 30 days")
		}
	})
}

func TestSeveralPlansAllOrNone(t *testing.T) {
	onEachEngine(t, func(t *testing.T, f *fixture) {
		_, err := f.Set(t.Context(), me, subscription,
			plan.Update{Plan: "KeyVaults", Change: plan.Change{Tier: "Standard"}},
			plan.Update{Plan: "Arm", Change: plan.Change{Tier: "Gold"}})
		wantStatus(t, err, http.StatusBadRequest)
		if s := f.get(t, subscription, "KeyVaults"); s.State.Tier != plan.Free {
			t.Errorf("a half of a refused change was kept: %+v", s.State)
		}
		all, err := f.Set(t.Context(), me, subscription,
			plan.Update{Plan: "KeyVaults", Change: plan.Change{Tier: "Standard"}},
			plan.Update{Plan: "Arm", Change: plan.Change{Tier: "Standard"}})
		if err != nil || len(all) != 2 {
			t.Fatalf("%v, %v", all, err)
		}
		err = f.db.View(t.Context(), func(tx *store.Tx) error {
			rows, err := tx.AuditRows(t.Context(), store.AuditQuery{})
			if len(rows) != 2 || rows[0].Actor != me.Name {
				t.Errorf("audit trail %+v", rows)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestResourceInheritsAndOverrides(t *testing.T) {
	onEachEngine(t, func(t *testing.T, f *fixture) {
		f.set(t, subscription, "VirtualMachines", plan.Change{Tier: "Standard"})
		s := f.get(t, machine, "VirtualMachines")
		if s.InheritedFrom != subscription.String() || s.State.Tier != plan.Standard {
			t.Fatalf("setting %+v", s)
		}
		s = f.set(t, machine, "VirtualMachines", plan.Change{Tier: "Free"})
		if s.InheritedFrom != "" || s.State.Tier != plan.Free {
			t.Fatalf("setting %+v", s)
		}
		if c := f.get(t, subscription, "VirtualMachines").Coverage; c != plan.PartiallyCovered {
			t.Errorf("coverage %s", c)
		}
		yes := true
		f.set(t, subscription, "VirtualMachines", plan.Change{Tier: "Standard", Enforce: &yes})
		if s := f.get(t, machine, "VirtualMachines"); s.InheritedFrom == "" || s.State.Tier != plan.Standard {
			t.Errorf("enforcing must drop overrides: %+v", s)
		}
		_, err := f.Set(t.Context(), me, machine, plan.Update{Plan: "VirtualMachines", Change: plan.Change{Tier: "Free"}})
		wantStatus(t, err, http.StatusConflict)
		no := false
		f.set(t, subscription, "VirtualMachines", plan.Change{Tier: "Standard", Enforce: &no})
		f.set(t, machine, "VirtualMachines", plan.Change{Tier: "Free"})
		if err := f.Delete(t.Context(), me, machine, "VirtualMachines"); err != nil {
			t.Fatal(err)
		}
		if s := f.get(t, machine, "VirtualMachines"); s.InheritedFrom == "" {
			t.Errorf("a deleted override must inherit again: %+v", s)
		}
	})
}

func TestRefusals(t *testing.T) {
	onEachEngine(t, func(t *testing.T, f *fixture) {
		_, err := f.Get(t.Context(), "", subscription, "NoSuchPlan")
		wantStatus(t, err, http.StatusNotFound)
		_, err = f.Get(t.Context(), "", machine, "KeyVaults")
		wantStatus(t, err, http.StatusBadRequest)
		wantStatus(t, f.Delete(t.Context(), me, subscription, "Arm"), http.StatusBadRequest)
		wantStatus(t, f.Delete(t.Context(), me, machine, "VirtualMachines"), http.StatusNotFound)
		_, err = f.Set(t.Context(), me, subscription, plan.Update{Plan: "Arm", Change: plan.Change{Tier: "Free"}, IfMatch: "stale"})
		wantStatus(t, err, http.StatusPreconditionFailed)
	})
}

func TestRegister(t *testing.T) {
	onEachEngine(t, func(t *testing.T, f *fixture) {
		f.set(t, subscription, "Arm", plan.Change{Tier: "Standard"})
		for range 2 {
			if err := f.Register(t.Context(), "", "/subscriptions/6F9619FF-8B86-D011-B42D-00CF4FC964FF"); err != nil {
				t.Fatal(err)
			}
		}
		all, err := f.List(t.Context(), "", subscription)
		if err != nil || len(all) != len(plan.Table) {
			t.Fatalf("%d plans, %v", len(all), err)
		}
		for _, s := range all {
			if want := s.Plan.Name == "Arm"; (s.State.Tier == plan.Standard) != want || s.ETag == "" {
				t.Errorf("%s: %+v", s.Plan.Name, s)
			}
		}
		const id = "/subscriptions/6f9619ff-8b86-d011-b42d-00cf4fc964ff/providers/Microsoft.Authorization/policyAssignments/SecurityCenterBuiltIn"
		err = f.db.Update(t.Context(), func(tx *store.Tx) error {
			o, err := tx.Object(t.Context(), "", "policyAssignment", id)
			if err != nil {
				return err
			}
			if !strings.Contains(string(o.Body), plan.BuiltInInitiative) {
				t.Errorf("assignment %s", o.Body)
			}
			return tx.DeleteObject(t.Context(), "", "policyAssignment", id, "")
		})
		if err != nil {
			t.Fatal(err)
		}

		// Another process asks again: what the user deleted stays deleted.
		if err := plan.New(f.db, nil).Register(t.Context(), "", subscription.String()); err != nil {
			t.Fatal(err)
		}
		err = f.db.View(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Object(t.Context(), "", "policyAssignment", id)
			return err
		})
		wantStatus(t, err, http.StatusNotFound)
		wantStatus(t, f.Register(t.Context(), "", machine.String()), http.StatusBadRequest)
	})
}

func TestTenantsAreApart(t *testing.T) {
	onEachEngine(t, func(t *testing.T, f *fixture) {
		err := f.db.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.PutTenant(t.Context(), store.Tenant{ID: "other", Name: "Other", Kind: store.TenantReal})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		f.set(t, subscription, "Arm", plan.Change{Tier: "Standard"})
		s, err := f.Get(t.Context(), "other", subscription, "Arm")
		if err != nil || s.State.Tier != plan.Free {
			t.Errorf("%+v, %v", s, err)
		}
	})
}
