package app

import (
	"bytes"
	"database/sql"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/face/web"
	"github.com/rampart-sec/rampart/internal/posture/history"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/judge"
	"github.com/rampart-sec/rampart/internal/posture/planning"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// TestSampleTenant holds the sample to what it promises: fixes for what it
// shows, points by the formula, apart from the real estate, and gone with one
// form.
func TestSampleTenant(t *testing.T) {
	a := start(t, Config{Demo: true})
	v := visit(t, a)
	estate := sampled(t, a)
	view := estate.View()
	t.Run("fixes", func(t *testing.T) { fixesOffered(t, estate, view) })
	t.Run("formula", func(t *testing.T) { scoreRecounted(t, view) })
	t.Run("apart", func(t *testing.T) { sampleApart(t, a, v) })
	t.Run("removal", func(t *testing.T) { sampleRemoved(t, a, v) })
}

// sampled waits for the sample with its past.
func sampled(t *testing.T, a *App) *judge.Estate {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		e := a.judge.Estate(web.Sample)
		if e == nil {
			continue
		}
		points, err := e.History().Scores(t.Context(), history.HistoryQuery{From: time.Now().AddDate(0, 0, -demoDays), To: time.Now(), Points: demoDays})
		must(t, err)
		if e.View().Score(index.Scope{}).Max > 0 && len(points) >= demoDays/2 {
			return e
		}
	}
	t.Fatal("the sample did not come")
	return nil
}

// fixesOffered opens every unhealthy verdict: nine of ten must offer a fix,
// which is one that was tried on a copy and healed it.
func fixesOffered(t *testing.T, e *judge.Estate, v *index.View) {
	unhealthy, offered := 0, 0
	failed := map[string]int{}
	for a := range v.EachAssessment() {
		if a.State != record.Unhealthy {
			continue
		}
		unhealthy++
		evidence, err := planning.Explain(t.Context(), e, a.ResourceID, a.Recommendation.ID)
		must(t, err)
		switch k := a.Recommendation.Content; {
		case evidence.Fix != nil:
			offered++
		case k.HasFix():
			failed[k.Name]++
		}
	}
	if unhealthy < 500 {
		t.Fatalf("the sample shows %d unhealthy verdicts, which is too little", unhealthy)
	}
	if share := float64(offered) / float64(unhealthy); share < 0.9 {
		t.Errorf("%.1f %% of %d unhealthy verdicts offer a fix, want 90; fixes that fail: %v", share*100, unhealthy, failed)
	}
}

// scoreRecounted compares points with a recount from assessments.
func scoreRecounted(t *testing.T, v *index.View) {
	standing := map[[3]string]record.State{} // subscription, control, resource
	maximum := map[string]int{}
	for a := range v.EachAssessment() {
		r := a.Recommendation
		if !r.Counted || r.Control == nil || a.State == record.Exempt || a.State == record.NotApplicable {
			continue
		}
		maximum[r.Control.ID] = r.Control.Max
		key := [3]string{subscriptionOf(t, a.ResourceID), r.Control.ID, a.ResourceID}
		if was := standing[key]; was != record.Unhealthy && (was != record.Unknown || a.State == record.Unhealthy) {
			standing[key] = a.State
		}
	}
	type pool struct{ healthy, known int }
	pools, resources := map[string]map[string]pool{}, map[string]map[string]bool{}
	for key, state := range standing {
		if state == record.Unknown || maximum[key[1]] == 0 {
			continue
		}
		if pools[key[0]] == nil {
			pools[key[0]], resources[key[0]] = map[string]pool{}, map[string]bool{}
		}
		p := pools[key[0]][key[1]]
		p.known++
		if state == record.Healthy {
			p.healthy++
		}
		pools[key[0]][key[1]], resources[key[0]][key[2]] = p, true
	}
	var sum, weight float64
	for sub, controls := range pools {
		var points, most float64
		for id, p := range controls {
			points += float64(maximum[id]) / float64(p.known) * float64(p.healthy)
			most += float64(maximum[id])
		}
		got := v.Score(index.Scope{ID: sub})
		if math.Abs(got.Current-points) > 1e-9 || float64(got.Max) != most || got.Weight != len(resources[sub]) {
			t.Errorf("%s: %.6f of %d, weight %d; recounted %.6f of %.0f, weight %d", sub, got.Current, got.Max, got.Weight, points, most, len(resources[sub]))
		}
		sum += points / most * 100 * float64(got.Weight)
		weight += float64(got.Weight)
	}
	if got := v.Score(index.Scope{}).Percent; math.Abs(got-sum/weight) > 1e-9 || weight == 0 {
		t.Errorf("estate %.6f %%, recounted %.6f", got, sum/weight)
	}
}

var subscriptionPart = regexp.MustCompile(`(?i)^/subscriptions/[^/]+`)

func subscriptionOf(t *testing.T, id string) string {
	t.Helper()
	sub := subscriptionPart.FindString(id)
	if sub == "" {
		t.Fatalf("%s is in no subscription", id)
	}
	return sub
}

