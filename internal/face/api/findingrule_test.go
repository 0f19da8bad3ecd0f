package api_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/face/api/apitest"
	"github.com/rampart-sec/rampart/internal/posture/finding"
)

const machineHoles = "1195afff-c881-495e-9bc5-1486211ae03f" // "Machines should have no open vulnerabilities of high severity"

// putMachine imports a machine with a scanner's report, as a user would.
func putMachine(t *testing.T, s *apitest.Server, name string, vulnerabilities string) string {
	t.Helper()
	id := s.Sub() + "/resourceGroups/Web/providers/Microsoft.HybridCompute/machines/" + name
	report := id + "/providers/Microsoft.Security/vulnerabilityReports/default"
	high := strings.Count(vulnerabilities, `"high"`)
	lines := fmt.Sprintf(`{"id":%q,"name":%q,"type":"Microsoft.HybridCompute/machines","properties":{"osType":"linux"}}`, id, name) + "\n" +
		fmt.Sprintf(`{"id":%q,"name":"default","type":"Microsoft.Security/vulnerabilityReports","properties":{"fixable":{"critical":0,"high":%d},"vulnerabilities":%s}}`, report, high, vulnerabilities)
	a := s.Want(200, apitest.Call{Method: "POST", Path: "/rampart/v1/import?source=scanner", Body: lines})
	if a.Body["rejectedTotal"] != 0.0 {
		t.Fatalf("%s", a.Raw)
	}
	s.Judged("", id)
	return id
}

func statusOf(s *apitest.Server, assessment string) map[string]any {
	return s.Get(assessment).Properties()["status"].(map[string]any)
}

func TestFindingRules(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	id := putMachine(t, s, "web01", `[{"cve":"CVE-2024-3094","package":"xz-utils","severity":"high","cvss":10,"fixedVersion":"5.6.2","title":"Backdoor in xz"}]`)
	assessment := id + security + "assessments/" + machineHoles
	apitest.Eventually(t, "the machine is unhealthy", func() bool { return statusOf(s, assessment)["code"] == "Unhealthy" })
	byFinding := s.Sub() + "/resources?$filter=" + url.QueryEscape("finding eq 'cve-2024-3094'")
	if found := s.List(byFinding); len(found) != 1 || found[0]["id"] != id {
		t.Errorf("by finding: %v", found)
	}

	rule := s.Sub() + security + "findingRules/accepted"
	body := `{"properties":{"displayName":"Accepted","reason":"not reachable","conditions":{"cves":["CVE-2024-3094"]}}}`
	preview := s.Want(200, apitest.Call{Method: "POST", Path: rule + "/preview", Body: body})
	if preview.Body["findings"] != 1.0 || preview.Body["resources"] != 1.0 || len(preview.Body["flips"].([]any)) != 1 {
		t.Errorf("preview %s", preview.Raw)
	}
	began := time.Now()
	created := s.Want(201, apitest.Call{Method: "PUT", Path: rule, Body: body})
	apitest.Eventually(t, "the finding no longer counts", func() bool { return statusOf(s, assessment)["code"] == "Healthy" })
	t.Logf("it took %v", time.Since(began))
	if text := statusOf(s, assessment)["description"]; text != "1 finding is disabled by rule" {
		t.Errorf("description %v", text)
	}
	for filter, want := range map[string]int{"": 1, "properties/status/cause eq 'DisabledByRule'": 1, "properties/status/code eq 'Unhealthy'": 0} {
		found := s.List(assessment + "/subAssessments?$filter=" + url.QueryEscape(filter))
		if len(found) != want {
			t.Fatalf("%q: %d findings, want %d", filter, len(found), want)
		}
		if want == 1 {
			p := found[0]["properties"].(map[string]any)
			data := p["additionalData"].(map[string]any)
			if p["status"].(map[string]any)["cause"] != "DisabledByRule" || data["disabledBy"].(map[string]any)["reason"] != "not reachable" || data["patchable"] != true {
				t.Errorf("finding %v", found[0])
			}
		}
	}
	if found := s.List(byFinding); len(found) != 0 {
		t.Errorf("by finding that counts: %v", found)
	}
	if found := s.List(strings.Replace(byFinding, "finding", "disabledFinding", 1)); len(found) != 1 {
		t.Errorf("by disabled finding: %v", found)
	}
	if found := s.List(id + security + "findingRules"); len(found) != 1 || found[0]["name"] != "accepted" {
		t.Errorf("rules that concern the machine: %v", found)
	}

	old := created.Header.Get("ETag")
	changed := strings.Replace(body, "not reachable", "isolated", 1)
	s.Want(200, apitest.Call{Method: "PUT", Path: rule, Body: changed, Header: map[string]string{"If-Match": old}})
	s.Fails(412, "PreconditionFailed", apitest.Call{Method: "PUT", Path: rule, Body: body, Header: map[string]string{"If-Match": old}})
	s.Fails(412, "PreconditionFailed", apitest.Call{Method: "DELETE", Path: rule, Header: map[string]string{"If-Match": old}})
	s.Want(204, apitest.Call{Method: "DELETE", Path: rule})
	apitest.Eventually(t, "the finding counts again", func() bool { return statusOf(s, assessment)["code"] == "Unhealthy" })
}

