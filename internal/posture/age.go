package posture

import (
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// staleGrace is how long a stale resource keeps its last verdicts.
const staleGrace = 24 * time.Hour

// currentDataName is the built-in recommendation that is raised on resources
// whose data is too old to say anything.
const currentDataName = "machine-data-current"

// age applies the age of a row's document: fresh, then stale with its last
// verdicts, then unknown with the recommendation that its data should be
// current. It returns when that will be another, zero for never.
func (e *Estate) age(r, was *row, at time.Time) time.Time {
	if e.ageless || r.source == inventorySource || r.source == plansSource {
		return time.Time{}
	}
	stale := r.observedAt().Add(e.judge.opt.StaleAfter)
	silent := stale.Add(staleGrace)
	r.stale = !at.Before(stale)
	switch {
	case !r.stale:
		return stale
	case at.Before(silent):
		return silent
	}
	e.silence(r, was, at)
	return time.Time{}
}

// silence makes what old data says unknown.
func (e *Estate) silence(r, was *row, at time.Time) {
	reason := e.names.reasons.id("its data is from " + r.observedAt().Format(time.DateTime) + " and too old to judge by")
	for i := range r.cells {
		if c := &r.cells[i]; c.state == Healthy || c.state == Unhealthy {
			*c = timed(cell{slot: c.slot, state: Unknown, reason: reason}, was, at)
		}
	}
	slot, ok := e.currentData()
	if !ok || isChild(r.id) {
		return
	}
	raised := timed(cell{slot: slot, state: Unhealthy}, was, at)
	for i := range r.cells {
		if r.cells[i].slot == slot {
			if r.cells[i].state != Exempt {
				r.cells[i] = raised
			}
			return
		}
	}
	r.cells = insertCell(r.cells, raised)
}

// currentData is the slot of the recommendation about old data, if it is
// assigned.
func (e *Estate) currentData() (uint16, bool) {
	for _, r := range e.catalog.recs {
		if r.Content != nil && r.Content.Name == currentDataName && !r.Disabled {
			return e.shape().slot(r.ID)
		}
	}
	return 0, false
}

func isChild(id string) bool {
	parsed, err := arm.ParseID(id)
	return err != nil || parsed.IsChild()
}

// timed gives a cell its times: those of before, as far as the state is the
// same.
func timed(c cell, was *row, at time.Time) cell {
	before, ok := was.cellOrNone(c.slot)
	c.take(before, ok, uint32(at.Unix()))
	return c
}

// timeAll is timed for all cells of a row, sorted by slot.
func timeAll(cells []cell, was *row, at time.Time) {
	before := was.cellsOrNone()
	now := uint32(at.Unix())
	for i := range cells {
		c := &cells[i]
		for len(before) > 0 && before[0].slot < c.slot {
			before = before[1:]
		}
		if len(before) > 0 && before[0].slot == c.slot {
			c.take(before[0], true, now)
		} else {
			c.take(cell{}, false, now)
		}
	}
}

// take gives a cell the times that follow from the cell before, if there was one.
func (c *cell) take(before cell, known bool, now uint32) {
	c.since, c.first = now, now
	if known {
		c.first = before.first
		if before.state == c.state {
			c.since = before.since
		}
	}
}

// insertCell keeps cells sorted by slot.
func insertCell(cells []cell, c cell) []cell {
	i := 0
	for i < len(cells) && cells[i].slot < c.slot {
		i++
	}
	cells = append(cells, cell{})
	copy(cells[i+1:], cells[i:])
	cells[i] = c
	return cells
}
