package posture

import (
	"slices"
	"time"

	"github.com/rampart-sec/rampart/internal/posture/policy/engine"
)

// assessor gives rows their cells, as of an instant. It is scratch space of one
// goroutine. Several may be at work at once while no row is booked.
type assessor struct {
	e        *Estate
	at       time.Time
	verdicts []verdict
	cells    []cell // room for those of the row being assessed
	roof     roof
	again    bool        // the rows are in the index, and their documents unchanged
	set      *engine.Set // whose reasons turn is given; may be nil
	aging    []dueRow    // not handed in yet
}

// assess gives a row its cells. was is the row before, nil if it is new.
func (a *assessor) assess(fresh, was *row) {
	a.rollUp(fresh, was)
	a.finish(fresh, was)
}

// finish lays the age of the data and governance over the cells that follow from
// verdicts.
func (a *assessor) finish(fresh, was *row) {
	if due := a.e.age(fresh, was, a.at); !due.IsZero() {
		if len(a.aging) == agingTogether {
			a.done()
		}
		a.aging = append(a.aging, dueRow{due, fresh.handle})
	}
	a.e.govern(fresh, was, a.at)
	a.settle(fresh, was)
}

// rollUp gives a row the cells that follow from its verdicts. They lie in scratch
// until settle.
func (a *assessor) rollUp(fresh, was *row) {
	a.verdicts = a.e.eval.verdicts(fresh.handle, a.verdicts[:0])
	fresh.cells = a.e.roll.cells(a.cells[:0], &a.roof, fresh, was, a.verdicts, a.at)
	if !a.again || was.found != nil || a.e.reports.told.Contains(fresh.handle) {
		a.e.layFindings(fresh)
	}
}

// settle gives a row cells of its own, or those of before if they are alike.
func (a *assessor) settle(fresh, was *row) {
	a.cells = fresh.cells
	if was != nil && slices.Equal(was.cells, fresh.cells) {
		fresh.cells = was.cells
		return
	}
	fresh.cells = slices.Clone(fresh.cells)
}

// agingTogether is how many rows are due by their age before they are handed in.
const agingTogether = 1 << 10

// done hands in when rows are due by their age.
func (a *assessor) done() {
	a.e.due.age(a.aging)
	a.aging = a.aging[:0]
}
