package policy

import "testing"

// TestOwnDocuments: what the product hangs on a resource is judged by
// definitions that ask for it alone, also in mode All.
func TestOwnDocuments(t *testing.T) {
	const vm = testGroup + "/providers/Microsoft.Compute/virtualMachines/web1/providers/"
	for id, own := range map[string]bool{
		"Microsoft.Security/exposures/default": true, "Microsoft.Security/vulnerabilityReports/default": true, "Microsoft.Security/clusterReports/default": true,
		"Microsoft.GuestConfiguration/guestConfigurationAssignments/RampartBaseline": true,
		"Microsoft.GuestConfiguration/guestConfigurationAssignments/other":           false,
		"Microsoft.Security/healthReports/x":                                         false, "Microsoft.Insights/diagnosticSettings/d": false,
	} {
		for metadata, asks := range map[string]bool{"{}": false, `{"rampart": {"ownDocuments": true}}`: true, `{"rampart": {}}`: false} {
			d, err := ParseDefinition([]byte(`{"properties": {"mode": "All", "metadata": ` + metadata + `, "policyRule": {"if": {"field": "tags['env']", "exists": false}, "then": {"effect": "audit"}}}}`))
			if err != nil {
				t.Fatal(err)
			}
			b, err := Bind(d, nil, Options{})
			if err != nil {
				t.Fatal(err)
			}
			want := NotApplicable
			if !own || asks {
				want = NonCompliant
			}
			got := (&Evaluator{Aliases: NewAliases()}).Evaluate(b, document(t, vm+id, `{}`), Environment{})
			if got.State != want {
				t.Errorf("%s, metadata %s: %s because %s, want %s", id, metadata, got.State, got.Reason, want)
			}
		}
	}
}
