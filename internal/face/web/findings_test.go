package web

import (
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	documents "github.com/rampart-sec/rampart/internal/base/inventory"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

const (
	baselineAdvice = "fc9b3da7-8347-4380-8e70-0a0361d8dedd" // "Machines should meet the baseline"
	findingsSub    = "/subscriptions/7f9619ff-8b86-d011-b42d-00cf4fc964ff"
)

// putServer delivers a machine with a baseline in which some checks fail.
func (s *stage) putServer(name string, failing ...string) string {
	s.t.Helper()
	id := findingsSub + "/resourceGroups/rack/providers/Microsoft.HybridCompute/machines/" + name
	checks := `"umask":{"state":"pass","severity":"low","title":"Umask"}`
	for _, check := range failing {
		checks += fmt.Sprintf(`,%q:{"state":"fail","severity":"high","title":"Check %s"}`, check, check)
	}
	report := id + "/providers/Microsoft.GuestConfiguration/guestConfigurationAssignments/RampartBaseline"
	inv := documents.New(documents.Options{Store: s.db, Now: time.Now, Log: s.opt.Log})
	result, err := inv.Put(s.t.Context(), "", []wire.Document{
		{ID: id, Type: "Microsoft.HybridCompute/machines", Source: "test", ObservedAt: time.Now(), Body: []byte(fmt.Sprintf(`{"id":%q,"name":%q,"type":"Microsoft.HybridCompute/machines","properties":{"osType":"linux"}}`, id, name))},
		{ID: report, Type: "Microsoft.GuestConfiguration/guestConfigurationAssignments", Source: "test", ObservedAt: time.Now(),
			Body: []byte(fmt.Sprintf(`{"id":%q,"properties":{"baseline":{"state":"fail"},"checks":{%s}}}`, report, checks))},
	})
	check(s.t, err)
	if len(result.Rejected) > 0 {
		s.t.Fatal(result.Rejected)
	}
	s.until(name+" is judged", func() bool { return s.baselineOf(id) == record.Unhealthy })
	return id
}

func (s *stage) baselineOf(id string) record.State {
	a, _ := s.view().Assessment(id, baselineAdvice)
	return a.State
}

// link finds the address of a link by its word.
func link(t *testing.T, body, word string) string {
	t.Helper()
	m := regexp.MustCompile(`href="([^"]+)"[^>]*>` + regexp.QuoteMeta(word) + `<`).FindStringSubmatch(body)
	if m == nil {
		t.Fatalf("there is no link %q", word)
	}
	return html.UnescapeString(m[1])
}

// TestDisableFinding goes the way of a person: from a finding to the form, its
// preview, the list of rules and back.
func TestDisableFinding(t *testing.T) {
	s := newStage(t, 60)
	web, db := s.putServer("web01", "no-usb"), s.putServer("db01", "no-usb", "no-core")

	page := s.get("/resource?id=" + web)
	form := s.get(link(t, page, "Disable"))
	if !strings.Contains(form, "on 1 resource.") || !strings.Contains(form, "With the rule") {
		t.Errorf("the preview of one resource says something else")
	}
	wide := s.get(link(t, form, "Resource group rack"))
	if !strings.Contains(wide, "on 2 resources.") {
		t.Errorf("the preview of the group says something else")
	}
	at := regexp.MustCompile(`name="at" value="([^"]+)"`).FindStringSubmatch(wide)[1]
	terms := url.Values{"recommendation": {baselineAdvice}, "finding": {"no-usb"}, "at": {at}, "reason": {"Backups go to a <drive>"}, "expires": {""}, "back": {"/resource?id=" + web}}
	s.post("/disable", terms)
	s.until("the rule takes effect", func() bool { return s.baselineOf(web) == record.Healthy })
	if s.baselineOf(db) != record.Unhealthy {
		t.Error("another failing check no longer counts")
	}
	page = s.get("/resource?id=" + web)
	for _, want := range []string{"1 finding is disabled by rule", "Backups go to a &lt;drive&gt;", "1 disabled"} {
		if !strings.Contains(page, want) {
			t.Errorf("the resource's page lacks %q", want)
		}
	}
	advice := s.get("/recommendation?id=" + baselineAdvice + "&state=unhealthy&scope=" + findingsSub)
	if !strings.Contains(advice, "Findings on db01") || !strings.Contains(advice, "finding that a rule disables") {
		t.Error("the recommendation's page does not list the finding apart")
	}
	for path, want := range map[string]string{
		"/inventory?finding=no-usb": "No resource matches", "/inventory?finding=no-usb&disabled=1": "web01",
		"/inventory?finding=check+core": "db01", "/inventory.csv?finding=no-core": "machines/db01",
	} {
		if body := s.get(path); !strings.Contains(body, want) || strings.Contains(want, "db01") && strings.Contains(body, "web01") {
			t.Errorf("%s lacks %q, or shows more", path, want)
		}
	}

	list := s.get("/policies")
	id, etag := hidden(list, "/enable", "id"), hidden(list, "/enable", "etag")
	if id == "" || etag == "" {
		t.Fatal("the list of rules has no form that ends one")
	}
	terms.Set("reason", "for another reason")
	s.post("/disable", terms)
	if r, err := s.client.PostForm(s.url+"/enable", url.Values{"id": {id}, "etag": {etag}, "token": {s.token()}}); err != nil || r.StatusCode != 412 {
		t.Errorf("ending a rule that was changed meanwhile: %v %v, want 412", r.Status, err)
	}
	s.post("/enable", url.Values{"id": {id}, "etag": {hidden(s.get("/policies"), "/enable", "etag")}})
	s.until("the rule has ended", func() bool { return s.baselineOf(web) == record.Unhealthy })
}

// hidden is the value of a form's hidden field.
func hidden(body, action, name string) string {
	_, form, _ := strings.Cut(body, `action="`+action+`"`)
	m := regexp.MustCompile(`name="` + name + `" value="([^"]+)"`).FindStringSubmatch(form)
	if m == nil {
		return ""
	}
	return html.UnescapeString(m[1])
}

func (s *stage) token() string { return hidden(s.get("/"), "/theme", "token") }

func TestBadDisableForms(t *testing.T) {
	s := newStage(t, 60)
	web := s.putServer("web01", "no-usb")
	good := url.Values{"recommendation": {baselineAdvice}, "finding": {"no-usb"}, "at": {web}, "reason": {"r"}, "expires": {""}, "token": {s.token()}}
	for name, change := range map[string][2]string{
		"no-reason": {"reason", " "}, "past": {"expires", "2001-01-01"}, "no-date": {"expires", "soon"}, "scope-gone": {"at", web + "2"},
		"no-id": {"at", "/x/"}, "no-finding": {"finding", ""}, "without-findings": {"recommendation", "404b2d2e-1f0d-4a4c-9a6f-4f6a7c9f0000"},
	} {
		t.Run(name, func(t *testing.T) {
			form := url.Values{}
			for key, values := range good {
				form[key] = values
			}
			form.Set(change[0], change[1])
			r, err := s.client.PostForm(s.url+"/disable", form)
			check(t, err)
			if r.StatusCode != 400 && r.StatusCode != 404 {
				t.Errorf("%s", r.Status)
			}
		})
	}
	if s.baselineOf(web) != record.Unhealthy {
		t.Error("a form that was refused did something")
	}
}

// TestNoSuchFinding looks for a finding that nothing has: it may be disabled.
func TestNoSuchFinding(t *testing.T) {
	s := newStage(t, 40)
	const link = `href="/inventory?disabled=1&amp;finding=nowhere">Look among disabled findings`
	if body := s.get("/inventory?finding=nowhere"); !strings.Contains(body, link) {
		t.Errorf("no way to disabled findings: %s", body)
	}
	if body := s.get("/inventory?finding=nowhere&disabled=1"); strings.Contains(body, "Look among") {
		t.Error("disabled findings lead to themselves")
	}
}
