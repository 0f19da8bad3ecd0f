package engine

import "github.com/rampart-sec/rampart/internal/policy"

// truth is the result of a node. The zero value means "not evaluated yet", so
// that remembered results need no second field.
type truth uint8

const (
	unset truth = iota
	no
	yes
	unknown // depends on a value that the source did not deliver
	failed  // depends on an expression that cannot be computed
)

// not inverts no and yes; unknown and failed stay.
func (t truth) not() truth { return [...]truth{unset, yes, no, unknown, failed}[t] }

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// op says what a node does.
type op uint8

const (
	opConst    op = iota // arg is the truth
	opAll                // kids
	opAny                // kids
	opNot                // arg is the kid
	opLeaf               // arg is the index of a leaf
	opCount              // arg is the index of a count
	opSum                // kids: how many are true, compared; arg is the index of a count
	opFallback           // arg is the index of a condition that the tree walker evaluates
)

// node is one condition of a program. Nodes are hash-consed: equal conditions
// are one node, and one that is used more than once is evaluated once per
// resource.
type node struct {
	op   op
	arg  uint32
	kids []uint32
	memo int32 // index of the remembered result, -1 if there is none
}

// program is everything that is evaluated for resources of one type: a
// directed graph of nodes over the slots of one layout. It is immutable.
type program struct {
	typ    string // folded
	layout *layout
	dict   *dict
	nodes  []node
	leaves []leaf
	counts []count
	slow   []slowLeaf
	memos  int
	opt    policy.Options
}

// steps leads to cells: from the scope of an open count (0 is the root scope)
// through arrays to a cell of the last scope.
type steps struct {
	scope uint8
	hops  []hop
	cell  uint32
}

// hop enters the array whose block is named by cell; width is the number of
// cells of an element.
type hop struct{ cell, width uint32 }

// leaf compares cells with a constant.
type leaf struct {
	steps
	op     policy.Operator // never a negated one
	negate bool
	// What is known beforehand, from policy.Compare, of values without
	// content: indexed by tag up to tagTrue.
	fixed [tagTrue + 1]truth
	// words has a bit for each word of the dict that equals the constant, for
	// equals and in.
	words  []uint64
	number *numberTest
	text   *textTest
	right  policy.Value
	reason uint32
}

// count counts array members for which a node is true.
type count struct {
	steps
	open   uint8 // scope that the current member opens
	where  int32 // node, -1 counts every member
	test   numberTest
	reason uint32
}
