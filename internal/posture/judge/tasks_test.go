package judge

import (
	"slices"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/posture/governance"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// govern puts a rule that selects everything.
func (w *world) govern(name, owner string) *index.View {
	w.t.Helper()
	return w.object(governance.RuleKind, TestSub+"/providers/Microsoft.Security/governanceRules/"+name, map[string]any{
		"displayName": name, "rulePriority": 1, "remediationTimeframe": "7.00:00:00", "ownerSource": map[string]any{"type": "Manually", "value": owner},
		"conditionSets": []any{map[string]any{"conditions": []any{map[string]any{"property": "$.Metadata.severity", "operator": "In", "value": `["high","medium","low"]`}}}},
	})
}

func TestTaskIsCompleted(t *testing.T) {
	w := NewWorld(t)
	doc := w.Account("one", false, false)
	w.Put(doc)
	w.govern("all", "ana")
	w.Clock.Pass(time.Hour)
	done := w.Clock.Now()
	w.Put(w.Account("one", true, false))
	w.Clock.Pass(time.Hour)
	w.restart()
	a, _ := w.Estate().View().Assessment(doc.ID, Rec(t, "storage-https"))
	if a.State != record.Healthy || a.Status != governance.Completed || !a.Completed.Equal(done) || a.Assigned.Owner != "ana" {
		t.Errorf("after the fix: %+v", a)
	}
	// What breaks again is a new task.
	w.Clock.Pass(time.Hour)
	v := w.Put(w.Account("one", false, false))
	a, _ = v.Assessment(doc.ID, Rec(t, "storage-https"))
	if a.Status != governance.OnTime || !a.Completed.IsZero() || !a.Assigned.Due.Equal(w.Clock.Now().AddDate(0, 0, 7)) {
		t.Errorf("after it broke again: %+v", a)
	}
	page, err := v.Assessments(index.AssessmentQuery{Status: []governance.Status{governance.Completed}})
	if err != nil || page.Total != 0 {
		t.Errorf("%d are completed, %v", page.Total, err)
	}
}

// TestSilenceMovesNoDueDate lets a machine fall silent and come back: its task is
// the one that it was.
func TestSilenceMovesNoDueDate(t *testing.T) {
	w := NewWorld(t)
	doc := w.Account("one", false, false)
	w.Put(doc)
	v := w.govern("all", "ana")
	before, _ := v.Assessment(doc.ID, Rec(t, "storage-https"))
	w.Clock.Pass(72 * time.Hour)
	v = w.Step()
	if got := w.state(v, doc.ID, "storage-https"); got != record.Unknown {
		t.Fatalf("after three days it is %v", got)
	}
	w.restart()
	v = w.Put(w.Account("one", false, false))
	after, _ := v.Assessment(doc.ID, Rec(t, "storage-https"))
	if !after.Since.Equal(w.Clock.Now()) || !after.Assigned.Due.Equal(before.Assigned.Due) {
		t.Errorf("due %v, unhealthy since %v; want due %v as before", after.Assigned.Due, after.Since, before.Assigned.Due)
	}
}

func TestTurn(t *testing.T) {
	at := func(s record.State, since uint32) record.Status {
		return record.Status{Slot: 1, State: s, Since: since}
	}
	for name, tt := range map[string]struct {
		steps []record.Status
		want  record.Task
	}{
		"never unhealthy":      {[]record.Status{at(record.Healthy, 1), at(record.Unknown, 2), at(record.Healthy, 3)}, record.Task{Slot: 1}},
		"open":                 {[]record.Status{at(record.Healthy, 1), at(record.Unhealthy, 2)}, record.Task{Slot: 1}},
		"done":                 {[]record.Status{at(record.Unhealthy, 1), at(record.Healthy, 5)}, record.Task{Slot: 1, Open: 1, Done: 5}},
		"done, then not known": {[]record.Status{at(record.Unhealthy, 1), at(record.Healthy, 5), at(record.Unknown, 6), at(record.Healthy, 7)}, record.Task{Slot: 1, Open: 1, Done: 5}},
		"not known, then done": {[]record.Status{at(record.Unhealthy, 1), at(record.Unknown, 5), at(record.Healthy, 6)}, record.Task{Slot: 1, Open: 1, Done: 6}},
		"resumed":              {[]record.Status{at(record.Unhealthy, 1), at(record.Unknown, 5), at(record.Unhealthy, 6)}, record.Task{Slot: 1, Open: 1}},
		"again":                {[]record.Status{at(record.Unhealthy, 1), at(record.Healthy, 5), at(record.Unhealthy, 6)}, record.Task{Slot: 1}},
		"again, not known":     {[]record.Status{at(record.Unhealthy, 1), at(record.Healthy, 5), at(record.Unknown, 6), at(record.Unhealthy, 7)}, record.Task{Slot: 1}},
		"after an exemption":   {[]record.Status{at(record.Unhealthy, 1), at(record.Exempt, 5), at(record.Unhealthy, 6)}, record.Task{Slot: 1}},
		"gone":                 {[]record.Status{at(record.Unhealthy, 1), at(record.Healthy, 5), at(record.NotApplicable, 6)}, record.Task{Slot: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			r := &record.Row{}
			got, was := record.Task{Slot: 1}, record.NotApplicable
			for i, c := range tt.steps {
				if i > 0 {
					got = got.Next(tt.steps[i-1], c)
				}
				r.Apply(record.Change{Slot: 1, From: was, To: c.State}, c.Since) // as a tail of moves is applied
				was = c.State
			}
			if got != tt.want || r.TaskOf(1) != tt.want {
				t.Errorf("turned to %+v, by moves to %+v; want %+v", got, r.TaskOf(1), tt.want)
			}
			if slices.ContainsFunc(r.Tasks, func(t record.Task) bool { return t.Open == 0 }) {
				t.Errorf("tasks %+v that say nothing are kept", r.Tasks)
			}
		})
	}
}
