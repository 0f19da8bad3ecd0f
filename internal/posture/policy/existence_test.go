package policy

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/wire"
)

const testGroup = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/app"

// document makes a resource from an id, its properties and unavailable paths.
func document(t *testing.T, id, properties string, unavailable ...string) *Resource {
	t.Helper()
	body := `{"id": "` + id + `", "properties": ` + properties + `}`
	r, err := NewResource(wire.Document{ID: id, Body: json.RawMessage(body), Unavailable: unavailable})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// bound binds a definition of a rule.
func bound(t *testing.T, rule, metadata string) *Bound {
	t.Helper()
	if metadata == "" {
		metadata = "{}"
	}
	d, err := ParseDefinition([]byte(`{"properties": {"mode": "All", "metadata": ` + metadata + `, "policyRule": ` + rule + `}}`))
	if err != nil {
		t.Fatal(err)
	}
	b, err := Bind(d, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func existenceRule(details string) string {
	return `{"if": {"field": "type", "equals": "Microsoft.Compute/virtualMachines"},
		"then": {"effect": "auditIfNotExists", "details": ` + details + `}}`
}

func TestExistenceScopes(t *testing.T) {
	vm := testGroup + "/providers/Microsoft.Compute/virtualMachines/web1"
	other := testGroup + "/providers/Microsoft.Compute/virtualMachines/web2"
	tests := []struct {
		name, details string
		related       string // id of the only related resource
		want          State
	}{
		{"child", `{"type": "Microsoft.Compute/virtualMachines/extensions"}`, vm + "/extensions/agent", Compliant},
		{"child-of-another", `{"type": "Microsoft.Compute/virtualMachines/extensions"}`, other + "/extensions/agent", NonCompliant},
		{"child-by-name", `{"type": "Microsoft.Compute/virtualMachines/extensions", "name": "AGENT"}`, vm + "/extensions/agent", Compliant},
		{"child-by-full-name", `{"type": "Microsoft.Compute/virtualMachines/extensions", "name": "web1/?"}`, vm + "/extensions/agent", Compliant},
		{"child-other-name", `{"type": "Microsoft.Compute/virtualMachines/extensions", "name": "x"}`, vm + "/extensions/agent", NonCompliant},
		{"extension", `{"type": "Microsoft.Insights/diagnosticSettings"}`, vm + "/providers/Microsoft.Insights/diagnosticSettings/d", Compliant},
		{"extension-of-another", `{"type": "Microsoft.Insights/diagnosticSettings"}`, other + "/providers/Microsoft.Insights/diagnosticSettings/d", NonCompliant},
		{"same-group", `{"type": "Microsoft.Network/networkWatchers"}`, testGroup + "/providers/Microsoft.Network/networkWatchers/n", Compliant},
		{"other-group", `{"type": "Microsoft.Network/networkWatchers"}`, strings.Replace(testGroup, "/app", "/net", 1) + "/providers/Microsoft.Network/networkWatchers/n", NonCompliant},
		{"named-group", `{"type": "Microsoft.Network/networkWatchers", "ResourceGroupName": "[concat('n', 'et')]"}`, strings.Replace(testGroup, "/app", "/NET", 1) + "/providers/Microsoft.Network/networkWatchers/n", Compliant},
		{"subscription", `{"type": "Microsoft.Network/networkWatchers", "existenceScope": "subscription"}`, strings.Replace(testGroup, "/app", "/net", 1) + "/providers/Microsoft.Network/networkWatchers/n", Compliant},
		{"itself", `{"type": "Microsoft.Compute/virtualMachines", "name": "[field('name')]"}`, other, Compliant},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := document(t, vm, `{}`)
			e := &Evaluator{Aliases: NewAliases(), Estate: Resources{r, document(t, test.related, `{}`)}, Now: time.Now()}
			got := e.Evaluate(bound(t, existenceRule(test.details), ""), r, Environment{})
			if got.State != test.want {
				t.Errorf("%s (%s), want %s", got.State, got.Reason, test.want)
			}
		})
	}
}

func TestSubscriptionSingletons(t *testing.T) {
	sub := "/subscriptions/11111111-1111-1111-1111-111111111111"
	b := bound(t, `{"if": {"field": "type", "equals": "Microsoft.Resources/subscriptions"}, "then": {"effect": "auditIfNotExists",
		"details": {"type": "Microsoft.Security/pricings", "name": "VirtualMachines",
		"existenceCondition": {"field": "Microsoft.Security/pricings/pricingTier", "equals": "Standard"}}}}`, "")
	r := document(t, sub, `{}`)
	for tier, want := range map[string]State{"Standard": Compliant, "Free": NonCompliant} {
		pricing := document(t, sub+"/providers/Microsoft.Security/pricings/VirtualMachines", `{"pricingTier": "`+tier+`"}`)
		e := &Evaluator{Aliases: NewAliases(), Estate: Resources{r, pricing}}
		if got := e.Evaluate(b, r, Environment{}); got.State != want {
			t.Errorf("tier %s: %s (%s), want %s", tier, got.State, got.Reason, want)
		}
	}
}

// A check result of the agent: one document, a policy for one path, and the
// check's own word on whether it applies.
func TestCheckResults(t *testing.T) {
	machine := testGroup + "/providers/Microsoft.HybridCompute/machines/db1"
	const alias = "Microsoft.GuestConfiguration/guestConfigurationAssignments/checks.ssh-root-login.state"
	b := bound(t, `{"if": {"field": "type", "equals": "Microsoft.HybridCompute/machines"}, "then": {"effect": "auditIfNotExists",
		"details": {"type": "Microsoft.GuestConfiguration/guestConfigurationAssignments", "name": "linux",
		"existenceCondition": {"field": "`+alias+`", "equals": "pass"}}}}`,
		`{"rampart": {"applicableWhen": {"field": "`+alias+`", "notEquals": "notApplicable"}}}`)
	tests := []struct {
		name, properties string
		unavailable      string
		want             State
	}{
		{"pass", `{"checks": {"ssh-root-login": {"state": "pass"}}}`, "", Compliant},
		{"fail", `{"checks": {"ssh-root-login": {"state": "fail"}}}`, "", NonCompliant},
		{"not-applicable", `{"checks": {"ssh-root-login": {"state": "notApplicable"}}}`, "", NotApplicable},
		{"not-collected", `{"checks": {}}`, "properties.checks.ssh-root-login.state no permission", Unknown},
		{"another-path-not-collected", `{"checks": {"ssh-root-login": {"state": "fail"}}}`, "properties.checks.other.state", NonCompliant},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := document(t, machine, `{}`)
			var unavailable []string
			if test.unavailable != "" {
				unavailable = []string{test.unavailable}
			}
			result := document(t, machine+"/providers/Microsoft.GuestConfiguration/guestConfigurationAssignments/linux", test.properties, unavailable...)
			e := &Evaluator{Aliases: NewAliases(), Estate: Resources{r, result}}
			got := e.Evaluate(b, r, Environment{})
			if got.State != test.want {
				t.Errorf("%s (%s), want %s", got.State, got.Reason, test.want)
			}
			if test.want == Unknown && !strings.Contains(got.Reason, "ssh-root-login") {
				t.Errorf("the reason %q does not name the path", got.Reason)
			}
		})
	}
}

