package posture

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

// names numbers the strings of an estate and finds rows by id. All epochs
// share it: it only grows while the estate lives.
type names struct {
	types, groups, subs, locations, sources, tags, reasons, parties *dict

	findings *finding.Dict

	mu sync.RWMutex
	// ids maps the hash of a folded id to the handle that first had it; twins
	// holds the ids whose hash was taken.
	ids   map[uint64]uint32
	twins map[string]uint32
}

// subscriptionType is the number of arm.TypeSubscription in names.types.
const subscriptionType = 0

// Numbers of sources in names.sources whose documents do not age.
const (
	inventorySource = iota
	plansSource
)

func newNames() *names {
	n := &names{
		types: newDict(), groups: newDict(), subs: newDict(), locations: newDict(),
		sources: newDict(), tags: newDict(), reasons: newDict(), parties: newDict(),
		findings: finding.NewDict(),
		ids:      map[uint64]uint32{}, twins: map[string]uint32{},
	}
	n.types.spell(arm.Fold(arm.TypeSubscription), arm.TypeSubscription)
	n.sources.id(store.SourceInventory)
	n.sources.id(store.SourcePlans)
	n.subs.id("")    // noSub
	n.reasons.id("") // no reason
	n.parties.id("") // noParty
	return n
}

// idSeed hashes ids within this process only.
var idSeed = maphash.MakeSeed()

// idKey is the hash of an id, folded.
func idKey(id string) uint64 {
	var room [256]byte // most ids fit
	b := append(room[:0], id...)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return maphash.Bytes(idSeed, b)
}

// addID books a new row under its id. A resource that was deleted and comes
// back has a new handle, which replaces the old; if the hash belongs to another
// living row, the id is kept apart. at finds rows by handle.
func (n *names) addID(r *row, at func(uint32) *row) {
	key := idKey(r.id)
	n.mu.Lock()
	defer n.mu.Unlock()
	if h, taken := n.ids[key]; taken {
		if other := at(h); other != nil && !strings.EqualFold(other.id, r.id) {
			n.twins[arm.Fold(r.id)] = r.handle
			return
		}
	}
	n.ids[key] = r.handle
	if len(n.twins) > 0 {
		delete(n.twins, arm.Fold(r.id))
	}
}

// addAll is addID for the rows of a first view, ascending by handle, which no
// view has yet.
func (n *names) addAll(rows []*row) {
	n.mu.Lock()
	if len(n.ids) == 0 {
		n.ids = make(map[uint64]uint32, len(rows))
	}
	n.mu.Unlock()
	at := func(h uint32) *row {
		i, ok := slices.BinarySearchFunc(rows, h, func(r *row, h uint32) int { return cmp.Compare(r.handle, h) })
		if !ok {
			return nil
		}
		return rows[i]
	}
	for _, r := range rows {
		n.addID(r, at)
	}
}

// handle finds candidates for an id; the caller compares the row's id.
func (n *names) handle(id string) uint32 {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if len(n.twins) > 0 {
		if h, ok := n.twins[arm.Fold(id)]; ok {
			return h
		}
	}
	return n.ids[idKey(id)]
}
