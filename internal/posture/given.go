package posture

import (
	"maps"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/arm"
	"github.com/rampart-sec/rampart/internal/policy"
)

// Given is one assignment by which a recommendation reaches a scope.
type Given struct {
	AssignmentID string
	// References are the initiative's members that give it, none if the
	// definition is assigned alone.
	References []string
	// Scope is where both meet: the deeper of the scope asked about and the
	// assignment's. An exemption there covers what they have in common.
	Scope string
}

// GivenBy lists the assignments that give a recommendation to a scope (ARM id,
// "" is everything), by id. An assessment is exempt only if it is exempt in
// each of them.
func (e *Estate) GivenBy(recommendation, scope string) []Given {
	e.mu.Lock()
	defer e.mu.Unlock()
	target, err := arm.ParseID("/" + strings.TrimPrefix(scope, "/"))
	if err != nil {
		return nil
	}
	slot, ok := e.current.slot(recommendation)
	if !ok {
		return nil
	}
	c := e.catalog
	references := map[string][]string{}
	for i := range c.members {
		if m := &c.members[i]; c.slots[i] == slot {
			refs := references[m.Assignment]
			if m.ReferenceID != "" && !slices.Contains(refs, m.ReferenceID) {
				refs = append(refs, m.ReferenceID)
			}
			references[m.Assignment] = refs
		}
	}
	var all []Given
	add := func(id string, at arm.ID, refs []string) {
		if meet, ok := e.meet(target, at); ok {
			all = append(all, Given{AssignmentID: id, References: refs, Scope: meet.String()})
		}
	}
	for _, a := range c.input.Assignments {
		refs, gives := references[a.ID]
		switch {
		case !gives:
		case a.ID == sharedAssignment:
			c.shared.each(func(id string, at arm.ID) { add(id, at, refs) })
		case !e.selectedOut(a, target):
			add(a.ID, a.Scope, refs)
		}
	}
	slices.SortFunc(all, func(a, b Given) int { return strings.Compare(a.AssignmentID, b.AssignmentID) })
	return all
}

// each calls f for every assignment that the shared one stands for.
func (s *standIn) each(f func(id string, at arm.ID)) {
	for _, id := range append(slices.Collect(maps.Values(s.bySubscription)), s.everywhere) {
		at, _, ok := strings.Cut(arm.Fold(id), "/providers/microsoft.authorization/policyassignments/")
		if scope, err := arm.ParseID("/" + strings.TrimPrefix(id[:len(at)], "/")); ok && err == nil {
			f(id, scope)
		}
	}
}

// meet is the deeper of two scopes if one holds the other.
func (e *Estate) meet(a, b arm.ID) (arm.ID, bool) {
	switch {
	case e.holds(b, a):
		return a, true
	case e.holds(a, b):
		return b, true
	}
	return a, false
}

// holds reports whether a scope is or lies above another, management groups
// included.
func (e *Estate) holds(above, below arm.ID) bool {
	if below.Within(above) {
		return true
	}
	return slices.ContainsFunc(e.parents(below), above.Equal)
}

func (e *Estate) parents(id arm.ID) []arm.ID {
	if id.Subscription() == "" {
		return nil
	}
	n, ok := e.names.subs.find(arm.Fold(id.SubscriptionID()))
	if !ok {
		return nil
	}
	return e.above[n]
}

// selectedOut reports whether an assignment leaves out a resource: by its
// excluded scopes or its selectors. Of a scope with resources below, it may
// still reach some.
func (e *Estate) selectedOut(a *policy.Assignment, target arm.ID) bool {
	r := e.View().byID(target.String())
	if r == nil || !e.holds(a.Scope, target) {
		return false
	}
	if t := target.Type(); t == arm.TypeSubscription || t == arm.TypeResourceGroup {
		return false
	}
	return !a.Covers(policy.Target{ID: target, Type: e.names.types.name(r.typ), Location: e.names.locations.name(r.location), Parents: e.parents(target)})
}
