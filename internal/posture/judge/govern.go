package judge

import (
	"time"

	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// govern gives a row its tasks and marks its statuses by them: whether they have an
// owner, are overdue, do not count yet, or were completed. The row is made due
// when that changes.
func (e *Estate) govern(r, was *record.Row, at time.Time) {
	r.Tasks = record.Carry(was, r)
	board := e.current.Board
	if board.Empty() {
		return
	}
	subject := record.NewSubject(r, e.above[r.Subscription], func(name string) string { return e.governance.tagAbove(r, name) })
	for i := range r.Statuses {
		c := &r.Statuses[i]
		t := r.TaskOf(c.Slot)
		a, ok := subject.Assign(e.current, *c, t)
		if !ok || c.State == record.Healthy && a.Owner == "" {
			continue // what nobody had, nobody completed
		}
		c.Flags = record.FlagsOf(board, a, *c, at)
		t.Owner = e.names.Owners.Intern(index.OwnerKey(a), index.OwnerName(a))
		r.SetTask(t)
		if c.State == record.Unhealthy && !a.Overdue(at) {
			e.due.add(a.Due, r.Handle)
		}
	}
}
