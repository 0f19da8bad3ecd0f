package api_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/face/api/apitest"
	"github.com/rampart-sec/rampart/internal/posture/plan"
)

const (
	authorization = "/providers/Microsoft.Authorization/"
	definition    = `{"properties":{"mode":"All","parameters":{"effect":{"type":"String","defaultValue":"audit","allowedValues":["audit","disabled"]}},` +
		`"policyRule":{"if":{"field":"type","equals":"Microsoft.KeyVault/vaults"},"then":{"effect":"[parameters('effect')]"}}}}`
)

// object is a body with the given properties.
func object(properties map[string]any) map[string]any {
	return map[string]any{"properties": properties}
}

func TestPolicyObjectsLive(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	def, set := s.Sub()+authorization+"policyDefinitions/no-vaults", s.Sub()+authorization+"policySetDefinitions/mine"
	assignment, exemption := s.Sub()+authorization+"policyAssignments/a1", s.Vault()+authorization+"policyExemptions/e1"

	// The status codes are those that clients insist on.
	for range 2 {
		s.Want(201, apitest.Call{Method: "PUT", Path: def, Body: definition})
	}
	setBody := object(map[string]any{"policyDefinitions": []any{map[string]any{"policyDefinitionId": strings.ToLower(def)}}})
	s.Want(201, apitest.Call{Method: "PUT", Path: set, Body: setBody})
	made := s.Want(200, apitest.Call{Method: "PUT", Path: set, Body: setBody})
	member := made.Properties()["policyDefinitions"].([]any)[0].(map[string]any)
	if member["policyDefinitionReferenceId"] != "no-vaults" {
		t.Errorf("member %v", member)
	}
	for range 2 {
		a := s.Want(201, apitest.Call{Method: "PUT", Path: assignment, Body: object(map[string]any{"policyDefinitionId": set})})
		if a.Properties()["scope"] != s.Sub() || a.Properties()["enforcementMode"] != "Default" {
			t.Errorf("assignment %v", a.Body)
		}
	}
	waiver := object(map[string]any{"policyAssignmentId": assignment, "exemptionCategory": "waiver", "policyDefinitionReferenceIds": []string{"no-vaults"},
		"expiresOn": s.Now().AddDate(0, 1, 0).Format(time.RFC3339)})
	e := s.Want(201, apitest.Call{Method: "PUT", Path: exemption, Body: waiver})
	if e.Body["id"] != exemption || e.Properties()["exemptionCategory"] != "Waiver" {
		t.Errorf("exemption %v", e.Body)
	}
	s.Want(200, apitest.Call{Method: "PUT", Path: exemption, Body: waiver})
	p := s.Want(200, apitest.Call{Method: "PATCH", Path: assignment, Body: object(map[string]any{"displayName": "x"})})
	if p.Properties()["policyDefinitionId"] != set || p.Properties()["displayName"] != "x" {
		t.Errorf("patched %v", p.Body)
	}

	names := func(path string) string {
		var all []string
		for _, item := range s.List(path) {
			all = append(all, item["name"].(string))
		}
		return strings.Join(all, " ")
	}
	lists := map[string]string{
		s.Sub() + authorization + "policyAssignments":                                                      "a1 SecurityCenterBuiltIn",
		s.Vault() + authorization + "policyExemptions":                                                     "e1",
		s.Sub() + authorization + "policyExemptions":                                                       "e1",
		s.Sub() + authorization + "policyExemptions?$filter=atExactScope()":                                "",
		s.Vault() + authorization + "policyAssignments?$filter=atScope()":                                  "a1 SecurityCenterBuiltIn",
		s.Sub() + authorization + "policySetDefinitions":                                                   "1f3afdf9-d0c9-4c3d-847f-89da613e70a8 mine",
		s.Sub() + authorization + "policyDefinitions?$filter=" + url.QueryEscape("policyType eq 'Custom'"): "no-vaults",
	}
	for path, want := range lists {
		if got := names(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}

	s.Fails(409, "PolicyInUse", apitest.Call{Method: "DELETE", Path: def})
	s.Fails(409, "PolicyInUse", apitest.Call{Method: "DELETE", Path: set})
	for _, path := range []string{exemption, assignment, set, def, def} {
		s.Want(204, apitest.Call{Method: "DELETE", Path: path})
	}
	s.Fails(404, "PolicyDefinitionNotFound", apitest.Call{Method: "GET", Path: def})
	s.Fails(404, "PolicyAssignmentNotFound", apitest.Call{Method: "GET", Path: assignment})
}

func TestPolicyRefusals(t *testing.T) {
	s := apitest.New(t)
	def := s.Sub() + authorization + "policyDefinitions/d"
	s.Want(201, apitest.Call{Method: "PUT", Path: def, Body: definition})
	set := s.Sub() + authorization + "policySetDefinitions/s"
	assignment := s.Sub() + authorization + "policyAssignments/"
	exemption := s.Sub() + authorization + "policyExemptions/e"
	s.Want(201, apitest.Call{Method: "PUT", Path: assignment + "mine", Body: object(map[string]any{"policyDefinitionId": def})})

	tests := map[string]struct {
		path   string
		body   any
		code   string
		target string
	}{
		"no_rule":              {def, `{"properties":{"mode":"All"}}`, "InvalidPolicyDocument", "properties.policyRule"},
		"unknown_operator":     {def, `{"properties":{"policyRule":{"if":{"field":"type","resembles":"x"},"then":{"effect":"audit"}}}}`, "InvalidPolicyDocument", "properties.policyRule.if"},
		"claims_to_be_ours":    {def, `{"properties":{"policyType":"BuiltIn","policyRule":{"if":{"field":"type","equals":"x"},"then":{"effect":"audit"}}}}`, "InvalidRequestContent", "properties.policyType"},
		"unknown_member":       {set, object(map[string]any{"policyDefinitions": []any{map[string]any{"policyDefinitionId": s.Sub() + authorization + "policyDefinitions/none"}}}), "PolicyDefinitionNotFound", "properties.policyDefinitions[0].policyDefinitionId"},
		"nested_initiative":    {set, object(map[string]any{"policyDefinitions": []any{map[string]any{"policyDefinitionId": plan.BuiltInInitiative}}}), "InvalidRequestContent", "properties.policyDefinitions[0].policyDefinitionId"},
		"member_parameter":     {set, object(map[string]any{"policyDefinitions": []any{map[string]any{"policyDefinitionId": def, "parameters": map[string]any{"size": map[string]any{"value": 1}}}}}), "InvalidRequestContent", "properties.policyDefinitions[0].parameters.size"},
		"no_definition":        {assignment + "a", object(map[string]any{"displayName": "x"}), "InvalidRequestContent", "properties.policyDefinitionId"},
		"unknown_definition":   {assignment + "a", object(map[string]any{"policyDefinitionId": s.Sub() + authorization + "policyDefinitions/none"}), "PolicyDefinitionNotFound", "properties.policyDefinitionId"},
		"not_a_definition":     {assignment + "a", object(map[string]any{"policyDefinitionId": s.Vault()}), "InvalidRequestContent", "properties.policyDefinitionId"},
		"parameter_value":      {assignment + "a", object(map[string]any{"policyDefinitionId": def, "parameters": map[string]any{"effect": map[string]any{"value": "explode"}}}), "InvalidPolicyDocument", "properties.parameters"},
		"unknown_parameter":    {assignment + "a", object(map[string]any{"policyDefinitionId": def, "parameters": map[string]any{"color": map[string]any{"value": "red"}}}), "InvalidPolicyDocument", "properties.parameters"},
		"parameter_shape":      {assignment + "a", object(map[string]any{"policyDefinitionId": def, "parameters": map[string]any{"effect": "audit"}}), "InvalidRequestContent", "properties.parameters.effect"},
		"enforcement_mode":     {assignment + "a", object(map[string]any{"policyDefinitionId": def, "enforcementMode": "Sometimes"}), "InvalidRequestContent", "properties.enforcementMode"},
		"not_scopes":           {assignment + "a", object(map[string]any{"policyDefinitionId": def, "notScopes": []string{"everywhere"}}), "InvalidRequestContent", "properties.notScopes[0]"},
		"no_assignment":        {exemption, object(map[string]any{"exemptionCategory": "Waiver"}), "InvalidRequestContent", "properties.policyAssignmentId"},
		"unknown_assignment":   {exemption, object(map[string]any{"policyAssignmentId": assignment + "none", "exemptionCategory": "Waiver"}), "PolicyAssignmentNotFound", "properties.policyAssignmentId"},
		"no_category":          {exemption, object(map[string]any{"policyAssignmentId": assignment + "mine"}), "InvalidRequestContent", "properties.exemptionCategory"},
		"category":             {exemption, object(map[string]any{"policyAssignmentId": assignment + "mine", "exemptionCategory": "Please"}), "InvalidRequestContent", "properties.exemptionCategory"},
		"member_of_single":     {exemption, object(map[string]any{"policyAssignmentId": assignment + "mine", "exemptionCategory": "Waiver", "policyDefinitionReferenceIds": []string{"x"}}), "InvalidRequestContent", "properties.policyDefinitionReferenceIds"},
		"unknown_member_ref":   {exemption, object(map[string]any{"policyAssignmentId": assignment + plan.BuiltInAssignment, "exemptionCategory": "Waiver", "policyDefinitionReferenceIds": []string{"x"}}), "InvalidRequestContent", "properties.policyDefinitionReferenceIds[0]"},
		"expiry_has_passed":    {exemption, object(map[string]any{"policyAssignmentId": assignment + "mine", "exemptionCategory": "Waiver", "expiresOn": "2020-01-01T00:00:00Z"}), "InvalidRequestContent", "properties.expiresOn"},
		"expiry_is_not_a_time": {exemption, object(map[string]any{"policyAssignmentId": assignment + "mine", "exemptionCategory": "Waiver", "expiresOn": "tomorrow"}), "InvalidRequestContent", "properties.expiresOn"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := s.Fails(400, tt.code, apitest.Call{Method: "PUT", Path: tt.path, Body: tt.body})
			if target, _ := a.Body["error"].(map[string]any)["target"].(string); !strings.HasPrefix(target, tt.target) {
				t.Errorf("target %q, want %q: %s", target, tt.target, a.Raw)
			}
		})
	}
}

