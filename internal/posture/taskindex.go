package posture

import (
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/governance"
)

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

// groupsAbove are the management groups above a row's subscription in a view.
func (v *View) groupsAbove(r *row) []arm.ID {
	s := v.subs.At(r.sub)
	if s == nil || s.resource == nil || s.resource.container == nil {
		return nil
	}
	return groupIDs(s.resource.container.above)
}

// groupIDs are the ids of management groups by name; a name that is none is
// left out.
func groupIDs(names []string) []arm.ID {
	var ids []arm.ID
	for _, name := range names {
		if id, err := arm.ParseID(managementGroups + strings.TrimSpace(name)); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// withTasks are the rows that have something to do in a slot, or had.
func (v *View) withTasks(slot uint16) *roaring.Bitmap {
	if int(slot) >= len(v.recs) {
		return roaring.New()
	}
	rows := roaring.And(v.recs[slot][Healthy].Bits(), v.busy.Bits())
	rows.Or(v.recs[slot][Unhealthy].Bits())
	return rows
}

// ruleReach are the rows that a rule may say something of.
func (v *View) ruleReach(r *governance.Rule) *roaring.Bitmap {
	named := roaring.New()
	for slot, rec := range v.shape.slots {
		if rec != nil && r.Names(rec.ID, rec.Severity) {
			named.Or(v.withTasks(uint16(slot)))
		}
	}
	if r.Scope().Type() != arm.TypeTenant {
		named.And(v.scopeBits(r.Scope().Key()))
	}
	return named
}
