package posture

import (
	"hash/maphash"
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
	if other := at(n.ids[key]); other != nil && !strings.EqualFold(other.id, r.id) {
		n.twins[folded] = r.handle
		return
	}
	n.ids[key] = r.handle
	delete(n.twins, folded)
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