// TestTwoEditsAtOnce: of two clients that read the same version, the second to
// write is told, and nothing is lost.
func TestTwoEditsAtOnce(t *testing.T) {
	s := apitest.New(t)
	def := s.Sub() + authorization + "policyDefinitions/d"
	create := apitest.Call{Method: "PUT", Path: def, Body: definition, Header: map[string]string{"If-None-Match": "*"}}
	first := s.Want(201, create)
	s.Fails(412, "PreconditionFailed", create)

	tag := first.Header.Get("ETag")
	if tag == "" || s.Get(def).Header.Get("ETag") != tag {
		t.Fatalf("ETag %q", tag)
	}
	edit := func(description, match string) apitest.Call {
		return apitest.Call{Method: "PUT", Path: def, Header: map[string]string{"If-Match": match},
			Body: strings.Replace(definition, `"mode"`, `"description":"`+description+`","mode"`, 1)}
	}
	s.Want(201, edit("mine", tag))
	s.Fails(412, "PreconditionFailed", edit("theirs", tag))
	if got := s.Get(def).Properties()["description"]; got != "mine" {
		t.Errorf("description %v", got)
	}
	s.Fails(412, "PreconditionFailed", apitest.Call{Method: "DELETE", Path: def, Header: map[string]string{"If-Match": tag}})
	s.Want(201, edit("any", "*"))
	s.Want(204, apitest.Call{Method: "DELETE", Path: def})
	s.Fails(412, "PreconditionFailed", edit("gone", "*"))
}

