package planning

import (
	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/policy"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// MaxExemptPreview bounds the resources whose exemption is tried: with more the
// judge would have to wait too long.
const MaxExemptPreview = 100_000

// ExemptPreview is what an exemption would do.
type ExemptPreview struct {
	Count         int // unhealthy resources that it would take out
	Before, After index.Score
	// Tried is false if there are more than MaxExemptPreview: the scores are
	// not known then.
	Tried bool
}

// PreviewExemption tries an exemption of a scope from a recommendation, narrowed
// by selectors as an exemption is. It changes nothing.
func PreviewExemption(v *index.View, recommendation string, scope index.Scope, selectors []policy.Selector) (ExemptPreview, error) {
	slot, ok := v.Schema().Slot(recommendation)
	if !ok {
		return ExemptPreview{}, arm.NotFound(recommendation)
	}
	rows := v.Filter(scope, "", "").And(v.StateSet(slot, record.Unhealthy).Bits())
	rows = selected(v, rows, selectors)
	out := ExemptPreview{Count: int(rows.GetCardinality()), Before: v.Score(index.Scope{})}
	if out.Count > MaxExemptPreview {
		return out, nil
	}
	b := v.Edit(v.Schema())
	it := rows.Iterator()
	for it.HasNext() {
		was := v.Row(it.Next())
		fresh := *was
		fresh.Statuses = append([]record.Status(nil), was.Statuses...)
		for i := range fresh.Statuses {
			if fresh.Statuses[i].Slot == slot {
				fresh.Statuses[i].State, fresh.Statuses[i].Flags = record.Exempt, 0
			}
		}
		b.Put(&fresh)
	}
	out.After, out.Tried = b.View.Score(index.Scope{}), true
	return out, nil
}

// selected are the rows that selectors select.
func selected(v *index.View, rows *roaring.Bitmap, selectors []policy.Selector) *roaring.Bitmap {
	if len(selectors) == 0 {
		return rows
	}
	out := roaring.New()
	it := rows.Iterator()
	for it.HasNext() {
		r := v.Row(it.Next())
		if policy.Selected(selectors, policy.Target{Type: v.Names().Types.Name(r.Type), Location: v.Names().Locations.Name(r.Location)}) {
			out.Add(r.Handle)
		}
	}
	return out
}
