package web

import (
	"bytes"
	"html"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/judge"
)

// upload sends a form with a file as a browser does.
func (s *stage) upload(path string, fields map[string]string, file string) (int, string) {
	s.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	fields["token"] = regexp.MustCompile(`name="token" value="([^"]+)"`).FindStringSubmatch(s.get("/"))[1]
	for name, value := range fields {
		check(s.t, w.WriteField(name, value))
	}
	part, err := w.CreateFormFile("file", "supposed.json")
	check(s.t, err)
	_, err = io.WriteString(part, file)
	check(s.t, err)
	check(s.t, w.Close())
	r, err := s.client.Post(s.url+path, w.FormDataContentType(), &b)
	check(s.t, err)
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	check(s.t, err)
	return r.StatusCode, string(body)
}

// TestWhatIfPage tries resources, fixes and exemptions on the page; the estate
// stays as it is.
func TestWhatIfPage(t *testing.T) {
	s := newStage(t, 300)
	a := s.worst()
	before, sub := s.view().Score(index.Scope{}), arm.MustParseID(a.ResourceID).SubscriptionID()
	seq := s.view().Seq()

	if body := s.get("/recommendation?id=" + a.Recommendation.ID); !strings.Contains(body, "/what-if?fix="+a.Recommendation.ID) {
		t.Error("the recommendation's page does not lead there")
	}
	fixed := s.get("/what-if?fix=" + a.Recommendation.ID)
	row := regexp.MustCompile(`data-l="Unhealthy now">([\d,]+)</td><td class="num" data-l="Unhealthy then">0</td>`)
	if !strings.Contains(fixed, "Nothing is stored") || !row.MatchString(fixed) {
		t.Errorf("a recommendation fixed: %.3000s", fixed[strings.Index(fixed, "<main"):])
	}
	resource := s.get("/resource?id=" + url.QueryEscape(a.ResourceID))
	link := regexp.MustCompile(`href="(/what-if[^"]+)"`).FindAllStringSubmatch(resource, -1)
	if len(link) < 1 {
		t.Fatal("the resource's page does not lead there")
	}
	if all := s.get(html.UnescapeString(link[len(link)-1][1])); !strings.Contains(all, a.Recommendation.Title) {
		t.Error("all of a resource fixed: its recommendation does not change")
	}
	if exempt := s.get("/what-if?exempt=" + a.Recommendation.ID + "&on=" + url.QueryEscape(a.ResourceID)); !strings.Contains(exempt, "Taken as exempt") {
		t.Error("an exemption is not tried")
	}

	id := sub + `/resourceGroups/<our>rg/providers/Microsoft.Storage/storageAccounts/supposed`
	good := strings.ReplaceAll(`{"id":"`+id+`","properties":{"supportsHttpsTrafficOnly":false,"allowBlobPublicAccess":true}}`, "<our>", "")
	status, body := s.upload("/what-if", map[string]string{}, good+"\n{\"id\":\n")
	if status != http.StatusOK || !strings.Contains(body, "1 part was left out") || !strings.Contains(body, `data-l="Line">2</td>`) || !strings.Contains(body, `<span class="tag">new</span>`) {
		t.Errorf("a file with a good and a bad line: %d %.3000s", status, body[strings.Index(body, "<main"):])
	}
	template := `{"$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#","contentVersion":"1.0.0.0","resources":[{"type":"Microsoft.Storage/storageAccounts","apiVersion":"2023-01-01","name":"open","properties":{"allowBlobPublicAccess":true}}]}`
	if status, body := s.upload("/what-if", map[string]string{"resources": template, "subscription": sub, "group": "rg"}, ""); status != http.StatusOK || !strings.Contains(body, ">open</b>") {
		t.Errorf("a template: %d", status)
	}
	for name, fields := range map[string]map[string]string{
		"noJSON":    {"resources": `<script>alert(1)</script>`},
		"cutOff":    {"resources": "[" + good},
		"nothing":   {},
		"tooMany":   {"resources": strings.Repeat(good+"\n", judge.MaxHypotheses+1)},
		"elsewhere": {"resources": strings.ReplaceAll(good, sub, "/subscriptions/11111111-2222-3333-4444-555555555555")},
		"noPlace":   {"resources": template, "subscription": sub},
	} {
		status, body := s.upload("/what-if", fields, "")
		if status != http.StatusBadRequest || !strings.Contains(body, `role="alert"`) || strings.Contains(body, "<script>alert") {
			t.Errorf("%s: %d", name, status)
		}
	}
	if status, _ := s.upload("/what-if", map[string]string{"resources": good}, strings.Repeat("x", 3*maxSupposed)); status != http.StatusRequestEntityTooLarge {
		t.Errorf("too large: %d", status)
	}

	if r, err := s.client.Get(s.url + "/what-if?tag=env&fix=all"); err != nil || r.StatusCode != http.StatusBadRequest {
		t.Errorf("fixed by tag: %v, %v", r.Status, err)
	}

	plan := s.get("/fix-plan?steps=5")
	all := regexp.MustCompile(`href="([^"]+)">What if all of this`).FindStringSubmatch(plan)
	if all == nil || !strings.Contains(s.get(html.UnescapeString(all[1])), "The score would rise") {
		t.Errorf("the plan does not lead to what it brings: %v", all)
	}
	if after := s.view().Score(index.Scope{}); after != before || s.view().Seq() != seq {
		t.Errorf("the estate changed: %+v to %+v", before, after)
	}
	s.become("reader", store.RoleAssignment{Role: "Reader", Scope: sub})
	if r, err := s.client.Get(s.url + "/what-if?fix=all&scope=/subscriptions/11111111-2222-3333-4444-555555555555"); err != nil || r.StatusCode != http.StatusForbidden {
		t.Errorf("another scope: %v %v", r.Status, err)
	}
	if body := s.get("/what-if?fix=all"); !strings.Contains(body, "<h1>") {
		t.Error("a reader of one subscription sees nothing")
	}
}

