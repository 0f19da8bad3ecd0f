package engine

import (
	"slices"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// typeProgram is all that a set says about resources of one type.
type typeProgram struct {
	*program
	typ     string        // folded
	version string        // API version, if aliases of the type have paths by version
	rules   []ruleProgram // of the rules that may apply to the type
	byRule  map[*rule]int
	watches []watchProgram // on the type as a related type
	// location is the cell with the resource's location for selectors, -1 if
	// no assignment selects by location.
	location int32
	fullName int32 // derived cells for the selection of related resources
	kind     int32
	// listed is set when a rule looks for related resources in a whole group or
	// subscription: then the resources of the type are listed by these, to be
	// found when a related resource changes.
	listed bool
	// whole is set when everything of a container's document is kept, for rules
	// that ask for it.
	whole bool
}

// ruleProgram is one rule compiled for a type.
type ruleProgram struct {
	kind      judgement
	always    bool // applies is constant
	rule      *rule
	applies   uint32 // node; False means not applicable
	condition uint32 // node of the if
	cells     cellSet
	reads     reads
	hidden    string // folded end of the ids of documents that it does not judge, "" if it judges all
	// of *IfNotExists rules:
	watch *watch
	reach policy.Reach
	// group is the folded name of the group that is looked at, "" the
	// resource's own; dynamic is set when it depends on the resource.
	group   string
	dynamic bool
	name    expression // of details.name, if only that depends on the resource
	lookup  uint32     // where the related resources are
	outside uint32     // likewise, for a resource outside groups
}

// judgement is how a rule comes to its verdict.
type judgement uint8

const (
	byCondition judgement = iota // the if alone
	byRelated                    // *IfNotExists
	byHand                       // manual: the definition's default state
)

// watchProgram is one watch compiled for its type.
type watchProgram struct {
	*watch
	applies   int32 // node of applicableWhen, noNode if there is none
	condition int32 // node of the existenceCondition, noNode if any match will do
	cells     cellSet
	reads     reads
	// parent is set when the condition calls field() of the resource of the if.
	parent bool
}

// cellSet is a set of root cells.
type cellSet []uint64

func (s *cellSet) add(cell uint32) {
	for int(cell>>6) >= len(*s) {
		*s = append(*s, 0)
	}
	(*s)[cell>>6] |= 1 << (cell & 63)
}

func (s cellSet) empty() bool {
	return !slices.ContainsFunc(s, func(word uint64) bool { return word != 0 })
}

func (s cellSet) intersects(t cellSet) bool {
	for i := range min(len(s), len(t)) {
		if s[i]&t[i] != 0 {
			return true
		}
	}
	return false
}

// compileType compiles the rules of a set for one type. The rows of base, the
// type's program in the set before, stay good as far as possible; nil: there is
// none.
func (s *Set) compileType(typ, apiVersion string, base *typeProgram) *typeProgram {
	env := environment{typ: typ, apiVersion: apiVersion, aliases: s.aliases, opt: &s.opt.Language, reasons: s.reasons}
	b := newBuilder(env, base)
	t := &typeProgram{typ: typ, version: apiVersion, byRule: map[*rule]int{}, location: -1}
	if s.byLocation {
		t.location = b.prog.layout.add(member("location"), keepText|keepLocation).cell
	}
	if s.readsContainers && isContainerType(typ) {
		t.whole = true
		b.keepPath(policy.Path{})
		b.envelope()
	}
	for _, r := range s.rules {
		if !s.mayJudge(r, typ) {
			continue
		}
		if rp, ok := b.compileRule(r); ok {
			t.byRule[r] = len(t.rules)
			t.rules = append(t.rules, rp)
		}
	}
	for _, w := range s.watches[typ] {
		t.watches = append(t.watches, b.compileWatch(w))
	}
	if len(t.watches) > 0 {
		t.fullName = b.prog.layout.derive(policy.FieldFullName)
		t.kind = b.prog.layout.add(member("kind"), keepText).cell
	}
	t.program = b.finish()
	for i := range t.rules {
		t.rules[i].cells = union(t.rules[i].cells, t.program.cellsOf(t.rules[i].applies, t.rules[i].condition))
		if t.rules[i].rule.exists() {
			s.connect(t, &t.rules[i])
		}
	}
	for i := range t.watches {
		t.watches[i].cells = t.watchCells(&t.watches[i])
	}
	return t
}

func isContainerType(typ string) bool {
	return typ == arm.Fold(arm.TypeSubscription) || typ == arm.Fold(arm.TypeResourceGroup)
}

// mayJudge reports whether a rule may apply to a type, as far as its text says.
func (s *Set) mayJudge(r *rule, typ string) bool {
	if r.never != "" || s.oracle.ExcludesType(r.bound, typ) != "" {
		return false
	}
	condition := r.applies
	if r.exists() {
		condition = r.bound.If
	}
	return onType(condition, typ, s.opt.Language) != policy.False
}

// compileRule compiles a rule that may judge the type; ok is false if it does
// not after all.
func (b *builder) compileRule(r *rule) (rp ruleProgram, ok bool) {
	b.rule, b.related = r, false
	rp = ruleProgram{rule: r, reads: r.reads}
	switch {
	case r.exists():
		rp.kind = byRelated
	case r.bound.Effect == "manual":
		rp.kind = byHand
	}
	if name := r.bound.HiddenName(b.env.typ); name != "" {
		rp.hidden = "/" + arm.Fold(name)
	}
	rp.applies = b.constant(policy.True)
	if !r.exists() {
		rp.applies = b.root(r.applies)
	}
	rp.condition = b.root(r.bound.If)
	t, known := b.truth(rp.applies)
	if known && t == policy.False {
		return rp, false
	}
	rp.always = known
	if !r.exists() {
		return rp, true
	}
	if t, known := b.truth(rp.condition); known && t == policy.False {
		return rp, false
	}
	for _, c := range b.keepForLookup(r) {
		rp.cells.add(c)
	}
	rp.name = b.nameOf(r.bound.Details)
	return rp, true
}

// nameOf compiles the name of a lookup of which nothing else depends on the
// resource; nil if the name is constant or only the tree walker can compute it.
func (b *builder) nameOf(d *policy.Details) expression {
	_, constant := text(d.Name)
	_, kind := text(d.Kind)
	_, group := text(d.ResourceGroupName)
	if constant || !kind || !group {
		return nil
	}
	c := &computed{}
	x := &expressions{b: b, c: c}
	f, ok := x.expr(d.Name)
	if !ok {
		return nil
	}
	b.prog.operands = append(b.prog.operands, c.spots...)
	return f
}

// root compiles a whole condition tree.
func (b *builder) root(c policy.Condition) uint32 {
	if c != nil && exceedsBudget(c) {
		return b.slowly(c)
	}
	n := b.condition(c)
	b.uses[n]++
	return n
}

// keepForLookup keeps what the lookup and the existenceCondition of a rule
// read of the resource of the if.
func (b *builder) keepForLookup(r *rule) (cells []uint32) {
	d := r.bound.Details
	if newWatch(r).dynamic || d.ResourceGroupName != nil {
		cells = b.envelope()
	}
	look := func(e policy.Expr) {
		if c, ok := e.(*policy.FieldCall); ok {
			cells = append(cells, b.keep(c.Field)...)
		}
	}
	for _, e := range []policy.Expr{d.Name, d.Kind, d.ResourceGroupName} {
		policy.WalkExpr(e, look)
	}
	policy.Expressions(d.ExistenceCondition, look)
	return cells
}

// compileWatch compiles what a rule asks of the related type.
func (b *builder) compileWatch(w *watch) watchProgram {
	b.rule = w.rule
	out := watchProgram{watch: w, applies: noNode, condition: noNode}
	if c := w.rule.bound.ApplicableWhen; c != nil {
		b.related = false // field() is the related resource itself here
		out.applies = int32(b.root(c))
		out.reads = readsOf(c)
		out.reads.parent = false
	}
	if c := w.rule.bound.Details.ExistenceCondition; c != nil {
		b.related = true
		out.condition = int32(b.root(c))
		out.reads.add(readsOf(c))
		out.parent = out.reads.parent
	}
	b.related = false
	return out
}

// watchCells are the root cells that a watch's answer depends on.
func (t *typeProgram) watchCells(w *watchProgram) cellSet {
	var out cellSet
	for _, n := range []int32{w.applies, w.condition} {
		if n != noNode {
			out = union(out, t.program.cellsOf(uint32(n)))
		}
	}
	out.add(uint32(t.fullName))
	out.add(uint32(t.kind))
	return out
}

// near has the bits of the lookups beneath and on resources of the type.
func (t *typeProgram) near() (bits uint64) {
	for i := range t.rules {
		if rp := &t.rules[i]; rp.kind == byRelated && rp.reach < policy.ReachGroup {
			bits |= nearBit(rp.lookup)
		}
	}
	return bits
}

func union(a, b cellSet) cellSet {
	out := slices.Clone(a)
	for i, w := range b {
		if i >= len(out) {
			out = append(out, 0)
		}
		out[i] |= w
	}
	return out
}

// cellsOf are the root cells that nodes read.
func (p *program) cellsOf(nodes ...uint32) cellSet {
	var out cellSet
	out.add(hiddenCell)
	for _, n := range nodes {
		p.collect(n, &out)
	}
	return out
}

func (p *program) collect(n uint32, out *cellSet) {
	nd := &p.nodes[n]
	switch nd.op {
	case opNot:
		p.collect(nd.arg, out)
	case opComputed:
		for _, s := range p.computed[nd.arg].spots {
			s.root(out)
		}
	case opAll, opAny, opTally:
		for _, k := range nd.kids {
			p.collect(k, out)
		}
		if nd.op == opTally {
			for _, s := range p.counts[nd.arg].operand {
				s.root(out)
			}
		}
	case opLeaf, opCell:
		p.leaves[nd.arg].root(out)
	case opCount:
		c := &p.counts[nd.arg]
		c.root(out)
		if c.where != noNode {
			p.collect(uint32(c.where), out)
		}
		for _, s := range c.operand {
			s.root(out)
		}
	case opSlow:
		for _, c := range p.slow[nd.arg].cells {
			out.add(c)
		}
	}
}

// root adds the root cell through which the steps go; those that start at a
// count's member go through that of the count.
func (s *steps) root(out *cellSet) {
	switch {
	case s.scope > 0:
	case len(s.hops) > 0:
		out.add(s.hops[0].cell)
	default:
		out.add(s.cell)
	}
}
