package posture

import (
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/arm"
	"github.com/rampart-sec/rampart/internal/governance"
)

// govern marks a row's unhealthy cells by the governance rules: whether they
// have an owner, are overdue, or do not count yet, and makes the row due when
// that changes.
func (e *Estate) govern(v *View, r *row, at time.Time) {
	if !v.shape.governed {
		return
	}
	for i := range r.cells {
		c := &r.cells[i]
		if c.state != Unhealthy {
			continue
		}
		a, ok := v.assigned(r, *c)
		if !ok {
			continue
		}
		c.flags = flagsOf(a, at)
		if !a.Overdue(at) {
			e.due.add(a.Due, r.handle)
		}
	}
}

func flagsOf(a governance.Assignment, at time.Time) cellFlag {
	var f cellFlag
	if a.Owner != "" {
		f |= hasOwner
	}
	if a.Overdue(at) {
		f |= isOverdue
	}
	if a.OutOfScore(at) {
		f |= inGrace
	}
	return f
}

// assigned asks the rules about one unhealthy cell.
func (v *View) assigned(r *row, c cell) (governance.Assignment, bool) {
	id, err := arm.ParseID(r.id)
	if err != nil {
		return governance.Assignment{}, false
	}
	rec := v.shape.slots[c.slot]
	severity := content.Medium
	if rec != nil {
		severity = rec.Severity
	}
	return v.shape.rules.Assign(governance.Subject{
		Resource: id, Recommendation: v.idOf(c.slot), Severity: severity, Since: unixTime(int64(c.since)),
		Tag: func(name string) string { return v.tagAbove(r, id, name) },
	})
}

func (v *View) idOf(slot uint16) string {
	if r := v.shape.slots[slot]; r != nil {
		return r.ID
	}
	return ""
}

// tagAbove looks a tag up on the resource, its group, its subscription.
func (v *View) tagAbove(r *row, id arm.ID, name string) string {
	if value, ok := r.tag(name); ok {
		return value
	}
	for _, above := range []string{id.ResourceGroupID(), id.SubscriptionID()} {
		if container := v.byID(above); container != nil {
			if value, ok := container.tag(name); ok {
				return value
			}
		}
	}
	return ""
}
