package posture

import (
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/posture/risk"
)

// fewRows is the number of rows up to which a ledger is summed row by row;
// beyond it intersecting the sets is faster.
const fewRows = 8192

// ledgerOf is the ledger of a scope that was resolved to sel.
func (v *View) ledgerOf(scope Scope, sel selection) *ledger {
	return v.ledgerWith(ledgerKey{scope: scope}, sel, func(uint16) bool { return true })
}

// ledgerWith is ledgerOf that may leave out recommendations that are not
// wanted, where leaving out saves work. key.filter tells wants apart.
func (v *View) ledgerWith(key ledgerKey, sel selection, wanted func(slot uint16) bool) *ledger {
	switch {
	case sel.sub != nil:
		return sel.sub.ledger
	case sel.set() == nil:
		return v.total
	}
	return v.cache.ledger(key, func() *ledger {
		if bits := sel.set(); bits.GetCardinality() <= fewRows {
			return v.sumRows(bits)
		}
		return v.sumSets(sel, wanted)
	})
}

func (v *View) sumRows(bits *roaring.Bitmap) *ledger {
	l := newLedger(v.seq, v.shape)
	st := make([]standing, len(v.controls))
	it := bits.Iterator()
	for it.HasNext() {
		if r := v.rows.At(it.Next()); r != nil {
			v.shape.standings(r, st)
			l.add(v.shape, r, st, +1)
		}
	}
	return l
}

// sumSets sums by intersections. The time of the latest change is the estate's,
// and of the risk levels only the worst is told. Sets that are empty in the
// whole estate are not intersected, and two goroutines share the work: a page
// over a large tag waits for it.
func (v *View) sumSets(sel selection, wanted func(slot uint16) bool) *ledger {
	l := newLedger(v.seq, v.shape)
	l.rows = int(sel.set().GetCardinality())
	l.assessed, l.pending = sel.count(v.assessed), sel.count(v.pending)
	const workers = 2
	var wg sync.WaitGroup
	for part := range workers {
		wg.Go(func() {
			levels := riskLevels{v: v}
			for slot := part; slot < len(v.shape.slots); slot += workers {
				if wanted(uint16(slot)) {
					v.sumSlot(&l.recs[slot], sel, uint16(slot), &levels)
				}
			}
		})
	}
	l.controls = v.tallies(sel)
	wg.Wait()
	return l
}

func (v *View) sumSlot(t *recTally, sel selection, slot uint16, levels *riskLevels) {
	sets, estate := &v.recs[slot], v.total.rec(slot)
	for state := Healthy; state <= Exempt; state++ {
		if estate.by[state] == 0 {
			continue
		}
		t.by[state] = int32(sel.count(sets[state]))
		if t.by[state] > 0 && estate.stale > 0 {
			t.stale += int32(sel.and(sets[state]).AndCardinality(v.stale.Bits()))
		}
	}
	t.changed = estate.changed
	t.completed = int32(sel.count(sets[completedSet]))
	if t.by[Unhealthy] == 0 {
		return
	}
	t.owned, t.overdue = int32(sel.count(sets[ownedSet])), int32(sel.count(sets[overdueSet]))
	unhealthy := sel.and(sets[Unhealthy])
	t.risk[levels.worst(slot, unhealthy)] = t.by[Unhealthy]
	if estate.fixed == 0 && estate.softened == 0 {
		return
	}
	if sets[graceSet].Len() > 0 {
		unhealthy = roaring.AndNot(unhealthy, sets[graceSet].Bits())
	}
	control := v.controls[v.shape.control(slot)]
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
	severity := rl.v.shape.slots[slot].Severity
	if levels, ok := rl.levels[severity]; ok {
		return levels
	}
	var levels [risk.Critical + 1]*roaring.Bitmap
	for f, class := range rl.v.factors {
		if class.Len() == 0 {
			continue
		}
		level := rl.v.shape.riskOf(slot, risk.Factors(f))
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
	if rl.v.shape.slots[slot] == nil {
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
