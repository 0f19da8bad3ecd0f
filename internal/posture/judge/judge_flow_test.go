package judge

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/catalog"
	"github.com/rampart-sec/rampart/internal/posture/history"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/plan"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

func (w *world) Estate() *Estate { return w.Judge.Estate("") }

// Rec is the id of a test recommendation.
func Rec(t *testing.T, name string) string {
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
	w := NewWorld(t)
	doc := w.Account("one", false, true)
	v := w.Put(doc)
	if got := w.state(v, doc.ID, "storage-https"); got != record.Unhealthy {
		t.Fatalf("https = %v, want unhealthy", got)
	}
	if got := w.state(v, doc.ID, "storage-tls"); got != record.Healthy {
		t.Fatalf("tls = %v, want healthy", got)
	}
	if s := v.Score(index.Scope{}); s.Percent != 0 || s.Max != 10 || s.Weight != 1 {
		t.Fatalf("score = %+v, want 0 of 10", s)
	}
	w.Clock.Pass(time.Minute)
	v = w.Put(w.Account("one", true, true))
	if s := v.Score(index.Scope{ID: TestSub}); s.Current != 4 || s.Max != 10 {
		t.Errorf("score after the fix = %+v, want 4 of 10", s)
	}
	a, ok := v.Assessment(strings.ToUpper(doc.ID), Rec(t, "storage-https"))
	if !ok || !a.Since.Equal(w.Clock.Now()) || !a.FirstSeen.Equal(w.Clock.Now().Add(-time.Minute)) {
		t.Errorf("assessment = %+v, %v", a, ok)
	}
}

func TestSubscriptionIsRegistered(t *testing.T) {
	w := NewWorld(t)
	w.Put(w.Account("one", true, true))
	if !w.Estate().Registered(TestSub) {
		t.Error("the subscription of a new resource is not registered")
	}
	w.update(func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Object(ctx, "", "policyAssignment", TestSub+"/providers/Microsoft.Authorization/policyAssignments/"+plan.BuiltInAssignment)
		return err
	})
}

func TestExemptionAndItsEnd(t *testing.T) {
	w := NewWorld(t)
	doc := w.Account("one", false, false)
	w.Put(doc)
	v := w.object("policyExemption", doc.ID+"/providers/Microsoft.Authorization/policyExemptions/x", map[string]any{
		"policyAssignmentId": TestSub + "/providers/Microsoft.Authorization/policyAssignments/" + plan.BuiltInAssignment,
		"exemptionCategory":  "Waiver", "policyDefinitionReferenceIds": []string{Rec(t, "storage-https")},
		"displayName": "old client", "expiresOn": w.Clock.Now().Add(time.Hour),
	})
	a, _ := v.Assessment(doc.ID, Rec(t, "storage-https"))
	if a.State != record.Exempt || !strings.Contains(a.Reason, "old client (waiver) until") {
		t.Fatalf("assessment = %v %q, want exempt by its name", a.State, a.Reason)
	}
	if s := v.Score(index.Scope{}); s.Percent != 100 {
		t.Errorf("score = %v, want 100: what is exempt does not count", s.Percent)
	}
	w.Clock.Pass(time.Hour)
	v = w.Step()
	if got := w.state(v, doc.ID, "storage-https"); got != record.Unhealthy {
		t.Errorf("after the exemption's end = %v, want unhealthy", got)
	}
	why, err := w.Estate().History().Why(t.Context(), index.Scope{}, w.Clock.Now().Add(-time.Minute), w.Clock.Now())
	if err != nil || len(why) != 1 || why[0].Cause != "time passed" || why[0].From != record.Exempt || why[0].Delta >= 0 {
		t.Errorf("why = %+v, %v; want one change by time that lowers the score", why, err)
	}
}

func TestBrokenPolicyFailsAlone(t *testing.T) {
	w := NewWorld(t)
	doc := w.Account("one", false, false)
	w.Put(doc)
	const id = TestSub + "/providers/Microsoft.Authorization/policyDefinitions/broken"
	w.object("policyDefinition", id, map[string]any{"displayName": "broken", "policyRule": map[string]any{"if": map[string]any{"colour": "red"}}})
	v := w.object("policyAssignment", TestSub+"/providers/Microsoft.Authorization/policyAssignments/broken", map[string]any{"policyDefinitionId": id})
	if got := w.state(v, doc.ID, "storage-https"); got != record.Unhealthy {
		t.Errorf("https = %v, want unhealthy: the built-in policies must not care", got)
	}
	problems := w.Estate().Problems()
	if len(problems) != 2 || !strings.Contains(problems[0].ID, "broken") {
		t.Errorf("problems = %v, want the definition and its assignment", problems)
	}
}

