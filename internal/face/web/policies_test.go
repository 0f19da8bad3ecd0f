package web

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/base/access"
	"github.com/rampart-sec/rampart/internal/base/store"
)

// TestMembersByPage walks through the built-in initiative page by page: every
// member is there once, and what is switched off can be listed alone.
func TestMembersByPage(t *testing.T) {
	s := newStage(t, 40)
	want := map[string]bool{}
	for _, r := range s.view().AllRecommendations() {
		if r.Content != nil {
			want[r.ID] = true
		}
	}
	member := regexp.MustCompile(`name="recommendation" value="([^"]+)"`)
	next := regexp.MustCompile(`href="(/policies[^"#]*)#members" rel="next"`)
	seen, path := map[string]bool{}, "/policies"
	for path != "" {
		body := s.get(path)
		found := member.FindAllStringSubmatch(body, -1)
		if len(found) == 0 || len(found) > partRows {
			t.Fatalf("%s lists %d members", path, len(found))
		}
		for _, m := range found {
			if seen[m[1]] {
				t.Errorf("%s is listed twice", m[1])
			}
			seen[m[1]] = true
		}
		path = ""
		if m := next.FindStringSubmatch(body); m != nil {
			path = html.UnescapeString(m[1])
		}
	}
	if len(seen) != len(want) {
		t.Errorf("%d members listed, %d are in the initiative", len(seen), len(want))
	}
	a := s.worst()
	s.post("/policy/effect", url.Values{"recommendation": {a.Recommendation.ID}, "effect": {"Disabled"}, "back": {"/policies"}})
	s.until("the member is switched off", func() bool { return s.view().Recommendation(a.Recommendation.ID).Disabled })
	if found := member.FindAllStringSubmatch(s.get("/policies?effect=disabled"), -1); len(found) != 1 || found[0][1] != a.Recommendation.ID {
		t.Errorf("switched off: %v", found)
	}
	r, err := s.client.Get(s.url + "/policies?after=evil")
	check(t, err)
	_ = r.Body.Close()
	if r.StatusCode != http.StatusBadRequest {
		t.Errorf("unknown cursor: %s", r.Status)
	}
}

// TestReaderSeesNoForm opens every kind of page as a reader of everything: the
// only forms that change anything are those about the reader alone.
func TestReaderSeesNoForm(t *testing.T) {
	s := newStage(t, 300)
	a := s.worst()
	s.become("reader", store.RoleAssignment{Role: "Reader", Scope: "/"})
	form := regexp.MustCompile(`method="post"[^>]* action="([^"]+)"|action="([^"]+)"[^>]* method="post"`)
	for _, path := range []string{"/", "/posture", "/recommendations", "/recommendations?view=control", "/assessments", "/inventory", "/compliance", "/compliance/mcsb", "/policies", "/governance", "/settings",
		"/recommendation?id=" + a.Recommendation.ID, "/resource?id=" + url.QueryEscape(a.ResourceID), "/search?q=a"} {
		body := s.get(path)
		for _, m := range form.FindAllStringSubmatch(body, -1) {
			if action, _, _ := strings.Cut(m[1]+m[2], "?"); action != "/signout" && action != "/theme" && action != "/views" {
				t.Errorf("%s offers %s to a reader", path, action)
			}
		}
		for _, link := range []string{`href="/exempt`, `href="/assign`, `href="/disable`, `href="/compliance/new`} {
			if strings.Contains(body, link) {
				t.Errorf("%s leads a reader to %s", path, link)
			}
		}
	}
	for _, path := range []string{"/compliance/new", "/exempt?id=" + a.Recommendation.ID, "/exempt?id=" + a.Recommendation.ID + "&resource=" + url.QueryEscape(a.ResourceID)} {
		r, err := s.client.Get(s.url + path)
		check(t, err)
		_ = r.Body.Close()
		if r.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %s", path, r.Status)
		}
	}
}

// TestAssignmentTitle assigns with a title that ends in the subscription's id:
// its scope has a name, so the id is not said again.
func TestAssignmentTitle(t *testing.T) {
	s := newStage(t, 40)
	sub := s.view().Subscriptions()[0]
	_, id, _ := strings.Cut(sub.ID[1:], "/")
	check(t, s.opt.Objects.PutObject(t.Context(), access.Principal{}, store.Object{Kind: "policyAssignment",
		ID: sub.ID + "/providers/Microsoft.Authorization/policyAssignments/a", Body: []byte(`{"properties":{"displayName":"House rules: ` + id + `"}}`)}, ""))
	if body := s.get("/policies"); !strings.Contains(body, "<b>House rules</b>") {
		t.Errorf("the title is not cut")
	}
}

// TestPoliciesStaySmall fills every part of the page: it stays below 120 KB, its
// parts are paged each by itself, and search finds what is on no first page.
func TestPoliciesStaySmall(t *testing.T) {
	s := newStage(t, 300)
	sub := s.view().Subscriptions()[0].ID
	const n = 210
	for i := range n {
		name := fmt.Sprintf("object-%03d", i)
		s.put("policyAssignment", sub+"/providers/Microsoft.Authorization/policyAssignments/"+name, map[string]any{"displayName": "Assigned " + name, "policyDefinitionId": InitiativeID})
		s.put("policyDefinition", sub+"/providers/Microsoft.Authorization/policyDefinitions/"+name, map[string]any{"displayName": "Defined " + name, "policyRule": map[string]any{"if": map[string]any{"field": "name", "equals": "never"}, "then": map[string]any{"effect": "audit"}}})
		s.put("policyExemption", sub+"/providers/Microsoft.Authorization/policyExemptions/"+name, map[string]any{"displayName": "Excused " + name, "description": strings.Repeat("why ", 60), "exemptionCategory": "Waiver",
			"policyAssignmentId": sub + "/providers/Microsoft.Authorization/policyAssignments/SecurityCenterBuiltIn"})
	}
	first := s.get("/policies")
	if len(first) > 120<<10 {
		t.Errorf("the first page has %d bytes", len(first))
	}
	t.Logf("%d bytes", len(first))
	for part, word := range map[string]string{"assignments": "Assigned", "own": "Defined", "exemptions": "Excused"} {
		next := regexp.MustCompile(`href="(/policies\?[^"#]*` + part + `=\d+[^"#]*)#` + part + `" rel="next"`)
		row, seen := regexp.MustCompile(word+` object-\d\d\d`), map[string]bool{}
		for body := first; body != ""; {
			for _, m := range row.FindAllString(body, -1) {
				seen[m] = true
			}
			m := next.FindStringSubmatch(body)
			if body = ""; m != nil {
				body = s.get(html.UnescapeString(m[1]))
			}
		}
		if len(seen) != n {
			t.Errorf("%s: %d of %d are on its pages", part, len(seen), n)
		}
		last := fmt.Sprintf("%s object-%03d", word, n-1)
		found := strings.ReplaceAll(s.get("/policies?q="+url.QueryEscape(last)), `value="`+last+`"`, "")
		if rows := row.FindAllString(found, -1); !slices.Contains(rows, last) || slices.ContainsFunc(rows, func(r string) bool { return r != last }) {
			t.Errorf("search for %s finds %v", last, rows)
		}
	}
}
