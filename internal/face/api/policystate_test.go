package api_test

import (
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/face/api/apitest"
)

const tagged = `{"properties":{"mode":"Indexed","parameters":{"tagName":{"type":"String"},"effect":{"type":"String","defaultValue":"audit","allowedValues":["audit","deny","disabled"]}},` +
	`"policyRule":{"if":{"field":"[concat('tags[', parameters('tagName'), ']')]","exists":"false"},"then":{"effect":"[parameters('effect')]"}}}}`

func values(pairs ...string) map[string]any {
	out := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i]] = map[string]any{"value": pairs[i+1]}
	}
	return out
}

// stateTable has the states of a scope that the user's own assignments give:
// "assignment/reference resource" to "state effect", names in lower case.
func stateTable(s *apitest.Server, scope, query string) map[string]string {
	out := map[string]string{}
	path := scope + "/providers/Microsoft.PolicyInsights/policyStates/latest/queryResults?$top=1000" + query
	for _, item := range s.Want(200, apitest.Call{Method: "POST", Path: path}).Body["value"].([]any) {
		row := item.(map[string]any)
		if strings.HasPrefix(row["policyAssignmentName"].(string), "t-") {
			id := row["resourceId"].(string)
			key := fmt.Sprintf("%s/%s %s", row["policyAssignmentName"], row["policyDefinitionReferenceId"], strings.ToLower(id[strings.LastIndexByte(id, '/')+1:]))
			out[key] = fmt.Sprintf("%s %s", row["complianceState"], row["policyDefinitionAction"])
		}
	}
	return out
}

// TestStatesOfEachAssignment: assignments of one definition that differ in
// parameters, effect, selectors or overrides, and members of one initiative, have
// states of their own, and so have summaries, details and exemptions.
func TestStatesOfEachAssignment(t *testing.T) {
	s := apitest.New(t)
	s.Estate() // both resources have the tag env
	def, set := s.Sub()+authorization+"policyDefinitions/need-tag", s.Sub()+authorization+"policySetDefinitions/tags"
	assign := func(name string, properties map[string]any) {
		s.Want(201, apitest.Call{Method: "PUT", Path: s.Sub() + authorization + "policyAssignments/" + name, Body: object(properties)})
	}
	s.Want(201, apitest.Call{Method: "PUT", Path: def, Body: tagged})
	s.Want(201, apitest.Call{Method: "PUT", Path: set, Body: object(map[string]any{"policyDefinitions": []any{
		map[string]any{"policyDefinitionId": def, "policyDefinitionReferenceId": "env", "parameters": values("tagName", "env")},
		map[string]any{"policyDefinitionId": def, "policyDefinitionReferenceId": "cost", "parameters": values("tagName", "cost")},
	}})})
	assign("t-cost", map[string]any{"policyDefinitionId": def, "parameters": values("tagName", "cost")})
	assign("t-env", map[string]any{"policyDefinitionId": def, "parameters": values("tagName", "env")})
	assign("t-off", map[string]any{"policyDefinitionId": def, "parameters": values("tagName", "cost", "effect", "disabled")})
	assign("t-set", map[string]any{"policyDefinitionId": set})
	assign("t-vaults", map[string]any{"policyDefinitionId": def, "parameters": values("tagName", "cost"), "resourceSelectors": []any{map[string]any{
		"name": "vaults", "selectors": []any{map[string]any{"kind": "resourceType", "in": []any{"Microsoft.KeyVault/vaults"}}}}}})
	assign("t-deny", map[string]any{"policyDefinitionId": def, "parameters": values("tagName", "cost"),
		"overrides": []any{map[string]any{"kind": "policyEffect", "value": "deny"}}})
	s.Want(201, apitest.Call{Method: "PUT", Path: s.Vault() + authorization + "policyExemptions/e", Body: object(map[string]any{
		"policyAssignmentId": s.Sub() + authorization + "policyAssignments/t-cost", "exemptionCategory": "waiver"})})

	want := map[string]string{
		"t-cost/ logs": "NonCompliant audit", "t-cost/ secrets": "Exempt audit", "t-env/ logs": "Compliant audit", "t-env/ secrets": "Compliant audit",
		"t-set/env logs": "Compliant audit", "t-set/env secrets": "Compliant audit", "t-set/cost logs": "NonCompliant audit", "t-set/cost secrets": "NonCompliant audit",
		"t-vaults/ secrets": "NonCompliant audit", "t-deny/ logs": "NonCompliant deny", "t-deny/ secrets": "NonCompliant deny",
	}
	var got map[string]string
	apitest.Eventually(t, "every assignment has its states", func() bool {
		got = stateTable(s, s.Sub(), "")
		return maps.Equal(got, want) || t.Failed()
	})
	for _, state := range []string{"Compliant", "NonCompliant", "Exempt"} {
		some := stateTable(s, s.Sub(), "&$filter="+url.QueryEscape("complianceState eq '"+state+"'"))
		for key, value := range want {
			if is := strings.HasPrefix(value, state+" "); is != (some[key] != "") {
				t.Errorf("%s is among the states that are %s: %t", key, state, !is)
			}
		}
	}
	checkSummary(t, s, got)
}

