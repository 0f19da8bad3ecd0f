package index

import (
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// Tally holds the counts of every recommendation in one scope. For the estate
// and a subscription it costs nothing: the view keeps them.
type Tally struct {
	v *View
	l *Totals
}

// Tally counts a scope.
func (v *View) Tally(scope Scope) Tally { return Tally{v, v.TotalsOf(scope, v.Resolve(scope))} }

// Of are the counts of a recommendation of the same view.
func (t Tally) Of(r *record.Recommendation) record.Counts {
	return t.l.Of(t.v.schema.SlotOf[r.Index]).counts()
}

// Holds reports whether a scope is one that the view knows: the estate, a
// management group with subscriptions, or a resource with what lies below it.
func (v *View) Holds(scope string) bool {
	if scope = arm.Fold(strings.TrimSuffix(scope, "/")); scope == "" {
		return true
	}
	sel := v.resolveID(scope)
	return sel.sub != nil || sel.one != nil || len(sel.Subs) > 0 || sel.Bits != nil && !sel.Bits.IsEmpty()
}

// SubscriptionIDs are the ids of the subscriptions below a management group (its
// id), or of all for "".
func (v *View) SubscriptionIDs(group string) []string {
	name, below := strings.CutPrefix(arm.Fold(group), ManagementGroups)
	var ids []string
	if below {
		for _, s := range v.Under(name).Subs {
			ids = append(ids, s.armID())
		}
		return ids
	}
	v.Subs.Each(func(n uint32, s *Subscription) bool {
		if n != record.NoSubscription && s.Totals.Rows > 0 {
			ids = append(ids, s.armID())
		}
		return true
	})
	return ids
}

// Assigned are the initiatives in force beside the built-in one, by id. The
// caller must not change them.
func (v *View) Assigned() []record.Assigned { return v.schema.Assigned }
