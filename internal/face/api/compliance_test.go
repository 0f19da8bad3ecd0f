package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/face/api/apitest"
	"github.com/rampart-sec/rampart/internal/posture/compliance"
)

// anyRecommendation is the id of a built-in recommendation, and its definition.
func anyRecommendation(s *apitest.Server) (id, definition string) {
	r := s.Judge.Estate("").View().AllRecommendations()[0]
	return r.ID, r.DefinitionID
}

func TestOwnStandardByAPI(t *testing.T) {
	s := apitest.New(t)
	rec, _ := anyRecommendation(s)
	sub := "/subscriptions/" + s.Facts.SubscriptionID
	path := sub + "/providers/Microsoft.Security/securityStandards/house-rules"
	body := map[string]any{"properties": map[string]any{"displayName": "House rules", "controls": []any{
		map[string]any{"number": "1", "title": "First", "assessments": []any{map[string]any{"assessmentKey": strings.ToUpper(rec)}}},
		map[string]any{"number": "2", "title": "Second", "manual": true}}}}
	made := s.Want(http.StatusCreated, apitest.Call{Method: "PUT", Path: path, Body: body})
	if p := made.Properties(); p["standardType"] != "Custom" || len(p["assessments"].([]any)) != 1 {
		t.Errorf("properties %v", p)
	}
	etag := made.Header.Get("ETag")
	s.Want(http.StatusOK, apitest.Call{Method: "PUT", Path: path, Body: strings.Replace(string(made.Raw), "House rules", "House rules 2", 1), Header: map[string]string{"If-Match": etag}})
	s.Want(http.StatusPreconditionFailed, apitest.Call{Method: "PUT", Path: path, Body: body, Header: map[string]string{"If-Match": etag}})

	// The reference's own shape: assessments, no controls.
	plain := "/providers/Microsoft.Security/securityStandards/Plain"
	s.Want(http.StatusCreated, apitest.Call{Method: "PUT", Path: plain, Body: map[string]any{"properties": map[string]any{"displayName": "Plain", "assessments": []any{map[string]any{"assessmentKey": rec}}}}})
	// A file in the library's format.
	yaml := map[string]string{"Content-Type": "application/yaml"}
	file := "/providers/Microsoft.Security/securityStandards/filed"
	s.Want(http.StatusCreated, apitest.Call{Method: "PUT", Path: file, Header: yaml, Body: "id: filed\ntitle: Filed\ncontrols:\n- {number: '1', title: One, recommendations: [" + rec + "]}\n"})
	for what, text := range map[string]string{
		"body:3: unknown key": "id: filed\ntitle: Filed\ncontrol: []\n", "body:4: controls.0.recommendations.0": "id: filed\ntitle: Filed\ncontrols:\n- {number: '1', title: One, recommendations: [x]}\n",
	} {
		if got := s.Want(http.StatusBadRequest, apitest.Call{Method: "PUT", Path: file, Header: yaml, Body: text}); !strings.Contains(string(got.Raw), what) {
			t.Errorf("%s, want %q", got.Raw, what)
		}
	}
	for name, c := range map[string]struct {
		path   string
		body   any
		status int
	}{
		"built-in name":  {"/providers/Microsoft.Security/securityStandards/MCSB", body, 409},
		"same title":     {"/providers/Microsoft.Security/securityStandards/other", map[string]any{"properties": map[string]any{"displayName": "plain"}}, 409},
		"unknown scope":  {"/subscriptions/00000000-1111-2222-3333-444444444444/providers/Microsoft.Security/securityStandards/x", body, 404},
		"wrong id":       {"/providers/Microsoft.Security/securityStandards/x", map[string]any{"properties": map[string]any{"displayName": "X", "assessments": []any{map[string]any{"assessmentKey": "nope"}}}}, 400},
		"not an address": {"/providers/Microsoft.Security/securityStandards/a b", body, 400},
	} {
		if got := s.Do(apitest.Call{Method: "PUT", Path: strings.ReplaceAll(c.path, " ", "%20"), Body: c.body}); got.Status != c.status {
			t.Errorf("%s: %d %s, want %d", name, got.Status, got.Raw, c.status)
		}
	}
	list := s.Want(http.StatusOK, apitest.Call{Method: "GET", Path: sub + "/providers/Microsoft.Security/regulatoryComplianceStandards"})
	for _, name := range []string{"house-rules", "Plain", "filed"} {
		if !strings.Contains(string(list.Raw), "regulatoryComplianceStandards/"+name+`"`) {
			t.Errorf("%s is not among the standards", name)
		}
	}
	base := sub + "/providers/Microsoft.Security/regulatoryComplianceStandards/house-rules/regulatoryComplianceControls"
	s.Want(http.StatusOK, apitest.Call{Method: "GET", Path: base + "/1/regulatoryComplianceAssessments/" + rec})
	s.Want(http.StatusNoContent, apitest.Call{Method: "DELETE", Path: path})
	s.Want(http.StatusNotFound, apitest.Call{Method: "GET", Path: base})
}