// TestWhatIfInBrowser is asked for by a stranger, who signs in and comes back to
// it, pastes a resource and sees what would be, without a complaint of the
// browser.
func TestWhatIfInBrowser(t *testing.T) {
	ctx := newBrowser(t)
	s := newStage(t, 300)
	heard := &complaints{}
	heard.listen(ctx)
	link, err := s.access.NewLink(t.Context())
	check(t, err)
	sub := arm.MustParseID(s.worst().ResourceID).SubscriptionID()
	text := `{"id":"` + sub + `/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/pasted","properties":{"supportsHttpsTrafficOnly":false}}`
	wait := func(sel, want string) {
		t.Helper()
		s.until(want+" shows", func() bool {
			got, err := chromedp.Run(ctx, chromedp.Evaluate[string](`(document.querySelector("`+sel+`") || {innerText: ""}).innerText`))
			return err == nil && strings.Contains(got, want)
		})
	}
	check(t, chromedp.Do(ctx, looks[0].apply(), chromedp.Navigate(s.url+"/what-if")))
	wait("h1", "Sign in")
	heard.take() // the 401 that brought us here
	run := func(js string) {
		t.Helper()
		_, err := chromedp.Run(ctx, chromedp.Evaluate[bool](js+"; true"))
		check(t, err)
	}
	run(`document.querySelector("[name=code]").value = "` + link + `"; document.querySelector("form.form button").click()`)
	wait("h1", "What if")
	run(`document.querySelector("[name=resources]").value = ` + "`" + text + "`" + `; document.querySelector("#ask form button").click()`)
	wait("#unhealthy", "pasted")
	wait("main", "Nothing is stored")
	got, err := chromedp.Run(ctx, chromedp.Evaluate[layout](inspect))
	check(t, err)
	checkLayout(t, got)
	for _, c := range heard.take() {
		t.Errorf("browser: %s", c)
	}
}
