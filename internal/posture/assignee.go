package posture

import (
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/governance"
)

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
