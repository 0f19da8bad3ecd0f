package judge

import (
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/posture/catalog"
	"github.com/rampart-sec/rampart/internal/posture/policy"
	"github.com/rampart-sec/rampart/internal/posture/policy/engine"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// policyDelta are the verdicts that an edit of policies changed. Once made it is
// read by several goroutines.
type policyDelta struct {
	set    *engine.Set
	flips  [][]engine.Flip // by ascending handle
	except *roaring.Bitmap // rows of which more may have changed
}

// add takes in changes of handles above those that are there; others it refuses.
func (t *policyDelta) add(flips []engine.Flip) bool {
	if n := len(t.flips); n > 0 {
		if before := t.flips[n-1]; before[len(before)-1].Handle >= flips[0].Handle {
			return false
		}
	}
	t.flips = append(t.flips, flips)
	return true
}

// from reads the changes from a handle on.
func (t *policyDelta) from(handle uint32) *policyDeltaReader {
	if t == nil {
		return &policyDeltaReader{}
	}
	i, _ := slices.BinarySearchFunc(t.flips, handle, func(some []engine.Flip, h uint32) int {
		if some[len(some)-1].Handle < h {
			return -1
		}
		return 1
	})
	return &policyDeltaReader{rest: t.flips[i:], but: t.except}
}

// policyDeltaReader reads changes by ascending handle.
type policyDeltaReader struct {
	rest [][]engine.Flip
	some []engine.Flip
	but  *roaring.Bitmap
}

// of are the changes of a handle, none if they are not all that changed; the next one
// asked for must be above it.
func (r *policyDeltaReader) of(handle uint32) []engine.Flip {
	for {
		n := 0
		for n < len(r.some) && r.some[n].Handle < handle {
			n++
		}
		r.some = r.some[n:]
		if len(r.some) > 0 || len(r.rest) == 0 {
			break
		}
		r.some, r.rest = r.rest[0], r.rest[1:]
	}
	n := 0
	for n < len(r.some) && r.some[n].Handle == handle {
		n++
	}
	flips := r.some[:n]
	r.some = r.some[n:]
	if n > 0 && r.but.Contains(handle) {
		return nil
	}
	return flips
}

// turn is assess for a row of the index of which an edit of policies changed some
// verdicts: the other statuses stay. Where statuses may follow from more than these
// verdicts, it does nothing and reports false.
func (a *assessor) turn(fresh, was *record.Row, flips []engine.Flip) bool {
	e := a.e
	a.within.stand(e.roll, fresh)
	if len(flips) == 0 || was.Stale || was.Findings != nil || e.reports.told.Contains(fresh.Handle) {
		return false
	}
	e.roll.over(fresh, a.within.exempted, &a.within.over)
	cells := append(a.cells[:0], was.Statuses...)
	a.cells = cells
	for _, f := range flips {
		// A member that is gone is alone no more; its number is not yet another's.
		if f.Member >= len(e.catalog.Sole) || !e.catalog.Sole[f.Member] {
			return false
		}
		if f.To == policy.NotApplicable {
			cells = dropCell(cells, e.catalog.Slots[f.Member])
			continue
		}
		assignment := e.catalog.Members[f.Member].Assignment
		if assignment == catalog.SharedAssignment {
			return false // stands for several, or none
		}
		v := verdict{member: uint32(f.Member), state: f.To}
		if f.Reason != 0 {
			v.reason = a.set.Reason(f.Reason)
		}
		cells = putCell(cells, e.roll.cell(fresh, v, assignment, &a.within, a.at))
	}
	for i := range cells {
		cells[i].Flags = 0 // govern says
	}
	record.SetTimes(cells, was, a.at)
	fresh.Statuses = cells
	a.finish(fresh, was)
	return true
}

// putCell puts a status in its place among those sorted by slot.
func putCell(cells []record.Status, c record.Status) []record.Status {
	i, known := slices.BinarySearchFunc(cells, c.Slot, func(c record.Status, slot uint16) int { return int(c.Slot) - int(slot) })
	if known {
		cells[i] = c
		return cells
	}
	return slices.Insert(cells, i, c)
}

// dropCell takes the status of a slot out, if there is one.
func dropCell(cells []record.Status, slot uint16) []record.Status {
	return slices.DeleteFunc(cells, func(c record.Status) bool { return c.Slot == slot })
}