func TestOwnPolicyIsShownNotCounted(t *testing.T) {
	w := NewWorld(t)
	doc := w.Account("one", true, false)
	w.Put(doc)
	const id = TestSub + "/providers/Microsoft.Authorization/policyDefinitions/own"
	w.object("policyDefinition", id, map[string]any{
		"displayName": "Elsewhere", "mode": "All", "metadata": map[string]any{"severity": "High"},
		"policyRule": map[string]any{
			"if":   map[string]any{"allOf": []any{map[string]any{"field": "type", "equals": StorageType}, map[string]any{"field": "location", "equals": "westeurope"}}},
			"then": map[string]any{"effect": "audit"},
		},
	})
	v := w.object("policyAssignment", TestSub+"/providers/Microsoft.Authorization/policyAssignments/own", map[string]any{"policyDefinitionId": id})
	a, ok := v.Assessment(doc.ID, catalog.RecommendationID(id))
	if !ok || a.State != record.Unhealthy || a.Recommendation.Counted || a.Recommendation.Severity != "high" || !slices.Equal(a.Recommendation.Types, []string{StorageType}) {
		t.Fatalf("assessment = %+v, %v; want unhealthy, not counted, severity high", a, ok)
	}
	if s := v.Score(index.Scope{}); s.Percent != 100 {
		t.Errorf("score = %v, want 100", s.Percent)
	}
}

func TestStaleData(t *testing.T) {
	w := NewWorld(t)
	doc := w.Account("one", true, true)
	w.Put(doc)
	w.Clock.Pass(24 * time.Hour)
	v := w.Step()
	a, _ := v.Assessment(doc.ID, Rec(t, "storage-https"))
	if a.State != record.Healthy || !a.Stale {
		t.Fatalf("after a day: %v, stale %v; want the last verdict, marked stale", a.State, a.Stale)
	}
	w.Clock.Pass(24 * time.Hour)
	v = w.Step()
	if got := w.state(v, doc.ID, "storage-https"); got != record.Unknown {
		t.Errorf("after two days: %v, want unknown", got)
	}
	if got := w.state(v, doc.ID, currentDataName); got != record.Unhealthy {
		t.Errorf("the recommendation about old data is %v, want unhealthy", got)
	}
	if s := v.Score(index.Scope{}); s.Max != 0 || s.High != 100 {
		t.Errorf("score = %+v, want nothing known and a range up to 100", s)
	}
	doc = w.Account("one", true, true)
	v = w.Put(doc)
	if got := w.state(v, doc.ID, "storage-https"); got != record.Healthy {
		t.Errorf("after new data: %v, want healthy", got)
	}
	if got := w.state(v, doc.ID, currentDataName); got != record.NotApplicable {
		t.Errorf("the recommendation about old data is %v, want gone", got)
	}
}

func TestUnavailablePathIsUnknown(t *testing.T) {
	w := NewWorld(t)
	doc := w.Account("one", true, false)
	doc.Unavailable = []string{"properties.minimumTlsVersion no permission to read it"}
	v := w.Put(doc)
	a, _ := v.Assessment(doc.ID, Rec(t, "storage-tls"))
	if a.State != record.Unknown || !strings.Contains(a.Reason, "minimumTlsVersion") {
		t.Errorf("tls = %v %q, want unknown naming the path", a.State, a.Reason)
	}
	if s := v.Score(index.Scope{}); s.Known != 1 || s.Applicable != 2 {
		t.Errorf("score = %+v, want 1 of 2 known", s)
	}
}

