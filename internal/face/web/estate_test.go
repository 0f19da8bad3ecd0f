package web

import (
	"context"
	"encoding/csv"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/access"
	documents "github.com/rampart-sec/rampart/internal/base/inventory"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/collect/simulate"
	"github.com/rampart-sec/rampart/internal/posture/compliance"
	"github.com/rampart-sec/rampart/internal/posture/exemption"
	"github.com/rampart-sec/rampart/internal/posture/governance"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/judge"
	"github.com/rampart-sec/rampart/internal/posture/ownership"
	"github.com/rampart-sec/rampart/internal/posture/record"
	"github.com/rampart-sec/rampart/internal/threat/alert"
)

// stage is a whole server below a test: store, inventory, judge, identity and
// pages, with a simulated estate, and a browser's cookie jar before it.
type stage struct {
	t      *testing.T
	db     *store.DB
	judge  *judge.Judge
	access *access.Access
	opt    Options
	url    string
	client *http.Client
}

// objectsOf writes control objects straight to the store.
type objectsOf struct{ db *store.DB }

func (o objectsOf) Objects(ctx context.Context, q store.ObjectQuery) (all []store.Object, err error) {
	err = o.db.View(ctx, func(tx *store.Tx) error { all, err = tx.Objects(ctx, q); return err })
	return all, err
}

func (o objectsOf) PutObject(ctx context.Context, _ access.Principal, obj store.Object, ifMatch string) error {
	return o.db.Update(ctx, func(tx *store.Tx) error { _, err := tx.PutObject(ctx, obj, ifMatch); return err })
}

func (o objectsOf) DeleteObject(ctx context.Context, _ access.Principal, obj store.Object) error {
	return o.db.Update(ctx, func(tx *store.Tx) error { return tx.DeleteObject(ctx, obj.Tenant, obj.Kind, obj.ID, obj.ETag) })
}

func newStage(t *testing.T, resources int) *stage {
	t.Helper()
	ctx, log := t.Context(), slog.New(slog.DiscardHandler)
	library, err := content.Load()
	check(t, err)
	db, err := store.Open(ctx, store.Options{URL: "sqlite:" + filepath.Join(t.TempDir(), "test.db"), Now: time.Now, Log: log})
	check(t, err)
	inv := documents.New(documents.Options{Store: db, Now: time.Now, Log: log})
	acc := access.New(access.Options{Store: db, Now: time.Now, Log: log})
	_, err = acc.Bootstrap(ctx)
	check(t, err)
	judge, err := judge.New(judge.Options{Store: db, Inventory: inv, Library: library, Now: time.Now, Log: log})
	check(t, err)
	gen, err := simulate.New(simulate.Options{Resources: resources, Seed: 7, Library: library, Source: "import", Now: time.Now()})
	check(t, err)
	var docs []wire.Document
	for doc, ok := gen.Next(); ok; doc, ok = gen.Next() {
		docs = append(docs, doc)
	}
	_, err = inv.Put(ctx, "", docs)
	check(t, err)
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- judge.Run(running) }()
	records := compliance.NewRecords(compliance.Options{Store: db, Library: library, Now: time.Now, Log: log})
	opt := Options{Judge: judge, Access: acc, Library: library, Objects: objectsOf{db}, Owners: ownership.New(db, judge, time.Now), Compliance: records, Exemptions: &exemption.Approvals{Store: db, Now: time.Now},
		Alerts: alert.NewBook(db, time.Now, func(string, string) alert.Context { return alert.Context{} }), Now: time.Now, Log: log, Version: "test"}
	s, err := New(opt)
	check(t, err)
	server := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		stop()
		<-ended
		_ = db.Close()
	})
	<-judge.Ready()
	st := &stage{t: t, db: db, judge: judge, access: acc, opt: opt, url: server.URL}
	link, err := acc.NewLink(ctx)
	check(t, err)
	st.signIn(link)
	st.until("resources are judged", func() bool { return judge.Estate("").View().Score(index.Scope{}).Max > 0 })
	return st
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *stage) signIn(link string) {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	check(s.t, err)
	s.client = &http.Client{Jar: jar}
	if body := s.get(SignInPath + "?code=" + link); !strings.Contains(body, "Secure score") && !strings.Contains(body, "Nothing is connected") {
		s.t.Fatalf("the link does not lead to the overview: %.300s", body)
	}
}

