package engine

import (
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// TestNothingDeliveredIsUnknown: where nobody has delivered the related type,
// finding none of it says nothing; the tree walker agrees at each step.
func TestNothingDeliveredIsUnknown(t *testing.T) {
	const definition = `{"id":"/providers/Microsoft.Authorization/policyDefinitions/d","name":"d","properties":{"mode":"All","policyRule":{
		"if":{"field":"type","equals":"Microsoft.KeyVault/vaults"},
		"then":{"effect":"auditIfNotExists","details":{"type":"Microsoft.Insights/diagnosticSettings"}}}}}`
	const assignment = `{"id":"/providers/Microsoft.Authorization/policyAssignments/a","name":"a","properties":{
		"policyDefinitionId":"/providers/Microsoft.Authorization/policyDefinitions/d","scope":"/"}}`
	d, err := policy.ParseDefinition([]byte(definition))
	if err != nil {
		t.Fatal(err)
	}
	a, err := policy.ParseAssignment([]byte(assignment))
	if err != nil {
		t.Fatal(err)
	}
	aliases := policy.NewAliases()
	set, _, err := Compile(Input{Definitions: []*policy.Definition{d}, Assignments: []*policy.Assignment{a}, Aliases: aliases}, Options{Now: time.Unix(0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	has := func(subscription, typ string) bool { return known[subscription+" "+typ] }
	e := NewEstate(set)
	e.Deliveries(has)
	vault := func(sub, name string) *wire.Document {
		id := "/subscriptions/" + sub + "/resourceGroups/g/providers/Microsoft.KeyVault/vaults/" + name
		return &wire.Document{ID: id, Type: "Microsoft.KeyVault/vaults", Body: []byte(`{"id":"` + id + `","type":"Microsoft.KeyVault/vaults"}`)}
	}
	put := func(h uint32, doc *wire.Document) {
		t.Helper()
		if _, err := e.Upsert(h, doc); err != nil {
			t.Fatal(err)
		}
	}
	state := func(h uint32) policy.State { return e.Verdicts(h, nil)[0].State }
	put(1, vault("s1", "v1"))
	put(2, vault("s1", "v2"))
	put(3, vault("s2", "v3"))
	if state(1) != policy.Unknown || set.Reason(e.Verdicts(1, nil)[0].Reason) != "Microsoft.Insights/diagnosticSettings" {
		t.Errorf("v1 is %v", state(1))
	}
	setting := vault("s1", "v1").ID + "/providers/Microsoft.Insights/diagnosticSettings/x"
	known["/subscriptions/s1 microsoft.insights/diagnosticsettings"] = true
	put(4, &wire.Document{ID: setting, Type: "Microsoft.Insights/diagnosticSettings", Body: []byte(`{"id":"` + setting + `"}`)})
	flips := e.Deliver(Delivery{"/subscriptions/S1", "Microsoft.Insights/diagnosticSettings"}, Delivery{"/subscriptions/other", "Microsoft.Other/type"})
	if len(flips) != 1 || flips[0].Handle != 2 || flips[0].To != policy.NonCompliant {
		t.Errorf("flips %+v, want v2 to be non-compliant", flips)
	}
	if state(1) != policy.Compliant || state(2) != policy.NonCompliant || state(3) != policy.Unknown {
		t.Errorf("states %v %v %v", state(1), state(2), state(3))
	}
	for h, doc := range map[uint32]*wire.Document{2: vault("s1", "v2"), 3: vault("s2", "v3")} {
		r, err := policy.NewResource(*doc)
		if err != nil {
			t.Fatal(err)
		}
		bound, err := policy.Bind(d, nil, policy.Options{})
		if err != nil {
			t.Fatal(err)
		}
		slow := &policy.Evaluator{Aliases: aliases, Estate: policy.Resources{r}, Delivered: func(sub, typ string) bool { return sub == "/subscriptions/s1" }}
		if got := slow.Evaluate(bound, r, policy.Environment{}).State; got != state(h) {
			t.Errorf("the tree walker says %v of %s, the engine %v", got, doc.ID, state(h))
		}
	}
}
