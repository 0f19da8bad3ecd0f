package web

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// TestRefusedFormIsFilledAgain sends each kind of form with something wrong: the
// page comes back with the reason and with what was written, escaped.
func TestRefusedFormIsFilledAgain(t *testing.T) {
	s := newStage(t, 300)
	a := s.worst()
	token := regexp.MustCompile(`name="token" value="([^"]+)"`).FindStringSubmatch(s.get("/"))[1]
	exemption := "/exempt?id=" + a.Recommendation.ID + "&resource=" + url.QueryEscape(a.ResourceID)
	task := "/assign?id=" + a.Recommendation.ID + "&resource=" + url.QueryEscape(a.ResourceID)
	const text = `Because of <our> "rules" & 'more'`
	const shown = `Because of &lt;our&gt; &#34;rules&#34; &amp; &#39;more&#39;`
	for _, c := range []struct {
		page, action string
		form         url.Values
		want         []string
	}{
		{exemption, "/exempt", url.Values{"recommendation": {a.Recommendation.ID}, "target": {a.ResourceID}, "category": {"Waiver"}, "reason": {text}, "ticket": {"SEC-7"}, "reopen": {"never"}, "ask": {"1"}, "expires": {"2001-01-01"}},
			[]string{">" + shown + "</textarea>", `name="ticket" maxlength="200" value="SEC-7"`, `value="Waiver" checked=""`, `value="never" selected=""`, `name="ask" value="1" checked=""`, `value="2001-01-01"`, "The end date has passed."}},
		{task, "/assign", url.Values{"recommendation": {a.Recommendation.ID}, "target": {a.ResourceID}, "owner": {text}, "days": {"90"}, "due": {"31 March"}, "grace": {"1"}},
			[]string{`value="` + shown + `"`, `value="90" selected=""`, "is not a date like"}},
		{"/recommendation?id=" + a.Recommendation.ID, "/assign", url.Values{"recommendation": {a.Recommendation.ID}, "target": {""}, "owner": {text}, "days": {"8"}},
			[]string{`value="` + shown + `"`, `<details class="act" open="">`, "7, 14, 30 or 90 days"}},
		{"/governance", "/governance/rule", url.Values{"target": {""}, "name": {text}, "owner": {"ops"}, "source": {"ByTag"}, "days": {"14"}, "priority": {"many"}, "severity": {"low"}},
			[]string{`value="` + shown + `"`, `value="ByTag" checked=""`, `value="low" checked=""`, `value="14" selected=""`, "A priority is a number"}},
		{"/compliance/new", "/compliance/new", url.Values{"title": {""}, "description": {text}}, []string{shown, `role="alert"`}},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+c.action, nil)
		check(t, err)
		c.form.Set("token", token)
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(c.form.Encode())), int64(len(c.form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Referer", s.url+c.page)
		answer, err := s.client.Do(r)
		check(t, err)
		raw, err := io.ReadAll(answer.Body)
		check(t, err)
		_ = answer.Body.Close()
		body := string(raw)
		if answer.StatusCode != http.StatusBadRequest || strings.Count(body, `id="refused"`) != 1 || strings.Contains(body, "<our>") {
			t.Errorf("%s on %s: %d, %d notes", c.action, c.page, answer.StatusCode, strings.Count(body, `id="refused"`))
		}
		for _, want := range c.want {
			if !strings.Contains(body, want) {
				t.Errorf("%s on %s: no %s", c.action, c.page, want)
			}
		}
		if c.action == "/governance/rule" && strings.Contains(body, `value="high" checked`) {
			t.Error("a box that was emptied is ticked again")
		}
	}
}
