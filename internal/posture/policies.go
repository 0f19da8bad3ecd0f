package posture

import (
	"maps"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/arm"
	"github.com/rampart-sec/rampart/internal/governance"
)

// compile reads the policy objects into a catalog, a shape and a roll-up. It
// gives nothing to the evaluator yet.
func (e *Estate) compile() {
	e.catalog = newCatalog(e.judge.builtIn, &e.objects, e.judge.opt.Policy, e.slots.of)
	e.current = newShape(e.judge.opt.Library, e.slots.ids, e.catalog.recs)
	e.current.risk = e.judge.risk
	above := map[uint32][]string{}
	if e.roll != nil {
		above = e.roll.above
	}
	e.exempt = e.readExemptions()
	e.roll = &rollup{
		names: e.names, assignments: e.catalog.assignments, exemptions: newExemptions(e.exempt),
		coverage: map[uint32][]*assignment{}, above: above,
	}
	e.readRules()
	e.judge.metrics.problems.WithLabelValues(e.tenant).Set(float64(len(e.catalog.problems)))
}

func (e *Estate) readExemptions() []*exemption {
	var all []*exemption
	for _, id := range slices.Sorted(maps.Keys(e.objects.exemptions)) {
		o := e.objects.exemptions[id]
		x, err := parseExemption(o.ID, o.Body)
		if err != nil {
			e.catalog.problems = append(e.catalog.problems, Problem{o.ID, err.Error()})
			continue
		}
		all = append(all, x)
	}
	return all
}

func (e *Estate) readRules() {
	var all []*governance.Rule
	for _, id := range slices.Sorted(maps.Keys(e.objects.rules)) {
		o := e.objects.rules[id]
		r, err := governance.ParseRule(o.ID, o.Body)
		if err != nil {
			e.catalog.problems = append(e.catalog.problems, Problem{o.ID, err.Error()})
			continue
		}
		all = append(all, r)
	}
	e.rules, e.governed = governance.NewRules(all), len(all) > 0
}

// placeAbove notes the management groups above a subscription's document and
// reports whether they are other than before.
func (e *Estate) placeAbove(r *row) bool {
	if r.typ != subscriptionType || r.container == nil {
		return false
	}
	var above []string
	for _, name := range r.container.above {
		above = append(above, managementGroups+name)
	}
	if slices.Equal(e.roll.above[r.sub], above) {
		return false
	}
	e.roll.above[r.sub] = above
	clear(e.roll.coverage)
	return true
}

// reform takes changed policy objects into account and returns the rows that
// they reach, verdicts apart.
func (e *Estate) reform(v *View, at time.Time) (*roaring.Bitmap, error) {
	was, wasExempt, wasRules := e.catalog, e.exempt, e.governed
	e.compile()
	if err := e.eval.swap(e.catalog.bounds); err != nil {
		return nil, err
	}
	reached := roaring.New()
	scopes := changedAssignments(was.assignments, e.catalog.assignments)
	for id := range changedExemptions(wasExempt, e.exempt) {
		scopes[id] = true
	}
	for scope := range scopes {
		reached.Or(v.scopeBits(scope))
	}
	if wasRules || e.governed {
		for slot := range v.recs {
			reached.Or(v.recs[slot][Unhealthy].read())
		}
	}
	for _, x := range e.exempt {
		if x.expires.After(at) {
			e.expire(v, x)
		}
	}
	return reached, nil
}

// expire makes the rows of an exemption due when it ends.
func (e *Estate) expire(v *View, x *exemption) {
	it := v.scopeBits(x.scope).Iterator()
	for it.HasNext() {
		e.due.add(x.expires, it.Next())
	}
}

// scopeBits are the rows at and below a folded scope.
func (v *View) scopeBits(scope string) *roaring.Bitmap {
	if scope == "/" {
		return v.all.read()
	}
	if bits := v.resolve(Scope{ID: scope}).set(); bits != nil {
		return bits
	}
	return v.all.read()
}

// changedAssignments are the scopes of assignments that came, went or mean
// something else.
func changedAssignments(was, now []*assignment) map[string]bool {
	scopes := map[string]bool{}
	before := make(map[string]*assignment, len(was))
	for _, a := range was {
		before[a.id] = a
	}
	for _, a := range now {
		if old := before[a.id]; old == nil || !old.same(a) {
			scopes[a.scope] = true
		}
		delete(before, a.id)
	}
	for _, a := range before {
		scopes[a.scope] = true
	}
	return scopes
}

func changedExemptions(was, now []*exemption) map[string]bool {
	scopes := map[string]bool{}
	before := make(map[string]*exemption, len(was))
	for _, x := range was {
		before[arm.Fold(x.id)] = x
	}
	for _, x := range now {
		if old := before[arm.Fold(x.id)]; old == nil || !old.same(x) {
			scopes[x.scope] = true
		}
		delete(before, arm.Fold(x.id))
	}
	for _, x := range before {
		scopes[x.scope] = true
	}
	return scopes
}

// same reports whether two versions of an exemption give the same verdicts and
// the same words.
func (x *exemption) same(y *exemption) bool {
	return x.reason() == y.reason() && x.scope == y.scope && x.assignment == y.assignment &&
		slices.Equal(x.references, y.references) && x.expires.Equal(y.expires)
}

// same reports whether two versions of an assignment cover the same with the
// same members.
func (a *assignment) same(b *assignment) bool {
	return a.meaning == b.meaning && a.scope == b.scope && slices.Equal(a.notScopes, b.notScopes)
}
