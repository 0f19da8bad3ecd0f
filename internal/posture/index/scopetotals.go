package index

import (
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/posture/record"
	"github.com/rampart-sec/rampart/internal/posture/risk"
)

// fewRows is the number of rows up to which totals is summed row by row;
// beyond it intersecting the sets is faster.
const fewRows = 8192

// TotalsOf is the totals of a scope that was resolved to sel.
func (v *View) TotalsOf(scope Scope, sel Selection) *Totals {
	return v.totalsWith(totalsKey{scope: scope}, sel, func(uint16) bool { return true })
}

// totalsWith is TotalsOf that may leave out recommendations that are not
// wanted, where leaving out saves work. key.filter tells wants apart.
func (v *View) totalsWith(key totalsKey, sel Selection, wanted func(slot uint16) bool) *Totals {
	switch {
	case sel.sub != nil:
		return sel.sub.Totals
	case sel.set() == nil:
		return v.Total
	}
	return v.Cache.totals(key, func() *Totals {
		if bits := sel.set(); bits.GetCardinality() <= fewRows {
			return v.sumRows(bits)
		}
		return v.sumSets(sel, wanted)
	})
}

func (v *View) sumRows(bits *roaring.Bitmap) *Totals {
	l := NewTotals(v.seq, v.schema)
	st := make([]record.ControlStatus, len(v.controls))
	it := bits.Iterator()
	for it.HasNext() {
		if r := v.Rows.At(it.Next()); r != nil {
			v.schema.ControlStatuses(r, st)
			l.add(v.schema, r, st, +1)
		}
	}
	return l
}

// sumSets sums by intersections. The time of the latest change is the estate's,
// and of the risk levels only the worst is told. Sets that are empty in the
// whole estate are not intersected, and two goroutines share the work: a page
// over a large tag waits for it.
func (v *View) sumSets(sel Selection, wanted func(slot uint16) bool) *Totals {
	l := NewTotals(v.seq, v.schema)
	l.Rows = int(sel.set().GetCardinality())
	l.assessed, l.pending = sel.Count(v.assessed), sel.Count(v.pending)
	const workers = 2
	var wg sync.WaitGroup
	for part := range workers {
		wg.Go(func() {
			levels := riskLevels{v: v}
			for slot := part; slot < len(v.schema.Slots); slot += workers {
				if wanted(uint16(slot)) {
					v.sumSlot(&l.recs[slot], sel, uint16(slot), &levels)
				}
			}
		})
	}
	l.Controls = v.controlCounts(sel)
	wg.Wait()
	return l
}

func (v *View) sumSlot(t *RecommendationCounts, sel Selection, slot uint16, levels *riskLevels) {
	sets, estate := &v.Recs[slot], v.Total.Of(slot)
	for state := record.Healthy; state <= record.Exempt; state++ {
		if estate.ByState[state] == 0 {
			continue
		}
		t.ByState[state] = int32(sel.Count(sets[state]))
		if t.ByState[state] > 0 && estate.stale > 0 {
			t.stale += int32(sel.And(sets[state]).AndCardinality(v.stale.Bits()))
		}
	}
	t.changed = estate.changed
	t.completed = int32(sel.Count(sets[completedSet]))
	if t.ByState[record.Unhealthy] == 0 {
		return
	}
	t.owned, t.overdue = int32(sel.Count(sets[ownedSet])), int32(sel.Count(sets[overdueSet]))
	unhealthy := sel.And(sets[record.Unhealthy])
	t.risk[levels.worst(slot, unhealthy)] = t.ByState[record.Unhealthy]
	if estate.fixed == 0 && estate.softened == 0 {
		return
	}
	if sets[graceSet].Len() > 0 {
		unhealthy = roaring.AndNot(unhealthy, sets[graceSet].Bits())
	}
	control := v.controls[v.schema.Control(slot)]
	t.fixed = int32(unhealthy.AndCardinality(control.last.Bits()))
	t.softened = int32(unhealthy.AndCardinality(control.lastMixed.Bits()))
}

// riskLevels are the rows whose factors give each level to a severity.
type riskLevels struct {
	v      *View
	levels map[content.Severity][risk.Critical + 1]*roaring.Bitmap
}

// of are the rows by level for a slot's severity; nil where there are none.
func (rl *riskLevels) of(slot uint16) [risk.Critical + 1]*roaring.Bitmap {
	severity := rl.v.schema.Slots[slot].Severity
	if levels, ok := rl.levels[severity]; ok {
		return levels
	}
	var levels [risk.Critical + 1]*roaring.Bitmap
	for f, class := range rl.v.factors {
		if class.Len() == 0 {
			continue
		}
		level := rl.v.schema.RiskOf(slot, risk.Factors(f))
		if levels[level] == nil {
			levels[level] = roaring.New()
		}
		levels[level].Or(class.Bits())
	}
	if rl.levels == nil {
		rl.levels = map[content.Severity][risk.Critical + 1]*roaring.Bitmap{}
	}
	rl.levels[severity] = levels
	return levels
}

// worst is the highest level that some of a slot's unhealthy rows have.
func (rl *riskLevels) worst(slot uint16, unhealthy *roaring.Bitmap) risk.Level {
	if rl.v.schema.Slots[slot] == nil {
		return risk.None
	}
	levels := rl.of(slot)
	for level := risk.Critical; level > risk.None; level-- {
		if levels[level] != nil && levels[level].Intersects(unhealthy) {
			return level
		}
	}
	return risk.None
}
