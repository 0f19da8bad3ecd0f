package api_test

import (
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/face/api/apitest"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// waitPlan waits until the recommendation about the plan for servers is in a
// state.
func waitPlan(t *testing.T, s *apitest.Server, want record.State) {
	t.Helper()
	events := s.Judge.Estate(store.DefaultTenant).Subscribe(t.Context())
	var got record.State
	for limit := time.After(20 * time.Second); ; {
		view := s.Judge.Estate(store.DefaultTenant).View()
		for _, r := range view.AllRecommendations() {
			if r.Content == nil || r.Content.Name != "plan-servers" {
				continue
			}
			if a, ok := view.Assessment(s.Sub(), r.ID); ok {
				if got = a.State; got == want {
					return
				}
			}
		}
		select {
		case <-events:
		case <-limit:
			t.Fatalf("the plan's recommendation is %v, want %v", got, want)
		}
	}
}

// TestPlanMakesItsRecommendationHealthy: turned on and off, beside what a cloud
// says of its own plan, over a subscription that goes and comes back.
func TestPlanMakesItsRecommendationHealthy(t *testing.T) {
	s := apitest.New(t)
	path := s.Sub() + security + "pricings/VirtualMachines"
	set := func(tier string) {
		t.Helper()
		s.Want(200, apitest.Call{Method: "PUT", Path: path, Body: `{"properties":{"pricingTier":"` + tier + `"}}`})
	}
	deliver := func(body string) {
		t.Helper()
		a := s.Want(200, apitest.Call{Method: "POST", Path: "/rampart/v1/import?source=azure", Body: body})
		if a.Body["rejectedTotal"] != float64(0) {
			t.Fatalf("%v", a.Body)
		}
	}
	for _, own := range []string{store.SourceInventory, store.SourcePlans} {
		s.Fails(400, "InvalidRequestContent", apitest.Call{Method: "POST", Path: "/rampart/v1/import?source=" + own, Body: `{}`})
	}
	s.Get(path)
	waitPlan(t, s, record.Unhealthy) // registered: known, and Free
	set("Standard")
	waitPlan(t, s, record.Healthy)
	deliver(`{"id":"` + path + `","properties":{"pricingTier":"Free"}}`)
	if tier := s.Get(path).Properties()["pricingTier"]; tier != "Standard" {
		t.Errorf("the import made the setting %v", tier)
	}
	waitPlan(t, s, record.Healthy)
	set("Free")
	waitPlan(t, s, record.Unhealthy)
	deliver(`{"id":"` + path + `","properties":{"pricingTier":"Standard"}}`)
	waitPlan(t, s, record.Healthy) // Azure's is on
	deliver(`{"id":"` + path + `","properties":{"pricingTier":"Free"}}`)
	waitPlan(t, s, record.Unhealthy)

	set("Standard")
	waitPlan(t, s, record.Healthy)
	if err := s.Inventory.Delete(t.Context(), store.DefaultTenant, s.Sub(), ""); err != nil {
		t.Fatal(err)
	}
	deliver(`{"id":"` + s.Sub() + `","type":"Microsoft.Resources/subscriptions"}`)
	waitPlan(t, s, record.Healthy)
	s.Advance(3 * 24 * time.Hour)
	s.Token = s.SignIn(s.Facts.ClientID, s.Facts.ClientSecret)
	set("Free")
	waitPlan(t, s, record.Unknown) // nobody has seen the subscription for three days
	id := s.Sub() + "/providers/Rampart.Security/settings/plans/providers/Microsoft.Security/pricings/VirtualMachines"
	if row, ok := s.Judge.Estate(store.DefaultTenant).View().Resource(id); !ok || row.Stale {
		t.Errorf("the document of the setting: there %v, stale %v", ok, row.Stale)
	}
}