// A machine without the agent has no report: nothing is known of its checks,
// while a rule without applicableWhen looks for the document itself.
func TestNoReportIsUnknown(t *testing.T) {
	const report = "Microsoft.GuestConfiguration/guestConfigurationAssignments"
	rule := existenceRule(`{"type": "` + report + `", "existenceCondition": {"field": "` + report + `/baseline.state", "equals": "pass"}}`)
	metadata := `{"rampart": {"applicableWhen": {"field": "` + report + `/baseline.state", "notEquals": "notApplicable"}}}`
	r := document(t, testGroup+"/providers/Microsoft.Compute/virtualMachines/web1", `{}`)
	e := &Evaluator{Aliases: NewAliases(), Estate: Resources{r}}
	for with, want := range map[string]State{metadata: Unknown, "": NonCompliant} {
		if got := e.Evaluate(bound(t, rule, with), r, Environment{}); got.State != want || !strings.Contains(got.Reason, "there is no "+report) {
			t.Errorf("metadata %q: %s (%s), want %s", with, got.State, got.Reason, want)
		}
	}
}

func TestUndeliveredRelatedTypeIsUnknown(t *testing.T) {
	vm := testGroup + "/providers/Microsoft.Compute/virtualMachines/web1"
	r := document(t, vm, `{}`, "Microsoft.Insights/diagnosticSettings no permission")
	b := bound(t, existenceRule(`{"type": "Microsoft.Insights/diagnosticSettings"}`), "")
	e := &Evaluator{Aliases: NewAliases(), Estate: Resources{r}}
	if got := e.Evaluate(b, r, Environment{}); got.State != Unknown || !strings.Contains(got.Reason, "no permission") {
		t.Errorf("%s (%s), want unknown with the source's reason", got.State, got.Reason)
	}
	found := document(t, vm+"/providers/Microsoft.Insights/diagnosticSettings/d", `{}`)
	e.Estate = Resources{r, found}
	if got := e.Evaluate(b, r, Environment{}); got.State != Compliant {
		t.Errorf("%s, want compliant: one was delivered all the same", got.State)
	}
}

