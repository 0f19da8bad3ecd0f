package posture

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/posture/cow"
	"github.com/rampart-sec/rampart/internal/posture/risk"
)

// View is one immutable epoch of an estate. Any goroutine may read it for as
// long as it likes.
type View struct {
	seq   uint64
	at    time.Time
	names *names
	shape *shape
	rows  cow.Table[row] // by handle

	all, stale        *cow.Set
	assessed, pending *cow.Set // see ledger
	busy              *cow.Set // rows with tasks
	recs              []recSets
	controls          []controlSets
	types, groups     cow.Sets
	open, off         cow.Sets // by number of a finding: resources where it counts, and where it is disabled
	tags              tagIndex
	factors           [risk.Sets]*cow.Set     // by exact set of factors
	burden            [maxBurden + 1]*cow.Set // by number of unhealthy assessments
	subs              cow.Table[subscription]
	total             *ledger
	ranks             *ranks // may lag behind rows; see ranks
	rereading         *Rereading

	cache *cache
}

// recSets are the rows of one recommendation by state, of the unhealthy ones
// those that do not count yet, have an owner, are overdue, and of the healthy
// ones those that were completed.
type recSets [completedSet + 1]*cow.Set

const (
	graceSet = Exempt + 1 + iota
	ownedSet
	overdueSet
	completedSet
)

// flagSets are the sets by flag.
var flagSets = map[cellFlag]State{inGrace: graceSet, hasOwner: ownedSet, isOverdue: overdueSet, isCompleted: completedSet}

// controlSets are the rows of one control by state, and those whose control is
// decided by one assessment: becoming healthy (last) or unknown (lastMixed).
type controlSets struct {
	by              [Exempt + 1]*cow.Set
	last, lastMixed *cow.Set
}

// subscription is one subscription with everything in it.
type subscription struct {
	id       string // folded
	resource *row   // its document, nil if none was delivered
	members  *cow.Set
	ledger   *ledger
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
	v.subs.Each(func(n uint32, s *subscription) bool {
		if n != noSub && s.ledger.rows > 0 {
			all = append(all, SubscriptionScore{ID: s.armID(), Name: s.name(), Score: s.ledger.score(v.shape)})
		}
		return true
	})
	slices.SortFunc(all, func(a, b SubscriptionScore) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.ID, b.ID))
	})
	return all
}

func (s *subscription) armID() string {
	if s.resource != nil {
		return s.resource.id
	}
	return s.id
}

func (s *subscription) name() string {
	if s.resource != nil {
		return s.resource.name()
	}
	return s.id[strings.LastIndexByte(s.id, '/')+1:]
}

// Recommendation is the recommendation with an id (GUID, any case), or nil.
func (v *View) Recommendation(id string) *Recommendation {
	slot, ok := v.shape.slot(id)
	if !ok {
		return nil
	}
	return v.shape.slots[slot]
}

// AllRecommendations are all known ones, by Index. The caller must not change
// the slice.
func (v *View) AllRecommendations() []*Recommendation { return v.shape.list }

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
			all = append(all, TypeCount{v.names.types.name(i), n})
		}
		return true
	})
	slices.SortFunc(all, func(a, b TypeCount) int { return cmp.Compare(a.Type, b.Type) })
	return all
}

// TagNames are the tag names in use, sorted.
func (v *View) TagNames() []string {
	return present(v.names.tags, func(name string) bool { return !v.tags.find(name, "").IsEmpty() })
}

// Locations are the locations seen, sorted.
func (v *View) Locations() []string {
	return present(v.names.locations, func(name string) bool { return name != "" })
}

func present(d *dict, keep func(string) bool) []string {
	var all []string
	for _, name := range d.all() {
		if keep(name) {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

// byID is the row with an id of any case, nil if there is none in this view.
func (v *View) byID(id string) *row {
	r := v.rows.At(v.names.handle(id))
	if r == nil || !strings.EqualFold(r.id, id) {
		return nil
	}
	return r
}
