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
