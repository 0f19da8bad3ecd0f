package record

import (
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/governance"
)

// FlagsOf are the flags of a status that has an owner, or had one, at an instant.
func FlagsOf(board *governance.Board, a governance.Assignment, c Status, at time.Time) Flag {
	if c.State == Healthy {
		return IsCompleted // whoever did it has done it, gone since or not
	}
	owned := a.Owner != "" && !board.Gone(a.Owner)
	var f Flag
	if owned {
		f |= HasOwner
	}
	if owned && a.Overdue(at) {
		f |= IsOverdue
	}
	if a.OutOfScore(at) {
		f |= InGrace
	}
	return f
}

// Subject is a row as governance asks about it, parsed once for all statuses.
type Subject struct {
	governance.Subject
	row    *Row
	parsed bool
	bad    bool
}

// NewSubject asks about a row below some management groups; tag looks a tag up on
// the row and above it.
func NewSubject(r *Row, above []arm.ID, tag func(string) string) *Subject {
	return &Subject{row: r, Subject: governance.Subject{Above: above, Tag: tag}}
}

// Assign finds who has the task of a status; ok is false where there is none.
func (s *Subject) Assign(sh *Schema, c Status, t Task) (governance.Assignment, bool) {
	rec := sh.Slots[c.Slot]
	if rec == nil || c.State != Unhealthy && (c.State != Healthy || t.Done == 0) {
		return governance.Assignment{}, false
	}
	if !s.parsed {
		var err error
		s.Resource, err = arm.ParseID(s.row.ID)
		s.parsed, s.bad = true, err != nil
	}
	if s.bad {
		return governance.Assignment{}, false
	}
	s.Recommendation, s.Severity = rec.ID, rec.Severity
	if s.Severity == "" {
		s.Severity = content.Medium
	}
	s.Since, s.Done = UnixTime(int64(t.began(c))), time.Time{}
	if c.State == Healthy {
		// Cells keep whole seconds: what was made within that one came before.
		s.Done = UnixTime(int64(t.Done)).Add(time.Second - 1)
	}
	return sh.Board.Assign(s.Subject)
}
