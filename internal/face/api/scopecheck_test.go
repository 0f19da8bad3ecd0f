package api_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/face/api/apitest"
)

// TestWritesAtUnknownScopes: what would lie nowhere is refused as ARM does, by
// every route that writes at a scope.
func TestWritesAtUnknownScopes(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	def := s.Sub() + authorization + "policyDefinitions/need-tag"
	s.Want(201, apitest.Call{Method: "PUT", Path: def, Body: tagged})
	assignment := object(map[string]any{"policyDefinitionId": def, "parameters": values("tagName", "cost")})
	for scope, code := range map[string]string{
		"/providers/Microsoft.Management/managementGroups/none":                "ManagementGroupNotFound",
		s.Sub() + "/resourceGroups/none":                                       "ResourceGroupNotFound",
		strings.Replace(s.Vault(), "Secrets", "none", 1):                       "ResourceNotFound",
		"/subscriptions/99999999-9999-9999-9999-999999999999":                  "SubscriptionNotFound",
		"/subscriptions/99999999-9999-9999-9999-999999999999/resourceGroups/g": "SubscriptionNotFound",
	} {
		s.Fails(404, code, apitest.Call{Method: "PUT", Path: scope + authorization + "policyAssignments/a", Body: assignment})
		s.Fails(404, code, apitest.Call{Method: "PUT", Path: scope + authorization + "policyExemptions/a", Body: object(map[string]any{})})
		s.Fails(404, code, apitest.Call{Method: "PUT", Path: scope + authorization + "roleAssignments/11111111-1111-1111-1111-111111111111", Body: object(map[string]any{})})
	}
}

// TestManagementGroupAssignments: an assignment at a management group has states
// and is listed below that group alone.
func TestManagementGroupAssignments(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	const other = "/subscriptions/22222222-2222-2222-2222-222222222222"
	const groups = "/providers/Microsoft.Management/managementGroups/"
	chain := func(names ...string) string {
		var all []string
		for _, name := range names {
			all = append(all, fmt.Sprintf(`{"name":%q,"displayName":%q}`, name, name))
		}
		return `[` + strings.Join(all, ",") + `]`
	}
	s.Import(fmt.Sprintf(`{"id":%q,"type":"Microsoft.Resources/subscriptions","properties":{"managementGroupAncestorsChain":%s}}`, other, chain("inner", "outer")))
	s.Import(fmt.Sprintf(`{"id":"%s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/far","type":"Microsoft.KeyVault/vaults","location":"eastus","tags":{},"properties":{}}`, other))
	def := groups + "outer" + authorization + "policyDefinitions/need-tag"
	apitest.Eventually(t, "the management group is known", func() bool {
		return s.Do(apitest.Call{Method: "PUT", Path: def, Body: tagged}).Status < 300
	})
	for _, scope := range []string{groups + "outer", groups + "inner"} {
		s.Want(201, apitest.Call{Method: "PUT", Path: scope + authorization + "policyAssignments/t-" + scope[len(groups):], Body: object(map[string]any{
			"policyDefinitionId": def, "parameters": values("tagName", "cost")})})
	}
	apitest.Eventually(t, "both assignments have states below them", func() bool { return len(stateTable(s, other, "")) >= 2 })
	if states := stateTable(s, s.Sub(), ""); len(states) > 0 {
		t.Errorf("assignments elsewhere have states: %v", states)
	}
	for scope, want := range map[string]int{other: 2, other + "/resourceGroups/g": 2, s.Sub(): 0} {
		n := 0
		for _, a := range s.List(scope + authorization + "policyAssignments") {
			if strings.HasPrefix(a["name"].(string), "t-") {
				n++
			}
		}
		if n != want {
			t.Errorf("%d of the assignments are listed at %s, want %d", n, scope, want)
		}
	}
	summary := s.Want(200, apitest.Call{Method: "POST", Path: s.Sub() + "/providers/Microsoft.PolicyInsights/policyStates/latest/summarize"})
	if text := string(summary.Raw); strings.Contains(text, "t-outer") || strings.Contains(text, "t-inner") {
		t.Error("a summary has an assignment that does not reach its scope")
	}
}
