package engine

import (
	"sync"

	"github.com/rampart-sec/rampart/internal/arm"
	"github.com/rampart-sec/rampart/internal/policy"
)

// Swap puts another set in place of the estate's and returns the verdicts that
// changed, by the new set's members. Members are the same if assignment,
// reference and definition have the same ids; verdicts of members that are
// gone are not reported. ok is false if the new rules read something that the
// rows do not hold: then nothing has changed, and the documents must be loaded
// into a new Estate. The flips are valid until the next call.
func (e *Estate) Swap(set *Set) (flips []Flip, ok bool) {
	next := NewEstate(set)
	next.now, next.delivered = e.now, e.delivered
	s := swapper{from: e, to: next, kinds: map[*typeProgram]*translation{}, plans: map[swapPlan]*plan{}}
	ok = true
	e.each(func(h uint32, x *entry) { ok = ok && s.move(h, x) })
	if !ok {
		return nil, false
	}
	next.relation.bulk = true
	next.Evaluate(nil)
	flips = s.flips()
	next.flips = flips
	e.set, e.pages, e.byID, e.relation, e.flips = next.set, next.pages, next.byID, next.relation, next.flips
	e.generation++
	e.work = newWorker(e)
	e.workers = sync.Pool{New: func() any { return newWorker(e) }}
	return flips, true
}

// swapper moves resources to an estate of another set.
type swapper struct {
	from, to *Estate
	dec      decoder
	kinds    map[*typeProgram]*translation
	plans    map[swapPlan]*plan
}

type swapPlan struct {
	typ   *typeProgram
	group string
}

// move makes one resource resident in the new estate; ok is false if its row
// lacks something.
func (s *swapper) move(h uint32, x *entry) (ok bool) {
	t := s.kinds[x.typ]
	if t == nil {
		to, err := s.to.set.program(x.position.typ, x.typ.version)
		if err != nil {
			return false
		}
		t = newTranslation(x.typ, to)
		s.kinds[x.typ] = t
	}
	if !t.possible {
		return false
	}
	y := entry{position: x.position, typ: t.to, hidden: x.hidden, row: t.row(&s.dec, x.row)}
	y.plan = s.plan(&y)
	y.settle()
	s.to.relation.bulk = true
	s.to.place(h, y)
	return true
}

// plan finds a resource's plan; where no assignment tells apart the resources
// of a group, they share what was found.
func (s *swapper) plan(y *entry) *plan {
	key := swapPlan{y.typ, y.groupScope()}
	coarse := s.to.set.coarse() && y.groupEnd > 0
	if p := s.plans[key]; p != nil && coarse {
		return p
	}
	id, err := arm.ParseID(y.id)
	if err != nil {
		return &plan{} // it was parsed when it came
	}
	p := s.to.set.planFor(y.typ, policy.Target{ID: id, Type: y.position.typ, Location: s.to.work.location(y)})
	s.plans[key] = p
	return p
}

// coarse reports whether assignments cover whole groups alike.
func (s *Set) coarse() bool {
	for _, a := range s.assignments {
		if len(a.Selectors)+len(a.Overrides) > 0 || !isGroupOrAbove(a.Scope) {
			return false
		}
		for _, not := range a.NotScopes {
			if !isGroupOrAbove(not) {
				return false
			}
		}
	}
	return true
}

func isGroupOrAbove(id arm.ID) bool {
	return id.Subscription() == "" || len(id.String()) == max(len(id.ResourceGroupID()), len(id.SubscriptionID()))
}

// flips compares the verdicts of both estates.
func (s *swapper) flips() []Flip {
	old := map[[3]string]int32{}
	for n, m := range s.from.set.members {
		old[m.identity()] = int32(n)
	}
	was := make([]int32, len(s.to.set.members))
	for n, m := range s.to.set.members {
		was[n] = -1
		if o, ok := old[m.identity()]; ok {
			was[n] = o
		}
	}
	var out []Flip
	before := map[int32]policy.State{}
	s.to.each(func(h uint32, y *entry) {
		clear(before)
		x := s.from.entry(h)
		for i, p := range x.plan.members {
			before[p.member] = policy.State(x.marks[i] & markState)
		}
		for i, p := range y.plan.members {
			from, to := before[was[p.member]], policy.State(y.marks[i]&markState)
			if from != to {
				out = append(out, Flip{h, int(p.member), from, to, s.to.reason(y, int(p.rule), to)})
			}
			delete(before, was[p.member])
		}
		for n := range s.to.set.members {
			if o := was[n]; o >= 0 && before[o] != policy.NotApplicable {
				out = append(out, Flip{Handle: h, Member: n, From: before[o]})
			}
		}
	})
	return out
}

func (m *Member) identity() [3]string {
	return [3]string{arm.Fold(m.Assignment), arm.Fold(m.ReferenceID), arm.Fold(m.DefinitionID)}
}
