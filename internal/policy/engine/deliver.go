package engine

import "github.com/rampart-sec/rampart/internal/arm"

// Deliveries makes *IfNotExists lookups unknown where nobody has delivered the
// related type in the resource's subscription (contracts.md, "Resource
// documents"): nothing found is then no evidence. known is asked with the
// folded id of the subscription and the folded type, from several goroutines
// during Evaluate. It must be set before the first evaluation; nil, the
// default, means that everything is delivered.
func (e *Estate) Deliveries(known func(subscription, resourceType string) bool) { e.delivered = known }

// Deliver re-judges what looks for a type in a subscription, after the type
// became known there. The flips are valid until the next call.
func (e *Estate) Deliver(subscription, resourceType string) []Flip {
	e.reset()
	subscription, resourceType = arm.Fold(subscription), arm.Fold(resourceType)
	if !e.set.watched[resourceType] {
		return e.flips
	}
	e.each(func(h uint32, x *entry) {
		if x.subEnd > 0 && x.subscription() == subscription {
			e.rejudgeIf(h, x, func(rp *ruleProgram) bool { return rp.watch != nil && rp.watch.typ == resourceType })
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
