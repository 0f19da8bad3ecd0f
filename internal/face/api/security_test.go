package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/face/api/apitest"
	"github.com/rampart-sec/rampart/internal/posture/index"
)

const security = "/providers/Microsoft.Security/"

// TestScoreIsThePosturesOwn compares the wire with what the index says.
func TestScoreIsThePosturesOwn(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	want := s.Judge.Estate("").View().Score(index.Scope{ID: s.Sub()})
	if want.Max == 0 {
		t.Fatal("nothing is assessed")
	}
	for _, path := range []string{"secureScores/ascScore", "secureScores/ASCSCORE"} {
		body := s.Get(s.Sub() + security + path)
		score := body.Properties()["score"].(map[string]any)
		if body.Body["id"] != s.Sub()+security+"secureScores/ascScore" || score["max"] != float64(want.Max) || fmt.Sprintf("%.2f", score["current"]) != fmt.Sprintf("%.2f", want.Current) {
			t.Errorf("score %v, want %+v", body.Body, want)
		}
		if share := score["percentage"].(float64); share < 0 || share > 1 {
			t.Errorf("percentage %v is a share between 0 and 1", share)
		}
	}
	var sum float64
	controls := s.List(s.Sub() + security + "secureScoreControls?$expand=definition")
	for _, c := range controls {
		p := c["properties"].(map[string]any)
		sum += p["score"].(map[string]any)["current"].(float64)
		definition := p["definition"].(map[string]any)
		if !strings.HasPrefix(definition["id"].(string), "/providers/Microsoft.Security/secureScoreControlDefinitions/") {
			t.Errorf("definition %v", definition)
		}
	}
	if diff := sum - want.Current; diff > 0.1 || diff < -0.1 {
		t.Errorf("the controls add up to %v, the score is %v", sum, want.Current)
	}
	if n := len(s.List(s.Sub() + security + "secureScores/ascScore/secureScoreControls")); n != len(controls) {
		t.Errorf("%d controls by score, %d by subscription", n, len(controls))
	}
	if n := len(s.List(security + "secureScoreControlDefinitions")); n == 0 {
		t.Error("there are no control definitions")
	}
}

func TestAssessments(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	all := s.List(s.Sub() + security + "assessments")
	codes := map[string]int{}
	for _, x := range all {
		p := x["properties"].(map[string]any)
		status := p["status"].(map[string]any)
		code := status["code"].(string)
		codes[code]++
		if status["cause"] == "Unknown" {
			codes["Unknown"]++
			if code != "NotApplicable" || status["description"] == nil {
				t.Errorf("an unknown must say what is missing: %v", x)
			}
		}
		resource := p["resourceDetails"].(map[string]any)
		if resource["source"] != "Azure" || x["id"] != fmt.Sprintf("%s%sassessments/%s", resource["id"], security, x["name"]) {
			t.Errorf("identity of %v", x)
		}
	}
	if codes["Healthy"] == 0 || codes["Unhealthy"] == 0 || codes["Unknown"] == 0 {
		t.Errorf("codes %v", codes)
	}
	one := all[0]
	shown := s.Get(one["id"].(string) + "?$expand=metadata,links")
	metadata := shown.Properties()["metadata"].(map[string]any)
	if metadata["displayName"] == "" || metadata["severity"] == "" || shown.Properties()["links"] == nil {
		t.Errorf("assessment %v", shown.Body)
	}
	ofVault := s.List(s.Vault() + security + "assessments")
	if len(ofVault) == 0 || len(ofVault) >= len(all) {
		t.Errorf("%d of %d are the vault's", len(ofVault), len(all))
	}
	name := one["name"].(string)
	for _, path := range []string{security + "assessmentMetadata/" + name, s.Sub() + security + "assessmentMetadata/" + strings.ToUpper(name)} {
		if got := s.Get(path); got.Properties()["displayName"] != metadata["displayName"] {
			t.Errorf("%s: %v", path, got.Body)
		}
	}
}

// TestPagingLosesNothing reads every list in small pages and compares.
func TestPagingLosesNothing(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	for _, path := range []string{"assessments", "assessmentMetadata", "secureScoreControls", "tasks", "subAssessments", "regulatoryComplianceStandards"} {
		t.Run(path, func(t *testing.T) {
			whole, _ := s.Pages(s.Sub() + security + path)
			paged, pages := s.Pages(s.Sub() + security + path + "?$top=2")
			if len(whole) > 2 && pages < 2 {
				t.Errorf("%d items came in one page of two", len(whole))
			}
			seen := map[any]bool{}
			for _, item := range paged {
				seen[item["id"]] = true
			}
			if len(seen) != len(whole) || len(paged) != len(whole) {
				t.Errorf("%d items, %d different, in pages; %d at once", len(paged), len(seen), len(whole))
			}
		})
	}
}