func TestPolicyStates(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	states := s.Sub() + "/providers/Microsoft.PolicyInsights/policyStates/latest/"
	query := func(path string) []any {
		t.Helper()
		return s.Want(200, apitest.Call{Method: "POST", Path: path}).Body["value"].([]any)
	}
	all := query(states + "queryResults")
	if len(all) == 0 {
		t.Fatal("there are no states")
	}
	row := all[0].(map[string]any)
	if row["policyAssignmentName"] != plan.BuiltInAssignment || row["policySetDefinitionId"] != plan.BuiltInInitiative || row["policyDefinitionReferenceId"] == "" {
		t.Errorf("state %v", row)
	}
	bad := query(states + "queryResults?$filter=" + url.QueryEscape("complianceState eq 'NonCompliant'"))
	flagged := query(states + "queryResults?$filter=" + url.QueryEscape("isCompliant eq false"))
	if len(bad) == 0 || len(bad) >= len(all) {
		t.Errorf("%d of %d states are non-compliant", len(bad), len(all))
	}
	for _, item := range append(bad, flagged...) {
		if item.(map[string]any)["isCompliant"] != false {
			t.Errorf("state %v", item)
		}
	}
	if top := query(states + "queryResults?$top=1"); len(top) != 1 {
		t.Errorf("$top=1 gives %d", len(top))
	}
	ofAssignment := s.Sub() + authorization + "policyAssignments/" + plan.BuiltInAssignment + "/providers/Microsoft.PolicyInsights/policyStates/latest/queryResults"
	if got := query(ofAssignment); len(got) != len(all) {
		t.Errorf("the assignment has %d states, the subscription %d", len(got), len(all))
	}
	for _, item := range query(s.Vault() + "/providers/Microsoft.PolicyInsights/policyStates/latest/queryResults") {
		if item.(map[string]any)["resourceId"] != s.Vault() {
			t.Errorf("state of another resource %v", item)
		}
	}

	summary := query(states + "summarize")[0].(map[string]any)
	results := summary["results"].(map[string]any)
	resources, policies := map[any]bool{}, map[any]bool{}
	for _, item := range query(states + "queryResults?$top=1000&$filter=" + url.QueryEscape("complianceState eq 'NonCompliant'")) {
		resources[item.(map[string]any)["resourceId"]], policies[item.(map[string]any)["policyDefinitionId"]] = true, true
	}
	if results["nonCompliantResources"] != float64(len(resources)) || results["nonCompliantPolicies"] != float64(len(policies)) {
		t.Errorf("summary %v, but %d resources and %d policies are non-compliant", results, len(resources), len(policies))
	}
	s.Want(200, apitest.Call{Method: "POST", Path: states + "triggerEvaluation"})
	s.Fails(400, "InvalidQueryOption", apitest.Call{Method: "POST", Path: states + "queryResults?$apply=groupby"})
	s.Fails(400, "InvalidFilterInQueryString", apitest.Call{Method: "POST", Path: states + "queryResults?$filter=" + url.QueryEscape("color eq 'red'")})
}

