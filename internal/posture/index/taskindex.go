package index

import (
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/governance"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// assign describes the task of an assessment.
func (v *View) assign(a *record.Assessment, r *record.Row, c record.Status) {
	t := r.TaskOf(c.Slot)
	switch {
	case c.Flags&record.IsCompleted != 0:
		a.Status, a.Completed = governance.Completed, record.UnixTime(int64(t.Done))
	case c.State != record.Unhealthy:
		return
	case c.Flags&record.HasOwner == 0:
		a.Status = governance.Unassigned
	case c.Flags&record.IsOverdue != 0:
		a.Status = governance.Overdue
	default:
		a.Status = governance.OnTime
	}
	if v.schema.Board.Empty() {
		return
	}
	s := record.NewSubject(r, v.groupsAbove(r), func(name string) string { return v.tagAbove(r, name) })
	a.Assigned, _ = s.Assign(v.schema, c, t)
	a.Gone = a.Assigned.Owner != "" && v.schema.Board.Gone(a.Assigned.Owner)
}

// tagAbove looks a tag up on the resource, its group, its subscription.
func (v *View) tagAbove(r *record.Row, name string) string {
	if value, ok := r.Tag(name); ok {
		return value
	}
	sub, group := record.ContainersOf(r.ID)
	for _, above := range []string{group, sub} {
		if container := v.Find(above); container != nil {
			if value, ok := container.Tag(name); ok {
				return value
			}
		}
	}
	return ""
}

// RecommendationID is the id of the recommendation in a slot, "" if there is none now.
func (v *View) RecommendationID(slot uint16) string {
	if r := v.schema.Slots[slot]; r != nil {
		return r.ID
	}
	return ""
}

// inStatus are the rows of a slot in a state whose task has one of some
// statuses; no status means all rows. The result must not be written.
func (v *View) inStatus(slot uint16, state record.State, statuses []governance.Status) *roaring.Bitmap {
	sets := &v.Recs[slot]
	if len(statuses) == 0 {
		return sets[state].Bits()
	}
	rows := roaring.New()
	for _, status := range statuses {
		switch {
		case status == governance.Completed && state == record.Healthy:
			rows.Or(sets[completedSet].Bits())
		case state != record.Unhealthy:
		case status == governance.Unassigned:
			rows.Or(roaring.AndNot(sets[record.Unhealthy].Bits(), sets[ownedSet].Bits()))
		case status == governance.Overdue:
			rows.Or(sets[overdueSet].Bits())
		case status == governance.OnTime:
			rows.Or(roaring.AndNot(sets[ownedSet].Bits(), sets[overdueSet].Bits()))
		}
	}
	return rows
}

// groupsAbove are the management groups above a row's subscription in a view.
func (v *View) groupsAbove(r *record.Row) []arm.ID {
	s := v.Subs.At(r.Subscription)
	if s == nil || s.Resource == nil || s.Resource.Container == nil {
		return nil
	}
	return groupIDs(s.Resource.Container.Above)
}

// groupIDs are the ids of management groups by name; a name that is none is
// left out.
func groupIDs(names []string) []arm.ID {
	var ids []arm.ID
	for _, name := range names {
		if id, err := arm.ParseID(ManagementGroups + strings.TrimSpace(name)); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// WithTasks are the rows that have something to do in a slot, or had.
func (v *View) WithTasks(slot uint16) *roaring.Bitmap {
	if int(slot) >= len(v.Recs) {
		return roaring.New()
	}
	rows := roaring.And(v.Recs[slot][record.Healthy].Bits(), v.busy.Bits())
	rows.Or(v.Recs[slot][record.Unhealthy].Bits())
	return rows
}

// ReachedByRule are the rows that a rule may say something of.
func (v *View) ReachedByRule(r *governance.Rule) *roaring.Bitmap {
	named := roaring.New()
	for slot, rec := range v.schema.Slots {
		if rec != nil && r.Names(rec.ID, rec.Severity) {
			named.Or(v.WithTasks(uint16(slot)))
		}
	}
	if r.Scope().Type() != arm.TypeTenant {
		named.And(v.InScope(r.Scope().Key()))
	}
	return named
}
