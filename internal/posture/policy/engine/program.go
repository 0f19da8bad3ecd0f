package engine

import "github.com/rampart-sec/rampart/internal/posture/policy"

// op says what a node does.
type op uint8

const (
	opConst    op = iota // arg is the truth
	opAll                // kids
	opAny                // kids
	opNot                // arg is the kid
	opLeaf               // arg is the index of a leaf
	opCell               // likewise, of one that looks at one cell
	opCount              // arg is the index of a count
	opComputed           // arg is the index of a condition with computed sides
	opTally              // kids: how many are true is what a count over a constant list compares; arg is the index of a count
	opSlow               // arg is the index of a condition that the tree walker evaluates
)

// node is one condition of a program. Nodes are hash-consed: equal conditions
// are one node, and one that is used more than once is evaluated once per
// resource.
type node struct {
	op   op
	arg  uint32
	memo int32 // index of the remembered result, -1 if there is none
	kids []uint32
}

// program is everything that is evaluated for resources of one type: a
// directed graph of nodes over the slots of one layout. It is immutable.
type program struct {
	typeCell int32  // the body's type, which must be the program's
	typeWord uint32 // the dict's number of the program's type
	layout   *layout
	dict     *dict
	nodes    []node
	leaves   []leaf
	counts   []count
	slow     []slowLeaf
	computed []*computed
	operands []*spot   // that computed operands of counts read
	kept     *assembly // what the tree walker is given
	reads    reads     // what its conditions depend on beside the row
	memos    int
	opt      policy.Options
}

// steps leads to cells: from the scope of an open count (0 is the root scope)
// through arrays to a cell of the last scope.
type steps struct {
	hops  []hop
	cell  uint32
	scope uint8
}

// hop enters the array of a trie node; cell names its block and width is the
// number of cells of an element.
type hop struct{ node, cell, width uint32 }

// settle fills in the hops once the layout is complete.
func (s *steps) settle(lay *layout) {
	for i := range s.hops {
		n := &lay.nodes[s.hops[i].node]
		s.hops[i].cell, s.hops[i].width = uint32(n.arr), uint32(n.width)
	}
}

// noNode is a count without where.
const noNode = -1

// leaf compares cells with a constant. What every comparison touches comes
// first.
type leaf struct {
	steps
	// fixed is the result for values without content, by tag up to tagTrue.
	fixed [tagTrue + 1]policy.Truth
	// vacuous is the result when an array on the way is missing or null.
	vacuous policy.Truth
	// present is the result of exists for a value with content.
	present  policy.Truth
	op       policy.Operator // never a negated one
	negate   bool
	outcome  [2]policy.Truth // of the operator's answer no and yes, negate counted in
	location bool            // texts fold as locations
	mixed    bool            // the constant of equals or in has a part that is no text
	// words has a bit for each word of the dict that satisfies equals or in;
	// nil for other operators.
	words   []uint64
	pattern *pattern // of like, contains on texts; nil for others

	path   policy.Path
	right  policy.Value
	opt    *policy.Options
	reason uint32
}

// count counts array members for which a node is true and compares the number.
type count struct {
	steps               // the cell is unused
	path    policy.Path // as the field names it
	operand []*spot     // what a computed operand reads
	open    uint8       // scope that the current member opens
	where   int32       // node, -1 counts every member
	test    intTest
	reason  uint32
}

// intTest compares a number of members with a constant.
type intTest struct {
	op    policy.Operator
	right policy.Value
	opt   *policy.Options
	// computed is the operand if it is not constant.
	computed expression
}

// of is the truth of the comparison for n.
func (t *intTest) of(n int) policy.Truth {
	if t.right.Kind != policy.Int {
		out, _ := policy.Apply(t.op, policy.IntValue(int64(n)), t.right, *t.opt)
		return out
	}
	c := 0
	switch r := t.right.Int; {
	case int64(n) < r:
		c = -1
	case int64(n) > r:
		c = 1
	}
	switch t.op {
	case policy.OpEquals:
		return truthOf(c == 0)
	case policy.OpNotEquals:
		return truthOf(c != 0)
	case policy.OpLess:
		return truthOf(c < 0)
	case policy.OpLessOrEquals:
		return truthOf(c <= 0)
	case policy.OpGreater:
		return truthOf(c > 0)
	case policy.OpGreaterOrEquals:
		return truthOf(c >= 0)
	}
	out, _ := policy.Apply(t.op, policy.IntValue(int64(n)), t.right, *t.opt)
	return out
}

func truthOf(b bool) policy.Truth {
	if b {
		return policy.True
	}
	return policy.False
}

func not(t policy.Truth) policy.Truth {
	if t <= policy.True {
		return t ^ 1
	}
	return t
}
