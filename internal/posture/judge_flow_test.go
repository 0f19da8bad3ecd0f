package posture

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/plan"
)

func (w *world) estate() *Estate { return w.judge.Estate("") }

// rec is the id of a test recommendation.
func rec(t *testing.T, name string) string {
	t.Helper()
	for _, r := range testRecommendations {
		if r.name == name {
			return r.id()
		}
	}
	t.Fatalf("no recommendation %q", name)
	return ""
}

func TestJudgeFollowsResources(t *testing.T) {
	w := newWorld(t)
	doc := w.account("one", false, true)
	v := w.put(doc)
	if got := w.state(v, doc.ID, "storage-https"); got != Unhealthy {
		t.Fatalf("https = %v, want unhealthy", got)
	}
	if got := w.state(v, doc.ID, "storage-tls"); got != Healthy {
		t.Fatalf("tls = %v, want healthy", got)
	}
	if s := v.Score(Scope{}); s.Percent != 0 || s.Max != 10 || s.Weight != 1 {
		t.Fatalf("score = %+v, want 0 of 10", s)
	}
	w.clock.pass(time.Minute)
	v = w.put(w.account("one", true, true))
	if s := v.Score(Scope{ID: testSub}); s.Current != 4 || s.Max != 10 {
		t.Errorf("score after the fix = %+v, want 4 of 10", s)
	}
	a, ok := v.Assessment(strings.ToUpper(doc.ID), rec(t, "storage-https"))
	if !ok || !a.Since.Equal(w.clock.now()) || !a.FirstSeen.Equal(w.clock.now().Add(-time.Minute)) {
		t.Errorf("assessment = %+v, %v", a, ok)
	}
}

func TestSubscriptionIsRegistered(t *testing.T) {
	w := newWorld(t)
	w.put(w.account("one", true, true))
	if !w.estate().Registered(testSub) {
		t.Error("the subscription of a new resource is not registered")
	}
	w.update(func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Object(ctx, "", "policyAssignment", testSub+"/providers/Microsoft.Authorization/policyAssignments/"+plan.BuiltInAssignment)
		return err
	})
}

func TestExemptionAndItsEnd(t *testing.T) {
	w := newWorld(t)
	doc := w.account("one", false, false)
	w.put(doc)
	v := w.object("policyExemption", doc.ID+"/providers/Microsoft.Authorization/policyExemptions/x", map[string]any{
		"policyAssignmentId": testSub + "/providers/Microsoft.Authorization/policyAssignments/" + plan.BuiltInAssignment,
		"exemptionCategory":  "Waiver", "policyDefinitionReferenceIds": []string{rec(t, "storage-https")},
		"displayName": "old client", "expiresOn": w.clock.now().Add(time.Hour),
	})
	a, _ := v.Assessment(doc.ID, rec(t, "storage-https"))
	if a.State != Exempt || !strings.Contains(a.Reason, "old client (waiver) until") {
		t.Fatalf("assessment = %v %q, want exempt by its name", a.State, a.Reason)
	}
	if s := v.Score(Scope{}); s.Percent != 100 {
		t.Errorf("score = %v, want 100: what is exempt does not count", s.Percent)
	}
	w.clock.pass(time.Hour)
	v = w.step()
	if got := w.state(v, doc.ID, "storage-https"); got != Unhealthy {
		t.Errorf("after the exemption's end = %v, want unhealthy", got)
	}
	why, err := w.estate().History().Why(t.Context(), Scope{}, w.clock.now().Add(-time.Minute), w.clock.now())
	if err != nil || len(why) != 1 || why[0].Cause != "time passed" || why[0].From != Exempt || why[0].Delta >= 0 {
		t.Errorf("why = %+v, %v; want one change by time that lowers the score", why, err)
	}
}

func TestBrokenPolicyFailsAlone(t *testing.T) {
	w := newWorld(t)
	doc := w.account("one", false, false)
	w.put(doc)
	const id = testSub + "/providers/Microsoft.Authorization/policyDefinitions/broken"
	w.object("policyDefinition", id, map[string]any{"displayName": "broken", "policyRule": map[string]any{"if": map[string]any{"colour": "red"}}})
	v := w.object("policyAssignment", testSub+"/providers/Microsoft.Authorization/policyAssignments/broken", map[string]any{"policyDefinitionId": id})
	if got := w.state(v, doc.ID, "storage-https"); got != Unhealthy {
		t.Errorf("https = %v, want unhealthy: the built-in policies must not care", got)
	}
	problems := w.estate().Problems()
	if len(problems) != 2 || !strings.Contains(problems[0].ID, "broken") {
		t.Errorf("problems = %v, want the definition and its assignment", problems)
	}
}

