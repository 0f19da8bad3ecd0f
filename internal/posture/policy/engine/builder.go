package engine

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// builder compiles conditions into the program of one resource type. Equal
// conditions become one node, whatever definition they come from.
type builder struct {
	env  environment
	rule *rule // whose conditions are being compiled
	// related is true inside an existenceCondition, where field() means the
	// resource of the if.
	related bool
	prog    *program
	base    *program          // whose layout and dict were begun with, or nil
	index   map[string]uint32 // node by its canonical text
	uses    []int             // references to each node
	words   map[string]uint32
	texts   []string
	scopes  []openScope // members of arrays at which counts around it stand
	open    []openCount // the counts around it
}

// environment is what a condition means depends on beside its text: the type
// of the resources and, where aliases have paths by version, their API version.
type environment struct {
	typ, apiVersion string
	aliases         *policy.Aliases
	opt             *policy.Options
	reasons         *reasons
}

// openScope is a count whose members are being looked at.
type openScope struct {
	path policy.Path // up to and including a [*] that the count goes through
	id   uint8
}

// newBuilder begins with the layout and the words of base, so that what both
// programs read lies in the same cells; nil begins with nothing.
func newBuilder(env environment, base *typeProgram) *builder {
	b := &builder{
		env: env, prog: &program{layout: newLayout(), kept: &assembly{cell: -1}, opt: *env.opt},
		index: map[string]uint32{}, words: map[string]uint32{},
	}
	if base != nil {
		b.base = base.program
		b.prog.layout = base.layout.clone()
		for _, text := range base.dict.texts {
			b.word(text)
		}
	}
	b.prog.typeCell = b.prog.layout.add(member("type"), 0).cell
	b.word(env.typ) // the first word is number 0
	return b
}

// finish fixes the dict and with it the word sets of the leaves.
func (b *builder) finish() *program {
	p := b.prog
	if b.base != nil && p.layout.equal(b.base.layout) {
		p.layout = b.base.layout
	}
	if b.base != nil && len(b.texts) == len(b.base.dict.texts) {
		p.dict = b.base.dict
	} else {
		p.dict = newDict(b.texts)
	}
	for i := range p.leaves {
		p.leaves[i].setWords(p.dict)
		p.leaves[i].settle(p.layout)
	}
	for i := range p.counts {
		p.counts[i].settle(p.layout)
	}
	for _, s := range p.operands {
		s.settle(p.layout)
	}
	for _, c := range p.computed {
		for _, s := range c.spots {
			s.settle(p.layout)
		}
	}
	for i := range p.nodes {
		p.nodes[i].memo = -1
		if b.uses[i] > 1 && b.remembers(&p.nodes[i]) {
			p.nodes[i].memo = int32(p.memos)
			p.memos++
		}
		if nd := &p.nodes[i]; nd.op == opLeaf && len(p.leaves[nd.arg].hops) == 0 {
			nd.op = opCell
		}
	}
	return p
}

// remembers reports whether the node is worth remembering and may be: a
// condition inside a count changes from member to member.
func (b *builder) remembers(n *node) bool {
	return b.costOf(n) > 2 && n.op != opNot && !b.inScope(n)
}

func (b *builder) inScope(n *node) bool {
	switch n.op {
	case opLeaf:
		return b.prog.leaves[n.arg].scope > 0
	case opCount:
		return b.prog.counts[n.arg].scope > 0
	case opNot:
		return b.inScope(&b.prog.nodes[n.arg])
	case opComputed:
		return b.prog.computed[n.arg].inner
	case opAll, opAny, opTally:
		return slices.ContainsFunc(n.kids, func(k uint32) bool { return b.inScope(&b.prog.nodes[k]) })
	}
	return false
}