func TestPushedAssessment(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	const name = "8e9b9ae1-7a1c-4a0e-9c0e-5a3b8d1f0c11"
	metadata, assessment := s.Sub()+security+"assessmentMetadata/"+name, s.Vault()+security+"assessments/"+name
	result := `{"properties":{"status":{"code":"unhealthy","cause":"c"}}}`
	s.Fails(400, "AssessmentMetadataNotFound", apitest.Call{Method: "PUT", Path: assessment, Body: result})
	s.Want(200, apitest.Call{Method: "PUT", Path: metadata, Body: `{"properties":{"displayName":"Own check","severity":"high","assessmentType":"CustomerManaged"}}`})
	a := s.Want(201, apitest.Call{Method: "PUT", Path: assessment, Body: result})
	if a.Properties()["displayName"] != "Own check" || a.Properties()["status"].(map[string]any)["code"] != "Unhealthy" {
		t.Errorf("%v", a.Body)
	}
	s.Want(200, apitest.Call{Method: "PUT", Path: assessment, Body: result})
	if got := s.Get(assessment).Body["id"]; got != assessment {
		t.Errorf("id %v", got)
	}
	s.Fails(409, "PolicyInUse", apitest.Call{Method: "DELETE", Path: metadata})
	s.Want(204, apitest.Call{Method: "DELETE", Path: assessment})
	s.Want(200, apitest.Call{Method: "DELETE", Path: metadata})
	builtIn := s.List(s.Sub() + security + "assessmentMetadata")[0]["name"].(string)
	s.Fails(409, "AssessmentMetadataIsBuiltIn", apitest.Call{Method: "PUT", Path: s.Sub() + security + "assessmentMetadata/" + builtIn, Body: `{"properties":{"displayName":"x","severity":"Low"}}`})
	s.Fails(409, "AssessmentIsBuiltIn", apitest.Call{Method: "PUT", Path: s.Vault() + security + "assessments/" + builtIn, Body: result})
}

func TestPricings(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	path := s.Sub() + security + "pricings/"
	for _, p := range s.List(s.Sub() + security + "pricings") {
		if tier := p["properties"].(map[string]any)["pricingTier"]; tier != "Free" {
			t.Errorf("%v begins on %v", p["name"], tier)
		}
	}
	a := s.Want(200, apitest.Call{Method: "PUT", Path: path + "virtualmachines", Body: `{"properties":{"pricingTier":"standard","subPlan":"P1"}}`})
	p := a.Properties()
	if a.Body["name"] != "VirtualMachines" || p["pricingTier"] != "Standard" || p["subPlan"] != "P1" || p["freeTrialRemainingTime"] == "PT0S" {
		t.Errorf("%v", a.Body)
	}
	s.Advance(31 * 24 * time.Hour)
	s.Token = s.SignIn(s.Facts.ClientID, s.Facts.ClientSecret)
	if left := s.Get(path + "VirtualMachines").Properties()["freeTrialRemainingTime"]; left != "PT0S" {
		t.Errorf("after 31 days %v of the trial are left", left)
	}
	s.Fails(400, "InvalidRequestContent", apitest.Call{Method: "PUT", Path: path + "Dns", Body: `{"properties":{"pricingTier":"Standard"}}`})
	s.Fails(412, "PreconditionFailed", apitest.Call{Method: "PUT", Path: path + "Arm", Body: `{"properties":{"pricingTier":"Standard"}}`, Header: map[string]string{"If-Match": `"stale"`}})
	some := s.List(s.Sub() + security + "pricings?$filter=name%20in%20(Arm,KeyVaults)")
	if len(some) != 2 {
		t.Errorf("filtered %v", some)
	}
}

func TestTasks(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	tasks := s.List(s.Sub() + security + "tasks")
	if len(tasks) == 0 {
		t.Fatal("there is nothing to do")
	}
	id := tasks[0]["id"].(string)
	if got := s.Get(id).Properties()["state"]; got != "Active" {
		t.Errorf("state %v", got)
	}
	s.Want(204, apitest.Call{Method: "POST", Path: id + "/Dismiss"})
	if got := s.Get(id).Properties()["state"]; got != "Dismissed" {
		t.Errorf("state %v", got)
	}
	s.Fails(400, "InvalidRequestContent", apitest.Call{Method: "POST", Path: id + "/Forget"})
	if got := s.List(s.Sub() + "/resourceGroups/Web" + security + "locations/centralus/tasks"); len(got) == 0 {
		t.Error("the group has tasks")
	}
}