// Inside an existenceCondition plain fields are the related resource's and
// field() the resource's of the if.
func TestExistenceConditionSeesBothResources(t *testing.T) {
	vm := testGroup + "/providers/Microsoft.Compute/virtualMachines/web1"
	r := document(t, vm, `{"licenseType": "blue"}`)
	child := document(t, vm+"/extensions/agent", `{"publisher": "blue", "licenseType": "red"}`)
	b := bound(t, existenceRule(`{"type": "Microsoft.Compute/virtualMachines/extensions", "existenceCondition":
		{"field": "Microsoft.Compute/virtualMachines/extensions/publisher", "equals": "[field('Microsoft.Compute/virtualMachines/licenseType')]"}}`), "")
	e := &Evaluator{Aliases: NewAliases(), Estate: Resources{r, child}}
	if got := e.Evaluate(b, r, Environment{}); got.State != Compliant {
		t.Errorf("%s (%s), want compliant", got.State, got.Reason)
	}
}

// Rules about a resource's containers are unknown while nobody has delivered
// the container, and use its document once it is there.
func TestContainers(t *testing.T) {
	r := document(t, testGroup+"/providers/Microsoft.Storage/storageAccounts/a", `{}`)
	group, err := NewResource(wire.Document{ID: testGroup, Body: json.RawMessage(`{"location": "West Europe", "tags": {"env": "prod"}}`)})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, value, want string
		alone             State // without the group's document
		known             State
	}{
		{"name", "resourceGroup().name", "app", NonCompliant, NonCompliant},
		{"subscription", "subscription().subscriptionId", "11111111-1111-1111-1111-111111111111", NonCompliant, NonCompliant},
		{"location", "resourceGroup().location", "West Europe", Unknown, NonCompliant},
		{"tag", "resourceGroup().tags.env", "prod", Unknown, NonCompliant},
		{"other-tag", "coalesce(resourceGroup().tags.owner, 'nobody')", "nobody", Unknown, NonCompliant},
		{"manager", "resourceGroup().managedBy", "", NonCompliant, NonCompliant},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := bound(t, `{"if": {"value": "[`+test.value+`]", "equals": "`+test.want+`"}, "then": {"effect": "audit"}}`, "")
			for _, run := range []struct {
				estate Resources
				want   State
			}{{Resources{r}, test.alone}, {Resources{r, group}, test.known}} {
				e := &Evaluator{Aliases: NewAliases(), Estate: run.estate}
				if got := e.Evaluate(b, r, Environment{}); got.State != run.want {
					t.Errorf("with %d documents %s (%s), want %s", len(run.estate), got.State, got.Reason, run.want)
				}
			}
		})
	}
}