func TestBadFindingRules(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	at := func(scope string) string { return scope + security + "findingRules/r" }
	good := `"displayName":"n","reason":"r","conditions":{"patchable":true}`
	for _, test := range []struct{ name, scope, properties, want string }{
		{"no-conditions", s.Sub(), `"displayName":"n","reason":"r"`, "at least one is needed"},
		{"unknown-severity", s.Sub(), `"displayName":"n","reason":"r","conditions":{"severities":["Dire"]}`, "Dire"},
		{"unknown-member", s.Sub(), good + `,"scope":"/"`, `unknown field "scope"`},
		{"expired", s.Sub(), good + `,"expiresOn":"2001-01-01T00:00:00Z"`, "has passed"},
		{"no-such-recommendation", s.Sub(), good + `,"recommendationId":"` + machineHoles[:35] + `0"`, "no recommendation with findings"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := s.Fails(400, "InvalidRequestContent", apitest.Call{Method: "PUT", Path: at(test.scope), Body: `{"properties":{` + test.properties + `}}`})
			if !strings.Contains(string(a.Raw), strings.ReplaceAll(test.want, `"`, `\"`)) {
				t.Errorf("%s, want %q", a.Raw, test.want)
			}
		})
	}
	s.Fails(404, "ResourceGroupNotFound", apitest.Call{Method: "PUT", Path: at(s.Sub() + "/resourceGroups/gone"), Body: `{"properties":{` + good + `}}`})
	s.Fails(400, "InvalidFilterInQueryString", apitest.Call{Method: "GET", Path: s.Sub() + "/resources?$filter=" + url.QueryEscape("finding ne 'x'")})
	contributor := newPrincipal(t, s, "contributor", "Contributor", s.Sub())
	s.Want(403, apitest.Call{Method: "PUT", Path: at(s.Sub()), Body: `{"properties":{` + good + `}}`, Token: contributor})
	admin := newPrincipal(t, s, "admin", "Security Admin", s.Sub())
	s.Want(201, apitest.Call{Method: "PUT", Path: at(s.Sub()), Body: `{"properties":{` + good + `}}`, Token: admin})
}

// TestRulesAreBounded fills the tenant with rules; one more is refused, a change
// of one is not.
func TestRulesAreBounded(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	body := json.RawMessage(`{"properties":{"displayName":"n","reason":"r","conditions":{"cves":["CVE-1"]}}}`)
	err := s.DB.Update(t.Context(), func(tx *store.Tx) error {
		for i := range finding.MaxRules {
			id := fmt.Sprintf("%s%sfindingRules/r%d", s.Sub(), security, i)
			if _, err := tx.PutObject(t.Context(), store.Object{Kind: finding.Kind, ID: id, Body: body}, ""); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Fails(409, "TooManyFindingRules", apitest.Call{Method: "PUT", Path: s.Sub() + security + "findingRules/more", Body: string(body)})
	s.Want(200, apitest.Call{Method: "PUT", Path: s.Sub() + security + "findingRules/r7", Body: strings.Replace(string(body), `"r"`, `"s"`, 1)})
}

// TestMalformedReport lists what can be read of a scanner's report.
func TestMalformedReport(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	id := putMachine(t, s, "web02", `[{"cve":"CVE-1","severity":"high"},{"severity":"high"},7]`)
	good := putMachine(t, s, "web03", `[{"cve":"CVE-1","severity":"high"}]`)
	apitest.Eventually(t, "both are judged", func() bool {
		return statusOf(s, good+security+"assessments/"+machineHoles)["code"] == "Unhealthy" && statusOf(s, id+security+"assessments/"+machineHoles)["code"] == "Unhealthy"
	})
	causes := map[string]int{}
	for _, x := range s.List(s.Sub() + security + "assessments/" + machineHoles + "/subAssessments") {
		status := x["properties"].(map[string]any)["status"].(map[string]any)
		causes[fmt.Sprint(status["code"], " ", status["cause"])]++
	}
	if causes["Unhealthy <nil>"] != 2 || causes["NotApplicable Unknown"] != 1 {
		t.Errorf("findings %v", causes)
	}
}
