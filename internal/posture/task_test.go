package posture

import (
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/governance"
)

func (w *world) govern(name, owner string, days string) {
	w.t.Helper()
	w.object(governance.RuleKind, testSub+"/providers/Microsoft.Security/governanceRules/"+name, map[string]any{
		"displayName": name, "rulePriority": 1, "remediationTimeframe": days, "ownerSource": map[string]any{"type": "Manually", "value": owner},
		"conditionSets": []any{map[string]any{"conditions": []any{map[string]any{"property": "$.Metadata.severity", "operator": "In", "value": `["high","medium","low"]`}}}},
	})
}

func TestTaskIsCompleted(t *testing.T) {
	w := newWorld(t)
	doc := w.account("one", false, false)
	w.put(doc)
	w.govern("all", "ana", "7")
	w.clock.pass(time.Hour)
	v := w.put(w.account("one", true, false))
	a, _ := v.Assessment(doc.ID, rec(t, "storage-https"))
	if a.State != Healthy || a.Status != governance.Completed || !a.Completed.Equal(w.clock.now()) || a.Assigned.Owner != "ana" {
		t.Errorf("after the fix: %+v", a)
	}
}
