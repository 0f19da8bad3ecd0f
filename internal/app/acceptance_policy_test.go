package app

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

const authorization = "/providers/Microsoft.Authorization/"

// TestChangesTakeEffectAtOnce imports a file with broken rows into a running
// server and changes policies over what landed.
func TestChangesTakeEffectAtOnce(t *testing.T) {
	var ahead atomic.Int64
	opt := options(t, Config{})
	opt.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	a := startWith(t, opt)
	v := visit(t, a)
	good := brokenImport(t, v)
	waitFor(t, a, "the good rows", func(s snapshot) bool { return s.resources >= good })
	v.subscriptions()
	settled(t, a, "the verdicts", func(s snapshot) bool { return s.view.Score(index.Scope{}).Weight > 0 })
	p := &policyTrial{visitor: v, subject: unhealthyAnywhere(t, a), now: opt.Now}

	t.Run("two_edits", p.twoEdits)
	t.Run("member_disabled", p.memberDisabled)
	t.Run("exemption", func(t *testing.T) { p.exemption(t, &ahead) })
	t.Run("own_policy", p.ownPolicy)
}

// brokenImport imports a simulated estate with every tenth line broken in one
// way or another, and returns how many rows are good.
func brokenImport(t *testing.T, v *visitor) int {
	t.Helper()
	broken := []string{`not JSON`, `{"id":"/subscriptions/x"`, `{"name":"no id","type":"A.B/c"}`, `{"id":"no/leading/slash","type":"A.B/c"}`,
		`{"id":42,"type":"A.B/c"}`, `["a","list"]`, `{"id":"/subscriptions/s/providers/A.B/c/d","type":"X.Y/z"}`, strings.Repeat(`{"a":`, 300) + "1" + strings.Repeat("}", 300)}
	var lines bytes.Buffer
	var wrong []int
	good, n := 0, 0
	for line := range bytes.Lines(simulated(t, 1800)) {
		if n++; n%10 == 0 {
			fmt.Fprintln(&lines, broken[len(wrong)%len(broken)])
			wrong = append(wrong, n)
			n++
		}
		lines.Write(line)
		good++
	}
	res := v.load(lines.Bytes())
	if res.Created < good || res.RejectedTotal != len(wrong) {
		t.Errorf("%d created of %d good rows, %d rejected of %d broken ones", res.Created, good, res.RejectedTotal, len(wrong))
	}
	if len(res.Rejected) < min(100, len(wrong)) {
		t.Errorf("%d rejections are listed", len(res.Rejected))
	}
	for i, r := range res.Rejected {
		if r.Line != wrong[i] || r.Reason == "" {
			t.Errorf("rejection %d is %+v, want line %d with a reason", i, r, wrong[i])
		}
	}
	return good
}

// unhealthyAnywhere picks an unhealthy, counted assessment, the first of those
// whose recommendation fails most.
func unhealthyAnywhere(t *testing.T, a *App) record.Assessment {
	t.Helper()
	view := a.judge.Estate(store.DefaultTenant).View()
	rows, err := view.Recommendations(index.RecommendationQuery{Sort: "unhealthy"})
	must(t, err)
	i := slices.IndexFunc(rows.Rows, func(r index.RecommendationRow) bool { return r.Counted && r.Unhealthy > 1 })
	if i < 0 {
		t.Fatal("nothing counted is unhealthy")
	}
	page, err := view.Assessments(index.AssessmentQuery{Recommendation: rows.Rows[i].ID, State: []record.State{record.Unhealthy}, Limit: 1})
	must(t, err)
	return page.Rows[0]
}

// policyTrial changes policies around one unhealthy assessment.
type policyTrial struct {
	*visitor
	subject record.Assessment
	now     func() time.Time
}

func (p *policyTrial) subscription(t *testing.T) string {
	return subscriptionOf(t, p.subject.ResourceID)
}

func (p *policyTrial) assignment(t *testing.T) string {
	return p.subscription(t) + authorization + "policyAssignments/SecurityCenterBuiltIn"
}

// state is the subject's in the current view.
func (p *policyTrial) state() record.State {
	a, _ := p.app.judge.Estate(store.DefaultTenant).View().Assessment(p.subject.ResourceID, p.subject.Recommendation.ID)
	return a.State
}

// shows waits until a change is to be seen.
func (p *policyTrial) shows(t *testing.T, what string, ok func() bool) {
	t.Helper()
	waitFor(t, p.app, what, func(snapshot) bool { return ok() })
}

