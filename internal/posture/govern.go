package posture

import (
	"time"
)

// govern gives a row its tasks and marks its cells by them: whether they have an
// owner, are overdue, do not count yet, or were completed. The row is made due
// when that changes.
func (e *Estate) govern(r, was *row, at time.Time) {
	r.tasks = carry(was, r)
	board := e.current.board
	if board.Empty() {
		return
	}
	subject := newSubject(r, e.above[r.sub], func(name string) string { return e.desk.tagAbove(r, name) })
	for i := range r.cells {
		c := &r.cells[i]
		t := r.task(c.slot)
		a, ok := subject.assign(e.current, *c, t)
		if !ok || c.state == Healthy && a.Owner == "" {
			continue // what nobody had, nobody completed
		}
		c.flags = flagsOf(board, a, *c, at)
		t.by = e.names.parties.spell(partyKey(a), partyName(a))
		r.setTask(t)
		if c.state == Unhealthy && !a.Overdue(at) {
			e.due.add(a.Due, r.handle)
		}
	}
}
