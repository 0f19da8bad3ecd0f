package posture

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// compile reads the policy objects into a catalog, gives it to the evaluator,
// and makes the shape and the roll-up of it.
func (e *Estate) compile(ctx context.Context) error {
	was, next := e.catalog, newCatalog(e.judge.builtIn, &e.objects)
	if was != nil && was.key == next.key && e.placed == e.compiled {
		next.describe(e.judge.opt.Library, was.members, was.failed, e.slots)
		e.catalog = next
		e.overlay()
		return nil
	}
	next.input.Aliases = e.judge.opt.Aliases
	above, placed := e.above, e.placed
	next.input.ManagementGroups = func(subscription string) []arm.ID {
		n, ok := e.names.subs.find("/subscriptions/" + arm.Fold(subscription))
		if !ok {
			return nil
		}
		return above[n]
	}
	members, failed, err := e.eval.swap(ctx, next.input)
	if err != nil {
		return fmt.Errorf("compile policies: %w", err)
	}
	next.describe(e.judge.opt.Library, members, failed, e.slots)
	e.catalog, e.compiled = next, placed
	e.overlay()
	return nil
}

// overlay lays exemptions and what assigns owners over the catalog's members.
// They change no verdict, so the evaluator is not asked.
func (e *Estate) overlay() {
	laid := *e.catalog
	laid.problems = slices.Clone(laid.policyProblems)
	laid.exemptions = parseAll(&laid, e.objects.exemptions, body(policy.ParseExemption))
	disabling := e.inForce(&laid)
	was := e.current
	e.current = newShape(e.judge.opt.Library, e.slots.ids, laid.recs)
	e.current.remember(was)
	e.current.risk, e.current.disabling = e.judge.risk, disabling
	e.current.board = e.desk.book.Board()
	e.current.problems = slices.Concat(laid.problems, e.desk.problems())
	e.current.assigned = laid.assigned(e.judge.builtIn.initiative)
	e.catalog = &laid
	e.recheck.Or(e.bases.Adopt(laid.exemptions, laid.members))
	e.roll = newRollup(e, e.catalog)
	e.rolled.Store(e.roll)
	e.judge.metrics.problems.WithLabelValues(e.tenant).Set(float64(len(e.current.problems)))
}

// placeAbove notes the management groups above a subscription's document and
// reports whether they are other than before. The map is replaced, not written:
// the evaluator may be reading it.
func (e *Estate) placeAbove(r *row) bool {
	e.desk.place(r)
	if r.typ != subscriptionType || r.container == nil {
		return false
	}
	var above []arm.ID
	for _, name := range r.container.above {
		if id, err := arm.ParseID(managementGroups + name); err == nil {
			above = append(above, id)
		}
	}
	if slices.EqualFunc(e.above[r.sub], above, arm.ID.Equal) {
		return false
	}
	e.placed++
	e.above = maps.Clone(e.above)
	e.above[r.sub] = above
	return true
}

// reform takes changed policy objects into account (policies: not only what is
// laid over them) and returns the rows that shared assignments and exemptions
// reach; what else changes, the evaluator finds.
func (e *Estate) reform(ctx context.Context, v *View, policies bool) (*roaring.Bitmap, error) {
	was := e.catalog
	if !policies {
		e.overlay()
	} else if err := e.compile(ctx); err != nil {
		return nil, err
	}
	reached := roaring.New()
	for scope := range was.shared.differing(&e.catalog.shared) {
		reached.Or(v.scopeBits(scope))
	}
	for _, x := range changedExemptions(was.exemptions, e.catalog.exemptions) {
		reached.Or(exempted(e.catalog, v, x))
	}
	return reached, nil
}

// exempted are the rows that an exemption may exempt: of those in its scope the
// ones that it has a verdict about.
func exempted(c *catalog, v *View, x *policy.Exemption) *roaring.Bitmap {
	rows := v.scopeBits(x.Scope.Key())
	if len(x.ReferenceIDs) == 0 {
		return rows
	}
	slots := map[uint16]bool{}
	for i := range c.members {
		if m := &c.members[i]; m.Bound != nil && slices.ContainsFunc(x.ReferenceIDs, func(id string) bool { return strings.EqualFold(id, m.ReferenceID) }) {
			slots[c.slots[i]] = true
		}
	}
	return roaring.And(rows, v.judgedBy(slots))
}

// changedExemptions are the exemptions that came, went or differ, as they were
// and as they are.
func changedExemptions(was, now []*policy.Exemption) []*policy.Exemption {
	var changed []*policy.Exemption
	before := make(map[string]*policy.Exemption, len(was))
	for _, x := range was {
		before[arm.Fold(x.ID)] = x
	}
	for _, x := range now {
		old := before[arm.Fold(x.ID)]
		if old == nil || !reflect.DeepEqual(old, x) {
			changed = append(changed, x)
		} else {
			delete(before, arm.Fold(x.ID))
		}
	}
	for _, x := range before {
		changed = append(changed, x)
	}
	return changed
}