// intern adds a node unless there is an equal one.
func (b *builder) intern(key string, n node) uint32 {
	if id, ok := b.index[key]; ok {
		return id
	}
	id := uint32(len(b.prog.nodes))
	b.prog.nodes = append(b.prog.nodes, n)
	b.uses = append(b.uses, 0)
	b.index[key] = id
	if n.op == opNot {
		b.uses[n.arg]++
	}
	for _, k := range n.kids {
		b.uses[k]++
	}
	return id
}

func (b *builder) constant(t policy.Truth) uint32 {
	return b.intern("="+t.String(), node{op: opConst, arg: uint32(t)})
}

// truth gives the value of a constant node.
func (b *builder) truth(n uint32) (policy.Truth, bool) {
	nd := &b.prog.nodes[n]
	return policy.Truth(nd.arg), nd.op == opConst
}

// condition compiles a condition.
func (b *builder) condition(c policy.Condition) uint32 {
	switch c := c.(type) {
	case *policy.AllOf:
		return b.group(opAll, c.Of)
	case *policy.AnyOf:
		return b.group(opAny, c.Of)
	case *policy.Not:
		return b.not(b.condition(c.Of))
	case *policy.Leaf:
		return b.leaf(c)
	}
	return b.constant(policy.True) // no condition
}

func (b *builder) not(n uint32) uint32 {
	if t, ok := b.truth(n); ok {
		return b.constant(not(t))
	}
	if nd := &b.prog.nodes[n]; nd.op == opNot {
		return nd.arg
	}
	return b.intern(fmt.Sprintf("!%d", n), node{op: opNot, arg: n})
}

func (b *builder) group(o op, of []policy.Condition) uint32 {
	kids := make([]uint32, 0, len(of))
	for _, c := range of {
		kids = append(kids, b.condition(c))
	}
	return b.join(o, kids)
}

// join makes a conjunction or disjunction in canonical form: constants that
// decide nothing are left out, cheap conditions come first, repeated ones go.
// Order means nothing in the language. Nested groups stay, as they are often
// shared between definitions.
func (b *builder) join(o op, kids []uint32) uint32 {
	decides, neutral := policy.False, policy.True
	if o == opAny {
		decides, neutral = neutral, decides
	}
	var kept []uint32
	for _, k := range kids {
		t, ok := b.truth(k)
		if ok && t == decides {
			return k
		}
		if !ok || t != neutral {
			kept = append(kept, k)
		}
	}
	slices.SortFunc(kept, func(x, y uint32) int {
		return cmp.Or(cmp.Compare(b.cost(x), b.cost(y)), cmp.Compare(x, y))
	})
	kept = slices.Compact(kept)
	switch len(kept) {
	case 0:
		return b.constant(neutral)
	case 1:
		return kept[0]
	}
	return b.intern(fmt.Sprint(o, kept), node{op: o, kids: kept})
}

// cost ranks nodes by how long they take.
func (b *builder) cost(n uint32) int { return b.costOf(&b.prog.nodes[n]) }

func (b *builder) costOf(nd *node) int {
	switch nd.op {
	case opLeaf:
		return 1 + 4*len(b.prog.leaves[nd.arg].hops)
	case opAll, opAny, opTally:
		sum := 1
		for _, k := range nd.kids {
			sum += b.cost(k)
		}
		return sum
	case opNot:
		return b.cost(nd.arg)
	case opCount:
		return 50
	case opComputed:
		return 100
	case opSlow:
		return 1000
	}
	return 0
}

// word numbers a folded text.
func (b *builder) word(folded string) {
	if _, ok := b.words[folded]; !ok {
		b.words[folded] = uint32(len(b.texts))
		b.texts = append(b.texts, folded)
	}
}

// key is the canonical text of an address.
func (s *steps) key() string {
	var t strings.Builder
	fmt.Fprintf(&t, "%d:", s.scope)
	for _, h := range s.hops {
		fmt.Fprintf(&t, "%d.", h.node)
	}
	fmt.Fprintf(&t, "%d", s.cell)
	return t.String()
}