// sampleApart looks for the sample in the numbers of the default tenant.
func sampleApart(t *testing.T, a *App, v *visitor) {
	view := a.judge.Estate(store.DefaultTenant).View()
	if n, s := view.Resources(), view.Score(index.Scope{}); n != 1 || s.Weight != 0 || s.Max != 0 {
		t.Errorf("the default tenant has %d resources and the score %+v", n, s)
	}
	if subs := v.subscriptions(); len(subs) != 1 || subs[0] != "/subscriptions/"+v.boot.SubscriptionID {
		t.Errorf("subscriptions %v", subs)
	}
	off := 0 // its one subscription is registered: every plan is known to be on Free
	for id, c := range v.countedTable() {
		off += c[1]
		if c[0] > 0 || c[1]+c[2] > 1 {
			t.Errorf("%s counts %v in the default tenant", id, c)
		}
	}
	if off != 12 {
		t.Errorf("%d recommendations are unhealthy in the default tenant, want those about the 12 plans", off)
	}
	if len(v.table("/inventory.csv")) != 1 || len(v.table("/t/demo/inventory.csv")) < demoResources {
		t.Error("the inventories are mixed")
	}
}

// sampleRemoved presses the button and looks for rows that stayed.
func sampleRemoved(t *testing.T, a *App, v *visitor) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(a.opt.Config.Data, "rampart.db")+"?mode=ro")
	must(t, err)
	defer db.Close()
	var tenant int
	must(t, db.QueryRow(`SELECT no FROM tenants WHERE id = ?`, web.Sample).Scan(&tenant))
	before := rowsOf(t, db, tenant)
	if before["resources"] < demoResources || before["scores"] == 0 {
		t.Fatalf("rows of the sample: %v", before)
	}
	if !bytes.Contains(v.page("/t/demo/"), []byte(`action="/t/demo/sample/remove"`)) {
		t.Fatal("the page has no form to remove the sample")
	}
	removeSample(t, a, v)
	waitFor(t, a, "the sample's end", func(snapshot) bool { return a.judge.Estate(web.Sample) == nil })
	time.Sleep(time.Second) // whoever still works on the tenant would write by now
	for _, table := range slices.Sorted(maps.Keys(before)) {
		if n := rowsOf(t, db, tenant)[table]; n > 0 {
			t.Errorf("%d rows stayed in %s", n, table)
		}
	}
	if resp, err := v.web.Get(a.Status().Dashboard + "/t/demo/"); err != nil || resp.StatusCode != http.StatusNotFound {
		t.Errorf("the sample's page: %v, %v", resp.Status, err)
	}
	select {
	case err := <-a.life.failed:
		t.Error(err)
	default:
	}
}

var formToken = regexp.MustCompile(`name="token" value="([^"]+)"`)

// removeSample sends the form that removes the sample.
func removeSample(t *testing.T, a *App, v *visitor) {
	t.Helper()
	token := formToken.FindSubmatch(v.page("/"))
	if token == nil {
		t.Fatal("the page has no form")
	}
	resp, err := v.web.PostForm(a.Status().Dashboard+"/t/demo/sample/remove", url.Values{"token": {string(token[1])}})
	must(t, err)
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("removal: %s", resp.Status)
	}
}

// TestSampleRemovedWhileItIsMade removes the sample while its makers work on
// it: they must let go of it, and the server must go on.
func TestSampleRemovedWhileItIsMade(t *testing.T) {
	for _, after := range []time.Duration{0, 300 * time.Millisecond} {
		t.Run(after.String(), func(t *testing.T) {
			a := start(t, Config{Demo: true})
			v := visit(t, a)
			for a.judge.Estate(web.Sample) == nil {
				time.Sleep(time.Millisecond)
			}
			time.Sleep(after)
			removeSample(t, a, v)
			select {
			case err := <-a.life.failed:
				t.Fatalf("the server ended: %v", err)
			case <-time.After(1200 * time.Millisecond):
			}
			if a.judge.Estate(web.Sample) != nil {
				t.Error("the sample is back")
			}
		})
	}
}

// rowsOf counts a tenant's rows in every table that has a tenant, but the audit
// trail, which stays.
func rowsOf(t *testing.T, db *sql.DB, tenant int) map[string]int {
	t.Helper()
	tables, err := db.Query(`SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'
		AND (c.name = 'tenant' OR m.name = 'tenants' AND c.name = 'no')`)
	must(t, err)
	defer tables.Close()
	columns := map[string]string{}
	for tables.Next() {
		var table, column string
		must(t, tables.Scan(&table, &column))
		columns[table] = column
	}
	must(t, tables.Err())
	delete(columns, "audit")
	counted := map[string]int{}
	for table, column := range columns {
		var n int
		must(t, db.QueryRow(fmt.Sprintf(`SELECT count(*) FROM %s WHERE %s = ?`, table, column), tenant).Scan(&n))
		counted[table] = n
	}
	return counted
}
