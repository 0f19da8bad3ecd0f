package posture

import (
	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// MaxExemptPreview bounds the resources whose exemption is tried: with more the
// judge would have to wait too long.
const MaxExemptPreview = 100_000

// ExemptPreview is what an exemption would do.
type ExemptPreview struct {
	Count         int // unhealthy resources that it would take out
	Before, After Score
	// Tried is false if there are more than MaxExemptPreview: the scores are
	// not known then.
	Tried bool
}

// PreviewExemption tries an exemption of a scope from a recommendation, narrowed
// by selectors as an exemption is. It changes nothing.
func PreviewExemption(v *View, recommendation string, scope Scope, selectors []policy.Selector) (ExemptPreview, error) {
	slot, ok := v.shape.slot(recommendation)
	if !ok {
		return ExemptPreview{}, arm.NotFound(recommendation)
	}
	rows := v.newFilter(scope, "", "").and(v.stateSet(slot, Unhealthy).Bits())
	rows = selected(v, rows, selectors)
	out := ExemptPreview{Count: int(rows.GetCardinality()), Before: v.Score(Scope{})}
	if out.Count > MaxExemptPreview {
		return out, nil
	}
	b := v.edit(v.shape)
	it := rows.Iterator()
	for it.HasNext() {
		was := v.row(it.Next())
		fresh := *was
		fresh.cells = append([]cell(nil), was.cells...)
		for i := range fresh.cells {
			if fresh.cells[i].slot == slot {
				fresh.cells[i].state, fresh.cells[i].flags = Exempt, 0
			}
		}
		b.put(&fresh)
	}
	out.After, out.Tried = b.v.Score(Scope{}), true
	return out, nil
}

// selected are the rows that selectors select.
func selected(v *View, rows *roaring.Bitmap, selectors []policy.Selector) *roaring.Bitmap {
	if len(selectors) == 0 {
		return rows
	}
	out := roaring.New()
	it := rows.Iterator()
	for it.HasNext() {
		r := v.row(it.Next())
		if policy.Selected(selectors, policy.Target{Type: v.names.types.name(r.typ), Location: v.names.locations.name(r.location)}) {
			out.Add(r.handle)
		}
	}
	return out
}