func (s *stage) get(path string) string {
	s.t.Helper()
	r, err := s.client.Get(s.url + path)
	check(s.t, err)
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	check(s.t, err)
	if r.StatusCode != http.StatusOK {
		s.t.Fatalf("GET %s: %s: %.300s", path, r.Status, body)
	}
	return string(body)
}

// post sends a form as the page does, with the page's token.
func (s *stage) post(path string, form url.Values) string {
	s.t.Helper()
	token := regexp.MustCompile(`name="token" value="([^"]+)"`).FindStringSubmatch(s.get("/"))
	if token == nil {
		s.t.Fatal("the page has no form token")
	}
	form.Set("token", token[1])
	r, err := s.client.PostForm(s.url+path, form)
	check(s.t, err)
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	check(s.t, err)
	if r.StatusCode != http.StatusOK {
		s.t.Fatalf("POST %s: %s: %.300s", path, r.Status, body)
	}
	return string(body)
}

// until polls for what the judge does in its own time.
func (s *stage) until(what string, ok func() bool) {
	s.t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("waited in vain until %s", what)
		}
	}
}

func (s *stage) view() *index.View { return s.judge.Estate("").View() }

// TestEstate walks through every page of a simulated estate: each number and
// each link on it must lead to a page that exists.
func TestEstate(t *testing.T) {
	s := newStage(t, 300)
	t.Run("links", s.links)
	t.Run("csv", s.csv)
	t.Run("exempt", s.exempt)
	t.Run("assign", s.assign)
	t.Run("switchOff", s.switchOff)
	t.Run("attest", s.attest)
}

// links follows every kind of link once per page.
func (s *stage) links(t *testing.T) {
	seen := map[string]bool{"/signout": true}
	kinds := map[string]int{}
	queue := []string{"/", "/recommendations?view=control", "/search?q=storage", "/posture?days=7", "/settings", "/policies", "/governance", "/compliance", "/assessments"}
	link := regexp.MustCompile(`href="(/[^"#]*)`)
	for pages := 0; len(queue) > 0 && pages < 150; pages++ {
		target := queue[0]
		queue = queue[1:]
		body := s.get(target)
		if strings.Contains(body, "ZgotmplZ") || strings.Contains(body, "<no value>") {
			t.Errorf("%s shows what a template could not write", target)
		}
		for _, m := range link.FindAllStringSubmatch(body, -1) {
			next := strings.ReplaceAll(m[1], "&amp;", "&")
			path, query, _ := strings.Cut(next, "?")
			names := regexp.MustCompile(`(\w+)=[^&]*`).ReplaceAllString(query, "$1")
			if kind := path + names; !seen[next] && kinds[kind] < 3 && !strings.HasPrefix(next, "/assets/") && !strings.HasPrefix(next, "/t/") {
				seen[next] = true
				kinds[kind]++
				queue = append(queue, next)
			}
		}
	}
	if len(seen) < 60 {
		t.Errorf("only %d links were found", len(seen))
	}
}

