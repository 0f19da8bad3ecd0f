package judge

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/catalog"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/policy"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// compile reads the policy objects into a catalog, gives it to the evaluator,
// and makes the schema and the roll-up of it.
func (e *Estate) compile(ctx context.Context) error {
	was, next := e.catalog, catalog.New(e.judge.builtIn, &e.objects)
	if was != nil && was.Key == next.Key && e.placed == e.compiled {
		next.Describe(e.judge.opt.Library, was.Members, was.Failed, e.slots)
		e.catalog = next
		e.overlay()
		return nil
	}
	next.Input.Aliases = e.judge.opt.Aliases
	above, placed := e.above, e.placed
	next.Input.ManagementGroups = func(subscription string) []arm.ID {
		n, ok := e.names.Subscriptions.Find("/subscriptions/" + arm.Fold(subscription))
		if !ok {
			return nil
		}
		return above[n]
	}
	members, failed, err := e.eval.swap(ctx, next.Input)
	if err != nil {
		return fmt.Errorf("compile policies: %w", err)
	}
	next.Describe(e.judge.opt.Library, members, failed, e.slots)
	e.catalog, e.compiled = next, placed
	e.overlay()
	return nil
}

// overlay lays exemptions and what assigns owners over the catalog's members.
// They change no verdict, so the evaluator is not asked.
func (e *Estate) overlay() {
	laid := *e.catalog
	laid.Problems = slices.Clone(laid.PolicyProblems)
	laid.Exemptions = catalog.ParseAll(&laid, e.objects.Exemptions, catalog.ParseBody(policy.ParseExemption))
	disabling := e.inForce(&laid)
	was := e.current
	e.current = record.NewSchema(e.judge.opt.Library, e.slots.IDs, laid.Recs)
	e.current.Remember(was)
	e.current.Risk, e.current.DisableRules = e.judge.risk, disabling
	e.current.Board = e.governance.book.Board()
	e.current.Problems = slices.Concat(laid.Problems, e.governance.problems())
	e.current.Assigned = laid.Assigned(e.judge.builtIn.Initiative)
	e.catalog = &laid
	e.recheck.Or(e.bases.Adopt(laid.Exemptions, laid.Members))
	e.roll = newRollup(e, e.catalog)
	e.rolled.Store(e.roll)
	e.judge.metrics.problems.WithLabelValues(e.tenant).Set(float64(len(e.current.Problems)))
}

// placeAbove notes the management groups above a subscription's document and
// reports whether they are other than before. The map is replaced, not written:
// the evaluator may be reading it.
func (e *Estate) placeAbove(r *record.Row) bool {
	e.governance.place(r)
	if r.Type != record.SubscriptionType || r.Container == nil {
		return false
	}
	var above []arm.ID
	for _, name := range r.Container.Above {
		if id, err := arm.ParseID(index.ManagementGroups + name); err == nil {
			above = append(above, id)
		}
	}
	if slices.EqualFunc(e.above[r.Subscription], above, arm.ID.Equal) {
		return false
	}
	e.placed++
	e.above = maps.Clone(e.above)
	e.above[r.Subscription] = above
	return true
}

// reform takes changed policy objects into account (policies: not only what is
// laid over them) and returns the rows that shared assignments and exemptions
// reach; what else changes, the evaluator finds.
func (e *Estate) reform(ctx context.Context, v *index.View, policies bool) (*roaring.Bitmap, error) {
	was := e.catalog
	if !policies {
		e.overlay()
	} else if err := e.compile(ctx); err != nil {
		return nil, err
	}
	reached := roaring.New()
	for scope := range was.Shared.Differing(&e.catalog.Shared) {
		reached.Or(v.InScope(scope))
	}
	for _, x := range changedExemptions(was.Exemptions, e.catalog.Exemptions) {
		reached.Or(exempted(e.catalog, v, x))
	}
	return reached, nil
}

// exempted are the rows that an exemption may exempt: of those in its scope the
// ones that it has a verdict about.
func exempted(c *catalog.Catalog, v *index.View, x *policy.Exemption) *roaring.Bitmap {
	rows := v.InScope(x.Scope.Key())
	if len(x.ReferenceIDs) == 0 {
		return rows
	}
	slots := map[uint16]bool{}
	for i := range c.Members {
		if m := &c.Members[i]; m.Bound != nil && slices.ContainsFunc(x.ReferenceIDs, func(id string) bool { return strings.EqualFold(id, m.ReferenceID) }) {
			slots[c.Slots[i]] = true
		}
	}
	return roaring.And(rows, v.AssessedBy(slots))
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
