package policy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// referenceIDs are those of an initiative with the given members.
func referenceIDs(t *testing.T, members ...string) []string {
	t.Helper()
	in, err := ParseInitiative([]byte(`{"properties": {"policyDefinitions": [` + strings.Join(members, ",") + `]}}`))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, m := range in.Members {
		ids = append(ids, m.ID)
	}
	return ids
}

func memberText(definition, rest string) string {
	return `{"policyDefinitionId": "/providers/Microsoft.Authorization/policyDefinitions/` + definition + `"` + rest + `}`
}

// TestGeneratedReferenceIDs: members without reference id get one that is unique
// and the same whenever the initiative is read, wherever they stand.
func TestGeneratedReferenceIDs(t *testing.T) {
	env, cost := memberText("tag", `, "parameters": {"name": {"value": "env"}}`), memberText("tag", `, "parameters": {"name": {"value": "cost"}}`)
	named := memberText("tag", `, "policyDefinitionReferenceId": "Tag"`)
	for name, list := range map[string][]string{
		"twice": {env, cost}, "same twice": {env, env, env}, "beside a given one": {env, named, cost}, "others": {memberText("a", ""), env, memberText("b", ""), cost, env},
	} {
		ids := referenceIDs(t, list...)
		seen := map[string]bool{}
		for _, id := range ids {
			if id == "" || seen[folded(id)] {
				t.Errorf("%s: %v are not unique", name, ids)
			}
			seen[folded(id)] = true
		}
		if again := referenceIDs(t, list...); strings.Join(again, " ") != strings.Join(ids, " ") {
			t.Errorf("%s: %v, read again %v", name, ids, again)
		}
	}
	if ids := referenceIDs(t, env, cost); ids[0] != "tag" {
		t.Errorf("the first of a definition is %q, want its name", ids[0])
	}
	if a, b := referenceIDs(t, env, memberText("x", ""), cost)[2], referenceIDs(t, env, cost, memberText("x", ""))[1]; a != b {
		t.Errorf("a member that is moved is %q, was %q", b, a)
	}
	if _, err := ParseInitiative([]byte(`{"properties": {"policyDefinitions": [` + named + "," + strings.ToLower(named) + `]}}`)); err == nil {
		t.Error("a reference id that is given twice is accepted")
	}
}

func TestSharedInitiativeWithoutReferenceIDs(t *testing.T) {
	file, err := os.ReadFile(filepath.Join(sharedData(t), "..", "..", "cases", "policy", "dup-initiative.json"))
	if err != nil {
		t.Skip(err)
	}
	in, err := ParseInitiative(file)
	if err != nil || len(in.Members) != 2 || equalFold(in.Members[0].ID, in.Members[1].ID) {
		t.Fatalf("%+v, %v", in, err)
	}
}
