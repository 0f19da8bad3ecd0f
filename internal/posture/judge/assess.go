package judge

import (
	"slices"
	"time"

	"github.com/rampart-sec/rampart/internal/posture/policy/engine"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// assessor gives rows their statuses, as of an instant. It is scratch space of one
// goroutine. Several may be at work at once while no row is written.
type assessor struct {
	e        *Estate
	at       time.Time
	verdicts []verdict
	cells    []record.Status // room for those of the row being assessed
	within   scopeContext
	again    bool        // the rows are in the index, and their documents unchanged
	set      *engine.Set // whose reasons turn is given; may be nil
	aging    []dueRow    // not handed in yet
}

// assess gives a row its statuses. was is the row before, nil if it is new.
func (a *assessor) assess(fresh, was *record.Row) {
	a.rollUp(fresh, was)
	a.finish(fresh, was)
}

// finish lays the age of the data and governance over the statuses that follow from
// verdicts.
func (a *assessor) finish(fresh, was *record.Row) {
	if due := a.e.age(fresh, was, a.at); !due.IsZero() {
		if len(a.aging) == agingTogether {
			a.done()
		}
		a.aging = append(a.aging, dueRow{due, fresh.Handle})
	}
	a.e.govern(fresh, was, a.at)
	a.settle(fresh, was)
}

// rollUp gives a row the statuses that follow from its verdicts. They lie in scratch
// until settle.
func (a *assessor) rollUp(fresh, was *record.Row) {
	a.verdicts = a.e.eval.verdicts(fresh.Handle, a.verdicts[:0])
	fresh.Statuses = a.e.roll.cells(a.cells[:0], &a.within, fresh, was, a.verdicts, a.at)
	if !a.again || was.Findings != nil || a.e.reports.told.Contains(fresh.Handle) {
		a.e.layFindings(fresh)
	}
}

// settle gives a row statuses of its own, or those of before if they are alike.
func (a *assessor) settle(fresh, was *record.Row) {
	a.cells = fresh.Statuses
	if was != nil && slices.Equal(was.Statuses, fresh.Statuses) {
		fresh.Statuses = was.Statuses
		return
	}
	fresh.Statuses = slices.Clone(fresh.Statuses)
}

// agingTogether is how many rows are due by their age before they are handed in.
const agingTogether = 1 << 10

// done hands in when rows are due by their age.
func (a *assessor) done() {
	a.e.due.age(a.aging)
	a.aging = a.aging[:0]
}
