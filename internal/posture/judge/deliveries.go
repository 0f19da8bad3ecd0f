package judge

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// deliveries remembers which resource types anybody has ever delivered in a
// subscription. Where a type never was, that a resource has none of it says
// nothing: verdicts that look for it are unknown. It is never forgotten, so
// that deleting the last one is a finding.
type deliveries struct {
	mu    sync.RWMutex
	by    map[string]map[string]bool // folded subscription id -> folded types
	seen  map[uint64]bool            // what was noted, by numbers of subscription and type
	fresh bool                       // differs from what is stored
}

func newDeliveries() *deliveries {
	return &deliveries{by: map[string]map[string]bool{}, seen: map[uint64]bool{}}
}

// note takes a document and its row in and reports whether it is the first of its
// type in its subscription.
func (d *deliveries) note(r *record.Row, doc *wire.Document) (subscription, typ string, first bool) {
	key := uint64(r.Subscription)<<32 | uint64(r.Type)
	if r.Subscription == record.NoSubscription || d.noted(key) {
		return "", "", false
	}
	id, err := arm.ParseID(doc.ID)
	if err != nil {
		return "", "", false
	}
	subscription, typ = arm.Fold(id.SubscriptionID()), arm.Fold(cmp.Or(doc.Type, id.Type()))
	first = d.add(subscription, typ)
	if doc.Type != "" { // else the id alone tells
		d.mu.Lock()
		defer d.mu.Unlock()
		d.seen[key] = true
	}
	return subscription, typ, first
}

// add notes a type in a subscription (its id) and reports whether it is the first.
func (d *deliveries) add(subscription, typ string) (first bool) {
	subscription, typ = arm.Fold(subscription), arm.Fold(typ)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.by[subscription] == nil {
		d.by[subscription] = map[string]bool{}
	}
	if first = !d.by[subscription][typ]; first {
		d.by[subscription][typ], d.fresh = true, true
	}
	return first
}

func (d *deliveries) noted(key uint64) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.seen[key]
}

// known reports whether a type was ever delivered in a subscription (its id).
func (d *deliveries) known(subscription, typ string) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.by[arm.Fold(subscription)][arm.Fold(typ)]
}

// changed gives what is to be stored, nil if that is stored already.
func (d *deliveries) changed() map[string][]string {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if !d.fresh {
		return nil
	}
	out := make(map[string][]string, len(d.by))
	for sub, types := range d.by {
		out[sub] = slices.Sorted(maps.Keys(types))
	}
	return out
}

func (d *deliveries) saved() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fresh = false
}

func (d *deliveries) restore(stored map[string][]string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for sub, types := range stored {
		d.by[sub] = map[string]bool{}
		for _, t := range types {
			d.by[sub][t] = true
		}
	}
}