// csv compares the streamed list with the index.
func (s *stage) csv(t *testing.T) {
	lines, err := csv.NewReader(strings.NewReader(s.get("/inventory.csv"))).ReadAll()
	check(t, err)
	if want := s.view().Resources(); len(lines)-1 != want {
		t.Errorf("%d lines, %d resources", len(lines)-1, want)
	}
	unhealthy, err := csv.NewReader(strings.NewReader(s.get("/inventory.csv?state=unhealthy&sort=name"))).ReadAll()
	check(t, err)
	page, err := s.view().Inventory(index.InventoryQuery{State: []record.State{record.Unhealthy}, Limit: 1})
	check(t, err)
	if len(unhealthy)-1 != page.Total {
		t.Errorf("%d unhealthy lines, %d in the index", len(unhealthy)-1, page.Total)
	}
	if last := unhealthy[len(unhealthy)-1]; last[8] == "0" {
		t.Errorf("a resource without anything unhealthy is listed: %v", last)
	}
}

// worst is an unhealthy assessment of something counted.
func (s *stage) worst() record.Assessment {
	s.t.Helper()
	page, err := s.view().Assessments(index.AssessmentQuery{State: []record.State{record.Unhealthy}, Limit: 200})
	check(s.t, err)
	for _, a := range page.Rows {
		if a.Recommendation.Counted && strings.Contains(a.ResourceID, "/resourceGroups/") {
			return a
		}
	}
	s.t.Fatal("nothing in the simulated estate is unhealthy")
	return record.Assessment{}
}

func (s *stage) stateOf(a record.Assessment) record.State {
	now, _ := s.view().Assessment(a.ResourceID, a.Recommendation.ID)
	return now.State
}

// exempt exempts one resource in the form, sees it take effect, and ends it.
func (s *stage) exempt(t *testing.T) {
	a := s.worst()
	form := s.get("/exempt?id=" + a.Recommendation.ID + "&resource=" + url.QueryEscape(a.ResourceID))
	if !strings.Contains(form, "With the exemption") {
		t.Error("the form does not preview the effect")
	}
	s.post("/exempt", url.Values{"recommendation": {a.Recommendation.ID}, "target": {a.ResourceID}, "category": {"Mitigated"}, "reason": {"<b>behind</b> the bastion"}, "expires": {""}})
	s.until("the exemption takes effect", func() bool { return s.stateOf(a) == record.Exempt })
	list := s.get("/policies")
	if !strings.Contains(list, "&lt;b&gt;behind&lt;/b&gt; the bastion") {
		t.Error("the reason is not listed, or not escaped")
	}
	id := regexp.MustCompile(`name="id" value="([^"]+)"`).FindStringSubmatch(list)
	if id == nil {
		t.Fatal("the exemption cannot be ended on the page")
	}
	s.post("/unexempt", url.Values{"id": {id[1]}})
	s.until("the exemption has ended", func() bool { return s.stateOf(a) == record.Unhealthy })
}

func (s *stage) assign(t *testing.T) {
	a := s.worst()
	s.post("/assign", url.Values{"recommendation": {a.Recommendation.ID}, "target": {""}, "owner": {"ops@example.org"}, "days": {"7"}})
	s.until("the owner shows", func() bool {
		now, _ := s.view().Assessment(a.ResourceID, a.Recommendation.ID)
		return now.Assigned.Owner == "ops@example.org" && now.Status == governance.OnTime
	})
	if page := s.get("/resource?id=" + url.QueryEscape(a.ResourceID)); !strings.Contains(page, a.ResourceName) {
		t.Error("the resource's page does not name it")
	}
	s.alone(t, a)
	s.rule(t)
}

// fieldsOf are the hidden fields of the first form of a page that posts to an
// address.
func fieldsOf(t *testing.T, page, action string) url.Values {
	t.Helper()
	form := regexp.MustCompile(`(?s)action="` + action + `[^"]*">(.*?)</form>`).FindStringSubmatch(page)
	if form == nil {
		t.Fatalf("no form posts to %s", action)
	}
	values := url.Values{}
	for _, m := range regexp.MustCompile(`type="hidden" name="([^"]+)" value="([^"]*)"`).FindAllStringSubmatch(form[1], -1) {
		values.Set(m[1], html.UnescapeString(m[2]))
	}
	values.Del("token")
	return values
}

