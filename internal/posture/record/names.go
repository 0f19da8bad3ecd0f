package record

import (
	"cmp"
	"hash/maphash"
	"slices"
	"strings"
	"sync"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/finding"
)

// Names numbers the strings of an estate and finds rows by id. All epochs
// share it: it only grows while the estate lives.
type Names struct {
	Types, Groups, Subscriptions, Locations, Sources, Tags, Reasons, Owners *Dictionary

	Findings *finding.Dict

	mu sync.RWMutex
	// ids maps the hash of a folded id to the handle that first had it; twins
	// holds the ids whose hash was taken.
	ids   map[uint64]uint32
	twins map[string]uint32
}

// SubscriptionType is the number of arm.TypeSubscription in names.types.
const SubscriptionType = 0

// Numbers of sources in names.sources whose documents do not age.
const (
	InventorySource = iota
	PlansSource
)

// NewNames knows the empty string of each kind.
func NewNames() *Names {
	n := &Names{
		Types: newDictionary(), Groups: newDictionary(), Subscriptions: newDictionary(), Locations: newDictionary(),
		Sources: newDictionary(), Tags: newDictionary(), Reasons: newDictionary(), Owners: newDictionary(),
		Findings: finding.NewDict(),
		ids:      map[uint64]uint32{}, twins: map[string]uint32{},
	}
	n.Types.Intern(arm.Fold(arm.TypeSubscription), arm.TypeSubscription)
	n.Sources.ID(store.SourceInventory)
	n.Sources.ID(store.SourcePlans)
	n.Subscriptions.ID("") // noSub
	n.Reasons.ID("")       // no reason
	n.Owners.ID("")        // NoOwner
	return n
}

// idSeed hashes ids within this process only.
var idSeed = maphash.MakeSeed()

// HashID is the hash of an id, folded.
func HashID(id string) uint64 {
	var room [256]byte // most ids fit
	b := append(room[:0], id...)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return maphash.Bytes(idSeed, b)
}

// AddID books a new row under its id. A resource that was deleted and comes
// back has a new handle, which replaces the old; if the hash belongs to another
// living row, the id is kept apart. at finds rows by handle.
func (n *Names) AddID(r *Row, at func(uint32) *Row) {
	key := HashID(r.ID)
	n.mu.Lock()
	defer n.mu.Unlock()
	if h, taken := n.ids[key]; taken {
		if other := at(h); other != nil && !strings.EqualFold(other.ID, r.ID) {
			n.twins[arm.Fold(r.ID)] = r.Handle
			return
		}
	}
	n.ids[key] = r.Handle
	if len(n.twins) > 0 {
		delete(n.twins, arm.Fold(r.ID))
	}
}

// AddAll is addID for the rows of a first view, ascending by handle, which no
// view has yet.
func (n *Names) AddAll(rows []*Row) {
	n.mu.Lock()
	if len(n.ids) == 0 {
		n.ids = make(map[uint64]uint32, len(rows))
	}
	n.mu.Unlock()
	at := func(h uint32) *Row {
		i, ok := slices.BinarySearchFunc(rows, h, func(r *Row, h uint32) int { return cmp.Compare(r.Handle, h) })
		if !ok {
			return nil
		}
		return rows[i]
	}
	for _, r := range rows {
		n.AddID(r, at)
	}
}

// Handle finds candidates for an id; the caller compares the row's id.
func (n *Names) Handle(id string) uint32 {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if len(n.twins) > 0 {
		if h, ok := n.twins[arm.Fold(id)]; ok {
			return h
		}
	}
	return n.ids[HashID(id)]
}
