package web

import (
	"bytes"
	"encoding/csv"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/posture/compliance"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// upload is a file of a form.
type upload struct{ field, name, data string }

// send posts a form with files and gives the status and the page it leads to.
func (s *stage) send(path string, form url.Values, files ...upload) (int, string) {
	s.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	token := regexp.MustCompile(`name="token" value="([^"]+)"`).FindStringSubmatch(s.get("/settings"))
	form.Set("token", token[1])
	for key, values := range form {
		for _, value := range values {
			check(s.t, w.WriteField(key, value))
		}
	}
	for _, f := range files {
		part, err := w.CreateFormFile(f.field, f.name)
		check(s.t, err)
		_, err = part.Write([]byte(f.data))
		check(s.t, err)
	}
	check(s.t, w.Close())
	r, err := s.client.Post(s.url+path, w.FormDataContentType(), &body)
	check(s.t, err)
	defer r.Body.Close()
	page, err := io.ReadAll(r.Body)
	check(s.t, err)
	return r.StatusCode, string(page)
}

// field is the value of a hidden field of a form that posts to a path.
func field(page, action, name string) string {
	i := strings.Index(page, `action="`+action)
	if i < 0 {
		return ""
	}
	m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(page[i:])
	if m == nil {
		return ""
	}
	return m[1]
}

func TestOwnStandardOnPages(t *testing.T) {
	s := newStage(t, 300)
	worst := s.worst().Recommendation
	if status, page := s.send("/compliance/new", url.Values{"title": {"House rules & more"}, "version": {"1"}, "applies": {""}}); status != 200 || !strings.Contains(page, "None yet. Add the first one.") {
		t.Fatalf("create: %d %.300s", status, page)
	}
	edit := "/compliance/house-rules-more/edit"
	old := field(s.get(edit), edit, "etag")
	control := url.Values{"number": {"H-1"}, "title": {"The worst is mended"}, "domain": {"Machines"}, "etag": {old}, "find": {worst.Title}}
	status, page := s.send("/compliance/house-rules-more/control", control)
	if status != 200 || !strings.Contains(page, `value="`+worst.ID+`"`) {
		t.Fatalf("the control is saved and its search answers: %d", status)
	}
	if status, _ := s.send("/compliance/house-rules-more/control", control); status != 412 {
		t.Errorf("a second edit over the same state: %d, want 412", status)
	}
	control.Set("was", "H-1")
	control.Set("recommendation", worst.ID)
	control.Del("find")
	control.Set("etag", field(s.get(edit), edit, "etag"))
	if status, page := s.send("/compliance/house-rules-more/control", control); status != 200 {
		t.Fatalf("choose: %d %.300s", status, page)
	}
	if page := s.get("/compliance/house-rules-more"); !strings.Contains(page, "Failed 1") || !strings.Contains(page, worst.Title) {
		t.Error("the standard's page does not show the control as failed")
	}
	check(t, compliance.NewRecorder(s.opt.Compliance, s.judge).Look(t.Context()))
	if page := s.get("/compliance/house-rules-more?control=H-1"); !strings.Contains(page, "failed from ") || !strings.Contains(page, "Controls by outcome") {
		t.Error("the page does not show the standard and its control over time")
	}
	if page := s.get("/compliance"); !strings.Contains(page, `class="spark"`) {
		t.Error("the list of standards does not show them over time")
	}
	if csv := s.get("/compliance/house-rules-more/history.csv?control=H-1"); !strings.Contains(csv, ",H-1,Failed") {
		t.Errorf("history as CSV: %s", csv)
	}
	if page := s.get("/recommendation?id=" + worst.ID); !strings.Contains(page, "House rules &amp; more") {
		t.Error("the recommendation's page does not name the standard")
	}
	// The end of today is not known yet.
	if past := s.get("/compliance/house-rules-more?at=" + time.Now().UTC().Format(time.DateOnly)); !strings.Contains(past, "Outcomes as of") || strings.Contains(past, "23:59:59 UTC</time></b>") {
		t.Errorf("today tells of its end: %s", past)
	}
	for _, path := range []string{"report.csv", "report.json", "report.html", "history.csv", "standard.yaml"} {
		if body := s.get("/compliance/house-rules-more/" + path); !strings.Contains(body, "standard,at,passed") && !strings.Contains(body, "House rules") {
			t.Errorf("%s: %.200s", path, body)
		}
	}
	// The file that is given is one that is taken.
	file := s.get("/compliance/house-rules-more/standard.yaml")
	again := strings.Replace(file, "House rules & more", "House rules again", 1)
	if status, page := s.send(edit, url.Values{"etag": {field(s.get(edit), edit, "etag")}}, upload{"file", "x.yaml", again}); status != 200 || !strings.Contains(page, "House rules again") {
		t.Errorf("replace by the file: %d %.300s", status, page)
	}
	etag := field(s.get(edit), "/compliance/house-rules-more/delete", "etag")
	if status, _ := s.send("/compliance/house-rules-more/delete", url.Values{"etag": {"old"}}); status != 412 {
		t.Error("deleted over another's edit")
	}
	if status, page := s.send("/compliance/house-rules-more/delete", url.Values{"etag": {etag}}); status != 200 || strings.Contains(page, "House rules") {
		t.Errorf("delete: %d", status)
	}
}

func TestStandardUploadsAreRefused(t *testing.T) {
	s := newStage(t, 50)
	for name, tt := range map[string]struct {
		form   url.Values
		file   upload
		status int
		want   string
	}{
		"a line":           {url.Values{}, upload{"file", "own.yaml", "id: own\ntitle: Own\ncontrols:\n- {number: 1, title: A}\n- {number: 1, title: B}\n"}, 400, "own.yaml:5: controls.1.number: control number"},
		"not YAML":         {url.Values{}, upload{"file", "own.yaml", "\x00\x01"}, 400, "own.yaml"},
		"more than 1 MiB":  {url.Values{}, upload{"file", "own.yaml", strings.Repeat("# \n", 400_000)}, 400, "larger than"},
		"more than taken":  {url.Values{}, upload{"file", "own.yaml", strings.Repeat("a", maxUpload+1)}, 413, "too large"},
		"a built-in name":  {url.Values{}, upload{"file", "own.yaml", "id: mcsb\ntitle: Own\n"}, 409, "taken"},
		"an unknown scope": {url.Values{"applies": {"/subscriptions/none"}}, upload{"file", "own.yaml", "id: own\ntitle: Own\n"}, 404, "none"},
		"a foreign name":   {url.Values{}, upload{"file", "<script>.yaml", "x"}, 400, "&lt;script&gt;"},
	} {
		t.Run(name, func(t *testing.T) {
			if status, page := s.send("/compliance/new", tt.form, tt.file); status != tt.status || !strings.Contains(page, tt.want) {
				t.Errorf("%d %.600s, want %d with %q", status, page, tt.status, tt.want)
			}
		})
	}
}

func TestEvidenceOnPages(t *testing.T) {
	s := newStage(t, 50)
	std := "id: own\ntitle: Own\ncontrols:\n- {number: 'A (1)', title: By hand, manual: true}\n"
	if status, page := s.send("/compliance/new", url.Values{}, upload{"file", "own.yaml", std}); status != 200 {
		t.Fatalf("%d %.300s", status, page)
	}
	form := url.Values{"control": {"A (1)"}, "state": {"Passed"}, "comment": {"Seen."}, "etag": {compliance.Absent}}
	if status, _ := s.send("/compliance/own/attest", form, upload{"evidence", "evil.html", "<script>"}); status != 400 {
		t.Error("a page was taken as evidence")
	}
	status, page := s.send("/compliance/own/attest", form, upload{"evidence", `..\..\"proof".txt`, "on paper"})
	if status != 200 || !strings.Contains(page, "proof.txt") || !strings.Contains(page, "SHA-256") {
		t.Fatalf("%d: the evidence does not show", status)
	}
	if status, _ := s.send("/compliance/own/attest", form); status != 412 {
		t.Errorf("who saw no attestation writes over one: %d, want 412", status)
	}
	r, err := s.client.Get(s.url + "/compliance/own/evidence?control=A+(1)")
	check(t, err)
	defer r.Body.Close()
	data, err := io.ReadAll(r.Body)
	check(t, err)
	if string(data) != "on paper" || r.Header.Get("Content-Disposition") != "attachment; filename=proof.txt" || !strings.HasPrefix(r.Header.Get("Content-Security-Policy"), "sandbox") || r.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%q with %v", data, r.Header)
	}
	form.Set("etag", field(page, "/compliance/own/withdraw", "etag"))
	if status, page := s.send("/compliance/own/withdraw", form); status != 200 || strings.Contains(page, "proof.txt") {
		t.Errorf("withdraw: %d", status)
	}
}

