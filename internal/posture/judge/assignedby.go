package judge

import (
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/catalog"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/policy"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// AssignmentSource is one assignment by which a recommendation reaches a scope.
type AssignmentSource struct {
	AssignmentID string
	// References are the initiative's members that give it, none if the
	// definition is assigned alone.
	References []string
	// Scope is where both meet: the deeper of the scope asked about and the
	// assignment's, "/" for the tenant. An exemption there covers what they have
	// in common.
	Scope string
}

// AssignedBy lists the assignments that give a recommendation to a scope (ARM id,
// "" is everything), by id. An assessment is exempt only if it is exempt in
// each of them. It does not wait for the judge.
func (e *Estate) AssignedBy(recommendation, scope string) []AssignmentSource {
	target, err := arm.ParseID("/" + strings.TrimPrefix(scope, "/"))
	slot, ok := e.View().Schema().Slot(recommendation)
	if err != nil || !ok {
		return nil
	}
	ru := e.rolled.Load()
	c := ru.catalog
	references := c.References(slot)
	var all []AssignmentSource
	add := func(id string, at arm.ID, refs []string) {
		if meet, ok := ru.meet(target, at); ok {
			all = append(all, AssignmentSource{AssignmentID: id, References: refs, Scope: meet.String()})
		}
	}
	for _, a := range c.Input.Assignments {
		refs, gives := references[a.ID]
		switch {
		case !gives:
		case a.ID == catalog.SharedAssignment:
			c.Shared.Each(func(id string, at arm.ID) { add(id, at, refs) })
		case !ru.leavesOut(a, e.View().Find(target.String())):
			add(a.ID, a.Scope, refs)
		}
	}
	slices.SortFunc(all, func(a, b AssignmentSource) int { return strings.Compare(a.AssignmentID, b.AssignmentID) })
	return all
}

// maxCovered bounds the recommendations that CoveredBy names.
const maxCovered = 20

// CoveredBy are the recommendations that members of an assignment give (no
// references: all members), by id; all is set instead if there are too many to
// name. It does not wait for the judge.
func (e *Estate) CoveredBy(assignment string, references []string) (some []*record.Recommendation, all bool) {
	ru, v := e.rolled.Load(), e.View()
	assignment = ru.catalog.Shared.StandsFor(arm.Fold(assignment))
	last, same := "", false // members of one assignment lie together
	for i := range ru.catalog.Members {
		m := &ru.catalog.Members[i]
		if i == 0 || m.Assignment != last {
			last, same = m.Assignment, arm.Fold(m.Assignment) == assignment
		}
		if !same || m.Bound == nil {
			continue
		}
		named := len(references) == 0 || slices.ContainsFunc(references, func(ref string) bool { return index.EqualIDs(ref, m.ReferenceID) })
		r := v.Recommendation(catalog.RecommendationID(m.DefinitionID))
		if named && r != nil && !slices.Contains(some, r) {
			some = append(some, r)
		}
		if len(some) > maxCovered {
			return nil, true
		}
	}
	return some, false
}

// meet is the deeper of two scopes if one holds the other.
func (ru *rollup) meet(a, b arm.ID) (arm.ID, bool) {
	switch {
	case ru.holds(b, a):
		return a, true
	case ru.holds(a, b):
		return b, true
	}
	return a, false
}

// holds reports whether a scope is or lies above another, management groups
// included.
func (ru *rollup) holds(above, below arm.ID) bool {
	return below.Within(above) || slices.ContainsFunc(ru.parents(below), above.Equal)
}

// GroupsAbove are the management groups above a scope, nearest first. It does not
// wait for the judge.
func (e *Estate) GroupsAbove(scope arm.ID) []arm.ID { return e.rolled.Load().parents(scope) }

// HasGroup reports whether any subscription lies under a management group.
func (e *Estate) HasGroup(group arm.ID) bool {
	for _, above := range e.rolled.Load().above {
		if slices.ContainsFunc(above, group.Equal) {
			return true
		}
	}
	return false
}

func (ru *rollup) parents(id arm.ID) []arm.ID {
	n, ok := ru.names.Subscriptions.Find(arm.Fold(id.SubscriptionID()))
	if !ok || id.Subscription() == "" {
		return nil
	}
	return ru.above[n]
}

// leavesOut reports whether an assignment over a resource leaves it out, by its
// excluded scopes or its selectors. Of a scope with resources below (nil, or a
// container) it may still reach some.
func (ru *rollup) leavesOut(a *policy.Assignment, r *record.Row) bool {
	if r == nil {
		return false
	}
	id, err := arm.ParseID(r.ID)
	if t := id.Type(); err != nil || t == arm.TypeSubscription || t == arm.TypeResourceGroup || !ru.holds(a.Scope, id) {
		return false
	}
	return !a.Covers(policy.Target{ID: id, Type: ru.names.Types.Name(r.Type), Location: ru.names.Locations.Name(r.Location), Parents: ru.parents(id)})
}
