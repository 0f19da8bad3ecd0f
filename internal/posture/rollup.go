package posture

import (
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/arm"
	"github.com/rampart-sec/rampart/internal/policy"
)

// verdict is what one bound definition says of one resource.
type verdict struct {
	bound  uint32 // number in the catalog
	state  policy.State
	reason string // for unknown and error
}

// assignment is a definition or an initiative assigned at a scope, as far as
// the roll-up needs it.
type assignment struct {
	id        string // folded
	scope     string // folded; "/" is the tenant
	notScopes []string
	meaning   string  // the same for assignments with the same members
	uses      [][]use // by number of the bound definition
}

// use is a member of an assignment: the policy state it gives is keyed
// (resource, assignment, reference).
type use struct {
	slot      uint16
	reference string // folded
}

// rollup turns verdicts into cells: of all policy states of a recommendation
// the worst, exempt only if all are exempt.
type rollup struct {
	names       *names
	assignments []*assignment
	exemptions  exemptions
	// coverage caches the assignments over a container, by group number.
	coverage map[uint32][]*assignment
	// above are the management groups of a subscription, by its number.
	above map[uint32][]string
}

// cells are a row's cells after new verdicts, by slot. was is the row before,
// nil if there was none: what keeps its state keeps its times.
func (ru *rollup) cells(r, was *row, verdicts []verdict, at time.Time) []cell {
	var cells []cell
	for _, a := range ru.covering(r) {
		for _, v := range verdicts {
			if v.state == policy.NotApplicable || int(v.bound) >= len(a.uses) {
				continue
			}
			for _, u := range a.uses[v.bound] {
				cells = ru.merge(cells, u.slot, ru.state(r, a, u, v, at))
			}
		}
	}
	for i := range cells {
		cells[i] = timed(cells[i], was, at)
	}
	slices.SortFunc(cells, func(a, b cell) int { return int(a.slot) - int(b.slot) })
	return cells
}

// state is one policy state, as a cell without times.
func (ru *rollup) state(r *row, a *assignment, u use, v verdict, at time.Time) cell {
	if x := ru.exemptions.find(ru.chain(r), a.id, u.reference, at); x != nil {
		return cell{state: Exempt, reason: ru.names.reasons.id(x.reason())}
	}
	switch v.state {
	case policy.Compliant:
		return cell{state: Healthy}
	case policy.NonCompliant:
		return cell{state: Unhealthy}
	case policy.Error:
		return cell{state: Unknown, reason: ru.names.reasons.id("the policy could not be evaluated: " + v.reason)}
	}
	return cell{state: Unknown, reason: ru.names.reasons.id(v.reason)}
}

// badness orders states for the roll-up: the worst wins, exempt loses.
var badness = [...]int{NotApplicable: 0, Exempt: 1, Healthy: 2, Unknown: 3, Unhealthy: 4}

func (ru *rollup) merge(cells []cell, slot uint16, c cell) []cell {
	c.slot = slot
	for i := range cells {
		if cells[i].slot == slot {
			if badness[c.state] > badness[cells[i].state] {
				cells[i] = c
			}
			return cells
		}
	}
	return append(cells, c)
}

// covering are the assignments over a row.
func (ru *rollup) covering(r *row) []*assignment {
	all, ok := ru.coverage[r.group]
	if !ok {
		all = ru.over(r)
		ru.coverage[r.group] = all
	}
	for i, a := range all {
		if !a.reaches(r) {
			return ru.reaching(r, all[:i:i], all[i+1:])
		}
	}
	return all
}

func (ru *rollup) reaching(r *row, some, rest []*assignment) []*assignment {
	for _, a := range rest {
		if a.reaches(r) {
			some = append(some, a)
		}
	}
	return some
}

// over are the assignments whose scope holds the row's container or lies in it.
func (ru *rollup) over(r *row) []*assignment {
	group := ru.names.groups.name(r.group)
	groups := ru.above[r.sub]
	var all []*assignment
	for _, a := range ru.assignments {
		if within(group, a.scope) || within(a.scope, group) || slices.Contains(groups, a.scope) {
			all = append(all, a)
		}
	}
	return all
}

// reaches applies what differs between rows of one container: a scope inside
// it and excluded scopes.
func (a *assignment) reaches(r *row) bool {
	for _, not := range a.notScopes {
		if r.lies(not) {
			return false
		}
	}
	return a.scope == "/" || strings.HasPrefix(a.scope, managementGroups) || r.lies(a.scope)
}

// chain are the folded scopes that hold a row, itself included.
func (ru *rollup) chain(r *row) []string {
	if len(ru.exemptions.byScope) == 0 {
		return nil
	}
	chain := append([]string{"/"}, ru.above[r.sub]...)
	id := arm.Fold(r.id)
	for i := 1; i < len(id); i++ {
		if id[i] == '/' {
			chain = append(chain, id[:i])
		}
	}
	return append(chain, id)
}

// within reports whether a folded id is a scope or below it.
func within(id, scope string) bool {
	return scope == "/" || strings.HasPrefix(id, scope) && (len(id) == len(scope) || id[len(scope)] == '/')
}
