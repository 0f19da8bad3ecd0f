package assess_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/inventory"
	"github.com/rampart-sec/rampart/internal/posture/assess"
	"github.com/rampart-sec/rampart/internal/posture/policy"
	"github.com/rampart-sec/rampart/internal/posture/policy/engine"
)

const testGroup = "/subscriptions/6f9619ff-8b86-d011-b42d-00cf4fc964ff/resourceGroups/g"

// FuzzAcceptedIsJudged: what the inventory accepts, the engine and the tree
// walker judge.
func FuzzAcceptedIsJudged(f *testing.F) {
	set, _, err := engine.Compile(engine.Input{}, engine.Options{Now: time.Unix(0, 0)})
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{
		`{"id":"` + testGroup + `","name":"g","type":"Microsoft.Resources/resourceGroups","tags":{"a":"b"}}`,
		`{"id":"` + testGroup + `","Type":"x","type":"microsoft.resources/resourcegroups"}`,
		`{"id":"` + testGroup + `/providers/A.B/c/d","body":{"type":"a.b/C","properties":{"x":1e300}},"unavailable":["properties.x[*].y","A.B/c gone"]}`,
		`{"id":"` + testGroup + `/providers/A.B/c/d","properties":{"x":[{}, null, -0.0, 123456789012345678901234567890]}}`,
		`{"id":"/providers/Microsoft.Management/managementGroups/m","type":"/providers/Microsoft.Management/managementGroups"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		doc, err := inventory.Decode(in, time.Unix(0, 0), "import")
		if err != nil || doc.Deleted {
			return
		}
		if _, err := policy.NewResource(doc); err != nil {
			t.Errorf("the tree walker refuses %s: %v", doc.Body, err)
		}
		if _, err := engine.NewEstate(set).Upsert(1, &doc); err != nil {
			t.Errorf("the engine refuses %s: %v", doc.Body, err)
		}
	})
}

// TestShortResourceGroups: groups as lists and templates name them are judged,
// and their tags are known to what lies in them.
func TestShortResourceGroups(t *testing.T) {
	in := strings.Join([]string{
		`{"id":"` + testGroup + `","name":"g","type":"Microsoft.Resources/resourceGroups","location":"eastus","tags":{"env":"dev"}}`,
		`{"id":"` + testGroup + `/providers/A.B/c/d","name":"d","properties":{}}`,
		`{"id":"` + strings.TrimSuffix(testGroup, "g") + `bare","name":"bare","type":"microsoft.resources/resourcegroups"}`,
	}, "\n")
	dir := t.TempDir()
	writeFile(t, dir, "tag.json", `{"name": "tagged", "properties": {"mode": "All", "policyRule": {"if": {"allOf": [
		{"field": "type", "equals": "Microsoft.Resources/subscriptions/resourceGroups"}, {"field": "tags['env']", "exists": "false"}]}, "then": {"effect": "audit"}}}}`)
	writeFile(t, dir, "inherit.json", `{"name": "inherits", "properties": {"mode": "All", "policyRule": {"if": {"allOf": [
		{"field": "type", "equals": "A.B/c"}, {"value": "[resourceGroup().tags['env']]", "equals": "dev"}]}, "then": {"effect": "audit"}}}}`)
	want := map[string]string{"g tagged": "healthy", "bare tagged": "unhealthy", "d inherits": "unhealthy"}
	got := states(t, assess.Options{Resources: strings.NewReader(in), Policies: []string{dir}})
	for key, state := range want {
		if got[key] != state {
			t.Errorf("%s is %q, want %q", key, got[key], state)
		}
	}
}
