package web

import (
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/catalog"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// status sends a form and gives what came back.
func (s *stage) status(path string, form url.Values) (int, string) {
	s.t.Helper()
	form.Set("token", regexp.MustCompile(`name="token" value="([^"]+)"`).FindStringSubmatch(s.get("/"))[1])
	r, err := s.client.PostForm(s.url+path, form)
	check(s.t, err)
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	check(s.t, err)
	return r.StatusCode, string(body)
}

// put stores a control object.
func (s *stage) put(kind, id string, properties map[string]any) {
	s.t.Helper()
	body, err := json.Marshal(map[string]any{"id": id, "properties": properties})
	check(s.t, err)
	check(s.t, s.db.Update(s.t.Context(), func(tx *store.Tx) error {
		_, err := tx.PutObject(s.t.Context(), store.Object{Kind: kind, ID: id, Body: body}, "")
		return err
	}))
}

// decisionField is the value of a hidden field of the first form with a verb.
func decisionField(t *testing.T, page, verb, name string) string {
	t.Helper()
	for _, form := range regexp.MustCompile(`(?s)<form[^>]*action="/exemption/decide".*?</form>`).FindAllString(page, -1) {
		if strings.Contains(form, `value="`+verb+`"`) {
			if m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(form); m != nil {
				return html.UnescapeString(m[1])
			}
		}
	}
	t.Fatalf("no form to %s", verb)
	return ""
}

// TestExemptionIsAskedForAndApproved goes from a request by one person to its
// approval by another, on the pages.
func TestExemptionIsAskedForAndApproved(t *testing.T) {
	s := newStage(t, 300)
	a := s.worst()
	s.become("asker", store.RoleAssignment{Role: "Resource Policy Contributor", Scope: ""})
	if form := s.get("/exempt?id=" + a.Recommendation.ID + "&resource=" + url.QueryEscape(a.ResourceID)); !strings.Contains(form, "Until then it exempts nothing") {
		t.Error("the form does not say that it only asks")
	}
	s.post("/exempt", url.Values{"recommendation": {a.Recommendation.ID}, "target": {a.ResourceID}, "category": {"Waiver"}, "reason": {"old client"}, "ticket": {"SEC-7"}})
	list := s.get("/policies?ticket=sec-7&exempt=waiting")
	if !strings.Contains(list, "waits for approval") || !strings.Contains(list, "SEC-7") || strings.Contains(list, `value="approve"`) {
		t.Error("the request is not listed, or its writer may approve it")
	}
	if strings.Contains(s.get("/policies?ticket=SEC-8"), "waits for approval</span>") {
		t.Error("another ticket shows it as well")
	}
	if s.stateOf(a) != record.Unhealthy {
		t.Error("the request exempts")
	}

	s.become("approver", store.RoleAssignment{Role: "Security Admin", Scope: ""})
	page := s.get("/recommendation?id=" + a.Recommendation.ID)
	if !strings.Contains(page, "1 exemption waits for approval") {
		t.Error("the recommendation's page does not count the request")
	}
	id, etag := decisionField(t, page, "approve", "id"), decisionField(t, page, "approve", "etag")
	approve := url.Values{"id": {id}, "etag": {"00-0"}, "verb": {"approve"}}
	if code, body := s.status("/exemption/decide", approve); code != http.StatusPreconditionFailed || !strings.Contains(body, "changed by someone else") {
		t.Errorf("approving what was not seen: %d", code)
	}
	approve.Set("etag", etag)
	s.post("/exemption/decide", approve)
	s.until("the exemption takes effect", func() bool { return s.stateOf(a) == record.Exempt })
	if code, body := s.status("/exemption/decide", url.Values{"id": {id}, "verb": {"approve"}}); code != http.StatusConflict || !strings.Contains(body, "approved by approver already") {
		t.Errorf("approving twice: %d", code)
	}
	if list = s.get("/policies"); !strings.Contains(list, "approved by approver") || !strings.Contains(list, "asker") {
		t.Error("the list does not say who asked and who approved")
	}
	if code, _ := s.status("/exemption/decide", url.Values{"id": {id}, "verb": {"bless"}}); code != http.StatusBadRequest {
		t.Errorf("an unknown decision: %d", code)
	}
	if code, _ := s.status("/exemption/rules", url.Values{"approval": {"1"}}); code != http.StatusForbidden {
		t.Errorf("a Security Admin changes the rules: %d", code)
	}
}

// TestExemptOwnRecommendation exempts a recommendation of the user's own from
// all assignments that give it, narrowed to a location.
func TestExemptOwnRecommendation(t *testing.T) {
	s := newStage(t, 300)
	sub := s.view().Subscriptions()[0].ID
	const provider = "/providers/Microsoft.Authorization/"
	definition := sub + provider + "policyDefinitions/own"
	s.put("policyDefinition", definition, map[string]any{"displayName": "Nothing in storage", "mode": "All", "policyRule": map[string]any{
		"if": map[string]any{"field": "type", "equals": "Microsoft.Storage/storageAccounts"}, "then": map[string]any{"effect": "audit"}}})
	s.put("policySetDefinition", sub+provider+"policySetDefinitions/set", map[string]any{"displayName": "Set", "policyDefinitions": []any{
		map[string]any{"policyDefinitionId": definition, "policyDefinitionReferenceId": "member"}}})
	s.put("policyAssignment", sub+provider+"policyAssignments/set", map[string]any{"policyDefinitionId": sub + provider + "policySetDefinitions/set"})
	s.put("policyAssignment", provider+"policyAssignments/everywhere", map[string]any{"policyDefinitionId": definition, "scope": "/"})
	id := catalog.RecommendationID(definition)
	unhealthy := func(state record.State) index.Page[record.Assessment] {
		page, err := s.view().Assessments(index.AssessmentQuery{Recommendation: id, State: []record.State{state}, Limit: 1000})
		check(t, err)
		return page
	}
	s.until("the own policy is judged", func() bool { return unhealthy(record.Unhealthy).Total > 0 })
	all := unhealthy(record.Unhealthy)
	here := 0
	location := ""
	for _, a := range all.Rows {
		row, _ := s.view().Resource(a.ResourceID)
		if location == "" {
			location = row.Location
		}
		if row.Location == location {
			here++
		}
	}
	form := s.get("/exempt?id=" + id + "&location=" + url.QueryEscape(location))
	if !strings.Contains(form, count(here, "resource that is", "resources that are")+" unhealthy would no longer count") || !strings.Contains(form, "It is written for 2 assignments") {
		t.Errorf("the preview does not say %d of %d resources and 2 assignments", here, all.Total)
	}
	s.post("/exempt", url.Values{"recommendation": {id}, "target": {""}, "category": {"Mitigated"}, "reason": {"vaulted"}, "location": {location}})
	s.until("what is there is exempt", func() bool { return unhealthy(record.Exempt).Total == here })
	if left := unhealthy(record.Unhealthy).Total; left != all.Total-here {
		t.Errorf("%d are still unhealthy, want %d", left, all.Total-here)
	}
	if list := s.get("/policies"); !strings.Contains(list, "Only in "+location) || !strings.Contains(list, "Nothing in storage") {
		t.Error("the list does not name the recommendation or the location")
	}
}

// TestExemptionRulesOnPages has the tenant demand approval of everybody.
func TestExemptionRulesOnPages(t *testing.T) {
	s := newStage(t, 300)
	a := s.worst()
	s.post("/exemption/rules", url.Values{"approval": {"1"}, "eyes": {"1"}})
	s.post("/exempt", url.Values{"recommendation": {a.Recommendation.ID}, "target": {a.ResourceID}, "category": {"Waiver"}, "reason": {"mine"}})
	page := s.get("/policies")
	code, body := s.status("/exemption/decide", url.Values{"id": {decisionField(t, page, "approve", "id")}, "verb": {"approve"}})
	if code != http.StatusForbidden || !strings.Contains(body, "somebody else has to approve it") {
		t.Errorf("approving one's own: %d", code)
	}
	s.post("/exemption/decide", url.Values{"id": {decisionField(t, page, "approve", "id")}, "verb": {"reject"}})
	if page = s.get("/policies?exempt=over"); !strings.Contains(page, "rejected by") {
		t.Error("the rejected request is not listed")
	}
	if s.stateOf(a) != record.Unhealthy {
		t.Error("the rejected request exempts")
	}
}

// TestExemptionOfNothing refuses a target that is not there, and writes nothing.
func TestExemptionOfNothing(t *testing.T) {
	s := newStage(t, 40)
	a := s.worst()
	sub := s.view().Subscriptions()[0].ID
	for _, target := range []string{a.ResourceID + "-gone", sub + "/resourceGroups/none", "/subscriptions/11111111-2222-3333-4444-555555555555", "/providers/Microsoft.Management/managementGroups/none"} {
		status, body := s.status("/exempt", url.Values{"recommendation": {a.Recommendation.ID}, "target": {target}, "category": {"Waiver"}, "reason": {"r"}})
		if status != http.StatusBadRequest || !strings.Contains(body, "nothing to exempt") {
			t.Errorf("%s: %d", target, status)
		}
		r, err := s.client.Get(s.url + "/exempt?id=" + a.Recommendation.ID + "&resource=" + url.QueryEscape(target))
		check(t, err)
		if _ = r.Body.Close(); r.StatusCode != http.StatusBadRequest {
			t.Errorf("the form for %s: %s", target, r.Status)
		}
	}
	all, err := s.opt.Objects.Objects(t.Context(), store.ObjectQuery{Kind: "policyExemption"})
	if err != nil || len(all) != 0 {
		t.Errorf("%d exemptions were written, %v", len(all), err)
	}
	s.post("/exempt", url.Values{"recommendation": {a.Recommendation.ID}, "target": {strings.ToUpper(a.ResourceID)}, "category": {"Waiver"}, "reason": {"r"}})
}
