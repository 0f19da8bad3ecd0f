package posture

import (
	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/posture/cow"
)

// row is what is known of the resource with a handle, nil if it is not there.
func (v *View) row(handle uint32) *row { return v.rows.At(handle) }

// eachRow calls fn for every resource by ascending handle, until it returns false.
func (v *View) eachRow(fn func(handle uint32, r *row) bool) { v.rows.Each(fn) }

// limit is a number above all handles.
func (v *View) limit() uint32 { return v.rows.Limit() }

// Stale is the number of resources whose document is older than it may be.
func (v *View) Stale() int { return v.stale.Len() }

// stateSet are the resources that a recommendation has in a state; not to be
// changed.
func (v *View) stateSet(slot uint16, state State) *cow.Set { return v.recs[slot][state] }

// inGrace are the unhealthy resources of a recommendation that do not count yet;
// not to be changed.
func (v *View) inGrace(slot uint16) *cow.Set { return v.recs[slot][graceSet] }

// tasks are the resources with an owner's task; not to be changed.
func (v *View) tasks() *roaring.Bitmap { return v.busy.Bits() }

// findingSets are, by number of a finding, the resources where it counts and where
// a rule disables it; not to be changed.
func (v *View) findingSets() (open, disabled *cow.Sets) { return &v.open, &v.off }

// ofType is the number of resources of a type, by its number.
func (v *View) ofType(n uint32) int { return v.types.At(n).Len() }

// totals are the counts of the whole estate; not to be changed.
func (v *View) totals() *ledger { return v.total }

// subscription is the one with a number, nil if nothing is in it; not to be changed.
func (v *View) subscription(n uint32) *subscription { return v.subs.At(n) }

// eachSubscription calls fn for every subscription, until it returns false.
func (v *View) eachSubscription(fn func(n uint32, s *subscription) bool) { v.subs.Each(fn) }

// subscriptionMembers are the resources in a subscription; not to be changed.
func (v *View) subscriptionMembers(n uint32) *roaring.Bitmap { return v.subs.At(n).members.Bits() }

// unranked is the number of resources that came since names were sorted.
func (v *View) unranked() int { return v.Resources() - v.ranks.len() }

// ranked is the same epoch with names sorted anew.
func (v *View) ranked(k *ranks) *View {
	sorted := *v
	sorted.ranks = k
	return &sorted
}

// ownRows makes every page of rows the writer's own, so that bulk writers may write
// them at a time.
func (b *builder) ownRows() { b.v.rows.Own(b.v.seq) }
