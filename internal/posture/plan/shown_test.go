package plan_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/plan"
)

const shownServers = "/subscriptions/6f9619ff-8b86-d011-b42d-00cf4fc964ff/providers/Rampart.Security/settings/plans/providers/Microsoft.Security/pricings/VirtualMachines"

// shown reads the document of the plan for servers; tier "" is none.
func (f *fixture) shown(t *testing.T) (tier, coverage string) {
	t.Helper()
	var body struct {
		ID, Name, Type string
		Properties     struct{ PricingTier, ResourcesCoverageStatus string }
	}
	err := f.db.View(t.Context(), func(tx *store.Tx) error {
		r, err := tx.Resource(t.Context(), "", shownServers)
		if err != nil {
			return err
		}
		if r.Doc.Source != store.SourcePlans || !r.Doc.ObservedAt.Equal(time.UnixMicro(0)) && !r.Doc.ObservedAt.IsZero() {
			t.Errorf("source %s, observed %v", r.Doc.Source, r.Doc.ObservedAt)
		}
		return json.Unmarshal(r.Doc.Body, &body)
	})
	if arm.IsNotFound(err) {
		return "", ""
	}
	if err != nil || body.ID != shownServers || body.Name != "VirtualMachines" || body.Type != "Microsoft.Security/pricings" {
		t.Fatalf("%+v %v", body, err)
	}
	return body.Properties.PricingTier, body.Properties.ResourcesCoverageStatus
}

func (f *fixture) wantShown(t *testing.T, tier, coverage string) {
	t.Helper()
	if gotTier, gotCoverage := f.shown(t); gotTier != tier || gotCoverage != coverage {
		t.Errorf("document: %q %q, want %q %q", gotTier, gotCoverage, tier, coverage)
	}
}

// heads are the ends of the change feed and of the audit trail.
func (f *fixture) heads(t *testing.T) (changes uint64, audits int) {
	t.Helper()
	err := f.db.View(t.Context(), func(tx *store.Tx) error {
		heads, err := tx.Heads(t.Context(), "")
		for _, n := range heads {
			changes += n
		}
		if err != nil {
			return err
		}
		rows, err := tx.AuditRows(t.Context(), store.AuditQuery{Limit: 1000})
		audits = len(rows)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return changes, audits
}

func TestDocumentFollowsSetting(t *testing.T) {
	onEachEngine(t, func(t *testing.T, f *fixture) {
		if err := f.Register(t.Context(), "", subscription.String()); err != nil {
			t.Fatal(err)
		}
		f.wantShown(t, "", "")
		f.set(t, subscription, "VirtualMachines", plan.Change{Tier: "Standard"})
		f.wantShown(t, "Standard", "FullyCovered")
		f.set(t, machine, "VirtualMachines", plan.Change{Tier: "Free"})
		f.wantShown(t, "Standard", "PartiallyCovered")
		if err := f.Delete(t.Context(), me, machine, "VirtualMachines"); err != nil {
			t.Fatal(err)
		}
		f.wantShown(t, "Standard", "FullyCovered")
		changes, audits := f.heads(t)
		f.now = f.now.Add(time.Hour)
		f.set(t, subscription, "VirtualMachines", plan.Change{Tier: "Standard"})
		if c, a := f.heads(t); c != changes || a != audits {
			t.Errorf("the same again wrote %d changes and %d audit rows", c-changes, a-audits)
		}
		f.set(t, subscription, "VirtualMachines", plan.Change{Tier: "Free"})
		f.wantShown(t, "Free", "NotCovered")
		// A resource's own setting alone does not make the subscription's Standard.
		f.set(t, machine, "VirtualMachines", plan.Change{Tier: "Standard"})
		f.wantShown(t, "Free", "PartiallyCovered")
	})
}

func TestDocumentGoesAndComesWithSubscription(t *testing.T) {
	onEachEngine(t, func(t *testing.T, f *fixture) {
		f.set(t, subscription, "VirtualMachines", plan.Change{Tier: "Standard"})
		follow := func(there bool) {
			t.Helper()
			err := f.db.Update(t.Context(), func(tx *store.Tx) error {
				return f.FollowSubscription(t.Context(), tx, "", subscription.String(), there)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			follow(false)
			f.wantShown(t, "", "")
			follow(true)
			f.wantShown(t, "Standard", "FullyCovered")
		}
	})
}

// What a source delivers under ARM's id stays; what one left under the id of
// the product's own document gives way.
func TestDocumentBesideThoseOfSources(t *testing.T) {
	onEachEngine(t, func(t *testing.T, f *fixture) {
		azure := strings.Replace(shownServers, "/providers/Rampart.Security/settings/plans", "", 1)
		deliver := func(id string) {
			t.Helper()
			err := f.db.Update(t.Context(), func(tx *store.Tx) error {
				_, err := tx.PutResources(t.Context(), "", []wire.Document{{ID: id, Type: plan.SettingType, Source: "azure", ObservedAt: f.now,
					Body: json.RawMessage(`{"properties":{"pricingTier":"Free"}}`)}})
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		deliver(azure)
		deliver(shownServers)
		f.set(t, subscription, "VirtualMachines", plan.Change{Tier: "Standard"})
		f.wantShown(t, "Standard", "FullyCovered")
		err := f.db.View(t.Context(), func(tx *store.Tx) error {
			r, err := tx.Resource(t.Context(), "", azure)
			if err == nil && (r.Doc.Source != "azure" || !strings.Contains(string(r.Doc.Body), "Free")) {
				t.Errorf("what Azure says became %s of %s", r.Doc.Body, r.Doc.Source)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}
