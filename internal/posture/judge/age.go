package judge

import (
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// staleGrace is how long a stale resource keeps its last verdicts.
const staleGrace = 24 * time.Hour

// currentDataName is the built-in recommendation that is raised on resources
// whose data is too old to say anything.
const currentDataName = "machine-data-current"

// age applies the age of a row's document: fresh, then stale with its last
// verdicts, then unknown with the recommendation that its data should be
// current. It returns when that will be another, zero for never.
func (e *Estate) age(r, was *record.Row, at time.Time) time.Time {
	if e.ageless || r.Source == record.InventorySource || r.Source == record.PlansSource {
		return time.Time{}
	}
	stale := r.ObservedAt().Add(e.judge.opt.StaleAfter)
	silent := stale.Add(staleGrace)
	r.Stale = !at.Before(stale)
	switch {
	case !r.Stale:
		return stale
	case at.Before(silent):
		return silent
	}
	e.silence(r, was, at)
	return time.Time{}
}

// silence makes what old data says unknown.
func (e *Estate) silence(r, was *record.Row, at time.Time) {
	reason := e.names.Reasons.ID("its data is from " + r.ObservedAt().Format(time.DateTime) + " and too old to judge by")
	for i := range r.Statuses {
		if c := &r.Statuses[i]; c.State == record.Healthy || c.State == record.Unhealthy {
			*c = record.Timed(record.Status{Slot: c.Slot, State: record.Unknown, Reason: reason}, was, at)
		}
	}
	slot, ok := e.currentData()
	if !ok || isChild(r.ID) {
		return
	}
	raised := record.Timed(record.Status{Slot: slot, State: record.Unhealthy}, was, at)
	for i := range r.Statuses {
		if r.Statuses[i].Slot == slot {
			if r.Statuses[i].State != record.Exempt {
				r.Statuses[i] = raised
			}
			return
		}
	}
	r.Statuses = record.InsertStatus(r.Statuses, raised)
}

// currentData is the slot of the recommendation about old data, if it is
// assigned.
func (e *Estate) currentData() (uint16, bool) {
	for _, r := range e.catalog.Recs {
		if r.Content != nil && r.Content.Name == currentDataName && !r.Disabled {
			return e.schema().Slot(r.ID)
		}
	}
	return 0, false
}

func isChild(id string) bool {
	parsed, err := arm.ParseID(id)
	return err != nil || parsed.IsChild()
}
