package policy

import (
	"testing"
)

func TestApplicability(t *testing.T) {
	storage := testGroup + "/providers/Microsoft.Storage/storageAccounts/logs"
	sub := "/subscriptions/11111111-1111-1111-1111-111111111111"
	const onStorage = `{"field": "type", "equals": "Microsoft.Storage/storageAccounts"}`
	const secure = `{"field": "Microsoft.Storage/storageAccounts/supportsHttpsTrafficOnly", "equals": false}`
	tests := []struct {
		name, cond, id string
		want           State
	}{
		{"violated", `{"allOf": [` + onStorage + `, ` + secure + `]}`, storage, NonCompliant},
		{"other-type", `{"allOf": [` + onStorage + `, ` + secure + `]}`, testGroup + "/providers/Microsoft.Sql/servers/s", NotApplicable},
		{"satisfied", `{"allOf": [` + onStorage + `, {"not": ` + secure + `}]}`, storage, Compliant},
		{"type-under-not", `{"allOf": [{"not": ` + onStorage + `}, {"field": "location", "equals": "x"}]}`, storage, NotApplicable},
		{"name-beside-property", `{"allOf": [` + onStorage + `, {"field": "name", "equals": "other"}, ` + secure + `]}`, storage, NotApplicable},
		{"only-name", `{"field": "name", "equals": "other"}`, storage, Compliant},
		{"only-kind", `{"field": "kind", "equals": "other"}`, storage, Compliant},
		{"type-and-name-only", `{"allOf": [` + onStorage + `, {"field": "name", "equals": "other"}]}`, storage, Compliant},
		{"unknown-alias", `{"allOf": [` + onStorage + `, {"field": "properties.dotted", "exists": false}]}`, storage, NotApplicable},
		{"location-on-subscription", `{"field": "location", "exists": false}`, sub, NotApplicable},
		{"subscription", `{"field": "type", "equals": "Microsoft.Resources/subscriptions"}`, sub, NonCompliant},
		{"never-judged", `{"field": "type", "exists": true}`, testGroup + "/providers/Microsoft.Resources/deployments/d", NotApplicable},
		{"request-identity", `{"value": "[requestContext().identity.appid]", "equals": "x"}`, storage, NotApplicable},
		{"newest-api-version", `{"value": "[requestContext().apiVersion]", "greaterOrEquals": "2024-01-01"}`, storage, NonCompliant},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := document(t, test.id, `{"supportsHttpsTrafficOnly": false}`)
			e := &Evaluator{Aliases: NewAliases(), Estate: Resources{r}}
			got := e.Evaluate(bound(t, `{"if": `+test.cond+`, "then": {"effect": "audit"}}`, ""), r, Environment{})
			if got.State != test.want {
				t.Errorf("%s (%s), want %s", got.State, got.Reason, test.want)
			}
		})
	}
}

func TestModeIndexedSkipsContainers(t *testing.T) {
	d, err := ParseDefinition([]byte(`{"mode": "indexed", "policyRule": {"if": {"field": "type", "exists": true}, "then": {"effect": "audit"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	b, err := Bind(d, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := &Evaluator{Aliases: NewAliases()}
	if got := e.Evaluate(b, document(t, testGroup, `{}`), Environment{}); got.State != NotApplicable {
		t.Errorf("a resource group is %s under mode Indexed, want notApplicable", got.State)
	}
}

// A constraint template is not judged: the if alone would condemn every cluster.
func TestTemplatesInAnotherLanguageDoNotApply(t *testing.T) {
	d, err := ParseDefinition([]byte(`{"mode": "Microsoft.Kubernetes.Data", "policyRule": {"if": {"field": "type", "equals": "Microsoft.ContainerService/managedClusters"},
		"then": {"effect": "audit", "details": {"templateInfo": {"sourceType": "PublicURL", "url": "https://example.com/t.yaml"}, "kinds": ["Pod"]}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	b, err := Bind(d, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	cluster := document(t, testGroup+"/providers/Microsoft.ContainerService/managedClusters/c", `{}`)
	if got := (&Evaluator{Aliases: NewAliases()}).Evaluate(b, cluster, Environment{}); got.State != NotApplicable {
		t.Errorf("%s (%s), want notApplicable", got.State, got.Reason)
	}
}

func TestReasonsNamePropertyAndValues(t *testing.T) {
	r := document(t, testGroup+"/providers/Microsoft.Storage/storageAccounts/logs",
		`{"minimumTlsVersion": "TLS1_0", "networkAcls": {"ipRules": [{"value": "0.0.0.0"}, {"value": "10.0.0.1"}]}}`)
	tests := []struct{ name, cond, want string }{
		{"field", `{"field": "Microsoft.Storage/storageAccounts/minimumTlsVersion", "notEquals": "TLS1_2"}`,
			`properties.minimumTlsVersion is "TLS1_0", which satisfies notEquals "TLS1_2"`},
		{"missing", `{"field": "Microsoft.Storage/storageAccounts/allowBlobPublicAccess", "exists": false}`,
			`properties.allowBlobPublicAccess is missing, which satisfies exists false`},
		{"count", `{"count": {"field": "Microsoft.Storage/storageAccounts/networkAcls.ipRules[*]",
			"where": {"field": "Microsoft.Storage/storageAccounts/networkAcls.ipRules[*].value", "equals": "0.0.0.0"}}, "greater": 0}`,
			`the number of properties.networkAcls.ipRules[*] that match is 1, which satisfies greater 0`},
		{"not", `{"not": {"field": "Microsoft.Storage/storageAccounts/minimumTlsVersion", "in": ["TLS1_2"]}}`,
			`properties.minimumTlsVersion is "TLS1_0", which does not satisfy in ["TLS1_2"]`},
		{"only-type", `{"field": "type", "exists": true}`,
			`type is "Microsoft.Storage/storageAccounts", which satisfies equals "Microsoft.Storage/storageAccounts"`},
		{"error", `{"value": "[int(field('Microsoft.Storage/storageAccounts/minimumTlsVersion'))]", "less": 2}`,
			`value cannot be evaluated: int(): "TLS1_0" is no integer`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := bound(t, `{"if": {"allOf": [{"field": "type", "equals": "Microsoft.Storage/storageAccounts"}, `+test.cond+`]}, "then": {"effect": "audit"}}`, "")
			if got := (&Evaluator{Aliases: NewAliases()}).Evaluate(b, r, Environment{}).Reason; got != test.want {
				t.Errorf("reason %q, want %q", got, test.want)
			}
		})
	}
}
