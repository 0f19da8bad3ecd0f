package posture

import (
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// Tally holds the counts of every recommendation in one scope. For the estate
// and a subscription it costs nothing: the view keeps them.
type Tally struct {
	v *View
	l *ledger
}

// Tally counts a scope.
func (v *View) Tally(scope Scope) Tally { return Tally{v, v.ledgerOf(scope, v.resolve(scope))} }

// Of are the counts of a recommendation of the same view.
func (t Tally) Of(r *Recommendation) Counts { return t.l.rec(t.v.shape.slotOf[r.Index]).counts() }

// Holds reports whether a scope is one that the view knows: the estate, a
// management group with subscriptions, or a resource with what lies below it.
func (v *View) Holds(scope string) bool {
	if scope = arm.Fold(strings.TrimSuffix(scope, "/")); scope == "" {
		return true
	}
	sel := v.resolveID(scope)
	return sel.sub != nil || sel.one != nil || len(sel.subs) > 0 || sel.bits != nil && !sel.bits.IsEmpty()
}

// SubscriptionIDs are the ids of the subscriptions below a management group (its
// id), or of all for "".
func (v *View) SubscriptionIDs(group string) []string {
	name, below := strings.CutPrefix(arm.Fold(group), managementGroups)
	var ids []string
	if below {
		for _, s := range v.under(name).subs {
			ids = append(ids, s.armID())
		}
		return ids
	}
	v.subs.Each(func(n uint32, s *subscription) bool {
		if n != noSub && s.ledger.rows > 0 {
			ids = append(ids, s.armID())
		}
		return true
	})
	return ids
}

// Assigned are the initiatives in force beside the built-in one, by id. The
// caller must not change them.
func (v *View) Assigned() []Assigned { return v.shape.assigned }