// alone takes one assessment out of what was assigned in bulk, promises a date
// for it, and is told when somebody else was faster.
func (s *stage) alone(t *testing.T, a record.Assessment) {
	address := "/assign?id=" + a.Recommendation.ID + "&resource=" + url.QueryEscape(a.ResourceID)
	old := fieldsOf(t, s.get(address), "/assign")
	old.Set("owner", "ana@example.org")
	old.Set("days", "14")
	s.post("/assign", old)
	assigned := func(holds func(record.Assessment) bool) func() bool {
		return func() bool {
			now, _ := s.view().Assessment(a.ResourceID, a.Recommendation.ID)
			return now.Assigned.Owner == "ana@example.org" && holds(now)
		}
	}
	s.until("it has an owner of its own", assigned(func(record.Assessment) bool { return true }))
	r, err := s.client.PostForm(s.url+"/assign", old)
	check(t, err)
	if _ = r.Body.Close(); r.StatusCode != http.StatusPreconditionFailed {
		t.Errorf("the form that was opened before the change: %s, want 412", r.Status)
	}
	eta := fieldsOf(t, s.get(address), "/promise")
	eta.Set("eta", time.Now().AddDate(0, 0, 20).Format(time.DateOnly))
	eta.Set("justification", "<i>parts</i> are on order")
	s.post("/promise", eta)
	s.until("the promise is for after the due date", assigned(func(now record.Assessment) bool { return now.Assigned.Late() }))
	if page := s.get(address); !strings.Contains(page, "&lt;i&gt;parts&lt;/i&gt;") || !strings.Contains(page, "after the due date") {
		t.Error("the promise is not shown, or not escaped")
	}
	if page := s.get("/recommendation?task=onTime&id=" + a.Recommendation.ID); !strings.Contains(page, "ana@example.org") {
		t.Error("the recommendation's page does not name the owner")
	}
	s.post("/unassign", fieldsOf(t, s.get(address), "/unassign"))
	s.until("what was assigned in bulk is back", func() bool {
		now, _ := s.view().Assessment(a.ResourceID, a.Recommendation.ID)
		return now.Assigned.Owner == "ops@example.org"
	})
}

// rule makes a rule on the governance page, lets it override, and deletes it.
func (s *stage) rule(t *testing.T) {
	s.post("/governance/rule", url.Values{"target": {""}, "name": {"All in <90> days"}, "severity": {"low", "medium", "high", "critical"}, "source": {"Manually"},
		"owner": {"team@example.org"}, "days": {"90"}, "priority": {"7"}})
	owner := func(name string, deleted bool) func() bool {
		return func() bool {
			return slices.ContainsFunc(s.view().Workloads(index.Scope{}), func(w index.Workload) bool {
				return w.Owner == name && w.OnTime > 0 && w.Deleted == deleted
			})
		}
	}
	s.until("the rule fills what nobody has", owner("team@example.org", false))
	if !owner("ops@example.org", false)() {
		t.Error("the rule took what a person had assigned")
	}
	page := s.get("/governance")
	if !strings.Contains(page, "All in &lt;90&gt; days") || !strings.Contains(page, "ops@example.org") {
		t.Error("the page lacks the rule or an owner")
	}
	s.post("/governance/override", fieldsOf(t, page, "/governance/override"))
	s.until("the rule has taken all", func() bool { return !owner("ops@example.org", false)() })
	s.post("/governance/delete", fieldsOf(t, page, "/governance/delete"))
	s.until("a deleted rule keeps what it had assigned", owner("team@example.org", true))
	if csv := s.get("/governance.csv"); !strings.Contains(csv, "team@example.org,false,0,") {
		t.Errorf("the report as CSV:\n%s", csv)
	}
}

