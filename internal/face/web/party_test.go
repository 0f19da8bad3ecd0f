package web

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/posture/index"
)

// TestReportLeadsToItsTasks follows every number of the governance report: the
// list behind it has as many rows.
func TestReportLeadsToItsTasks(t *testing.T) {
	s := newStage(t, 300)
	a := s.worst()
	s.post("/governance/rule", url.Values{"name": {"High in a week"}, "target": {""}, "severity": {"high"}, "source": {"Manually"}, "owner": {"Ops <our> & co"}, "days": {"7"}, "priority": {"10"}})
	s.post("/governance/rule", url.Values{"name": {"By a tag"}, "target": {""}, "severity": {"medium"}, "source": {"ByTag"}, "owner": {"env"}, "days": {"7"}, "priority": {"20"}})
	s.post("/assign", url.Values{"recommendation": {a.Recommendation.ID}, "target": {a.ResourceID}, "owner": {"ana@example.org"}, "days": {"14"}})
	s.until("people and rules have tasks", func() bool {
		rules, people := map[string]bool{}, false
		for _, w := range s.view().Workloads(index.Scope{}) {
			rules[w.RuleID] = true
			people = people || w.ByHand && w.Owner != ""
		}
		return people && len(rules) >= 3
	})
	number := regexp.MustCompile(`data-l="(Completed|On time|Overdue|Unassigned)"><a[^>]* href="([^"]+)">([\d,]+)</a>`)
	heading := regexp.MustCompile(`<h1>([\d,]+|One|one) `)
	body := s.get("/governance")
	links := number.FindAllStringSubmatch(body, -1)
	if len(links) < 3 {
		t.Fatalf("%d numbers lead on: %s", len(links), body[strings.Index(body, `id="report"`):])
	}
	for _, m := range links {
		list := s.get(html.UnescapeString(m[2]))
		got := heading.FindStringSubmatch(list)
		if got == nil || got[1] != m[3] && !(strings.EqualFold(got[1], "one") && m[3] == "1") {
			t.Errorf("%s %s leads to a list with %q: %s", m[1], m[3], got, m[2])
		}
		if strings.Contains(list, "<our>") {
			t.Errorf("%s: not escaped", m[2])
		}
	}
	if r, err := s.client.Get(s.url + "/assessments?by=%00"); err != nil || r.StatusCode != http.StatusBadRequest {
		t.Errorf("by nonsense: %v, %v", r.Status, err)
	}
}