func TestSavedViews(t *testing.T) {
	s := newStage(t, 300)
	save := func(page, query, name, shared string) (int, string) {
		return s.send("/views", url.Values{"do": {"save"}, "page": {page}, "query": {query}, "name": {name}, "shared": {shared}})
	}
	for page, query := range map[string]string{"/inventory": "state=unhealthy&type=Microsoft.Storage%2FstorageAccounts", "/recommendations": "severity=high&view=control", "/assessments": "q=storage&state=unhealthy"} {
		if status, body := save(page, query, "Worst <first>", ""); status != 200 || !strings.Contains(body, "Worst &lt;first&gt;") {
			t.Errorf("save on %s: %d", page, status)
		}
	}
	if status, body := save("/inventory", "q=x", "Shared one", "1"); status != 200 || !strings.Contains(body, "Shared one") {
		t.Errorf("share: %d", status)
	}
	for name, tt := range map[string]struct {
		page, query, name string
		status            int
	}{
		"the same name":     {"/inventory", "q=y", "worst <FIRST>", 409},
		"no name":           {"/inventory", "q=y", " ", 400},
		"a long name":       {"/inventory", "q=y", strings.Repeat("n", 61), 400},
		"another page":      {"/policies", "q=y", "a", 400},
		"another site":      {"//evil.example/inventory", "q=y", "a", 400},
		"no filter":         {"/inventory", "", "a", 400},
		"a foreign key":     {"/inventory", "q=y&evil=1", "a", 400},
		"a foreign state":   {"/inventory", "state=evil", "a", 400},
		"a foreign order":   {"/assessments", "sort=evil", "a", 400},
		"a long filter":     {"/inventory", "q=" + strings.Repeat("y", 2000), "a", 400},
		"an unknown scope":  {"/inventory", "scope=/subscriptions/none", "a", 404},
		"not a query":       {"/inventory", "q=%zz", "a", 400},
		"a foreign setting": {"/recommendations", "severity=evil", "a", 400},
	} {
		if status, body := save(tt.page, tt.query, tt.name, ""); status != tt.status {
			t.Errorf("%s: %d %.300s, want %d", name, status, body, tt.status)
		}
	}
	open := regexp.MustCompile(`href="(/inventory\?[^"]+saved=[^"]+)">Worst`).FindStringSubmatch(s.get("/inventory"))
	if open == nil {
		t.Fatal("the view is not offered")
	}
	body := s.get(strings.ReplaceAll(open[1], "&amp;", "&"))
	saved, etag := field(body, "/views", "saved"), field(body, "/views", "etag")
	if status, body := s.send("/views", url.Values{"do": {"rename"}, "saved": {saved}, "etag": {etag}, "name": {"Renamed"}}); status != 200 || !strings.Contains(body, "Renamed") {
		t.Errorf("rename: %d", status)
	}
	if status, _ := s.send("/views", url.Values{"do": {"update"}, "saved": {saved}, "etag": {etag}, "query": {"q=z"}}); status != 412 {
		t.Errorf("update over a rename: %d, want 412", status)
	}
	etag = field(s.get("/inventory?q=w&saved="+saved), "/views", "etag")
	if status, body := s.send("/views", url.Values{"do": {"update"}, "saved": {saved}, "etag": {etag}, "query": {"q=w"}}); status != 200 || !strings.Contains(body, "q=w&amp;saved=") {
		t.Errorf("update: %d", status)
	}
	etag = field(s.get("/inventory?q=w&saved="+saved), "/views", "etag")
	if status, body := s.send("/views", url.Values{"do": {"delete"}, "saved": {saved}, "etag": {etag}}); status != 200 || strings.Contains(body, "Renamed") {
		t.Errorf("delete: %d", status)
	}
	for i := range maxOwnViews {
		save("/inventory", "q="+strconv.Itoa(i), "View "+strconv.Itoa(i), "")
	}
	if status, _ := save("/inventory", "q=last", "One too many", ""); status != 400 {
		t.Errorf("one view more than may be: %d, want 400", status)
	}
}

