package posture

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/rampart-sec/rampart/internal/arm"
	"github.com/rampart-sec/rampart/internal/wire"
)

// deliveries remembers which resource types anybody has ever delivered in a
// subscription. Where a type never was, that a resource has none of it says
// nothing: verdicts that look for it are unknown. It is never forgotten, so
// that deleting the last one is a finding.
type deliveries struct {
	seen  sync.Map     // spelling of what was noted, as it was written
	spelt atomic.Int32 // entries of seen

	mu    sync.RWMutex
	by    map[string]map[string]bool // folded subscription id -> folded types
	fresh bool                       // differs from what is stored
}

// spelling is a subscription's id and a type as a document has them.
type spelling struct{ subscription, typ string }

func newDeliveries() *deliveries {
	return &deliveries{by: map[string]map[string]bool{}}
}

// note takes a document in and reports whether it is the first of its type in
// its subscription.
func (d *deliveries) note(doc *wire.Document) (subscription, typ string, first bool) {
	subscription, _ = containersOf(doc.ID)
	if subscription == "" || d.spelled(subscription, doc.Type) {
		return "", "", false
	}
	id, err := arm.ParseID(doc.ID)
	if err != nil {
		return "", "", false
	}
	written := spelling{strings.Clone(subscription), strings.Clone(doc.Type)}
	subscription, typ = arm.Fold(id.SubscriptionID()), arm.Fold(cmp.Or(doc.Type, id.Type()))
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.by[subscription] == nil {
		d.by[subscription] = map[string]bool{}
	}
	if first = !d.by[subscription][typ]; first {
		d.by[subscription][typ], d.fresh = true, true
	}
	if doc.Type != "" && d.spelt.Load() < maxSpellings {
		d.seen.Store(written, true)
		d.spelt.Add(1)
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

// spelled reports whether a type was noted in a subscription in this spelling.
func (d *deliveries) spelled(subscription, typ string) bool {
	_, known := d.seen.Load(spelling{subscription, typ})
	return known
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
