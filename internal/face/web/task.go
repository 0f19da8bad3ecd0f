package web

import (
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/governance"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// taskMark is a task's status as a shape, a word and a colour.
func taskMark(s governance.Status) mark {
	switch s {
	case governance.Unassigned:
		return mark{"none", "unknown", "Unassigned"}
	case governance.OnTime:
		return mark{"clock", "low", "On time"}
	case governance.Overdue:
		return mark{"cross", "high", "Overdue"}
	case governance.Completed:
		return mark{"ok", "ok", "Completed"}
	}
	return mark{"none", "unknown", "Nothing to do"}
}

// stateOfTask is the state of assessments whose task has a status.
func stateOfTask(s governance.Status) record.State {
	if s == governance.Completed {
		return record.Healthy
	}
	return record.Unhealthy
}

// statuses reads the statuses that the address selects.
func (v *visit) statuses() ([]governance.Status, error) {
	var found []governance.Status
	for _, text := range v.query["task"] {
		if text == "" {
			continue
		}
		s, ok := governance.ParseStatus(text)
		if !ok {
			return nil, arm.Invalid("There is no status %q.", clip(text, 40))
		}
		found = append(found, s)
	}
	return found, nil
}

// taskChips offers each status with the number of its tasks.
func (v *visit) taskChips(tasks index.TaskCounts) []filterChip {
	var chips []filterChip
	for _, s := range governance.Statuses {
		chips = append(chips, filterChip{Key: "task", Value: s.String(), Word: taskMark(s).Word, Mark: taskMark(s), N: tasks.Of(s),
			On: v.Has("task", s.String()), URL: v.With("state", "", "task", s.String())})
	}
	return chips
}

// taskTotals are the tasks of the scope by status, each leading to the list of
// its assessments.
func (v *visit) taskTotals() []filterChip {
	tasks := v.view.Tasks(v.scope)
	var totals []filterChip
	for _, s := range governance.Statuses {
		totals = append(totals, filterChip{Value: s.String(), Word: taskMark(s).Word, Mark: taskMark(s), N: tasks.Of(s),
			URL: v.To("/assessments", "state", stateOfTask(s).String(), "task", s.String())})
	}
	return totals
}

// Task is a row's task as lists show it.
func (r evidenceRow) Task() taskView { return taskView{r.Assessment} }

// taskView is what people see of a task.
type taskView struct{ record.Assessment }

// Mark is the status.
func (t taskView) Mark() mark { return taskMark(t.Status) }

// Source says who assigned it.
func (t taskView) Source() string {
	switch a := t.Assigned; {
	case !a.Assigned():
		return ""
	case a.Rule != "":
		return "by the rule " + a.Rule
	case a.By != "":
		return "by " + a.By
	}
	return "by hand"
}

// Mine reports whether a reader is the owner.
func mine(who string, a governance.Assignment) bool {
	return a.Owner != "" && strings.EqualFold(who, a.Owner)
}

// Promises reports whether a reader may set the ETA of a task.
func (f *frame) Promises(a record.Assessment, may bool) bool {
	return slices.Contains([]governance.Status{governance.OnTime, governance.Overdue}, a.Status) && (may || mine(f.Who, a.Assigned))
}