// TestPolicyStateGroups: a state names the groups that its member of the
// initiative is in, as the initiative itself does; a definition that is assigned
// alone is in none.
func TestPolicyStateGroups(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	want := map[string]string{}
	members := s.Get(plan.BuiltInInitiative).Properties()["policyDefinitions"].([]any)
	for _, m := range members {
		m := m.(map[string]any)
		want[strings.ToLower(m["policyDefinitionReferenceId"].(string))] = fmt.Sprint(m["groupNames"])
	}
	check := func(row map[string]any) bool {
		groups, listed := row["policyDefinitionGroupNames"].([]any)
		if row["policyDefinitionReferenceId"] == "" {
			return !listed
		}
		return fmt.Sprint(row["policyDefinitionGroupNames"]) == want[strings.ToLower(row["policyDefinitionReferenceId"].(string))] && (!listed || len(groups) > 0)
	}
	s.Want(201, apitest.Call{Method: "PUT", Path: s.Sub() + authorization + "policyDefinitions/alone", Body: object(map[string]any{
		"policyRule": map[string]any{"if": map[string]any{"field": "type", "equals": "Microsoft.KeyVault/vaults"}, "then": map[string]any{"effect": "audit"}}})})
	s.Want(201, apitest.Call{Method: "PUT", Path: s.Sub() + authorization + "policyAssignments/alone", Body: object(map[string]any{
		"policyDefinitionId": s.Sub() + authorization + "policyDefinitions/alone"})})
	states := s.Sub() + "/providers/Microsoft.PolicyInsights/policyStates/latest/"
	grouped, alone := 0, 0
	apitest.Eventually(t, "both assignments have states", func() bool {
		grouped, alone = 0, 0
		for _, x := range s.Want(200, apitest.Call{Method: "POST", Path: states + "queryResults?$top=1000"}).Body["value"].([]any) {
			row := x.(map[string]any)
			if !check(row) {
				t.Fatalf("groups of %v", row)
			}
			if row["policyDefinitionReferenceId"] == "" {
				alone++
			} else if row["policyDefinitionGroupNames"] != nil {
				grouped++
			}
		}
		return grouped > 0 && alone > 0
	})
	summary := s.Want(200, apitest.Call{Method: "POST", Path: states + "summarize"}).Body["value"].([]any)[0].(map[string]any)
	for _, assignment := range summary["policyAssignments"].([]any) {
		for _, x := range assignment.(map[string]any)["policyDefinitions"].([]any) {
			if !check(x.(map[string]any)) {
				t.Errorf("groups of %v", x)
			}
		}
	}
}

