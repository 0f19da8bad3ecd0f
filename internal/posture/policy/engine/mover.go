package engine

import (
	"maps"
	"math"
	"slices"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// mover moves resources. It is used by one goroutine.
type mover struct {
	*swapper
	worker *worker
	found  map[planOf]*plan
	steps  map[[2]*plan]*step
}

// planOf names the plan of the resources of one type that had one plan, in one
// subscription where subscriptions may differ.
type planOf struct {
	was *plan
	typ *typeProgram
	sub uint32
}

// anySubscription is the number of no subscription.
const anySubscription = math.MaxUint32

// move gives resources their new programs and plans.
func (s *swapper) move() {
	s.moved = make([]movedPage, len(s.pages))
	s.parallel(func(w *worker) func(page int) {
		m := &mover{swapper: s, worker: w, found: map[planOf]*plan{}, steps: map[[2]*plan]*step{}}
		return func(page int) {
			for k := range s.pages[page] {
				if x := &s.pages[page][k]; x.typ != nil {
					m.move(uint32(page*pageSize+k), x, &s.moved[page])
				}
			}
		}
	})
}

// move gives a resource its new program and plan, and the marks that hold under
// them.
func (m *mover) move(h uint32, x *entry, into *movedPage) {
	t := m.kinds[x.typ]
	if t == nil && !m.where.at(x) {
		return
	}
	from, before := x.plan, x.typ
	if t != nil {
		m.rewrite(h, x, t)
		x.typ = t.to
	}
	x.plan = m.plan(from, x)
	if t == nil && x.plan == from {
		return
	}
	step := m.step(from, before, x)
	if into.moved == nil {
		into.moved = make([]moved, 0, pageSize)
	}
	into.moved = append(into.moved, moved{h, uint32(len(into.states)), t, step})
	into.states = step.note(into.states, x.marks)
	x.carry(step, len(from.members), t == nil || !t.rewatched)
}

// note appends the states that the step may end.
func (st *step) note(states, marks []byte) []byte {
	for _, k := range st.before {
		state := byte(policy.NotApplicable)
		if k >= 0 {
			state = marks[k] & markState
		}
		states = append(states, state)
	}
	for _, k := range st.gone {
		states = append(states, marks[k]&markState)
	}
	return states
}

// carry gives a resource the marks that hold under its new plan, and the answers of
// before if they are still asked for; those that must be judged are yet to come.
// members is how many the old plan had.
func (x *entry) carry(st *step, members int, answers bool) {
	if st.inPlace && answers {
		return
	}
	was := x.marks
	x.marks = make([]byte, x.typ.marks(x.plan))
	for i, k := range st.carried {
		if k >= 0 {
			x.marks[i] = was[k]
		}
	}
	if answers {
		copy(x.answers(), was[members:])
	}
}

// rewrite brings a resource's row into the layout of its new program.
func (m *mover) rewrite(h uint32, x *entry, t *translation) {
	switch {
	case t.same:
	case t.possible:
		x.row = t.row(&m.worker.dec, nil, x.row)
	default:
		x.row = m.again(h)
	}
}

// plan finds a resource's plan. Resources of a subscription that had the same
// one have the same again, if no changed assignment tells them apart.
func (m *mover) plan(from *plan, x *entry) *plan {
	key := planOf{from, x.typ, x.sub}
	if m.where.subs[x.sub].alike && !from.overridden {
		key.sub = anySubscription // the same assignments covered these resources, and do
	}
	if p := m.found[key]; p != nil && m.where.coarse && x.sub != 0 {
		return p
	}
	id, err := arm.ParseID(x.id)
	if err != nil {
		return &plan{} // it was parsed when it came
	}
	p := m.to.planFor(x.typ, policy.Target{ID: id, Type: x.position.typ, Location: m.worker.location(x)})
	m.found[key] = p
	return p
}

// step is how the members of one plan follow on those of another.
type step struct {
	// carried has, for each member of the new plan, its place in the old one if
	// the same rule judges for it, else -1: then it must be judged.
	carried []int32
	judged  []int32 // places in the new plan of those to judge
	before  []int32 // for each of judged its place in the old plan, -1 if it had none
	gone    []int32 // places in the old plan of members that the new one lacks
	left    []int32 // these members
	inPlace bool    // every member has its old place
}

// step finds how a resource's plan follows on the one before, of another program
// perhaps.
func (m *mover) step(from *plan, typ *typeProgram, x *entry) *step {
	key := [2]*plan{from, x.plan}
	if out := m.steps[key]; out != nil {
		return out
	}
	place := make(map[int32]int32, len(from.members))
	for i, p := range from.members {
		place[p.member] = int32(i)
	}
	out := &step{carried: make([]int32, len(x.plan.members))}
	for i, p := range x.plan.members {
		k, known := place[p.member]
		delete(place, p.member)
		if known && typ.rules[from.members[k].rule].rule == x.typ.rules[p.rule].rule {
			out.carried[i] = k
			continue
		}
		if !known {
			k = -1
		}
		out.carried[i] = -1
		out.judged, out.before = append(out.judged, int32(i)), append(out.before, k)
	}
	out.gone = slices.Sorted(maps.Values(place))
	for _, k := range out.gone {
		out.left = append(out.left, from.members[k].member)
	}
	out.inPlace = len(from.members) == len(x.plan.members)
	for i, p := range x.plan.members {
		out.inPlace = out.inPlace && from.members[i].member == p.member
	}
	m.steps[key] = out
	return out
}
