package posture

import (
	"context"
	"errors"
	"testing"

	"github.com/rampart-sec/rampart/internal/base/wire"
)

// TestRereadingIsShown: while an edit that reads something new waits for
// documents, views say so and mark the verdicts that are from before; the view
// that it makes has no mark.
func TestRereadingIsShown(t *testing.T) {
	w := newWorld(t)
	account := w.account("a", true, false).ID
	w.put(w.account("a", true, false), w.account("b", false, false))
	const own = testSub + "/providers/Microsoft.Authorization/policyDefinitions/own"
	define := func(field string) *View {
		return w.object("policyDefinition", own, map[string]any{"displayName": "Own", "mode": "All", "policyRule": map[string]any{
			"if": map[string]any{"field": field, "exists": "false"}, "then": map[string]any{"effect": "audit"}}})
	}
	define("location")
	v := w.object("policyAssignment", testSub+"/providers/Microsoft.Authorization/policyAssignments/own", map[string]any{"policyDefinitionId": own})
	if got := verdictOn(v, account, RecommendationID(own)); got != Healthy {
		t.Fatalf("the account is %v", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	events := w.estate().Subscribe(ctx)
	defer cancel()
	var shown *View
	eval := w.estate().eval.evaluator.(*engineEvaluator)
	reread := eval.reread
	eval.reread = func(ctx context.Context, types, definitions []string, load func(uint32, *wire.Document)) error {
		defer func() { shown = w.estate().View() }()
		return reread(ctx, types, definitions, load)
	}
	v = define("tags['cost']")
	if shown == nil || shown.Rereading() == nil || shown.Rereading().Total < 2 || shown.Rereading().Recommendations() != 1 {
		t.Fatalf("while documents were read the view said %+v", shown)
	}
	if a, _ := shown.Assessment(account, RecommendationID(own)); !a.Pending || a.State != Healthy {
		t.Errorf("the verdict from before is %v, pending %v", a.State, a.Pending)
	}
	select {
	case <-events:
	default:
		t.Error("open pages were not told")
	}
	if got := verdictOn(v, account, RecommendationID(own)); got != Unhealthy || v.Rereading() != nil {
		t.Errorf("afterwards the account is %v, rereading %v", got, v.Rereading())
	}
}

// TestRereadingThatFails leaves everything as it was, and is tried again.
func TestRereadingThatFails(t *testing.T) {
	w := newWorld(t)
	account := w.account("a", true, false).ID
	before := w.put(w.account("a", true, false))
	eval := w.estate().eval.evaluator.(*engineEvaluator)
	reread := eval.reread
	broken := errors.New("the disk is gone")
	eval.reread = func(context.Context, []string, []string, func(uint32, *wire.Document)) error { return broken }
	const own = testSub + "/providers/Microsoft.Authorization/policyDefinitions/own"
	w.putObject("policyDefinition", own, map[string]any{"mode": "All", "policyRule": map[string]any{
		"if": map[string]any{"field": "tags['cost']", "exists": "false"}, "then": map[string]any{"effect": "audit"}}})
	w.putObject("policyAssignment", testSub+"/providers/Microsoft.Authorization/policyAssignments/own", map[string]any{"policyDefinitionId": own})
	if err := w.judge.step(t.Context()); !errors.Is(err, broken) {
		t.Fatalf("the step ended with %v", err)
	}
	if v := w.estate().View(); v.Seq() != before.Seq() || v.Rereading() != nil {
		t.Error("there is another view")
	}
	eval.reread = reread
	if got := verdictOn(w.step(), account, RecommendationID(own)); got != Unhealthy {
		t.Errorf("afterwards the account is %v", got)
	}
}

func verdictOn(v *View, resource, recommendation string) State {
	a, _ := v.Assessment(resource, recommendation)
	return a.State
}
