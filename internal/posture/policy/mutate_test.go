package policy

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMutantsCutEveryLeaf(t *testing.T) {
	const definition = `{"properties": {"mode": "All", "metadata": {"rampart": {"applicableWhen": {"field": "A.B/c/d/state", "notEquals": "off"}}},
		"policyRule": {"IF": {"allof": [{"field": "type", "equals": "A.B/c"}, {"not": {"anyOf": [{"field": "tags.x", "exists": true}, {"field": "name", "like": "t*"}]}},
			{"count": {"field": "A.B/c/list[*]", "where": {"field": "A.B/c/list[*].n", "greater": 9007199254740993}}, "greater": 0}]},
		"then": {"effect": "auditIfNotExists", "details": {"type": "A.B/c/d", "existenceCondition": {"field": "A.B/c/d/state", "equals": "on"}}}}}}`
	mutants, err := Mutants([]byte(definition))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range mutants {
		got = append(got, m.Leaf)
		if _, err := ParseDefinition(m.Definition); err != nil {
			t.Errorf("without %s: %v", m.Leaf, err)
		}
	}
	want := []string{ // the type is said by the aliases beside it
		`{"exists":true,"field":"tags.x"}`, `{"field":"name","like":"t*"}`,
		`{"count":{"field":"A.B/c/list[*]","where":{"field":"A.B/c/list[*].n","greater":9007199254740993}},"greater":0}`,
		`{"field":"A.B/c/list[*].n","greater":9007199254740993}`,
		`{"equals":"on","field":"A.B/c/d/state"}`, `{"field":"A.B/c/d/state","notEquals":"off"}`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("leaves\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if _, err := Mutants([]byte(`[]`)); err == nil {
		t.Error("a list is no definition")
	}
}

func TestTestDirsFindsConditionsThatNobodyNeeds(t *testing.T) {
	const rule = `{"properties": {"mode": "All", "policyRule": {"if": {"allOf": [{"field": "type", "equals": "A.B/c"},
		{"field": "A.B/c/https", "notEquals": true}, {"field": "name", "exists": true}]}, "then": {"effect": "audit"}}}}`
	const resource = `{"id": "/subscriptions/s/resourceGroups/g/providers/A.B/c/t", "type": "A.B/c", "name": "t", "properties": {"https": `
	dir := t.TempDir()
	write(t, dir, "https/policy.json", []byte(rule))
	write(t, dir, "https/examples.jsonl", []byte(
		`{"name": "on", "want": "compliant", "resource": `+resource+`true}}}`+"\n"+
			`{"name": "off", "want": "nonCompliant", "resource": `+resource+`false}}}`+"\n"))
	report, err := TestDirs([]string{dir}, TestOptions{Now: time.Now(), Mutate: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Results) != 5 || report.Failed() != 1 { // two examples, three conditions
		t.Fatalf("%d failed: %+v", report.Failed(), report.Results)
	}
	i := slices.IndexFunc(report.Results, func(r TestResult) bool { return !r.Passed() })
	if r := report.Results[i]; r.Got != Unnoticed || r.Example != `without {"exists":true,"field":"name"}` {
		t.Errorf("failed: %+v", r)
	}
}