func TestOwnPolicyIsShownNotCounted(t *testing.T) {
	w := newWorld(t)
	doc := w.account("one", true, false)
	w.put(doc)
	const id = testSub + "/providers/Microsoft.Authorization/policyDefinitions/own"
	w.object("policyDefinition", id, map[string]any{
		"displayName": "Elsewhere", "mode": "All", "metadata": map[string]any{"severity": "High"},
		"policyRule": map[string]any{
			"if":   map[string]any{"allOf": []any{map[string]any{"field": "type", "equals": storageType}, map[string]any{"field": "location", "equals": "westeurope"}}},
			"then": map[string]any{"effect": "audit"},
		},
	})
	v := w.object("policyAssignment", testSub+"/providers/Microsoft.Authorization/policyAssignments/own", map[string]any{"policyDefinitionId": id})
	a, ok := v.Assessment(doc.ID, RecommendationID(id))
	if !ok || a.State != Unhealthy || a.Recommendation.Counted || a.Recommendation.Severity != "high" || !slices.Equal(a.Recommendation.Types, []string{storageType}) {
		t.Fatalf("assessment = %+v, %v; want unhealthy, not counted, severity high", a, ok)
	}
	if s := v.Score(Scope{}); s.Percent != 100 {
		t.Errorf("score = %v, want 100", s.Percent)
	}
}

func TestStaleData(t *testing.T) {
	w := newWorld(t)
	doc := w.account("one", true, true)
	w.put(doc)
	w.clock.pass(24 * time.Hour)
	v := w.step()
	a, _ := v.Assessment(doc.ID, rec(t, "storage-https"))
	if a.State != Healthy || !a.Stale {
		t.Fatalf("after a day: %v, stale %v; want the last verdict, marked stale", a.State, a.Stale)
	}
	w.clock.pass(24 * time.Hour)
	v = w.step()
	if got := w.state(v, doc.ID, "storage-https"); got != Unknown {
		t.Errorf("after two days: %v, want unknown", got)
	}
	if got := w.state(v, doc.ID, currentDataName); got != Unhealthy {
		t.Errorf("the recommendation about old data is %v, want unhealthy", got)
	}
	if s := v.Score(Scope{}); s.Max != 0 || s.High != 100 {
		t.Errorf("score = %+v, want nothing known and a range up to 100", s)
	}
	doc = w.account("one", true, true)
	v = w.put(doc)
	if got := w.state(v, doc.ID, "storage-https"); got != Healthy {
		t.Errorf("after new data: %v, want healthy", got)
	}
	if got := w.state(v, doc.ID, currentDataName); got != NotApplicable {
		t.Errorf("the recommendation about old data is %v, want gone", got)
	}
}

func TestUnavailablePathIsUnknown(t *testing.T) {
	w := newWorld(t)
	doc := w.account("one", true, false)
	doc.Unavailable = []string{"properties.minimumTlsVersion no permission to read it"}
	v := w.put(doc)
	a, _ := v.Assessment(doc.ID, rec(t, "storage-tls"))
	if a.State != Unknown || !strings.Contains(a.Reason, "minimumTlsVersion") {
		t.Errorf("tls = %v %q, want unknown naming the path", a.State, a.Reason)
	}
	if s := v.Score(Scope{}); s.Known != 1 || s.Applicable != 2 {
		t.Errorf("score = %+v, want 1 of 2 known", s)
	}
}

func TestHistory(t *testing.T) {
	w := newWorld(t)
	start := w.clock.now()
	w.put(w.account("one", false, false), w.doc("Microsoft.KeyVault/vaults", "v", map[string]any{}))
	w.clock.pass(time.Hour)
	w.put(w.account("one", true, false))
	w.clock.pass(time.Hour)
	w.put(w.account("one", true, true))
	w.clock.pass(time.Minute)
	for _, scope := range []Scope{{}, {ID: testSub}, {ID: testSub + "/resourceGroups/rg"}, {Tag: "env", TagValue: "test"}} {
		for i, want := range []float64{60, 100, 40} {
			at := start.Add(time.Duration(i)*time.Hour + time.Second)
			s, err := w.estate().History().AsOf(t.Context(), scope, at)
			if err != nil || !near(s.Percent, want, 1e-5) {
				t.Errorf("scope %v after %d h: %.3f, %v; want %v", scope, i, s.Percent, err, want)
			}
		}
		points, err := w.estate().History().Scores(t.Context(), HistoryQuery{Scope: scope, From: start.Add(time.Second), To: start.Add(2*time.Hour + time.Second), Points: 3})
		if err != nil || len(points) != 3 || !near(points[1].Percent, 100, 1e-5) || points[0].Max != 10 {
			t.Errorf("scope %v: points %+v, %v", scope, points, err)
		}
		why, err := w.estate().History().Why(t.Context(), scope, start.Add(time.Minute), w.clock.now())
		if err != nil || len(why) != 2 || !near(why[0].Delta, -60, 1e-5) || !near(why[1].Delta, 40, 1e-5) || why[1].Cause != "resource changed" {
			t.Errorf("scope %v: why %+v, %v", scope, why, err)
		}
	}
}