func TestHistory(t *testing.T) {
	w := NewWorld(t)
	start := w.Clock.Now()
	w.Put(w.Account("one", false, false), w.Doc("Microsoft.KeyVault/vaults", "v", map[string]any{}))
	w.Clock.Pass(time.Hour)
	w.Put(w.Account("one", true, false))
	w.Clock.Pass(time.Hour)
	w.Put(w.Account("one", true, true))
	w.Clock.Pass(time.Minute)
	for _, scope := range []index.Scope{{}, {ID: TestSub}, {ID: TestSub + "/resourceGroups/rg"}, {Tag: "env", TagValue: "test"}} {
		for i, want := range []float64{60, 100, 40} {
			at := start.Add(time.Duration(i)*time.Hour + time.Second)
			s, err := w.Estate().History().AsOf(t.Context(), scope, at)
			if err != nil || !Near(s.Percent, want, 1e-5) {
				t.Errorf("scope %v after %d h: %.3f, %v; want %v", scope, i, s.Percent, err, want)
			}
		}
		points, err := w.Estate().History().Scores(t.Context(), history.HistoryQuery{Scope: scope, From: start.Add(time.Second), To: start.Add(2*time.Hour + time.Second), Points: 3})
		if err != nil || len(points) != 3 || !Near(points[1].Percent, 100, 1e-5) || points[0].Max != 10 {
			t.Errorf("scope %v: points %+v, %v", scope, points, err)
		}
		why, err := w.Estate().History().Why(t.Context(), scope, start.Add(time.Minute), w.Clock.Now())
		if err != nil || len(why) != 2 || !Near(why[0].Delta, -60, 1e-5) || !Near(why[1].Delta, 40, 1e-5) || why[1].Cause != "resource changed" {
			t.Errorf("scope %v: why %+v, %v", scope, why, err)
		}
	}
}

func TestFindings(t *testing.T) {
	w := NewWorld(t)
	machine := w.Doc("Microsoft.HybridCompute/machines", "web", map[string]any{"status": "Connected"})
	child := wire.Document{
		ID: machine.ID + baselineChild, Type: "Microsoft.GuestConfiguration/guestConfigurationAssignments", Source: "test", ObservedAt: w.Clock.Now(),
		Body: mustJSON(t, map[string]any{"properties": map[string]any{"checks": map[string]any{
			"ssh-root": map[string]any{"state": "fail", "title": "No root", "severity": "high", "evidence": map[string]any{"path": "/etc/ssh/sshd_config", "line": 3, "found": "yes", "wanted": "no"}},
			"ssh-x11":  map[string]any{"state": "pass", "title": "No X11", "severity": "low"},
		}}}),
	}
	w.Put(machine, child)
	all, err := w.Estate().Findings(t.Context(), machine.ID, Rec(t, "machine-baseline"))
	if err != nil || len(all) != 2 || all[0].State != record.Unhealthy || all[0].Title != "No root" || all[0].Evidence != "found yes, wanted no, /etc/ssh/sshd_config line 3" {
		t.Errorf("findings = %+v, %v", all, err)
	}
}

func TestRunFollowsUntilItEnds(t *testing.T) {
	w := NewWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Judge.Run(ctx) }()
	<-w.Judge.Ready()
	events := w.Estate().Subscribe(ctx)
	doc := w.Account("one", false, false)
	if _, err := w.Inv.Put(ctx, "", []wire.Document{doc}); err != nil {
		t.Fatal(err)
	}
	for {
		if _, ok := w.Estate().View().Assessment(doc.ID, Rec(t, "storage-https")); ok {
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
	w := NewWorld(t)
	doc := w.Doc(StorageType, "one", map[string]any{"keyCreationTime": w.Clock.Now().Format(time.RFC3339)})
	w.Put(doc)
	const id = TestSub + "/providers/Microsoft.Authorization/policyDefinitions/age"
	w.object("policyDefinition", id, map[string]any{
		"displayName": "Young", "mode": "All",
		"policyRule": map[string]any{
			"if": map[string]any{"allOf": []any{
				map[string]any{"field": "type", "equals": StorageType},
				map[string]any{"value": "[addDays(field('Microsoft.Storage/storageAccounts/keyCreationTime'), 1)]", "less": "[utcNow()]"},
			}},
			"then": map[string]any{"effect": "audit"},
		},
	})
	v := w.object("policyAssignment", TestSub+"/providers/Microsoft.Authorization/policyAssignments/age", map[string]any{"policyDefinitionId": id})
	a, ok := v.Assessment(doc.ID, catalog.RecommendationID(id))
	if !ok || a.State != record.Healthy {
		t.Fatalf("at first: %v %v %q, problems %v", ok, a.State, a.Reason, w.Estate().Problems())
	}
	w.Clock.Pass(23*time.Hour + 58*time.Minute)
	if a, _ := w.Step().Assessment(doc.ID, catalog.RecommendationID(id)); a.State != record.Healthy {
		t.Errorf("before a day is over: %v", a.State)
	}
	w.Clock.Pass(3 * time.Minute)
	a, _ = w.Step().Assessment(doc.ID, catalog.RecommendationID(id))
	if a.State != record.Unhealthy || !a.Since.Equal(w.Clock.Now()) {
		t.Errorf("after a day: %v since %v", a.State, a.Since)
	}
}