// twoEdits lets two editors begin from one version: the second must not win
// unseen.
func (p *policyTrial) twoEdits(t *testing.T) {
	path := p.assignment(t)
	before := p.want(http.StatusOK, "GET", path, "")
	tag, _ := before["etag"].(string)
	if tag == "" {
		t.Fatalf("no etag in %v", before)
	}
	body := `{"properties":{"policyDefinitionId":"` + before["properties"].(map[string]any)["policyDefinitionId"].(string) + `","description":%q}}`
	first := p.want(http.StatusCreated, "PUT", path, fmt.Sprintf(body, "first"), "If-Match", `"`+tag+`"`)
	refused := p.want(http.StatusPreconditionFailed, "PUT", path, fmt.Sprintf(body, "second"), "If-Match", `"`+tag+`"`)
	if code := refused["error"].(map[string]any)["code"]; code != "PreconditionFailed" {
		t.Errorf("code %v", code)
	}
	after := p.want(http.StatusOK, "GET", path, "")
	if after["properties"].(map[string]any)["description"] != "first" || after["etag"] != first["etag"] {
		t.Errorf("stored %v", after)
	}
}

// memberDisabled turns one member of the built-in initiative off, in one
// subscription, and on again.
func (p *policyTrial) memberDisabled(t *testing.T) {
	parameter := p.subject.Recommendation.Content.Name + "-effect"
	for _, step := range []struct {
		parameters string
		want       record.State
	}{
		{`{"` + parameter + `":{"value":"Disabled"}}`, record.NotApplicable},
		{`{}`, record.Unhealthy},
	} {
		p.want(http.StatusOK, "PATCH", p.assignment(t), `{"properties":{"parameters":`+step.parameters+`}}`)
		p.shows(t, "the parameter "+step.parameters, func() bool { return p.state() == step.want })
	}
}

// exemption exempts the subject until the clock passes its end.
func (p *policyTrial) exemption(t *testing.T, ahead *atomic.Int64) {
	path := p.subject.ResourceID + authorization + "policyExemptions/trial"
	body := fmt.Sprintf(`{"properties":{"policyAssignmentId":%q,"policyDefinitionReferenceIds":[%q],"exemptionCategory":"Waiver","expiresOn":%q}}`,
		p.assignment(t), p.subject.Recommendation.ID, p.now().Add(10*time.Minute).Format(time.RFC3339))
	p.want(http.StatusCreated, "PUT", path, body)
	p.shows(t, "the exemption", func() bool { return p.state() == record.Exempt })
	ahead.Store(int64(11 * time.Minute))
	// The judge's timer knows nothing of a clock that jumps; any change wakes it.
	p.load([]byte(`{"id":"` + p.subscription(t) + `/resourceGroups/late","type":"Microsoft.Resources/subscriptions/resourceGroups"}` + "\n"))
	waitFor(t, p.app, "the exemption's end", func(snapshot) bool { return p.state() == record.Unhealthy })
}

// ownPolicy adds a definition that finds fault with every resource of the
// subject's type: shown on every face, never counted.
func (p *policyTrial) ownPolicy(t *testing.T) {
	before := p.app.judge.Estate(store.DefaultTenant).View().Score(index.Scope{})
	definition := p.subscription(t) + authorization + "policyDefinitions/own"
	p.want(http.StatusCreated, "PUT", definition, fmt.Sprintf(`{"properties":{"displayName":"Nothing of this type","mode":"All",
		"policyRule":{"if":{"field":"type","equals":%q},"then":{"effect":"audit"}}}}`, p.subject.ResourceType))
	p.want(http.StatusCreated, "PUT", p.subscription(t)+authorization+"policyAssignments/own", `{"properties":{"policyDefinitionId":"`+definition+`"}}`)
	var own *index.RecommendationRow
	p.shows(t, "the own policy", func() bool {
		page, err := p.app.judge.Estate(store.DefaultTenant).View().Recommendations(index.RecommendationQuery{Text: "Nothing of this type"})
		must(t, err)
		if len(page.Rows) == 1 {
			own = &page.Rows[0]
		}
		return own != nil && own.Unhealthy > 0
	})
	if own.Counted || own.Content != nil || own.Gain != 0 {
		t.Errorf("it counts: %+v", own)
	}
	if after := p.app.judge.Estate(store.DefaultTenant).View().Score(index.Scope{}); after != before {
		t.Errorf("the score went from %+v to %+v", before, after)
	}
	listed := p.countedAssessments([]string{p.subscription(t)})[own.ID]
	shown := p.countedTable()[own.ID]
	if want := (counts{own.Healthy, own.Unhealthy, own.Unknown}); listed != want || shown != want {
		t.Errorf("API %v, page %v, index %v", listed, shown, want)
	}
}
