package index

import (
	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/posture/cow"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// Row is what is known of the resource with a handle, nil if it is not there.
func (v *View) Row(handle uint32) *record.Row { return v.Rows.At(handle) }

// EachRow calls fn for every resource by ascending handle, until it returns false.
func (v *View) EachRow(fn func(handle uint32, r *record.Row) bool) { v.Rows.Each(fn) }

// Limit is a number above all handles.
func (v *View) Limit() uint32 { return v.Rows.Limit() }

// Stale is the number of resources whose document is older than it may be.
func (v *View) Stale() int { return v.stale.Len() }

// StateSet are the resources that a recommendation has in a state; not to be
// changed.
func (v *View) StateSet(slot uint16, state record.State) *cow.Set { return v.Recs[slot][state] }

// InGrace are the unhealthy resources of a recommendation that do not count yet;
// not to be changed.
func (v *View) InGrace(slot uint16) *cow.Set { return v.Recs[slot][graceSet] }

// Tasked are the resources with an owner's task; not to be changed.
func (v *View) Tasked() *roaring.Bitmap { return v.busy.Bits() }

// FindingSets are, by number of a finding, the resources where it counts and where
// a rule disables it; not to be changed.
func (v *View) FindingSets() (open, disabled *cow.Sets) { return &v.open, &v.off }

// OfType is the number of resources of a type, by its number.
func (v *View) OfType(n uint32) int { return v.types.At(n).Len() }

// Totals are the counts of the whole estate; not to be changed.
func (v *View) Totals() *Totals { return v.Total }

// Subscription is the one with a number, nil if nothing is in it; not to be changed.
func (v *View) Subscription(n uint32) *Subscription { return v.Subs.At(n) }

// EachSubscription calls fn for every subscription, until it returns false.
func (v *View) EachSubscription(fn func(n uint32, s *Subscription) bool) { v.Subs.Each(fn) }

// SubscriptionMembers are the resources in a subscription; not to be changed.
func (v *View) SubscriptionMembers(n uint32) *roaring.Bitmap { return v.Subs.At(n).Members.Bits() }

// Unranked is the number of resources that came since names were sorted.
func (v *View) Unranked() int { return v.Resources() - v.ranks.len() }

// Ranked is the same epoch with names sorted anew.
func (v *View) Ranked(k *ranks) *View {
	sorted := *v
	sorted.ranks = k
	return &sorted
}

// OwnRows makes every page of rows the writer's own, so that bulk writers may write
// them at a time.
func (b *Writer) OwnRows() { b.View.Rows.Own(b.View.seq) }

// Schema says what the slots of recommendations and the numbers of controls mean in
// this epoch; not to be changed.
func (v *View) Schema() *record.Schema { return v.schema }

// Names are the strings behind the numbers in rows.
func (v *View) Names() *record.Names { return v.names }
