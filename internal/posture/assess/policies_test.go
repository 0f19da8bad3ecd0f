package assess_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
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
	writeFile(t, dir, "four/policy.json", `{"id": "/subscriptions/6f9619ff-8b86-d011-b42d-00cf4fc964ff/providers/Microsoft.Authorization/policyDefinitions/three", `+strings.Replace(rule, "TITLE", "same name", 1))
	writeFile(t, dir, "three/policy.json", `{"name": "three", `+strings.Replace(rule, "TITLE", "by name", 1))
	writeFile(t, dir, "three/parameters.json", `{"parameters": {}}`)
	in := `{"id":"` + testGroup + `/providers/A.B/c/d","name":"d","location":"eastus","tags":{},"properties":{}}`
	got := states(t, assess.Options{Resources: strings.NewReader(in), Policies: []string{dir}})
	for _, title := range []string{"file one", "file two", "by name", "same name"} {
		if got["d "+title] != "unhealthy" {
			t.Errorf("%q says %q", title, got["d "+title])
		}
	}
}

// TestEmptyTexts: empty text where a name, a key or an address should be counts as
// absent.
func TestEmptyTexts(t *testing.T) {
	const sub = "/subscriptions/6f9619ff-8b86-d011-b42d-00cf4fc964ff"
	wantUnhealthy(t, strings.Join([]string{
		`{"id":"` + testGroup + `/providers/Microsoft.ContainerService/managedClusters/aks","name":"aks","type":"Microsoft.ContainerService/managedClusters","location":"eastus","properties":{"diskEncryptionSetID":""}}`,
		`{"id":"` + sub + `","name":"x","type":"Microsoft.Resources/subscriptions"}`,
		`{"id":"` + sub + `/providers/Microsoft.Security/securityContacts/default","name":"default","type":"Microsoft.Security/securityContacts","properties":{"emails":""}}`,
	}, "\n"), "7d7be79c-23ba-4033-84dd-45e2a5ccdd67", "4f4f78b8-e367-4b10-a341-d9a4ad5cf1c7")
}

func TestSharedEmptyTexts(t *testing.T) {
	for file, recommendations := range map[string][]string{
		"empty-text.jsonl": {"7d7be79c-23ba-4033-84dd-45e2a5ccdd67", "1f68a601-6e6d-4e42-babf-3f643a047ea2", "b54ed75b-3e1a-44ac-a333-05ba39b99ff0"},
		"contact.jsonl":    {"4f4f78b8-e367-4b10-a341-d9a4ad5cf1c7"},
	} {
		wantUnhealthy(t, sharedCase(t, file), recommendations...)
	}
}

// TestSharedPolicyCases: resource groups by their short type, definitions without
// an id, and a site without a network in a template.
func TestSharedPolicyCases(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "..", "shared", "cases", "policy")
	got := states(t, assess.Options{Resources: strings.NewReader(sharedCase(t, "rg/rgshort.jsonl")), Policies: []string{filepath.Join(dir, "rg/v_id")}})
	if got["g1 Resource groups need the tag env"] != "unhealthy" {
		t.Errorf("a resource group by its short type: %v", got)
	}
	states(t, assess.Options{Resources: strings.NewReader(sharedCase(t, "rg/sa.jsonl")), Policies: []string{filepath.Join(dir, "rg/v_noid")}})
	report, err := assess.ScanTemplates(assess.TemplateOptions{Now: time.Now(), Policies: []string{dir},
		Files: []assess.TemplateFile{{Name: "web.json", Data: []byte(sharedCase(t, "web.json"))}}})
	if err != nil || !slices.ContainsFunc(report.Findings, func(f assess.TemplateFinding) bool {
		return f.Name == "WEBNET apps lie in a network" && f.State == "unhealthy"
	}) {
		t.Errorf("a site without a network: %+v, %v", report, err)
	}
}

func sharedCase(t *testing.T, file string) string {
	t.Helper()
	in, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "shared", "cases", "policy", file))
	if err != nil {
		t.Skip("the shared cases are not there")
	}
	return string(in)
}

// wantUnhealthy wants each recommendation to be unhealthy for some resource, and
// for none to be healthy.
func wantUnhealthy(t *testing.T, resources string, recommendations ...string) {
	t.Helper()
	report, err := assess.Run(t.Context(), assess.Options{Resources: strings.NewReader(resources), Now: time.Now})
	if err != nil || report.RejectedTotal > 0 {
		t.Fatal(err, report)
	}
	for _, id := range recommendations {
		i := slices.IndexFunc(report.Recommendations, func(r assess.Recommendation) bool { return r.ID == id })
		if i < 0 || report.Recommendations[i].Unhealthy == 0 || report.Recommendations[i].Healthy > 0 {
			t.Errorf("%s is not unhealthy: %+v", id, report.Recommendations[max(i, 0)])
		}
	}
}

// TestUsersPoliciesSeeResources: a rule without a type finds resources, in mode
// Indexed those with tags and location, and never what the product itself adds.
func TestUsersPoliciesSeeResources(t *testing.T) {
	dir := t.TempDir()
	for _, mode := range []string{"All", "Indexed"} {
		writeFile(t, dir, mode+".json", `{"name": "`+mode+`", "properties": {"displayName": "`+mode+`", "mode": "`+mode+`", "policyRule": {"if": {"field": "tags['env']", "exists": false}, "then": {"effect": "audit"}}}}`)
	}
	vm := testGroup + "/providers/Microsoft.Compute/virtualMachines/vm"
	in := strings.Join([]string{
		`{"id":"` + vm + `","location":"eastus","properties":{"networkProfile":{"networkInterfaces":[{"id":"` + testGroup + `/providers/Microsoft.Network/networkInterfaces/nic"}]}}}`,
		`{"id":"` + testGroup + `/providers/Microsoft.Network/networkInterfaces/nic","location":"eastus","properties":{"ipConfigurations":[]}}`,
		`{"id":"` + testGroup + `/providers/Microsoft.Network/virtualNetworks/net","location":"eastus","properties":{}}`,
		`{"id":"` + testGroup + `/providers/Microsoft.Network/virtualNetworks/net/subnets/sub","properties":{}}`,
		`{"id":"` + vm + `/providers/Microsoft.Insights/diagnosticSettings/diag","properties":{}}`,
		`{"id":"` + vm + `/providers/Microsoft.GuestConfiguration/guestConfigurationAssignments/RampartBaseline","properties":{}}`,
		`{"id":"` + vm + `/providers/Microsoft.Security/vulnerabilityReports/report","properties":{}}`,
	}, "\n")
	got := states(t, assess.Options{Resources: strings.NewReader(in), Policies: []string{dir}})
	for key, want := range map[string]string{
		"vm All": "unhealthy", "vm Indexed": "unhealthy", "net Indexed": "unhealthy", "nic Indexed": "unhealthy",
		"sub All": "unhealthy", "sub Indexed": "", "diag All": "unhealthy", "diag Indexed": "",
		"RampartBaseline All": "", "RampartBaseline Indexed": "", "report All": "", "report Indexed": "", "default All": "", "default Indexed": "",
	} {
		if got[key] != want {
			t.Errorf("%s is %q, want %q", key, got[key], want)
		}
	}
}