// checkSummary compares a summary with the rows of the states.
func checkSummary(t *testing.T, s *apitest.Server, states map[string]string) {
	t.Helper()
	want := map[string]int{}
	for key, value := range states {
		if strings.HasPrefix(value, "NonCompliant ") {
			member, _, _ := strings.Cut(key, " ")
			want[member]++
		}
	}
	path := s.Sub() + "/providers/Microsoft.PolicyInsights/policyStates/latest/summarize"
	summary := s.Want(200, apitest.Call{Method: "POST", Path: path}).Body["value"].([]any)[0].(map[string]any)
	got := map[string]int{}
	for _, item := range summary["policyAssignments"].([]any) {
		a := item.(map[string]any)
		id := a["policyAssignmentId"].(string)
		name := id[strings.LastIndexByte(id, '/')+1:]
		for _, item := range a["policyDefinitions"].([]any) {
			d := item.(map[string]any)
			if n := int(d["results"].(map[string]any)["nonCompliantResources"].(float64)); n > 0 && strings.HasPrefix(name, "t-") {
				got[fmt.Sprintf("%s/%s", name, d["policyDefinitionReferenceId"])] = n
			}
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("the summary has %v, the states have %v", got, want)
	}
}

// TestSharedTwoAssignments runs the requests of the shared case.
func TestSharedTwoAssignments(t *testing.T) {
	file := filepath.Join("..", "..", "..", "..", "shared", "cases", "policy", "two-assignments.txt")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Skip("the shared cases are not there")
	}
	s := apitest.New(t)
	s.Estate()
	sub := s.Sub()
	want := ""
	for _, line := range strings.Split(string(text), "\n") {
		line = strings.NewReplacer("/subscriptions/S/", sub+"/", ".../", sub+authorization).Replace(line)
		line = strings.ReplaceAll(line, authorization+"need-tag", authorization+"policyDefinitions/need-tag")
		switch method, rest, _ := strings.Cut(line, " "); method {
		case "PUT":
			path, body, _ := strings.Cut(rest, " ")
			s.Want(201, apitest.Call{Method: "PUT", Path: path, Body: strings.TrimSpace(body)})
		case "import":
			s.Import(rest)
		case "want:":
			want, _, _ = strings.Cut(rest, ".  got")
		}
	}
	if want == "" {
		t.Fatal("the case wants nothing")
	}
	apitest.Eventually(t, want, func() bool {
		states := stateTable(s, sub, "")
		for _, part := range strings.Split(want, ", ") {
			words := strings.Fields(part) // assignment, resource, state
			if states[words[0]+"/ "+words[1]] != words[2]+" audit" {
				return false
			}
		}
		return true
	})
}

// TestWarnsOfAliases: a definition that names an alias which its type does not
// have, or whose type nobody knows, is stored with a warning.
func TestWarnsOfAliases(t *testing.T) {
	s := apitest.New(t)
	for alias, want := range map[string]string{
		"Microsoft.Storage/storageAccounts/moonPhase": "applies to nothing", "Contoso.App/things/size": "is guessed", "Microsoft.Storage/storageAccounts/minimumTlsVersion": "",
	} {
		a := s.Want(201, apitest.Call{Method: "PUT", Path: s.Sub() + authorization + "policyDefinitions/d", Body: object(map[string]any{
			"policyRule": map[string]any{"if": map[string]any{"field": alias, "equals": "x"}, "then": map[string]any{"effect": "audit"}}})})
		if got := a.Header.Get("Warning"); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: warning %q, want %q", alias, got, want)
		}
	}
}
