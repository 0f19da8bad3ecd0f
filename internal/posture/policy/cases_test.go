package policy

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"
)

// runCases answers a case file and compares every answer with what the case
// expects.
func runCases(t *testing.T, file []byte, aliasesDir string) {
	t.Helper()
	var out bytes.Buffer
	opt := CaseOptions{AliasesDir: aliasesDir, Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	if err := EvalCases(bytes.NewReader(file), &out, opt); err != nil {
		t.Fatal(err)
	}
	cases := strings.Split(strings.TrimSpace(string(file)), "\n")
	answers := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(cases) != len(answers) {
		t.Fatalf("%d cases, %d answers", len(cases), len(answers))
	}
	for i := range cases {
		checkCase(t, cases[i], answers[i])
	}
}

func TestOwnCases(t *testing.T) {
	file, err := os.ReadFile("testdata/cases.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	runCases(t, file, "testdata")
}

func TestEvalCasesNamesBadLines(t *testing.T) {
	var out bytes.Buffer
	in := "{\n" + `{"id": "ok", "policyRule": {"if": {"field": "type", "equals": "a"}, "then": {"effect": "audit"}}, "resource": {"type": "a"}}` + "\n"
	err := EvalCases(strings.NewReader(in), &out, CaseOptions{})
	if err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("error %v does not name line 1", err)
	}
	if want := `{"id":"ok","match":true,"effect":"audit"}` + "\n"; out.String() != want {
		t.Errorf("answers %q, want %q", out.String(), want)
	}
}

func TestCaseAliasTableIsAFileName(t *testing.T) {
	var out bytes.Buffer
	in := `{"id": "x", "aliases": "../../secret.json", "policyRule": {"if": {"field": "type", "equals": "a"}, "then": {"effect": "audit"}}, "resource": {}}`
	if err := EvalCases(strings.NewReader(in), &out, CaseOptions{AliasesDir: "testdata"}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "no file name") {
		t.Errorf("a path outside the folder was not refused: %s", out.String())
	}
}