func TestAttestByAPI(t *testing.T) {
	s := apitest.New(t)
	sub := "/subscriptions/" + s.Facts.SubscriptionID
	at := sub + "/providers/Microsoft.Security/rampartAttestations/mcsb~NS-1"
	body := map[string]any{"properties": map[string]any{"state": "Passed", "comment": "written down", "expires": s.Now().Add(48 * time.Hour)}}
	first := s.Want(http.StatusOK, apitest.Call{Method: "PUT", Path: at, Body: body, Header: map[string]string{"If-None-Match": "*"}})
	s.Want(http.StatusPreconditionFailed, apitest.Call{Method: "PUT", Path: at, Body: body, Header: map[string]string{"If-None-Match": "*"}})
	s.Want(http.StatusOK, apitest.Call{Method: "PUT", Path: at + "/evidence?name=" + "..%2Fminutes.txt", Body: "we met"})
	s.Want(http.StatusPreconditionFailed, apitest.Call{Method: "PUT", Path: at, Body: body, Header: map[string]string{"If-Match": first.Header.Get("ETag")}})
	s.Want(http.StatusBadRequest, apitest.Call{Method: "PUT", Path: at + "/evidence?name=x.html", Body: "<script>"})
	s.Want(http.StatusRequestEntityTooLarge, apitest.Call{Method: "PUT", Path: at + "/evidence?name=x.txt", Body: strings.Repeat("a", compliance.MaxEvidence+1)})
	file := s.Want(http.StatusOK, apitest.Call{Method: "GET", Path: at + "/evidence"})
	if string(file.Raw) != "we met" || file.Header.Get("Content-Disposition") != `attachment; filename=minutes.txt` || file.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("evidence %q with %v", file.Raw, file.Header)
	}
	control := sub + "/providers/Microsoft.Security/regulatoryComplianceStandards/mcsb/regulatoryComplianceControls/NS-1"
	if got := s.Want(http.StatusOK, apitest.Call{Method: "GET", Path: control}); got.Properties()["state"] != "Passed" {
		t.Errorf("attested control: %s", got.Raw)
	}
	s.Advance(72 * time.Hour)
	s.Token = s.SignIn(s.Facts.ClientID, s.Facts.ClientSecret)
	if got := s.Want(http.StatusOK, apitest.Call{Method: "GET", Path: control}); got.Properties()["state"] == "Passed" {
		t.Errorf("an attestation that ran out counts: %s", got.Raw)
	}
	s.Want(http.StatusNotFound, apitest.Call{Method: "PUT", Path: strings.Replace(at, "NS-1", "GS-99", 1), Body: body})
	s.Want(http.StatusNoContent, apitest.Call{Method: "DELETE", Path: at})
	s.Want(http.StatusNotFound, apitest.Call{Method: "GET", Path: at + "/evidence"})
}

