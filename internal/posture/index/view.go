package index

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/posture/cow"
	"github.com/rampart-sec/rampart/internal/posture/record"
	"github.com/rampart-sec/rampart/internal/posture/risk"
)

// View is one immutable epoch of an estate. Any goroutine may read it for as
// long as it likes.
type View struct {
	seq    uint64
	at     time.Time
	names  *record.Names
	schema *record.Schema
	Rows   cow.Table[record.Row] // by handle

	all, stale        *cow.Set
	assessed, pending *cow.Set // see totals
	busy              *cow.Set // rows with tasks
	Recs              []recSets
	controls          []controlSets
	types, groups     cow.Sets
	open, off         cow.Sets // by number of a finding: resources where it counts, and where it is disabled
	Tags              tagIndex
	factors           [risk.Sets]*cow.Set               // by exact set of factors
	byUnhealthy       [record.MaxUnhealthy + 1]*cow.Set // by number of unhealthy assessments
	Subs              cow.Table[Subscription]
	Total             *Totals
	ranks             *ranks // may lag behind rows; see ranks
	rereading         *Rereading

	Cache *cache
}

// recSets are the rows of one recommendation by state, of the unhealthy ones
// those that do not count yet, have an owner, are overdue, and of the healthy
// ones those that were completed.
type recSets [completedSet + 1]*cow.Set

const (
	graceSet = record.Exempt + 1 + iota
	ownedSet
	overdueSet
	completedSet
)

// flagSets are the sets by flag.
var flagSets = map[record.Flag]record.State{record.InGrace: graceSet, record.HasOwner: ownedSet, record.IsOverdue: overdueSet, record.IsCompleted: completedSet}

// controlSets are the rows of one control by state, and those whose control is
// decided by one assessment: becoming healthy (last) or unknown (lastMixed).
type controlSets struct {
	by              [record.Exempt + 1]*cow.Set
	last, lastMixed *cow.Set
}

// Subscription is one subscription with everything in it.
type Subscription struct {
	ID       string      // folded
	Resource *record.Row // its document, nil if none was delivered
	Members  *cow.Set
	Totals   *Totals
}

// Seq is the epoch's number; it only grows.
func (v *View) Seq() uint64 { return v.seq }

// At is when the epoch was made.
func (v *View) At() time.Time { return v.at }

// Resources is the number of resources, children included.
func (v *View) Resources() int { return v.all.Len() }

// SubscriptionScore is the score of one subscription.
type SubscriptionScore struct {
	ID, Name string // ARM id and display name
	Score    Score
}

// Subscriptions are all known subscriptions by name.
func (v *View) Subscriptions() []SubscriptionScore {
	var all []SubscriptionScore
	v.Subs.Each(func(n uint32, s *Subscription) bool {
		if n != record.NoSubscription && s.Totals.Rows > 0 {
			all = append(all, SubscriptionScore{ID: s.armID(), Name: s.name(), Score: s.Totals.Score(v.schema)})
		}
		return true
	})
	slices.SortFunc(all, func(a, b SubscriptionScore) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.ID, b.ID))
	})
	return all
}

func (s *Subscription) armID() string {
	if s.Resource != nil {
		return s.Resource.ID
	}
	return s.ID
}

func (s *Subscription) name() string {
	if s.Resource != nil {
		return s.Resource.Name()
	}
	return s.ID[strings.LastIndexByte(s.ID, '/')+1:]
}

// Recommendation is the recommendation with an id (GUID, any case), or nil.
func (v *View) Recommendation(id string) *record.Recommendation {
	slot, ok := v.schema.Slot(id)
	if !ok {
		return nil
	}
	return v.schema.Slots[slot]
}

// AllRecommendations are all known ones, by Index. The caller must not change
// the slice.
func (v *View) AllRecommendations() []*record.Recommendation { return v.schema.List }

// TypeCount is a resource type with the number of its resources.
type TypeCount struct {
	Type string
	N    int
}

// Types are the resource types present, by name, as they were first spelled.
func (v *View) Types() []TypeCount {
	var all []TypeCount
	v.types.Each(func(i uint32, s *cow.Set) bool {
		if n := s.Len(); n > 0 {
			all = append(all, TypeCount{v.names.Types.Name(i), n})
		}
		return true
	})
	slices.SortFunc(all, func(a, b TypeCount) int { return cmp.Compare(a.Type, b.Type) })
	return all
}

// TagNames are the tag names in use, sorted.
func (v *View) TagNames() []string {
	return present(v.names.Tags, func(name string) bool { return !v.Tags.Find(name, "").IsEmpty() })
}

// Locations are the locations seen, sorted.
func (v *View) Locations() []string {
	return present(v.names.Locations, func(name string) bool { return name != "" })
}

func present(d *record.Dictionary, keep func(string) bool) []string {
	var all []string
	for _, name := range d.All() {
		if keep(name) {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

// Find is the row with an id of any case, nil if there is none in this view.
func (v *View) Find(id string) *record.Row {
	r := v.Rows.At(v.names.Handle(id))
	if r == nil || !strings.EqualFold(r.ID, id) {
		return nil
	}
	return r
}
