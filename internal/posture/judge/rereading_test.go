package judge

import (
	"context"
	"errors"
	"testing"

	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/catalog"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// TestRereadingIsShown: while an edit that reads something new waits for
// documents, views say so and mark the verdicts that are from before; the view
// that it makes has no mark.
func TestRereadingIsShown(t *testing.T) {
	w := NewWorld(t)
	account := w.Account("a", true, false).ID
	w.Put(w.Account("a", true, false), w.Account("b", false, false))
	const own = TestSub + "/providers/Microsoft.Authorization/policyDefinitions/own"
	define := func(field string) *index.View {
		return w.object("policyDefinition", own, map[string]any{"displayName": "Own", "mode": "All", "policyRule": map[string]any{
			"if": map[string]any{"field": field, "exists": "false"}, "then": map[string]any{"effect": "audit"}}})
	}
	define("location")
	v := w.object("policyAssignment", TestSub+"/providers/Microsoft.Authorization/policyAssignments/own", map[string]any{"policyDefinitionId": own})
	if got := verdictOn(v, account, catalog.RecommendationID(own)); got != record.Healthy {
		t.Fatalf("the account is %v", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	events := w.Estate().Subscribe(ctx)
	defer cancel()
	var shown *index.View
	eval := w.Estate().eval.evaluator.(*engineEvaluator)
	reread := eval.reread
	eval.reread = func(ctx context.Context, types, definitions []string, load func(uint32, *wire.Document)) error {
		defer func() { shown = w.Estate().View() }()
		return reread(ctx, types, definitions, load)
	}
	v = define("tags['cost']")
	if shown == nil || shown.Rereading() == nil || shown.Rereading().Total < 2 || shown.Rereading().Recommendations() != 1 {
		t.Fatalf("while documents were read the view said %+v", shown)
	}
	if a, _ := shown.Assessment(account, catalog.RecommendationID(own)); !a.Pending || a.State != record.Healthy {
		t.Errorf("the verdict from before is %v, pending %v", a.State, a.Pending)
	}
	select {
	case <-events:
	default:
		t.Error("open pages were not told")
	}
	if got := verdictOn(v, account, catalog.RecommendationID(own)); got != record.Unhealthy || v.Rereading() != nil {
		t.Errorf("afterwards the account is %v, rereading %v", got, v.Rereading())
	}
}

// TestRereadingThatFails leaves everything as it was, and is tried again.
func TestRereadingThatFails(t *testing.T) {
	w := NewWorld(t)
	account := w.Account("a", true, false).ID
	before := w.Put(w.Account("a", true, false))
	eval := w.Estate().eval.evaluator.(*engineEvaluator)
	reread := eval.reread
	broken := errors.New("the disk is gone")
	eval.reread = func(context.Context, []string, []string, func(uint32, *wire.Document)) error { return broken }
	const own = TestSub + "/providers/Microsoft.Authorization/policyDefinitions/own"
	w.putObject("policyDefinition", own, map[string]any{"mode": "All", "policyRule": map[string]any{
		"if": map[string]any{"field": "tags['cost']", "exists": "false"}, "then": map[string]any{"effect": "audit"}}})
	w.putObject("policyAssignment", TestSub+"/providers/Microsoft.Authorization/policyAssignments/own", map[string]any{"policyDefinitionId": own})
	if err := w.Judge.step(t.Context()); !errors.Is(err, broken) {
		t.Fatalf("the step ended with %v", err)
	}
	if v := w.Estate().View(); v.Seq() != before.Seq() || v.Rereading() != nil {
		t.Error("there is another view")
	}
	eval.reread = reread
	if got := verdictOn(w.Step(), account, catalog.RecommendationID(own)); got != record.Unhealthy {
		t.Errorf("afterwards the account is %v", got)
	}
}

func verdictOn(v *index.View, resource, recommendation string) record.State {
	a, _ := v.Assessment(resource, recommendation)
	return a.State
}
