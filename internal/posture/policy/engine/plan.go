package engine

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// plan is which members judge a resource, and by which rule of its type's
// program. Resources that the same assignments cover share one.
type plan struct {
	members []planned
	by      []int // the assignments
	// distinct is set when no rule judges for two members.
	distinct bool
	// overridden is set when overrides decide which rules judge: then what is
	// planned hangs on more than the assignments.
	overridden bool
}

type planned struct{ member, rule int32 }

// plans are those of one program, by the assignments that cover a resource and,
// where they have overrides, by what these make of them.
type plans map[string]*plan

// planFor finds the assignments that cover a resource and makes or finds their
// plan.
func (s *Set) planFor(t *typeProgram, target policy.Target) *plan {
	if !s.fine && target.ID.Subscription() != "" {
		return s.planIn(t, target)
	}
	return s.planOver(t, target)
}

// planIn is planFor for what lies in a subscription, where no assignment tells
// its resources apart. Management groups are covered each for itself.
func (s *Set) planIn(t *typeProgram, target policy.Target) *plan {
	key := inSub{t, target.ID.Subscription()}
	s.mu.Lock()
	p := s.bySub[key]
	s.mu.Unlock()
	if p == nil {
		p = s.planOver(t, target)
		s.mu.Lock()
		if len(s.bySub) < maxBySub {
			s.bySub[inSub{t, strings.Clone(key.sub)}] = p
		}
		s.mu.Unlock()
	}
	return p
}

// maxBySub bounds what is remembered: documents may spell a subscription in any
// case.
const maxBySub = 1 << 20

// inSub names the resources of a type in a subscription, as it is spelled.
type inSub struct {
	t   *typeProgram
	sub string
}

func (s *Set) planOver(t *typeProgram, target policy.Target) *plan {
	covering, overridden := s.covering(target)
	var members []planned
	key := make([]byte, 0, 64)
	for _, a := range covering {
		key = binary.AppendUvarint(key, uint64(a))
	}
	if overridden {
		members = s.planned(t, covering, target)
		key = append(key[:0], '!')
		for _, m := range members {
			key = binary.AppendUvarint(binary.AppendUvarint(key, uint64(m.member)), uint64(m.rule))
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.plans[t]
	if p := known[string(key)]; p != nil {
		return p
	}
	if !overridden {
		members = s.planned(t, covering, target)
	}
	if known == nil {
		known = plans{}
		s.plans[t] = known
	}
	p := s.lineage.plan(t, string(key))
	if p == nil || !slices.Equal(p.members, members) {
		p = &plan{members: members, by: covering, distinct: distinct(members), overridden: overridden}
	}
	known[string(key)] = p
	return p
}

func distinct(members []planned) bool {
	seen := map[int32]bool{}
	for _, m := range members {
		if seen[m.rule] {
			return false
		}
		seen[m.rule] = true
	}
	return true
}

// covering are the assignments that cover a resource, ascending.
func (s *Set) covering(t policy.Target) (out []int, overridden bool) {
	if s.groups != nil && t.ID.Subscription() != "" {
		t.Parents = s.groups(t.ID.Subscription())
	}
	try := func(scope string) {
		for _, n := range s.byScope[scope] {
			if a := &s.assignments[n]; a.Covers(t) {
				out = append(out, n)
				overridden = overridden || len(a.Overrides) > 0
			}
		}
	}
	id := t.ID.Key()
	try("/")
	for i := 1; i < len(id); i++ {
		if id[i] == '/' {
			try(id[:i])
		}
	}
	if id != "/" {
		try(id)
	}
	for _, p := range t.Parents {
		try(p.Key())
	}
	slices.Sort(out)
	return slices.Compact(out), overridden
}

func (s *Set) planned(t *typeProgram, covering []int, target policy.Target) []planned {
	var out []planned
	for _, a := range covering {
		for _, n := range s.assignments[a].members {
			if i, ok := t.byRule[s.ruleFor(&s.members[n], target)]; ok {
				out = append(out, planned{int32(n), int32(i)})
			}
		}
	}
	return out
}

// Rerun says which members a change would evaluate again, for people.
type Rerun struct {
	// Own are members that judge the changed resource itself.
	Own []int
	// Parents are *IfNotExists members that judge other resources by it.
	Parents []int
}

// Plan says what a change of one property path re-runs when it happens on a
// resource of a type: members whose rules read the path, something below it or
// something above it. An empty path stands for a new or deleted resource.
func (s *Set) Plan(resourceType, path string) (Rerun, error) {
	t, err := s.program(arm.Fold(resourceType), "")
	if err != nil {
		return Rerun{}, err
	}
	changed, err := t.cellsAt(path)
	if err != nil {
		return Rerun{}, err
	}
	var out Rerun
	for n := range s.members {
		m := &s.members[n]
		if m.Bound == nil {
			continue
		}
		if i, ok := t.byRule[m.rule]; ok && (path == "" || t.rules[i].cells.intersects(changed)) {
			out.Own = append(out.Own, n)
		}
		w := s.watchOf[m.rule]
		if w != nil && w.typ == t.typ && (path == "" || t.watches[w.index].cells.intersects(changed)) {
			out.Parents = append(out.Parents, n)
		}
	}
	return out, nil
}

// cellsAt are the root cells that hold something of a path.
func (t *typeProgram) cellsAt(text string) (cellSet, error) {
	var out cellSet
	if text == "" {
		return out, nil
	}
	path, err := policy.ParsePath(text)
	if err != nil {
		return nil, err
	}
	n := int32(0)
	for i, seg := range path {
		node := &t.layout.nodes[n]
		if node.cell >= 0 {
			out.add(uint32(node.cell))
		}
		if seg.Wildcard {
			if node.arr >= 0 {
				out.add(uint32(node.arr))
			}
			return out, nil
		}
		if i == 0 {
			t.addDerived(&out, seg.Name)
		}
		if n = node.keys.find([]byte(seg.Name)); n < 0 {
			return out, nil
		}
	}
	t.layout.below(n, &out)
	return out, nil
}

// addDerived adds the cells that are computed from a member of the body.
func (t *typeProgram) addDerived(out *cellSet, name string) {
	for kind, from := range derivedFrom {
		if c, ok := t.layout.derived[kind]; ok && strings.EqualFold(from, name) {
			out.add(uint32(c))
		}
	}
}

// below adds the cells of a node and of everything beneath it.
func (l *layout) below(n int32, out *cellSet) {
	node := &l.nodes[n]
	if node.cell >= 0 {
		out.add(uint32(node.cell))
	}
	if node.arr >= 0 {
		out.add(uint32(node.arr))
	}
	for i := range node.keys.entries {
		l.below(node.keys.entries[i].node, out)
	}
}
