package policy

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestCheckARepository checks what lies in a real repository beside policies,
// and policies that only their samples make wrong.
func TestCheckARepository(t *testing.T) {
	dir := t.TempDir()
	rule := func(cond, effect string) string {
		return `"policyRule": {"if": ` + cond + `, "then": {"effect": "` + effect + `"}}`
	}
	for name, text := range map[string]string{
		"skip/params.json":     `{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#", "contentVersion": "1.0.0.0", "parameters": {}}`,
		"skip/main.json":       `{"$schema": "https://schema.management.azure.com/schemas/2019-08-01/managementGroupDeploymentTemplate.json#", "resources": [{"properties": {"policyRule": {}}}]}`,
		"skip/assignment.json": `{"name": "a", "properties": {"policyDefinitionId": "/providers/Microsoft.Authorization/policyDefinitions/x", "scope": "/"}}`,
		"skip/exemption.json":  `{"properties": {"policyAssignmentId": "/a"}}`,
		"skip/rules.json":      `{"if": {"field": "type", "equals": "a"}, "then": {"effect": "audit"}}`,
		"skip/settings.json":   "{ // with a comment\n}",
		"skip/list.json":       `[1, 2]`,
		"skip/escaped.json":    `{"name": "escaped", "properties": {"parameters": {"effect": {"type": "String"}}, ` + rule(`{"field": "type", "equals": "A.B/c"}`, "[[parameters('effect')]") + `}}`,
		"effect.json":          `{"name": "effect", "properties": {"parameters": {"effect": {"type": "String"}}, ` + rule(`{"field": "type", "equals": "A.B/c"}`, "[parameters('effect')]") + `}}`,
		"field.json":           `{"name": "field", "properties": {"parameters": {"p": {"type": "String"}}, ` + rule(`{"count": {"field": "[parameters('p')]"}, "greater": 0}`, "audit") + `}}`,
		"listed.json":          `{"value": [{"name": "one", "properties": {` + rule(`{"field": "A.B/c/d", "equals": "x"}`, "audit") + `}}]}`,
		"set.json":             `{"name": "set", "properties": {"policyDefinitions": [` + memberText("field", `, "parameters": {"p": {"value": "A.B/c/d[*]"}}`) + "," + memberText("0a0a0a0a-0000-0000-0000-000000000000", "") + `]}}`,
		"open-set.json":        `{"name": "open", "properties": {"parameters": {"x": {"type": "String"}}, "policyDefinitions": [` + memberText("field", `, "parameters": {"p": {"value": "[parameters('x')]"}}`) + `]}}`,
		"bad/undeclared.json":  `{"name": "undeclared", "properties": {"parameters": {"p": {"type": "String"}}, ` + rule(`{"field": "name", "equals": "[parameters('q')]"}`, "audit") + `}}`,
		"bad/broken.json":      `{"properties": {"policyRule": `,
		"bad/unfed.json":       `{"name": "unfed", "properties": {"policyDefinitions": [` + memberText("field", "") + `]}}`,
	} {
		write(t, dir, name, []byte(text))
	}
	r, err := CheckDirs([]string{dir}, CheckOptions{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	for name, list := range map[string][]CheckFailure{"skip": r.Skipped, "bad": r.Failed} {
		n := 0
		for _, x := range list {
			n++
			if !strings.Contains(x.File, "/"+name+"/") {
				t.Errorf("%s: %s: %s", name, x.File, x.Reason)
			}
		}
		if want := map[string]int{"skip": 8, "bad": 3}[name]; n != want {
			t.Errorf("%d of %s, want %d: %+v", n, name, want, list)
		}
	}
	if !slices.ContainsFunc(r.Skipped, func(x CheckFailure) bool { return strings.Contains(x.Reason, "this is a deployment template") }) {
		t.Errorf("nothing is named as a deployment template: %+v", r.Skipped)
	}
	if len(r.Unresolved) != 1 || r.Unresolved[0].Name != "set" {
		t.Errorf("unresolved %+v", r.Unresolved)
	}
	if len(r.GuessedAliases) != 1 || r.GuessedAliases[0] != "A.B/c/d" {
		t.Errorf("guessed %v", r.GuessedAliases)
	}
}

// TestDefinitionsAreNamed: by id, else name, else file; the same one again is
// not told of, another one of the same id is.
func TestDefinitionsAreNamed(t *testing.T) {
	dir := t.TempDir()
	text := func(head string) []byte {
		return []byte(`{` + head + `"properties": {"policyRule": {"if": {"field": "name", "equals": "a"}, "then": {"effect": "audit"}}}}`)
	}
	for name, head := range map[string]string{
		"1/policy.json": "", "2/policy.json": "", "a/named.json": `"name": "by name / with a slash", `,
		"b/again.json": `"name": "by name / with a slash", `, "c/other.json": `"name": "by name / with a slash", "x": 1, `,
		"id.json": `"id": "/subscriptions/s/providers/Microsoft.Authorization/policyDefinitions/own", `, "odd.json": `"id": "${scope}/x", "name": "odd", `,
		"bare.json": `"policyRule": {"if": {"field": "name", "equals": "a"}, "then": {"effect": "audit"}}, "x": `,
	} {
		if name == "bare.json" {
			write(t, dir, name, []byte(`{`+strings.TrimSuffix(head, `, "x": `)+`}`))
			continue
		}
		write(t, dir, name, text(head))
	}
	var ids []string
	failed, err := EachDefinition([]string{dir}, func(id string, body []byte) error {
		d, err := ParseDefinition(body)
		if err == nil && d.ID != id {
			t.Errorf("the body of %s has the id %q", id, d.ID)
		}
		ids = append(ids, id[strings.LastIndexByte(id, '/')+1:])
		return err
	})
	slices.Sort(ids)
	if want := []string{"1-policy", "2-policy", "bare", "by-name---with-a-slash", "odd", "own"}; err != nil || !slices.Equal(ids, want) {
		t.Errorf("%v, %v, want %v", ids, err, want)
	}
	if len(failed) != 1 || !strings.HasSuffix(failed[0].File, "c/other.json") {
		t.Errorf("failed %+v", failed)
	}
}
