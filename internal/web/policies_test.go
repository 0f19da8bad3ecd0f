package web

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/access"
	"github.com/rampart-sec/rampart/internal/store"
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
		if len(found) == 0 || len(found) > listRows {
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
