package catalog

import (
	"maps"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// References are the members that give a recommendation, by assignment.
func (c *Catalog) References(slot uint16) map[string][]string {
	out := map[string][]string{}
	for i := range c.Members {
		m := &c.Members[i]
		if m.Bound == nil || c.Slots[i] != slot {
			continue
		}
		refs := out[m.Assignment]
		if m.ReferenceID != "" && !slices.Contains(refs, m.ReferenceID) {
			refs = append(refs, m.ReferenceID)
		}
		out[m.Assignment] = refs
	}
	return out
}

// Each calls f for every assignment that the shared one stands for.
func (s *SharedAssignments) Each(f func(id string, at arm.ID)) {
	for _, id := range append(slices.Collect(maps.Values(s.bySubscription)), s.everywhere) {
		at, _, ok := strings.Cut(arm.Fold(id), "/providers/microsoft.authorization/policyassignments/")
		if scope, err := arm.ParseID(id[:len(at)] + "/"); ok && err == nil {
			f(id, scope)
		}
	}
}

// StandsFor is the folded id of the assignment whose members an assignment has.
func (s *SharedAssignments) StandsFor(folded string) string {
	at, _, _ := strings.Cut(folded, "/providers/microsoft.authorization/policyassignments/")
	if folded == arm.Fold(s.everywhere) || at != "" && folded == arm.Fold(s.bySubscription[at]) {
		return arm.Fold(SharedAssignment)
	}
	return folded
}

// Giver is the only member that gives a recommendation, by its slot; ok is false
// if there are several or none.
func (c *Catalog) Giver(slot uint16) (member int, ok bool) {
	member, ok = c.soles[slot]
	return member, ok
}

// Initiative is the initiative with an id, nil if there is none.
func (c *Catalog) Initiative(id string) *policy.Initiative {
	for _, in := range c.Input.Initiatives {
		if strings.EqualFold(in.ID, id) {
			return in
		}
	}
	return nil
}

// Assignment is the assignment with an id that the evaluator knows, nil if there
// is none: those that the shared one stands for are not among them.
func (c *Catalog) Assignment(id string) *policy.Assignment {
	for _, a := range c.Input.Assignments {
		if strings.EqualFold(a.ID, id) {
			return a
		}
	}
	return nil
}
