package posture

import (
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/policy"
	"github.com/rampart-sec/rampart/internal/posture/reopen"
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
	everywhere []*policy.Exemption            // those of "/"
	depths     []int                          // lengths of the other scopes, ascending
	exempted   map[string]bool                // folded ids of the subscriptions that these lie in, "" for those above
	above      map[uint32][]arm.ID            // management groups by subscription's number
	due        func(time.Time, uint32)        // told when a row's exemption ends
	bases      *reopen.Bases
}

func newRollup(e *Estate, c *catalog) *rollup {
	ru := &rollup{
		names: e.names, catalog: c, exemptions: map[string][]*policy.Exemption{}, exempted: map[string]bool{},
		above: e.above, due: e.due.add, bases: e.bases,
	}
	for _, x := range c.exemptions {
		scope := x.Scope.Key()
		if ru.exemptions[scope] == nil && scope != "/" {
			ru.depths = append(ru.depths, len(scope))
		}
		ru.exemptions[scope] = append(ru.exemptions[scope], x)
		sub, _ := containersOf(scope)
		ru.exempted[sub] = true
	}
	ru.everywhere = ru.exemptions["/"]
	slices.Sort(ru.depths)
	ru.depths = slices.Compact(ru.depths)
	return ru
}

// roof is what lies over the rows of one subscription, as a roll-up sees it. It is
// scratch space of one goroutine: rows that follow one another mostly lie in the
// same subscription.
type roof struct {
	of       *rollup
	sub      uint32
	shared   [2]string // ids of the shared assignments, "" for one that there is not
	exempted bool      // some exemption may hold one of the rows
	over     rowExemptions
	reason   string // that was numbered last
	number   uint32
	excused  *policy.Exemption // that was put in words last
	excuse   uint32            // the number of these
}

// excuseID is the number of what an assessment says that an exemption excuses.
func (f *roof) excuseID(x *policy.Exemption) uint32 {
	if f.excused != x {
		f.excused, f.excuse = x, f.of.names.reasons.id(exemptReason(x))
	}
	return f.excuse
}

// reasonID is the number of a reason.
func (f *roof) reasonID(reason string) uint32 {
	if f.reason != reason {
		f.reason, f.number = reason, f.of.names.reasons.id(reason)
	}
	return f.number
}

// stand puts the roof over a row.
func (f *roof) stand(ru *rollup, r *row) {
	if f.of == ru && f.sub == r.sub {
		return
	}
	id := ru.names.subs.name(r.sub)
	f.of, f.sub, f.shared = ru, r.sub, ru.catalog.shared.over(id)
	f.exempted = ru.exempted[id] || ru.exempted[""] || r.sub == noSub && len(ru.exemptions) > 0
}

// cells appends a row's cells after new verdicts, by slot, to an empty slice. was is
// the row before, nil if there was none: what keeps its state keeps its times.
func (ru *rollup) cells(into []cell, roof *roof, r, was *row, verdicts []verdict, at time.Time) []cell {
	cells := into
	roof.stand(ru, r)
	ru.over(r, roof.exempted, &roof.over)
	for _, v := range verdicts {
		if own := ru.catalog.members[v.member].Assignment; own != sharedAssignment {
			cells = merge(cells, ru.cell(r, v, own, roof, at))
			continue
		}
		for _, assignment := range roof.shared {
			if assignment != "" {
				cells = merge(cells, ru.cell(r, v, assignment, roof, at))
			}
		}
	}
	slices.SortFunc(cells, func(a, b cell) int { return int(a.slot) - int(b.slot) })
	timeAll(cells, was, at)
	return cells
}

// cell is one policy state, as a cell without times.
func (ru *rollup) cell(r *row, v verdict, assignment string, roof *roof, at time.Time) cell {
	c := cell{slot: ru.catalog.slots[v.member]}
	x, reopened := ru.excuse(r, v, assignment, &roof.over, at)
	if x != nil {
		if !x.ExpiresOn.IsZero() {
			ru.due(x.ExpiresOn, r.handle)
		}
		c.state, c.reason = Exempt, roof.excuseID(x)
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
		c.state, c.reason = Unknown, roof.reasonID(v.reason)
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
	parsed bool
	row    policy.Target // once parsed
}

// target is the row as selectors see it. Few ask.
func (over *rowExemptions) target(ru *rollup, r *row) policy.Target {
	if !over.parsed {
		id, _ := arm.ParseID(r.id) // what has verdicts was parsed
		over.parsed = true
		over.row = policy.Target{ID: id, Type: ru.names.types.name(r.typ), Location: ru.names.locations.name(r.location), Parents: ru.above[r.sub]}
	}
	return over.row
}

// over finds a row's exemptions; some is false if there can be none.
func (ru *rollup) over(r *row, some bool, over *rowExemptions) {
	over.all, over.parsed = over.all[:0], false
	if !some {
		return
	}
	over.all = append(over.all, ru.everywhere...)
	for _, group := range ru.above[r.sub] {
		over.all = append(over.all, ru.exemptions[group.Key()]...)
	}
	folded := ""
	for _, n := range ru.depths {
		if n > len(r.id) {
			break
		}
		if n < len(r.id) && r.id[n] != '/' {
			continue
		}
		if folded == "" {
			folded = arm.Fold(r.id)
		}
		over.all = append(over.all, ru.exemptions[folded[:n]]...)
	}
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
