package policy

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// leftSides are the operands with which every operator is tried on a property
// that is not there.
var leftSides = map[string][]string{
	"equals": {`""`, `"a"`, `"null"`, `0`, `false`}, "notEquals": {`""`, `"a"`, `0`, `false`},
	"in": {`[""]`, `["a"]`, `["a", ""]`, `[]`}, "notIn": {`[""]`, `["a"]`},
	"like": {`"*"`, `""`, `"a*"`}, "notLike": {`"*"`, `""`, `"a*"`},
	"match": {`""`, `"#"`}, "notMatch": {`""`, `"#"`},
	"matchInsensitively": {`""`, `"?"`}, "notMatchInsensitively": {`""`, `"?"`},
	"contains": {`""`, `"a"`}, "notContains": {`""`, `"a"`},
	"containsKey": {`"a"`, `""`}, "notContainsKey": {`"a"`, `""`},
	"less": {`5`, `"5"`, `""`}, "lessOrEquals": {`0`, `""`}, "greater": {`5`, `""`}, "greaterOrEquals": {`0`, `""`},
	"exists": {`true`, `false`, `"true"`, `"false"`},
}

// presenceCases are three cases for each operator and operand: the property is
// missing, null, or a member of an array lacks it.
func presenceCases() string {
	var out strings.Builder
	for op, operands := range leftSides {
		for _, operand := range operands {
			for name, props := range map[string]string{"missing": `{"list": [{}]}`, "null": `{"p": null, "list": [{"p": null}]}`} {
				for field, path := range map[string]string{"plain": "properties.p", "member": "properties.list[*].p"} {
					id, _ := json.Marshal(op + " " + operand + " " + field + "|" + name)
					out.WriteString(`{"id": ` + string(id) + `, "policyRule": {"if": {"field": "` + path + `", "` + op + `": ` + operand +
						`}, "then": {"effect": "audit"}}, "resource": {"type": "a.b/c", "properties": ` + props + "}}\n")
				}
			}
		}
	}
	return out.String()
}

// samePresence runs a case file whose ids end in "|missing" and "|null" and
// wants the same answer to both.
func samePresence(t *testing.T, file string) {
	t.Helper()
	var out bytes.Buffer
	if err := EvalCases(strings.NewReader(file), &out, CaseOptions{}); err != nil {
		t.Fatal(err)
	}
	answers, pairs := map[string]string{}, 0
	for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		var a caseResult
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatal(err)
		}
		end := strings.LastIndexByte(a.ID, '|')
		id, state := a.ID[:end], a.ID[end+1:]
		a.ID = ""
		text, _ := json.Marshal(a)
		if state != "missing" && state != "null" {
			continue
		}
		if other, ok := answers[id]; ok {
			pairs++
			if other != string(text) {
				t.Errorf("%s: a missing and a null property differ: %s, %s", id, other, text)
			}
		}
		answers[id] = string(text)
	}
	if pairs == 0 {
		t.Error("the file has no pair of cases")
	}
}

func TestMissingSelectsNull(t *testing.T) {
	if len(leftSides) != len(operators) {
		t.Errorf("%d operators are tried of %d", len(leftSides), len(operators))
	}
	samePresence(t, presenceCases())
}

func TestMissingSelectsNullInSharedCases(t *testing.T) {
	file, err := os.ReadFile(filepath.Join(sharedData(t), "..", "..", "cases", "policy", "missing-vs-null.jsonl"))
	if err != nil {
		t.Skip(err)
	}
	samePresence(t, string(file))
}

// TestExistsAsksForTheProperty: null counts as absent, text without characters
// as present.
func TestExistsAsksForTheProperty(t *testing.T) {
	for value, want := range map[Kind]Truth{Missing: False, Null: False, String: True, Array: True, Object: True, Bool: True, Int: True, Unavailable: Open} {
		if got, err := Apply(OpExists, Value{Kind: value}, BoolValue(true), Options{}); got != want || err != nil {
			t.Errorf("exists of %s is %s (%v), want %s", value, got, err, want)
		}
	}
}
