package posture

import (
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/governance"
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

// setTask puts a task in place of what is kept of its slot. The row's tasks are
// its own.
func (r *row) setTask(t task) {
	for i := range r.tasks {
		if r.tasks[i].slot == t.slot {
			r.tasks[i] = t
			return
		}
	}
	r.tasks = insertTask(r.tasks, t)
}

func flagsOf(board *governance.Board, a governance.Assignment, c cell, at time.Time) cellFlag {
	if c.state == Healthy {
		return isCompleted // whoever did it has done it, gone since or not
	}
	owned := a.Owner != "" && !board.Gone(a.Owner)
	var f cellFlag
	if owned {
		f |= hasOwner
	}
	if owned && a.Overdue(at) {
		f |= isOverdue
	}
	if a.OutOfScore(at) {
		f |= inGrace
	}
	return f
}

// rowSubject is a row as governance asks about it, parsed once for all cells.
type rowSubject struct {
	governance.Subject
	row    *row
	parsed bool
	bad    bool
}

func newSubject(r *row, above []arm.ID, tag func(string) string) *rowSubject {
	return &rowSubject{row: r, Subject: governance.Subject{Above: above, Tag: tag}}
}

// assign finds who has the task of a cell; ok is false where there is none.
func (s *rowSubject) assign(sh *shape, c cell, t task) (governance.Assignment, bool) {
	rec := sh.slots[c.slot]
	if rec == nil || c.state != Unhealthy && (c.state != Healthy || t.done == 0) {
		return governance.Assignment{}, false
	}
	if !s.parsed {
		var err error
		s.Resource, err = arm.ParseID(s.row.id)
		s.parsed, s.bad = true, err != nil
	}
	if s.bad {
		return governance.Assignment{}, false
	}
	s.Recommendation, s.Severity = rec.ID, rec.Severity
	if s.Severity == "" {
		s.Severity = content.Medium
	}
	s.Since, s.Done = unixTime(int64(t.began(c))), time.Time{}
	if c.state == Healthy {
		// Cells keep whole seconds: what was made within that one came before.
		s.Done = unixTime(int64(t.done)).Add(time.Second - 1)
	}
	return sh.board.Assign(s.Subject)
}

// assign describes the task of an assessment.
func (v *View) assign(a *Assessment, r *row, c cell) {
	t := r.task(c.slot)
	switch {
	case c.flags&isCompleted != 0:
		a.Status, a.Completed = governance.Completed, unixTime(int64(t.done))
	case c.state != Unhealthy:
		return
	case c.flags&hasOwner == 0:
		a.Status = governance.Unassigned
	case c.flags&isOverdue != 0:
		a.Status = governance.Overdue
	default:
		a.Status = governance.OnTime
	}
	if v.shape.board.Empty() {
		return
	}
	s := newSubject(r, v.groupsAbove(r), func(name string) string { return v.tagAbove(r, name) })
	a.Assigned, _ = s.assign(v.shape, c, t)
	a.Gone = a.Assigned.Owner != "" && v.shape.board.Gone(a.Assigned.Owner)
}

// tagAbove looks a tag up on the resource, its group, its subscription.
func (v *View) tagAbove(r *row, name string) string {
	if value, ok := r.tag(name); ok {
		return value
	}
	sub, group := containersOf(r.id)
	for _, above := range []string{group, sub} {
		if container := v.byID(above); container != nil {
			if value, ok := container.tag(name); ok {
				return value
			}
		}
	}
	return ""
}

func (v *View) idOf(slot uint16) string {
	if r := v.shape.slots[slot]; r != nil {
		return r.ID
	}
	return ""
}

// inStatus are the rows of a slot in a state whose task has one of some
// statuses; no status means all rows. The result must not be written.
func (v *View) inStatus(slot uint16, state State, statuses []governance.Status) *roaring.Bitmap {
	sets := &v.recs[slot]
	if len(statuses) == 0 {
		return sets[state].Bits()
	}
	rows := roaring.New()
	for _, status := range statuses {
		switch {
		case status == governance.Completed && state == Healthy:
			rows.Or(sets[completedSet].Bits())
		case state != Unhealthy:
		case status == governance.Unassigned:
			rows.Or(roaring.AndNot(sets[Unhealthy].Bits(), sets[ownedSet].Bits()))
		case status == governance.Overdue:
			rows.Or(sets[overdueSet].Bits())
		case status == governance.OnTime:
			rows.Or(roaring.AndNot(sets[ownedSet].Bits(), sets[overdueSet].Bits()))
		}
	}
	return rows
}