// TestExportIsWhatIsShown compares the totals of filtered lists with the lines of
// their files.
func TestExportIsWhatIsShown(t *testing.T) {
	s := newStage(t, 1500)
	count := func(path string) int {
		r, err := s.client.Get(s.url + path)
		check(t, err)
		defer r.Body.Close()
		if r.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s", path, r.Status)
		}
		lines, err := csv.NewReader(r.Body).ReadAll()
		check(t, err)
		return len(lines) - 1
	}
	unhealthy := []record.State{record.Unhealthy}
	a, err := s.view().Assessments(index.AssessmentQuery{State: unhealthy, Text: "storage", Limit: 1})
	check(t, err)
	i, err := s.view().Inventory(index.InventoryQuery{State: unhealthy, Type: "Microsoft.Storage/storageAccounts", Limit: 1})
	check(t, err)
	all, err := s.view().Assessments(index.AssessmentQuery{Limit: 1})
	check(t, err)
	for path, want := range map[string]int{"/assessments.csv?state=unhealthy&q=storage": a.Total, "/inventory.csv?state=unhealthy&type=Microsoft.Storage/storageAccounts": i.Total, "/assessments.csv": all.Total} {
		if got := count(path); got != want || want < 2 {
			t.Errorf("%s has %d rows, the page says %d", path, got, want)
		}
	}
}
