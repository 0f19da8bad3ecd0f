package policy

import (
	"slices"
	"testing"
)

func TestReadsListsWhatRulesLookAt(t *testing.T) {
	storage := bound(t, `{"if": {"allOf": [{"field": "type", "equals": "Microsoft.Storage/storageAccounts"}, {"field": "kind", "notEquals": "x"},
		{"count": {"field": "Microsoft.Storage/storageAccounts/networkAcls.ipRules[*]"}, "greater": 0},
		{"value": "[field('Microsoft.Storage/storageAccounts/minimumTlsVersion')]", "equals": "TLS1_0"}]},
		"then": {"effect": "auditIfNotExists", "details": {"type": "Microsoft.Insights/diagnosticSettings",
		"existenceCondition": {"field": "Microsoft.Insights/diagnosticSettings/workspaceId", "exists": true}}}}`, "")
	other := bound(t, `{"if": {"allOf": [{"field": "type", "equals": "Microsoft.Sql/servers"},
		{"field": "Microsoft.Sql/servers/version", "exists": true}]}, "then": {"effect": "audit"}}`, "")
	list, aliases := []*Bound{storage, other}, NewAliases()
	tests := []struct {
		typ  string
		want []string
	}{
		{"microsoft.storage/STORAGEACCOUNTS", []string{"Microsoft.Insights/diagnosticSettings", "kind", "properties.minimumTlsVersion", "properties.networkAcls.ipRules[*]"}},
		{"Microsoft.Insights/diagnosticSettings", []string{"properties.workspaceId"}},
		{"Microsoft.Sql/servers", []string{"properties.version"}},
		{"Microsoft.Compute/disks", nil},
	}
	for _, test := range tests {
		if got := Reads(list, aliases, test.typ); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.typ, got, test.want)
		}
	}
}
