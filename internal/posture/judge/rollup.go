package judge

import (
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/catalog"
	"github.com/rampart-sec/rampart/internal/posture/policy"
	"github.com/rampart-sec/rampart/internal/posture/record"
	"github.com/rampart-sec/rampart/internal/posture/reopen"
)

// verdict is what one member of an assignment says of one resource.
type verdict struct {
	member uint32 // number in the catalog
	state  policy.State
	reason string // for unknown and error
}

// rollup turns verdicts into statuses: of all policy states of a recommendation
// the worst, exempt only if all are exempt.
type rollup struct {
	names      *record.Names
	catalog    *catalog.Catalog
	exemptions map[string][]*policy.Exemption // by folded scope
	everywhere []*policy.Exemption            // those of "/"
	depths     []int                          // lengths of the other scopes, ascending
	exempted   map[string]bool                // folded ids of the subscriptions that these lie in, "" for those above
	above      map[uint32][]arm.ID            // management groups by subscription's number
	due        func(time.Time, uint32)        // told when a row's exemption ends
	bases      *reopen.Bases
}

func newRollup(e *Estate, c *catalog.Catalog) *rollup {
	ru := &rollup{
		names: e.names, catalog: c, exemptions: map[string][]*policy.Exemption{}, exempted: map[string]bool{},
		above: e.above, due: e.due.add, bases: e.bases,
	}
	for _, x := range c.Exemptions {
		scope := x.Scope.Key()
		if ru.exemptions[scope] == nil && scope != "/" {
			ru.depths = append(ru.depths, len(scope))
		}
		ru.exemptions[scope] = append(ru.exemptions[scope], x)
		sub, _ := record.ContainersOf(scope)
		ru.exempted[sub] = true
	}
	ru.everywhere = ru.exemptions["/"]
	slices.Sort(ru.depths)
	ru.depths = slices.Compact(ru.depths)
	return ru
}

// scopeContext is what lies over the rows of one subscription, as a roll-up sees it. It is
// scratch space of one goroutine: rows that follow one another mostly lie in the
// same subscription.
type scopeContext struct {
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
func (f *scopeContext) excuseID(x *policy.Exemption) uint32 {
	if f.excused != x {
		f.excused, f.excuse = x, f.of.names.Reasons.ID(exemptReason(x))
	}
	return f.excuse
}

// reasonID is the number of a reason.
func (f *scopeContext) reasonID(reason string) uint32 {
	if f.reason != reason {
		f.reason, f.number = reason, f.of.names.Reasons.ID(reason)
	}
	return f.number
}

// stand puts the within over a row.
func (f *scopeContext) stand(ru *rollup, r *record.Row) {
	if f.of == ru && f.sub == r.Subscription {
		return
	}
	id := ru.names.Subscriptions.Name(r.Subscription)
	f.of, f.sub, f.shared = ru, r.Subscription, ru.catalog.Shared.Over(id)
	f.exempted = ru.exempted[id] || ru.exempted[""] || r.Subscription == record.NoSubscription && len(ru.exemptions) > 0
}

// statuses appends a row's statuses after new verdicts, by slot, to an empty slice. was is
// the row before, nil if there was none: what keeps its state keeps its times.
func (ru *rollup) cells(into []record.Status, within *scopeContext, r, was *record.Row, verdicts []verdict, at time.Time) []record.Status {
	cells := into
	within.stand(ru, r)
	ru.over(r, within.exempted, &within.over)
	for _, v := range verdicts {
		if own := ru.catalog.Members[v.member].Assignment; own != catalog.SharedAssignment {
			cells = merge(cells, ru.cell(r, v, own, within, at))
			continue
		}
		for _, assignment := range within.shared {
			if assignment != "" {
				cells = merge(cells, ru.cell(r, v, assignment, within, at))
			}
		}
	}
	slices.SortFunc(cells, func(a, b record.Status) int { return int(a.Slot) - int(b.Slot) })
	record.SetTimes(cells, was, at)
	return cells
}

// status is one policy state, as a status without times.
func (ru *rollup) cell(r *record.Row, v verdict, assignment string, within *scopeContext, at time.Time) record.Status {
	c := record.Status{Slot: ru.catalog.Slots[v.member]}
	x, reopened := ru.excuse(r, v, assignment, &within.over, at)
	if x != nil {
		if !x.ExpiresOn.IsZero() {
			ru.due(x.ExpiresOn, r.Handle)
		}
		c.State, c.Reason = record.Exempt, within.excuseID(x)
		return c
	}
	if reopened != "" {
		c.Reason = ru.names.Reasons.ID(reopened)
	}
	switch v.state {
	case policy.Compliant:
		c.State = record.Healthy
	case policy.NonCompliant:
		c.State = record.Unhealthy
	case policy.Error:
		c.State, c.Reason = record.Unknown, ru.names.Reasons.ID("the policy could not be evaluated: "+v.reason)
	default:
		c.State, c.Reason = record.Unknown, within.reasonID(v.reason)
	}
	return c
}

// StateRank orders states for the roll-up: the worst wins, exempt loses.
var StateRank = [...]int{record.NotApplicable: 0, record.Exempt: 1, record.Healthy: 2, record.Unknown: 3, record.Unhealthy: 4}

func merge(cells []record.Status, c record.Status) []record.Status {
	for i := range cells {
		if cells[i].Slot == c.Slot {
			if StateRank[c.State] > StateRank[cells[i].State] {
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
func (over *rowExemptions) target(ru *rollup, r *record.Row) policy.Target {
	if !over.parsed {
		id, _ := arm.ParseID(r.ID) // what has verdicts was parsed
		over.parsed = true
		over.row = policy.Target{ID: id, Type: ru.names.Types.Name(r.Type), Location: ru.names.Locations.Name(r.Location), Parents: ru.above[r.Subscription]}
	}
	return over.row
}

// over finds a row's exemptions; some is false if there can be none.
func (ru *rollup) over(r *record.Row, some bool, over *rowExemptions) {
	over.all, over.parsed = over.all[:0], false
	if !some {
		return
	}
	over.all = append(over.all, ru.everywhere...)
	for _, group := range ru.above[r.Subscription] {
		over.all = append(over.all, ru.exemptions[group.Key()]...)
	}
	folded := ""
	for _, n := range ru.depths {
		if n > len(r.ID) {
			break
		}
		if n < len(r.ID) && r.ID[n] != '/' {
			continue
		}
		if folded == "" {
			folded = arm.Fold(r.ID)
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