func (s *stage) switchOff(t *testing.T) {
	a := s.worst()
	s.post("/policy/effect", url.Values{"recommendation": {a.Recommendation.ID}, "effect": {"Disabled"}, "back": {"/policies"}})
	s.until("the recommendation is off", func() bool { return s.view().Recommendation(a.Recommendation.ID).Disabled })
	s.post("/policy/effect", url.Values{"recommendation": {a.Recommendation.ID}, "effect": {""}, "back": {"/policies"}})
	s.until("it is on again", func() bool { return s.stateOf(a) == record.Unhealthy })
}

func (s *stage) attest(t *testing.T) {
	page := s.get("/compliance")
	for _, m := range regexp.MustCompile(`/compliance/([a-z0-9-]+)"`).FindAllStringSubmatch(page, -1) {
		body := s.get("/compliance/" + m[1])
		control := regexp.MustCompile(`name="control" value="([^"]+)"`).FindStringSubmatch(body)
		if control == nil {
			continue
		}
		got := s.post("/compliance/"+m[1]+"/attest", url.Values{"control": {control[1]}, "state": {"Passed"}, "comment": {"Seen on paper."}, "expires": {""}})
		if !strings.Contains(got, "Seen on paper.") {
			t.Errorf("the attestation of %s %s does not show", m[1], control[1])
		}
		return
	}
	t.Skip("every control of every standard is judged by a recommendation")
}

// somebody is an Access for which every request comes from one principal.
type somebody struct {
	*access.Access
	who access.Principal
}

func (s somebody) Session(*http.Request) (access.Principal, error) { return s.who, nil }

// become makes a user with one role and serves the pages to them.
func (s *stage) become(name string, role store.RoleAssignment) {
	s.t.Helper()
	ctx := s.t.Context()
	const password = "correct horse battery staple"
	user, _, err := s.access.Create(ctx, access.Principal{}, access.NewPrincipal{Kind: access.KindUser, Name: name, Password: password})
	check(s.t, err)
	role.Principal = user.ID
	check(s.t, s.access.Assign(ctx, access.Principal{}, role))
	issued, err := s.access.Token(ctx, access.Grant{Type: access.GrantPassword, Username: name, Password: password})
	check(s.t, err)
	opt := s.opt
	opt.Access = somebody{s.access, issued.Principal}
	server, err := New(opt)
	check(s.t, err)
	listening := httptest.NewServer(server.Handler())
	s.t.Cleanup(listening.Close)
	s.url = listening.URL
}

