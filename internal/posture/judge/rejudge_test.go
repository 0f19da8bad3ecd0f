package judge

import (
	"fmt"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/index"
)

// TestBookTogether makes edits that reach more rows than one bulk writers takes at a
// time, and after each compares the index with its rows, and both with a sweep.
func TestBookTogether(t *testing.T) {
	w := NewWorld(t)
	w.Judge.together = manyTouched / 2
	const accounts = 9000 // lie in three parts
	for first := 0; first < accounts; first += 1000 {
		var docs []wire.Document
		for i := range 1000 {
			docs = append(docs, w.Account(fmt.Sprint("a", first+i), i%3 == 0, i%5 == 0))
		}
		w.Put(docs...)
	}
	const authorization = "/providers/Microsoft.Authorization/"
	own := func(condition map[string]any) *index.View {
		w.putObject("policyAssignment", authorization+"policyAssignments/own", map[string]any{"policyDefinitionId": authorization + "policyDefinitions/own", "scope": "/"})
		return w.object("policyDefinition", authorization+"policyDefinitions/own", map[string]any{
			"mode": "All", "policyRule": map[string]any{"if": condition, "then": map[string]any{"effect": "audit"}}})
	}
	waive := func(more map[string]any) *index.View {
		more["policyAssignmentId"], more["exemptionCategory"] = builtInAssignment, "Waiver"
		return w.object("policyExemption", TestSub+authorization+"policyExemptions/all", more)
	}
	for _, edit := range []struct {
		name  string
		make  func() *index.View
		moves bool // the score
	}{
		{"a policy that all violate", func() *index.View { return own(map[string]any{"field": "type", "exists": true}) }, false},
		{"a policy that none violates", func() *index.View { return own(map[string]any{"field": "type", "exists": false}) }, false},
		{"a policy that asks the group", func() *index.View {
			return own(map[string]any{"value": "[resourceGroup().tags.x]", "exists": true})
		}, false},
		{"exempt everything", func() *index.View { return waive(map[string]any{}) }, true},
		{"a rule with grace", func() *index.View {
			return w.object("governanceRule", TestSub+"/providers/Microsoft.Security/governanceRules/g", map[string]any{
				"displayName": "g", "rulePriority": 1, "isGracePeriod": true, "remediationTimeframe": "7.00:00:00",
				"ownerSource":   map[string]any{"type": "Manually", "value": "ana"},
				"conditionSets": []any{map[string]any{"conditions": []any{map[string]any{"property": "$.Metadata.severity", "operator": "In", "value": `["high","medium","low"]`}}}},
			})
		}, false},
		{"exempt nothing", func() *index.View { return waive(map[string]any{"expiresOn": w.Clock.Now().Add(-time.Hour)}) }, true},
		{"the grace is over", func() *index.View { w.Clock.Pass(8 * 24 * time.Hour); return w.Step() }, true},
	} {
		was := w.Estate().View().Score(index.Scope{})
		w.Clock.Pass(time.Minute)
		v := edit.make()
		if diff := recounted(v); diff != nil {
			t.Fatalf("%s: aggregates differ from rows:\n%.3000s", edit.name, diff)
		}
		w.sweep()
		if is := v.Score(index.Scope{}); (is.Percent != was.Percent) != edit.moves {
			t.Errorf("%s: the score was %.2f and is %.2f", edit.name, was.Percent, is.Percent)
		}
	}
	if len(w.Estate().Problems()) > 0 {
		t.Error(w.Estate().Problems())
	}
}