func TestFindings(t *testing.T) {
	w := newWorld(t)
	machine := w.doc("Microsoft.HybridCompute/machines", "web", map[string]any{"status": "Connected"})
	child := wire.Document{
		ID: machine.ID + baselineChild, Type: "Microsoft.GuestConfiguration/guestConfigurationAssignments", Source: "test", ObservedAt: w.clock.now(),
		Body: mustJSON(t, map[string]any{"properties": map[string]any{"checks": map[string]any{
			"ssh-root": map[string]any{"state": "fail", "title": "No root", "severity": "high", "evidence": map[string]any{"path": "/etc/ssh/sshd_config", "line": 3, "found": "yes", "wanted": "no"}},
			"ssh-x11":  map[string]any{"state": "pass", "title": "No X11", "severity": "low"},
		}}}),
	}
	w.put(machine, child)
	all, err := w.estate().Findings(t.Context(), machine.ID, rec(t, "machine-baseline"))
	if err != nil || len(all) != 2 || all[0].State != Unhealthy || all[0].Title != "No root" || all[0].Evidence != "found yes, wanted no, /etc/ssh/sshd_config line 3" {
		t.Errorf("findings = %+v, %v", all, err)
	}
}

func TestRunFollowsUntilItEnds(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.judge.Run(ctx) }()
	<-w.judge.Ready()
	events := w.estate().Subscribe(ctx)
	doc := w.account("one", false, false)
	if _, err := w.inv.Put(ctx, "", []wire.Document{doc}); err != nil {
		t.Fatal(err)
	}
	for {
		if _, ok := w.estate().View().Assessment(doc.ID, rec(t, "storage-https")); ok {
			break
		}
		select {
		case <-events:
		case <-time.After(30 * time.Second):
			t.Fatal("the judge did not follow the put")
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for range events { // closed when the context ended
	}
}

// TestTimeInPolicies lets a rule over utcNow() come due with nothing else
// happening.
func TestTimeInPolicies(t *testing.T) {
	w := newWorld(t)
	doc := w.doc(storageType, "one", map[string]any{"keyCreationTime": w.clock.now().Format(time.RFC3339)})
	w.put(doc)
	const id = testSub + "/providers/Microsoft.Authorization/policyDefinitions/age"
	w.object("policyDefinition", id, map[string]any{
		"displayName": "Young", "mode": "All",
		"policyRule": map[string]any{
			"if": map[string]any{"allOf": []any{
				map[string]any{"field": "type", "equals": storageType},
				map[string]any{"value": "[addDays(field('Microsoft.Storage/storageAccounts/keyCreationTime'), 1)]", "less": "[utcNow()]"},
			}},
			"then": map[string]any{"effect": "audit"},
		},
	})
	v := w.object("policyAssignment", testSub+"/providers/Microsoft.Authorization/policyAssignments/age", map[string]any{"policyDefinitionId": id})
	a, ok := v.Assessment(doc.ID, RecommendationID(id))
	if !ok || a.State != Healthy {
		t.Fatalf("at first: %v %v %q, problems %v", ok, a.State, a.Reason, w.estate().Problems())
	}
	w.clock.pass(23*time.Hour + 58*time.Minute)
	if a, _ := w.step().Assessment(doc.ID, RecommendationID(id)); a.State != Healthy {
		t.Errorf("before a day is over: %v", a.State)
	}
	w.clock.pass(3 * time.Minute)
	a, _ = w.step().Assessment(doc.ID, RecommendationID(id))
	if a.State != Unhealthy || !a.Since.Equal(w.clock.now()) {
		t.Errorf("after a day: %v since %v", a.State, a.Since)
	}
}
