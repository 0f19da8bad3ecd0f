package posture

import "github.com/RoaringBitmap/roaring/v2"

// fewRows is the number of rows up to which a ledger is summed row by row;
// beyond it intersecting the sets is faster.
const fewRows = 8192

// ledgerOf is the ledger of a scope that was resolved to sel.
func (v *View) ledgerOf(scope Scope, sel selection) *ledger {
	switch {
	case sel.sub != nil:
		return sel.sub.ledger
	case sel.set() == nil:
		return v.total
	}
	return v.cache.ledger(scope, func() *ledger {
		if bits := sel.set(); bits.GetCardinality() <= fewRows {
			return v.sumRows(bits)
		}
		return v.sumSets(sel)
	})
}

func (v *View) sumRows(bits *roaring.Bitmap) *ledger {
	l := newLedger(v.seq, v.shape)
	st := make([]standing, len(v.controls))
	it := bits.Iterator()
	for it.HasNext() {
		if r := v.rows.at(it.Next()); r != nil {
			v.shape.standings(r, st)
			l.add(v.shape, r, st, +1)
		}
	}
	return l
}

// sumSets sums by intersections. The time of the latest change is the estate's.
func (v *View) sumSets(sel selection) *ledger {
	l := newLedger(v.seq, v.shape)
	l.controls = v.tallies(sel)
	l.rows = int(sel.set().GetCardinality())
	l.assessed, l.pending = sel.count(v.assessed), sel.count(v.pending)
	for slot := range v.shape.slots {
		v.sumSlot(l, sel, uint16(slot))
	}
	return l
}

func (v *View) sumSlot(l *ledger, sel selection, slot uint16) {
	t := &l.recs[slot]
	sets := &v.recs[slot]
	for state := Healthy; state <= Exempt; state++ {
		t.by[state] = int32(sel.count(sets[state]))
		if t.by[state] > 0 && v.stale.len() > 0 {
			t.stale += int32(sel.and(sets[state]).AndCardinality(v.stale.read()))
		}
	}
	t.changed = v.total.rec(slot).changed
	if t.by[Unhealthy] == 0 {
		return
	}
	t.owned, t.overdue = int32(sel.count(sets[ownedSet])), int32(sel.count(sets[overdueSet]))
	unhealthy := sel.and(sets[Unhealthy])
	for f, class := range v.factors {
		if class.len() > 0 {
			t.risk[v.shape.riskOf(slot, factorSet(f))] += int32(unhealthy.AndCardinality(class.read()))
		}
	}
	if control := v.shape.control(slot); control != uncounted {
		if sets[graceSet].len() > 0 {
			unhealthy = roaring.AndNot(unhealthy, sets[graceSet].bits)
		}
		t.fixed = int32(unhealthy.AndCardinality(v.controls[control].last.read()))
		t.softened = int32(unhealthy.AndCardinality(v.controls[control].lastMixed.read()))
	}
}
