package engine

import "github.com/rampart-sec/rampart/internal/base/arm"

// Deliveries makes *IfNotExists lookups unknown where nobody has delivered the
// related type in the resource's subscription (contracts.md, "Resource
// documents"): nothing found is then no evidence. known is asked with the
// folded id of the subscription and the folded type, from several goroutines
// during Evaluate. It must be set before the first evaluation; nil, the
// default, means that everything is delivered.
func (e *Estate) Deliveries(known func(subscription, resourceType string) bool) { e.delivered = known }

// Delivery is a resource type that came to be known in a subscription (its id);
// case does not matter.
type Delivery struct{ Subscription, Type string }

// Deliver re-judges what looks for types in subscriptions where they became
// known. It looks at every resource once, so it is given many at a time. The
// flips are valid until the next call.
func (e *Estate) Deliver(first ...Delivery) []Flip {
	e.reset()
	types := make([]map[string]bool, len(e.subs)+1) // by number of the subscription
	some := false
	for _, d := range first {
		n, typ := e.subs[arm.Fold(d.Subscription)], arm.Fold(d.Type)
		if n == 0 || !e.set.watched[typ] {
			continue
		}
		if types[n] == nil {
			types[n] = map[string]bool{}
		}
		types[n][typ], some = true, true
	}
	if !some {
		return e.flips
	}
	e.each(func(h uint32, x *entry) {
		if looked := types[x.sub]; looked != nil {
			e.rejudgeIf(h, x, func(rp *ruleProgram) bool { return rp.watch != nil && looked[rp.watch.typ] })
		}
	})
	e.flips = mergeFlips(e.flips)
	return e.flips
}

// delivers reports whether a related type was delivered in the subscription of
// a resource. What lies above subscriptions has no such record.
func (e *Estate) delivers(x *entry, typ string) bool {
	return e.delivered == nil || x.subEnd == 0 || e.delivered(x.subscription(), typ)
}