// TestReaderOfOneSubscription signs in with a role at one of several
// subscriptions: the pages show that one, and nothing of the others.
func TestReaderOfOneSubscription(t *testing.T) {
	s := newStage(t, 3000)
	subscriptions := s.view().Subscriptions()
	if len(subscriptions) < 2 {
		t.Fatalf("the simulated estate has %d subscriptions", len(subscriptions))
	}
	own, other := subscriptions[0], subscriptions[1]
	s.become("reader", store.RoleAssignment{Role: "Reader", Scope: own.ID})
	for _, path := range []string{"/", "/posture", "/recommendations", "/inventory", "/compliance", "/policies", "/governance", "/settings"} {
		body := s.get(path)
		if strings.Contains(body, other.ID) || !strings.Contains(body, own.ID) {
			t.Errorf("%s names another subscription, or not the own one", path)
		}
		if strings.Contains(body, `action="/policy/effect"`) || strings.Contains(body, `href="/exempt`) {
			t.Errorf("%s offers a form to a reader", path)
		}
	}
	for _, path := range []string{"/posture?scope=" + other.ID, "/inventory.csv?scope=" + other.ID, "/resource?id=" + other.ID, "/inventory.csv", "/exempt?id=x&resource=" + own.ID} {
		r, err := (&http.Client{Jar: s.client.Jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Get(s.url + path)
		check(t, err)
		_ = r.Body.Close()
		if r.StatusCode != http.StatusForbidden && r.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: status %d", path, r.StatusCode)
		}
	}
}

// TestBadAddresses asks for what cannot be and expects a page that says so.
func TestBadAddresses(t *testing.T) {
	s := newStage(t, 40)
	for path, want := range map[string]int{
		"/nowhere": 404, "/recommendation": 400, "/recommendation?id=none": 404, "/resource?id=/x": 400, "/resource?id=" + fixtureServer: 404,
		"/recommendations?sort=evil": 400, "/recommendations?state=evil": 400, "/recommendations?severity=evil": 400, "/recommendations?after=evil": 400,
		"/inventory?sort=evil": 400, "/inventory.csv?state=evil": 400, "/posture?days=3": 400, "/posture?scope=evil": 400, "/compliance/none": 404, "/compliance/mcsb?at=evil": 400, "/compliance/mcsb?at=2001-01-01": 404, "/compliance/mcsb?control=evil": 404, "/compliance/mcsb/edit": 400, "/compliance/mcsb/evidence?control=NS-1": 404, "/assessments?sort=evil": 400,
		"/assessments.csv?severity=evil": 400, "/compliance/mcsb/history.csv?control=evil": 404,
		"/compliance/none/report.csv": 404, "/t/demo/": 404, "/t/other/": 404, "/exempt?id=none": 404, "/inventory?scope=" + strings.Repeat("/x", 2000): 400,
	} {
		r, err := s.client.Get(s.url + path)
		check(t, err)
		body, err := io.ReadAll(r.Body)
		check(t, err)
		_ = r.Body.Close()
		if r.StatusCode != want || !strings.Contains(string(body), "<h1") {
			t.Errorf("%s: status %d, want %d: %s", clip(path, 60), r.StatusCode, want, clip(string(body), 200))
		}
	}
	bad := []url.Values{
		{"recommendation": {"none"}},
		{"recommendation": {s.worst().Recommendation.ID}, "category": {"Evil"}},
		{"recommendation": {s.worst().Recommendation.ID}, "category": {"Waiver"}, "reason": {""}},
		{"recommendation": {s.worst().Recommendation.ID}, "category": {"Waiver"}, "reason": {"x"}, "expires": {"2001-01-01"}},
		{"recommendation": {s.worst().Recommendation.ID}, "category": {"Waiver"}, "reason": {"x"}, "expires": {"soon"}},
		{"recommendation": {s.worst().Recommendation.ID}, "category": {"Waiver"}, "reason": {"x"}, "target": {"evil"}},
	}
	token := regexp.MustCompile(`name="token" value="([^"]+)"`).FindStringSubmatch(s.get("/"))[1]
	for i, form := range bad {
		form.Set("token", token)
		r, err := s.client.PostForm(s.url+"/exempt", form)
		check(t, err)
		_ = r.Body.Close()
		if r.StatusCode != 400 && r.StatusCode != 404 {
			t.Errorf("form %d: status %d", i, r.StatusCode)
		}
	}
}

// TestEventStream changes a resource and waits for the event that an open page
// would get.
func TestEventStream(t *testing.T) {
	s := newStage(t, 40)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	seq := s.view().Seq()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/events?seq=%d", s.url, seq), nil)
	check(t, err)
	answer, err := s.client.Do(r)
	check(t, err)
	defer answer.Body.Close()
	if got := answer.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Fatalf("content type %q", got)
	}
	a := s.worst()
	s.post("/exempt", url.Values{"recommendation": {a.Recommendation.ID}, "target": {a.ResourceID}, "category": {"Waiver"}, "reason": {"test"}})
	var heard strings.Builder
	buffer := make([]byte, 512)
	for !strings.Contains(heard.String(), "event: epoch") {
		n, err := answer.Body.Read(buffer)
		heard.Write(buffer[:n])
		if err != nil {
			t.Fatalf("stream ended after %q: %v", heard.String(), err)
		}
	}
}
