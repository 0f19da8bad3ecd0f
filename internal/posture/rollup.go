package posture

import (
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/arm"
	"github.com/rampart-sec/rampart/internal/policy"
	"github.com/rampart-sec/rampart/internal/reopen"
)

// verdict is what one member of an assignment says of one resource.
type verdict struct {
	member uint32 // number in the catalog
	state  policy.State
	reason string // for unknown and error
}

// rollup turns verdicts into cells: of all policy states of a recommendation
// the worst, exempt only if all are exempt.
type rollup struct {
	names      *names
	catalog    *catalog
	exemptions map[string][]*policy.Exemption // by folded scope
	above      map[uint32][]arm.ID            // management groups by subscription's number
	due        func(time.Time, uint32)        // told when a row's exemption ends
	bases      *reopen.Bases
}

func newRollup(e *Estate, c *catalog) *rollup {
	ru := &rollup{names: e.names, catalog: c, exemptions: map[string][]*policy.Exemption{}, above: e.above, due: e.due.add, bases: e.bases}
	for _, x := range c.exemptions {
		ru.exemptions[x.Scope.Key()] = append(ru.exemptions[x.Scope.Key()], x)
	}
	return ru
}

// cells are a row's cells after new verdicts, by slot. was is the row before,
// nil if there was none: what keeps its state keeps its times.
func (ru *rollup) cells(r, was *row, verdicts []verdict, at time.Time) []cell {
	cells := make([]cell, 0, len(verdicts))
	exempt := ru.over(r)
	shared := ru.catalog.shared.over(ru.names, r)
	for _, v := range verdicts {
		if own := ru.catalog.members[v.member].Assignment; own != sharedAssignment {
			cells = merge(cells, ru.cell(r, v, own, &exempt, at))
			continue
		}
		for _, assignment := range shared {
			if assignment != "" {
				cells = merge(cells, ru.cell(r, v, assignment, &exempt, at))
			}
		}
	}
	for i := range cells {
		cells[i] = timed(cells[i], was, at)
	}
	slices.SortFunc(cells, func(a, b cell) int { return int(a.slot) - int(b.slot) })
	return cells
}

// cell is one policy state, as a cell without times.
func (ru *rollup) cell(r *row, v verdict, assignment string, exempt *rowExemptions, at time.Time) cell {
	c := cell{slot: ru.catalog.slots[v.member]}
	x, reopened := ru.excuse(r, v, assignment, exempt, at)
	if x != nil {
		if !x.ExpiresOn.IsZero() {
			ru.due(x.ExpiresOn, r.handle)
		}
		c.state, c.reason = Exempt, ru.names.reasons.id(exemptReason(x))
		return c
	}
	if reopened != "" {
		c.reason = ru.names.reasons.id(reopened)
	}
	switch v.state {
	case policy.Compliant:
		c.state = Healthy
	case policy.NonCompliant:
		c.state = Unhealthy
	case policy.Error:
		c.state, c.reason = Unknown, ru.names.reasons.id("the policy could not be evaluated: "+v.reason)
	default:
		c.state, c.reason = Unknown, ru.names.reasons.id(v.reason)
	}
	return c
}

// badness orders states for the roll-up: the worst wins, exempt loses.
var badness = [...]int{NotApplicable: 0, Exempt: 1, Healthy: 2, Unknown: 3, Unhealthy: 4}

func merge(cells []cell, c cell) []cell {
	for i := range cells {
		if cells[i].slot == c.slot {
			if badness[c.state] > badness[cells[i].state] {
				cells[i] = c
			}
			return cells
		}
	}
	return append(cells, c)
}

// rowExemptions are the exemptions whose scope holds a row, whether they are in
// force or not.
type rowExemptions struct {
	all    []*policy.Exemption
	target policy.Target // the row, if there are any
}

// over finds a row's exemptions.
func (ru *rollup) over(r *row) (over rowExemptions) {
	if len(ru.exemptions) == 0 {
		return over
	}
	over.all = append(over.all, ru.exemptions["/"]...)
	for _, group := range ru.above[r.sub] {
		over.all = append(over.all, ru.exemptions[group.Key()]...)
	}
	id := arm.Fold(r.id)
	for i := 1; i <= len(id); i++ {
		if i == len(id) || id[i] == '/' {
			over.all = append(over.all, ru.exemptions[id[:i]]...)
		}
	}
	if len(over.all) == 0 {
		return over
	}
	over.target = policy.Target{Type: ru.names.types.name(r.typ), Location: ru.names.locations.name(r.location), Parents: ru.above[r.sub]}
	var err error
	if over.target.ID, err = arm.ParseID(r.id); err != nil {
		over.all = nil // nothing tells that it lies in their scopes
	}
	return over
}

// exemptReason is what an exempt assessment says.
func exemptReason(x *policy.Exemption) string {
	name, category := titleOf(x), "waiver"
	if x.Mitigated {
		category = "mitigated"
	}
	text := "exempt by " + name + " (" + category + ")"
	if !x.ExpiresOn.IsZero() {
		text += " until " + x.ExpiresOn.Format(time.DateOnly)
	}
	return strings.ToValidUTF8(text, "")
}

func titleOf(x *policy.Exemption) string {
	if x.DisplayName != "" {
		return x.DisplayName
	}
	return x.Name
}