// TestExemptionTakesEffect goes the whole way: from the write to the changed
// assessment, which says why.
func TestExemptionTakesEffect(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	var name string
	for _, x := range s.List(s.Vault() + "/providers/Microsoft.Security/assessments") {
		if status := x["properties"].(map[string]any)["status"].(map[string]any); status["code"] == "Unhealthy" {
			name = x["name"].(string)
		}
	}
	if name == "" {
		t.Fatal("the vault has no fault")
	}
	s.Want(201, apitest.Call{Method: "PUT", Path: s.Vault() + authorization + "policyExemptions/e", Body: object(map[string]any{
		"policyAssignmentId": s.Sub() + authorization + "policyAssignments/" + plan.BuiltInAssignment,
		"exemptionCategory":  "Mitigated", "policyDefinitionReferenceIds": []string{name}})})
	apitest.Eventually(t, "the exemption shows", func() bool {
		status := s.Get(s.Vault() + "/providers/Microsoft.Security/assessments/" + name).Properties()["status"].(map[string]any)
		return status["code"] == "NotApplicable" && status["cause"] == "Exempt"
	})
}

func TestDocumentsAreKeptAsWritten(t *testing.T) {
	s := apitest.New(t)
	path := s.Sub() + authorization + "policyDefinitions/numbers"
	body := `{"properties":{"metadata":{"n":9007199254740993},"policyRule":{"if":{"field":"type","equals":"<&>"},"then":{"effect":"audit"}}}}`
	s.Want(201, apitest.Call{Method: "PUT", Path: path, Body: body})
	got := string(s.Get(path).Raw)
	if !strings.Contains(got, "9007199254740993") {
		t.Errorf("the number changed: %s", got)
	}
	if rule := s.Get(path).Properties()["policyRule"].(map[string]any)["if"].(map[string]any); rule["equals"] != "<&>" {
		t.Errorf("the text changed: %v", rule)
	}
	twice := strings.Replace(body, `"metadata"`, `"mode":"All","mode":"Indexed","metadata"`, 1)
	s.Fails(400, "InvalidRequestContent", apitest.Call{Method: "PUT", Path: path, Body: twice})
	s.Fails(400, "InvalidRequestContent", apitest.Call{Method: "PUT", Path: path, Body: `{"properties":` + strings.Repeat("[", 500) + strings.Repeat("]", 500) + `}`})
}