func TestComplianceOverTimeByAPI(t *testing.T) {
	s := apitest.New(t)
	records := compliance.NewRecords(compliance.Options{Store: s.DB, Library: library(t), Now: s.Now})
	attest := func(state string) {
		s.Want(http.StatusOK, apitest.Call{Method: "PUT", Path: "/providers/Microsoft.Security/rampartAttestations/mcsb~NS-1",
			Body: map[string]any{"properties": map[string]any{"state": state, "comment": "so it is"}}})
		if err := compliance.NewRecorder(records, s.Judge).Look(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	attest("Passed")
	s.Advance(30 * time.Hour)
	s.Token = s.SignIn(s.Facts.ClientID, s.Facts.ClientSecret)
	attest("Failed")
	got := s.Want(http.StatusOK, apitest.Call{Method: "GET", Path: "/rampart/v1/compliance/history?standard=mcsb&control=NS-1"})
	if points := got.Body["value"].([]any); len(points) != 2 || points[0].(map[string]any)["controlState"] != "Passed" || points[1].(map[string]any)["controlState"] != "Failed" {
		t.Errorf("history %s", got.Raw)
	}
	csv := s.Want(http.StatusOK, apitest.Call{Method: "GET", Path: "/rampart/v1/compliance/history?standard=mcsb&format=csv"})
	if lines := strings.Count(string(csv.Raw), "\n"); lines != 3 {
		t.Errorf("%d lines of CSV: %s", lines, csv.Raw)
	}
	then := s.Now().Add(-20 * time.Hour).UTC().Format(time.RFC3339)
	if got := s.Want(http.StatusOK, apitest.Call{Method: "GET", Path: "/rampart/v1/compliance/controls?standard=mcsb&at=" + then}); !strings.Contains(string(got.Raw), `"number":"NS-1","state":"Passed"`) {
		t.Errorf("as of %s: %s", then, got.Raw)
	}
	for path, status := range map[string]int{
		"history?standard=mcsb&scope=/subscriptions/x/resourceGroups/g": 400, "history?standard=nope": 404, "history?standard=mcsb&control=nope": 400,
		"history?standard=mcsb&from=yesterday": 400, "controls?standard=mcsb&at=2001-01-01T00:00:00Z": 404, "report?standard=mcsb&format=pdf": 400,
		"report?standard=mcsb&format=html": 200, "report?standard=mcsb&format=csv": 200, "report?standard=mcsb": 200, "report?standard=mcsb&scope=/subscriptions/nope": 404,
	} {
		s.Want(status, apitest.Call{Method: "GET", Path: "/rampart/v1/compliance/" + path})
	}
}

func library(t *testing.T) *content.Library {
	t.Helper()
	lib, err := content.Load()
	if err != nil {
		t.Fatal(err)
	}
	return lib
}

// TestInitiativeByAPI makes a standard of an initiative and takes it away again.
func TestInitiativeByAPI(t *testing.T) {
	s := apitest.New(t)
	_, definition := anyRecommendation(s)
	sub := s.Sub()
	set := sub + "/providers/Microsoft.Authorization/policySetDefinitions/ours"
	s.Want(http.StatusCreated, apitest.Call{Method: "PUT", Path: set, Body: map[string]any{"properties": map[string]any{"displayName": "Our regulation",
		"metadata":               map[string]any{"category": "Regulatory Compliance"},
		"policyDefinitionGroups": []any{map[string]any{"name": "R/1 a", "displayName": "First"}},
		"policyDefinitions":      []any{map[string]any{"policyDefinitionId": definition, "groupNames": []any{"R/1 a"}}}}}})
	assignment := sub + "/providers/Microsoft.Authorization/policyAssignments/ours"
	s.Want(http.StatusCreated, apitest.Call{Method: "PUT", Path: assignment, Body: map[string]any{"properties": map[string]any{"policyDefinitionId": set}}})
	standard := sub + "/providers/Microsoft.Security/regulatoryComplianceStandards/ours"
	until := func(status int) {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); s.Do(apitest.Call{Method: "GET", Path: standard}).Status != status; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("the standard does not answer %d", status)
			}
		}
	}
	until(http.StatusOK)
	if controls := s.List(standard + "/regulatoryComplianceControls"); len(controls) != 1 {
		t.Errorf("controls %v", controls)
	}
	id := compliance.InitiativeID(set)
	at := sub + "/providers/Microsoft.Security/rampartAttestations/" + id + "~R%252F1%20a"
	s.Want(http.StatusOK, apitest.Call{Method: "PUT", Path: at, Body: map[string]any{"properties": map[string]any{"state": "Passed", "comment": "seen"}}})
	s.Want(http.StatusNoContent, apitest.Call{Method: "DELETE", Path: assignment})
	until(http.StatusNotFound)
	s.Want(http.StatusOK, apitest.Call{Method: "GET", Path: at}) // it may be assigned again
	s.Want(http.StatusNoContent, apitest.Call{Method: "DELETE", Path: set})
	s.Want(http.StatusNotFound, apitest.Call{Method: "GET", Path: at})
}
