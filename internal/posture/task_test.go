package posture

import (
	"slices"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/posture/governance"
)

// govern puts a rule that selects everything.
func (w *world) govern(name, owner string) *View {
	w.t.Helper()
	return w.object(governance.RuleKind, testSub+"/providers/Microsoft.Security/governanceRules/"+name, map[string]any{
		"displayName": name, "rulePriority": 1, "remediationTimeframe": "7.00:00:00", "ownerSource": map[string]any{"type": "Manually", "value": owner},
		"conditionSets": []any{map[string]any{"conditions": []any{map[string]any{"property": "$.Metadata.severity", "operator": "In", "value": `["high","medium","low"]`}}}},
	})
}

func TestTaskIsCompleted(t *testing.T) {
	w := newWorld(t)
	doc := w.account("one", false, false)
	w.put(doc)
	w.govern("all", "ana")
	w.clock.pass(time.Hour)
	done := w.clock.now()
	w.put(w.account("one", true, false))
	w.clock.pass(time.Hour)
	w.restart()
	a, _ := w.estate().View().Assessment(doc.ID, rec(t, "storage-https"))
	if a.State != Healthy || a.Status != governance.Completed || !a.Completed.Equal(done) || a.Assigned.Owner != "ana" {
		t.Errorf("after the fix: %+v", a)
	}
	// What breaks again is a new task.
	w.clock.pass(time.Hour)
	v := w.put(w.account("one", false, false))
	a, _ = v.Assessment(doc.ID, rec(t, "storage-https"))
	if a.Status != governance.OnTime || !a.Completed.IsZero() || !a.Assigned.Due.Equal(w.clock.now().AddDate(0, 0, 7)) {
		t.Errorf("after it broke again: %+v", a)
	}
	page, err := v.Assessments(AssessmentQuery{Status: []governance.Status{governance.Completed}})
	if err != nil || page.Total != 0 {
		t.Errorf("%d are completed, %v", page.Total, err)
	}
}

// TestSilenceMovesNoDueDate lets a machine fall silent and come back: its task is
// the one that it was.
func TestSilenceMovesNoDueDate(t *testing.T) {
	w := newWorld(t)
	doc := w.account("one", false, false)
	w.put(doc)
	v := w.govern("all", "ana")
	before, _ := v.Assessment(doc.ID, rec(t, "storage-https"))
	w.clock.pass(72 * time.Hour)
	v = w.step()
	if got := w.state(v, doc.ID, "storage-https"); got != Unknown {
		t.Fatalf("after three days it is %v", got)
	}
	w.restart()
	v = w.put(w.account("one", false, false))
	after, _ := v.Assessment(doc.ID, rec(t, "storage-https"))
	if !after.Since.Equal(w.clock.now()) || !after.Assigned.Due.Equal(before.Assigned.Due) {
		t.Errorf("due %v, unhealthy since %v; want due %v as before", after.Assigned.Due, after.Since, before.Assigned.Due)
	}
}

func TestTurn(t *testing.T) {
	at := func(s State, since uint32) cell { return cell{slot: 1, state: s, since: since} }
	for name, tt := range map[string]struct {
		steps []cell
		want  task
	}{
		"never unhealthy":      {[]cell{at(Healthy, 1), at(Unknown, 2), at(Healthy, 3)}, task{slot: 1}},
		"open":                 {[]cell{at(Healthy, 1), at(Unhealthy, 2)}, task{slot: 1}},
		"done":                 {[]cell{at(Unhealthy, 1), at(Healthy, 5)}, task{slot: 1, open: 1, done: 5}},
		"done, then not known": {[]cell{at(Unhealthy, 1), at(Healthy, 5), at(Unknown, 6), at(Healthy, 7)}, task{slot: 1, open: 1, done: 5}},
		"not known, then done": {[]cell{at(Unhealthy, 1), at(Unknown, 5), at(Healthy, 6)}, task{slot: 1, open: 1, done: 6}},
		"resumed":              {[]cell{at(Unhealthy, 1), at(Unknown, 5), at(Unhealthy, 6)}, task{slot: 1, open: 1}},
		"again":                {[]cell{at(Unhealthy, 1), at(Healthy, 5), at(Unhealthy, 6)}, task{slot: 1}},
		"again, not known":     {[]cell{at(Unhealthy, 1), at(Healthy, 5), at(Unknown, 6), at(Unhealthy, 7)}, task{slot: 1}},
		"after an exemption":   {[]cell{at(Unhealthy, 1), at(Exempt, 5), at(Unhealthy, 6)}, task{slot: 1}},
		"gone":                 {[]cell{at(Unhealthy, 1), at(Healthy, 5), at(NotApplicable, 6)}, task{slot: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			r := &row{}
			got, was := task{slot: 1}, NotApplicable
			for i, c := range tt.steps {
				if i > 0 {
					got = got.turn(tt.steps[i-1], c)
				}
				r.turn(flip{slot: 1, from: was, to: c.state}, c.since) // as a tail of moves is applied
				was = c.state
			}
			if got != tt.want || r.task(1) != tt.want {
				t.Errorf("turned to %+v, by moves to %+v; want %+v", got, r.task(1), tt.want)
			}
			if slices.ContainsFunc(r.tasks, func(t task) bool { return t.open == 0 }) {
				t.Errorf("tasks %+v that say nothing are kept", r.tasks)
			}
		})
	}
}
