package plan_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/plan"
)

// atOnce runs f and g at the same time and gives their errors.
func atOnce(f, g func() error) (errF, errG error) {
	start := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { <-start; errF = f() })
	wg.Go(func() { <-start; errG = g() })
	close(start)
	wg.Wait()
	return errF, errG
}

// other is a second node on the fixture's database. SQLite has one process at a
// time, so there it is a second Plans on the same store.
func (f *fixture) other(t *testing.T) *plan.Plans {
	t.Helper()
	db := f.db
	if f.url[:len("sqlite")] != "sqlite" {
		db = open(t, f.url).db
	}
	return plan.New(db, func() time.Time { return f.now })
}

func numbered(i int) arm.ID {
	return arm.MustParseID(fmt.Sprintf("/subscriptions/00000000-0000-4000-8000-%012x", i))
}

// rounds of two writers at once: without the lock a few of them go wrong.
const rounds = 40

// TestTwoChangesAtOnce: each change keeps what it does not name, so the result
// is that of one after the other, whichever came first.
func TestTwoChangesAtOnce(t *testing.T) {
	onEachEngine(t, func(t *testing.T, f *fixture) {
		other := f.other(t)
		for i := range rounds {
			scope := numbered(i)
			f.set(t, scope, "StorageAccounts", plan.Change{Tier: "Standard"})
			errF, errG := atOnce(func() error {
				_, err := f.Set(t.Context(), me, scope, plan.Update{Plan: "StorageAccounts", Change: plan.Change{Tier: "Standard", SubPlan: "PerTransaction"}})
				return err
			}, func() error {
				_, err := other.Set(t.Context(), me, scope, plan.Update{Plan: "StorageAccounts", Change: plan.Change{Tier: "Standard",
					Extensions: []plan.Extension{{Name: "SensitiveDataDiscovery", Enabled: true}}}})
				return err
			})
			if errF != nil || errG != nil {
				t.Fatal(errF, errG)
			}
			s := f.get(t, scope, "StorageAccounts")
			on := false
			for _, e := range s.State.Extensions {
				on = on || e.Name == "SensitiveDataDiscovery" && e.Enabled
			}
			if s.State.SubPlan != "PerTransaction" || !on {
				t.Fatalf("round %d: one of two changes is lost: %+v", i, s.State)
			}
		}
	})
}

// TestEnforceAndOverrideAtOnce: a resource's own setting is refused or dropped;
// it never stands beside an enforcing subscription.
func TestEnforceAndOverrideAtOnce(t *testing.T) {
	onEachEngine(t, func(t *testing.T, f *fixture) {
		other := f.other(t)
		enforce := true
		for i := range rounds {
			scope := numbered(i)
			vm := arm.MustParseID(scope.String() + "/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm1")
			errF, errG := atOnce(func() error {
				_, err := f.Set(t.Context(), me, scope, plan.Update{Plan: "VirtualMachines", Change: plan.Change{Tier: "Standard", Enforce: &enforce}})
				return err
			}, func() error {
				_, err := other.Set(t.Context(), me, vm, plan.Update{Plan: "VirtualMachines", Change: plan.Change{Tier: "Free"}})
				return err
			})
			if errF != nil {
				t.Fatal(errF)
			}
			if errG != nil {
				wantStatus(t, errG, 409)
			}
			if s := f.get(t, vm, "VirtualMachines"); s.InheritedFrom == "" || s.State.Tier != plan.Standard {
				t.Fatalf("round %d: a setting of its own beside an enforced one: %+v", i, s)
			}
			if s := f.get(t, scope, "VirtualMachines"); s.Coverage != plan.FullyCovered {
				t.Fatalf("round %d: coverage %s", i, s.Coverage)
			}
		}
	})
}

// TestRegisterAndChangeAtOnce: what a client sets while a subscription is being
// registered stays.
func TestRegisterAndChangeAtOnce(t *testing.T) {
	onEachEngine(t, func(t *testing.T, f *fixture) {
		other := f.other(t)
		for i := range rounds {
			scope := numbered(i)
			errF, errG := atOnce(func() error { return f.Register(t.Context(), "", scope.String()) }, func() error {
				_, err := other.Set(t.Context(), me, scope, plan.Update{Plan: "FoundationalCspm", Change: plan.Change{Tier: "Free"}},
					plan.Update{Plan: "KeyVaults", Change: plan.Change{Tier: "Standard"}})
				return err
			})
			if errF != nil || errG != nil {
				t.Fatal(errF, errG)
			}
			if s := f.get(t, scope, "KeyVaults"); s.State.Tier != plan.Standard {
				t.Fatalf("round %d: registration undid a setting: %+v", i, s.State)
			}
		}
	})
}

// TestRestart: a plan on Standard, its trial, its resources' settings and its
// document are as they were, and the same setting again writes nothing.
func TestRestart(t *testing.T) {
	onEachEngine(t, func(t *testing.T, f *fixture) {
		if err := f.Register(t.Context(), "", subscription.String()); err != nil {
			t.Fatal(err)
		}
		before := f.set(t, subscription, "VirtualMachines", plan.Change{Tier: "Standard", SubPlan: "P1"})
		f.set(t, machine, "VirtualMachines", plan.Change{Tier: "Free"})
		changes, audits := f.heads(t)
		f.close()
		started := f.now
		f = open(t, f.url)
		f.now = started.AddDate(0, 0, 20)
		if yes, err := f.Registered(t.Context(), "", subscription); !yes || err != nil {
			t.Errorf("registered: %v, %v", yes, err)
		}
		s := f.get(t, subscription, "VirtualMachines")
		if s.ETag != before.ETag || s.State.SubPlan != "P1" || !s.State.EnabledAt.Equal(started) || s.Coverage != plan.PartiallyCovered {
			t.Errorf("after the restart %+v, before %+v", s, before)
		}
		if left := s.Plan.TrialRemaining(s.State, f.now); left != 10*24*time.Hour {
			t.Errorf("%v are left of the trial, want 10 days", left)
		}
		if own := f.get(t, machine, "VirtualMachines"); own.InheritedFrom != "" || own.State.Tier != plan.Free {
			t.Errorf("the machine's own setting: %+v", own)
		}
		f.wantShown(t, "Standard", "PartiallyCovered")
		f.set(t, subscription, "VirtualMachines", plan.Change{Tier: "Standard"})
		if c, a := f.heads(t); c != changes || a != audits {
			t.Errorf("the same again wrote %d changes and %d audit rows", c-changes, a-audits)
		}
		err := f.db.Update(t.Context(), func(tx *store.Tx) error {
			return f.FollowSubscription(t.Context(), tx, "", subscription.String(), false)
		})
		if err != nil {
			t.Fatal(err)
		}
		f.wantShown(t, "", "")
		f.set(t, subscription, "VirtualMachines", plan.Change{Tier: "Free"})
		f.wantShown(t, "Free", "NotCovered")
	})
}
