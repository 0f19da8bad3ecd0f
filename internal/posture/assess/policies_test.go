package assess_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/posture/assess"
)

func writeFile(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// states runs an assessment and gives the states by "resource recommendation",
// the last segment and the title.
func states(t *testing.T, opt assess.Options) map[string]string {
	t.Helper()
	var lines bytes.Buffer
	opt.States, opt.Now = &lines, time.Now
	report, err := assess.Run(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range append(report.Problems, problemsOf(report.Rejected)...) {
		t.Errorf("%s cannot be used: %s", p.Policy, p.Reason)
	}
	titles := map[string]string{}
	for _, r := range report.Recommendations {
		titles[r.ID] = r.Name
	}
	out := map[string]string{}
	for scan := bufio.NewScanner(&lines); scan.Scan(); {
		var s struct{ ResourceID, Recommendation, State string }
		if err := json.Unmarshal(scan.Bytes(), &s); err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(s.ResourceID)+" "+titles[s.Recommendation]] = s.State
	}
	return out
}

func problemsOf(rejected []assess.Rejection) (out []assess.Problem) {
	for _, r := range rejected {
		out = append(out, assess.Problem{Policy: "line", Reason: r.Reason})
	}
	return out
}

// TestPoliciesWithoutID: definitions as public libraries have them, without an
// id and some without a name, are judged beside other JSON of the folder.
func TestPoliciesWithoutID(t *testing.T) {
	dir := t.TempDir()
	const rule = `"properties": {"displayName": "TITLE", "policyRule": {"if": {"allOf": [
		{"field": "type", "equals": "A.B/c"}, {"field": "location", "equals": "eastus"}]}, "then": {"effect": "audit"}}}}`
	writeFile(t, dir, "one/policy.json", "{"+strings.Replace(rule, "TITLE", "file one", 1))
	writeFile(t, dir, "two/policy.json", "{"+strings.Replace(rule, "TITLE", "file two", 1))
	writeFile(t, dir, "three/policy.json", `{"name": "three", `+strings.Replace(rule, "TITLE", "by name", 1))
	writeFile(t, dir, "three/parameters.json", `{"parameters": {}}`)
	in := `{"id":"` + testGroup + `/providers/A.B/c/d","name":"d","location":"eastus","tags":{},"properties":{}}`
	got := states(t, assess.Options{Resources: strings.NewReader(in), Policies: []string{dir}})
	for _, title := range []string{"file one", "file two", "by name"} {
		if got["d "+title] != "unhealthy" {
			t.Errorf("%q says %q", title, got["d "+title])
		}
	}
}
