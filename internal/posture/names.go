package posture

import (
	"cmp"
	"hash/maphash"
	"slices"
	"strings"
	"sync"

	"github.com/rampart-sec/rampart/internal/arm"
	"github.com/rampart-sec/rampart/internal/finding"
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

func newNames() *names {
	n := &names{
		types: newDict(), groups: newDict(), subs: newDict(), locations: newDict(),
		sources: newDict(), tags: newDict(), reasons: newDict(), parties: newDict(),
		findings: finding.NewDict(),
		ids:      map[uint64]uint32{}, twins: map[string]uint32{},
	}
	n.types.spell(arm.Fold(arm.TypeSubscription), arm.TypeSubscription)
	n.subs.id("")    // noSub
	n.reasons.id("") // no reason
	n.parties.id("") // noParty
	return n
}

// idSeed hashes ids within this process only.
var idSeed = maphash.MakeSeed()

// addID books a new row under its id. A resource that was deleted and comes
// back has a new handle, which replaces the old; if the hash belongs to another
// living row, the id is kept apart. at finds rows by handle.
func (n *names) addID(r *row, at func(uint32) *row) {
	folded := arm.Fold(r.id)
	key := maphash.String(idSeed, folded)
	n.mu.Lock()
	defer n.mu.Unlock()
	if h, taken := n.ids[key]; taken {
		if other := at(h); other != nil && !strings.EqualFold(other.id, r.id) {
			n.twins[folded] = r.handle
			return
		}
	}
	n.ids[key] = r.handle
	delete(n.twins, folded)
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
	folded := arm.Fold(id)
	n.mu.RLock()
	defer n.mu.RUnlock()
	if h, ok := n.twins[folded]; ok {
		return h
	}
	return n.ids[maphash.String(idSeed, folded)]
}

// byID is the row with an id of any case, nil if there is none in this view.
func (v *View) byID(id string) *row {
	r := v.rows.At(v.names.handle(id))
	if r == nil || !strings.EqualFold(r.id, id) {
		return nil
	}
	return r
}
