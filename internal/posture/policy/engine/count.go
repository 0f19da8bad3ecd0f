package engine

import (
	"fmt"
	"slices"

	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// countLeaf compiles a count over a field or over a constant list.
func (b *builder) countLeaf(l *policy.Leaf) uint32 {
	test, reads, ok := b.operand(l)
	if !ok {
		return b.slowly(l)
	}
	if l.Count.Field == nil {
		return b.listCount(l, test, reads)
	}
	return b.fieldCount(l, test, reads)
}

// operand compiles what a count is compared with.
func (b *builder) operand(l *policy.Leaf) (test intTest, reads []*spot, ok bool) {
	test = intTest{op: l.Op, opt: &b.prog.opt}
	right, constant := policy.Constant(l.Right)
	if constant {
		test.right = right
		return test, nil, right.Kind != policy.Missing && right.Kind != policy.Unavailable
	}
	c := &computed{}
	x := &expressions{b: b, c: c}
	if test.computed, ok = x.expr(l.Right); !ok || c.inner {
		return test, nil, false
	}
	b.prog.operands = append(b.prog.operands, c.spots...)
	return test, c.spots, true
}

func (b *builder) fieldCount(l *policy.Leaf, test intTest, reads []*spot) uint32 {
	c := l.Count
	if c.Field.Kind == policy.FieldDynamic {
		return b.slowly(l)
	}
	full := b.path(c.Field)
	wild := full.Wildcards()
	switch {
	case full == nil && test.computed == nil:
		return b.constant(test.of(0))
	case wild == 0 || b.env.opt.NestedMissingCountUndefined && c.Where == nil && wild > 1:
		return b.slowly(l)
	}
	path := full
	for !path[len(path)-1].Wildcard {
		path = path[:len(path)-1]
	}
	out := count{steps: b.steps(path, 0), path: full, where: noNode, test: test, operand: reads, open: b.nextScope()}
	if int(out.open)+len(out.hops) >= maxScopes {
		return b.slowly(l)
	}
	inner := b.inside(path, &out, c.Field.Text)
	if c.Where == nil {
		return b.addCount(out, l)
	}
	if !inner.simple(c.Where) {
		return b.slowly(l)
	}
	scopes, open := b.scopes, b.open
	b.scopes, b.open = inner.scopes, inner.open
	out.where = int32(b.condition(c.Where))
	b.scopes, b.open = scopes, open
	return b.addCount(out, l)
}

// nextScope is the number of the next scope that a count opens.
func (b *builder) nextScope() uint8 {
	id := uint8(0)
	for _, s := range b.scopes {
		id = max(id, s.id)
	}
	return id + 1
}

// inside is a copy of the builder that stands inside a count over a field; it
// shares no program with it.
func (b *builder) inside(path policy.Path, c *count, field string) *builder {
	in := newBuilder(b.env, nil)
	in.rule, in.related = b.rule, b.related
	in.scopes, in.open = slices.Clone(b.scopes), slices.Clone(b.open)
	last := c.scope
	id, skip := c.open, path.Wildcards()-len(c.hops)
	n := 0
	for i, seg := range path {
		if !seg.Wildcard {
			continue
		}
		if n++; n > skip {
			in.scopes = append(in.scopes, openScope{path[:i+1], id})
			last = id
			id++
		}
	}
	in.open = append(in.open, openCount{field: field, path: path, scope: last})
	return in
}

// simple reports whether a where compiles without the tree walker: inside a
// count that cannot be called for a member alone.
func (b *builder) simple(where policy.Condition) bool {
	b.condition(where)
	return len(b.prog.slow) == 0
}

func (b *builder) addCount(c count, l *policy.Leaf) uint32 {
	key := fmt.Sprintf("count %s %d %d %d %s %s", c.steps.key(), c.open, c.where, c.test.op, c.test.right.Kind, c.test.right)
	if c.test.computed != nil {
		key += fmt.Sprintf(" %p", l)
	}
	if id, ok := b.index[key]; ok {
		return id
	}
	c.reason = b.env.reasons.code(c.path.String())
	b.prog.counts = append(b.prog.counts, c)
	return b.intern(key, node{op: opCount, arg: uint32(len(b.prog.counts) - 1)})
}

// listCount unrolls a count over a constant list.
func (b *builder) listCount(l *policy.Leaf, test intTest, reads []*spot) uint32 {
	c := l.Count
	list, ok := policy.Constant(c.Value)
	inField := slices.ContainsFunc(b.open, func(o openCount) bool { return o.path != nil })
	if !ok || list.Kind != policy.Array || len(list.Items) > maxListMembers || inField && len(list.Items) > 0 {
		return b.slowly(l)
	}
	if slices.ContainsFunc(list.Items, func(v policy.Value) bool { return v.Kind == policy.Missing || v.Kind == policy.Unavailable }) {
		return b.slowly(l)
	}
	kids := make([]uint32, 0, len(list.Items))
	slow := len(b.prog.slow)
	open := b.open
	for _, item := range list.Items {
		b.open = append(slices.Clone(open), openCount{name: c.Name, value: item})
		kids = append(kids, b.condition(c.Where))
	}
	b.open = open
	if len(b.prog.slow) > slow {
		return b.slowly(l) // a where cannot be called for a member alone
	}
	b.prog.counts = append(b.prog.counts, count{where: noNode, test: test, operand: reads})
	return b.intern(fmt.Sprintf("tally %p %s", l, b.bound()), node{op: opTally, arg: uint32(len(b.prog.counts) - 1), kids: kids})
}

// maxListMembers is the documented number of members that counts over values
// may visit in one evaluation of a rule.
const maxListMembers = 100

// exceedsBudget reports whether a condition has several counts over values
// that may together visit more members than one evaluation may.
func exceedsBudget(c policy.Condition) bool {
	if valueCounts(c) < 2 {
		return false
	}
	return visits(c, false) > maxListMembers
}

// visits is how many members the counts over values visit at most; a large
// number if that depends on the resource.
func visits(c policy.Condition, inField bool) int {
	const many = maxListMembers + 1
	switch c := c.(type) {
	case *policy.AllOf:
		return visitsAll(c.Of, inField)
	case *policy.AnyOf:
		return visitsAll(c.Of, inField)
	case *policy.Not:
		return visits(c.Of, inField)
	case *policy.Leaf:
		switch {
		case c.Count == nil:
			return 0
		case c.Count.Value == nil:
			return visits(c.Count.Where, true)
		}
		list, ok := policy.Constant(c.Count.Value)
		if !ok || inField && len(list.Items) > 0 {
			return many
		}
		return min(many, len(list.Items)*(1+visits(c.Count.Where, inField)))
	}
	return 0
}

func visitsAll(of []policy.Condition, inField bool) int {
	n := 0
	for _, c := range of {
		n = min(maxListMembers+1, n+visits(c, inField))
	}
	return n
}
