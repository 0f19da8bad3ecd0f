package policy

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// sharedData is the folder of development data beside the repository, or a
// skip.
func sharedData(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
	}
	data := filepath.Join(dir, "..", "shared", "data", "policy")
	if _, err := os.Stat(data); err != nil {
		t.Skip("the development data (../shared/data/policy) is not there")
	}
	return data
}

func TestDevelopmentCases(t *testing.T) {
	data := sharedData(t)
	file, err := os.ReadFile(filepath.Join(data, "cases-dev.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	runCases(t, file, data)
}

func checkCase(t *testing.T, line, answer string) {
	t.Helper()
	var c testCase
	var got struct {
		Match                *bool
		Effect, Error, State string
	}
	if err := json.Unmarshal([]byte(line), &c); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(answer), &got); err != nil {
		t.Fatal(err)
	}
	if !asExpected(c.Expect, caseResult{Match: got.Match, Effect: got.Effect, Error: got.Error, State: got.State}) {
		t.Errorf("%s: want %+v, got %s", c.ID, *c.Expect, answer)
	}
}

// asExpected reports whether a case got what it expects. Without a match it
// only has to compile and to run, whatever comes out, unless it names a state.
func asExpected(want *caseExpectation, got caseResult) bool {
	switch {
	case want.Error != "":
		return got.Error == want.Error || got.Error == "parse" || got.Error == "compile"
	case want.Match == nil:
		return got.Error == "" && (want.State == "" || got.State == want.State)
	}
	return got.Error == "" && got.Match != nil && *got.Match == *want.Match &&
		(!*want.Match || want.Effect == "" || equalFold(want.Effect, got.Effect))
}