func TestCompliance(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	standards := s.List(s.Sub() + security + "regulatoryComplianceStandards")
	if len(standards) == 0 {
		t.Fatal("the content has standards, the API lists none")
	}
	for _, standard := range standards {
		id := standard["id"].(string)
		counts := map[any]float64{}
		for _, c := range s.List(id + "/regulatoryComplianceControls") {
			counts[c["properties"].(map[string]any)["state"]]++
		}
		p := s.Get(id).Properties()
		for state, key := range map[string]string{"Passed": "passedControls", "Failed": "failedControls", "Skipped": "skippedControls", "Unsupported": "unsupportedControls"} {
			if p[key] != counts[state] {
				t.Errorf("%s: %s is %v, %v are listed", standard["name"], key, p[key], counts[state])
			}
		}
	}
}

func TestSettings(t *testing.T) {
	s := apitest.New(t)
	settings := s.Sub() + security
	if got := s.Get(settings + "autoProvisioningSettings/default").Properties()["autoProvision"]; got != "Off" {
		t.Errorf("auto provisioning begins %v", got)
	}
	s.Want(200, apitest.Call{Method: "PUT", Path: settings + "autoProvisioningSettings/default", Body: `{"properties":{"autoProvision":"on"}}`})
	if got := s.Get(settings + "autoProvisioningSettings/default").Properties()["autoProvision"]; got != "On" {
		t.Errorf("auto provisioning is %v", got)
	}
	a := s.Want(200, apitest.Call{Method: "PUT", Path: settings + "settings/MCAS", Body: `{"kind":"DataExportSettings","properties":{"enabled":true}}`})
	if a.Body["kind"] != "DataExportSettings" {
		t.Errorf("%v", a.Body)
	}
	if got := s.List(settings + "settings"); len(got) != 5 {
		t.Errorf("settings %v", got)
	}
	for version, body := range map[string]string{
		"2017-08-01-preview": `{"properties":{"email":"a@b.example","phone":"1","alertNotifications":"on","alertsToAdmins":"off"}}`,
		"2020-01-01-preview": `{"properties":{"emails":"a@b.example;c@d.example","alertNotifications":{"state":"On","minimalSeverity":"High"}}}`,
	} {
		s.Want(200, apitest.Call{Method: "PUT", Path: settings + "securityContacts/default?api-version=" + version, Body: body})
	}
	s.Want(204, apitest.Call{Method: "DELETE", Path: settings + "securityContacts/default"})
	s.Want(204, apitest.Call{Method: "DELETE", Path: settings + "securityContacts/default"})
}

func TestGovernanceRule(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	path := s.Sub() + security + "governanceRules/7c2f5d7c-1d64-4f7e-9b5c-6f3a6d1f2b10"
	rule := func(days string) map[string]any {
		return object(map[string]any{"displayName": "High in a week", "rulePriority": 100, "remediationTimeframe": days,
			"ownerSource":   map[string]any{"type": "Manually", "value": "ada@example.org"},
			"conditionSets": []any{map[string]any{"conditions": []any{map[string]any{"property": "$.Metadata.severity", "operator": "In", "value": `["High","Medium","Low"]`}}}}})
	}
	s.Want(201, apitest.Call{Method: "PUT", Path: path, Body: rule("7.00:00:00")})
	s.Want(200, apitest.Call{Method: "PUT", Path: path, Body: rule("14.00:00:00")})
	s.Fails(400, "InvalidRequestContent", apitest.Call{Method: "PUT", Path: path, Body: rule("soon")})
	apitest.Eventually(t, "an assessment has an owner", func() bool {
		for _, x := range s.List(s.Vault() + security + "assessments") {
			if data, _ := x["properties"].(map[string]any)["additionalData"].(map[string]any); data["owner"] == "ada@example.org" && data["dueDate"] != nil {
				return true
			}
		}
		return false
	})
	a := s.Want(202, apitest.Call{Method: "POST", Path: path + "/execute"})
	s.Get(strings.TrimPrefix(a.Header.Get("Location"), s.URL))
	s.Want(204, apitest.Call{Method: "DELETE", Path: path})
}

func TestPolicyMetadata(t *testing.T) {
	s := apitest.New(t)
	all := s.List("/providers/Microsoft.PolicyInsights/policyMetadata")
	if len(all) == 0 {
		t.Fatal("the content has standards, the API lists none")
	}
	if got := s.Get(all[0]["id"].(string)).Properties()["title"]; got == "" {
		t.Errorf("metadata %v", all[0])
	}
}
