package engine

import (
	"unsafe"

	"github.com/rampart-sec/rampart/internal/policy"
)

// maxScopes is how deeply counts may nest inside one another on the fast path;
// deeper ones are left to the tree walker.
const maxScopes = 8

// machine evaluates the nodes of one program on one row. It is scratch space:
// a machine serves one goroutine, any program.
type machine struct {
	prog  *program
	row   Row
	memo  []uint8           // result+1 by memo index, 0 is not evaluated yet
	bases [maxScopes]uint32 // word offset of each open scope; 0 is the root's
	fold  []byte
	slow  func(s *slowLeaf) policy.Truth // the tree walker, for opSlow
}

// load makes the machine ready for a row of a program.
func (m *machine) load(p *program, row Row) {
	m.prog, m.row = p, row
	m.bases[0] = 1
	if cap(m.memo) < p.memos {
		m.memo = make([]uint8, p.memos)
	}
	m.memo = m.memo[:p.memos]
	clear(m.memo)
}

// eval gives the truth of node n.
func (m *machine) eval(n uint32) policy.Truth {
	nd := &m.prog.nodes[n]
	if nd.memo < 0 {
		return m.compute(nd)
	}
	if t := m.memo[nd.memo]; t != 0 {
		return policy.Truth(t - 1)
	}
	t := m.compute(nd)
	m.memo[nd.memo] = uint8(t) + 1
	return t
}

func (m *machine) compute(nd *node) policy.Truth {
	switch nd.op {
	case opLeaf:
		l := &m.prog.leaves[nd.arg]
		if len(l.hops) == 0 {
			return m.cell(l, m.row.at(m.bases[l.scope]+l.cell))
		}
		return m.each(l, m.bases[l.scope], l.hops)
	case opAll:
		return m.all(nd.kids)
	case opAny:
		return m.any(nd.kids)
	case opNot:
		return not(m.eval(nd.arg))
	case opConst:
		return policy.Truth(nd.arg)
	case opCount:
		return m.count(&m.prog.counts[nd.arg])
	case opTally:
		return m.tally(nd)
	}
	return m.slow(&m.prog.slow[nd.arg])
}

// all is Kleene's conjunction: false wins, then failed, then open.
func (m *machine) all(kids []uint32) policy.Truth {
	out := policy.True
	for _, k := range kids {
		t := m.eval(k)
		if t == policy.False {
			return t
		}
		out = max(out, t) // True < Open < Failed
	}
	return out
}

// any is Kleene's disjunction: true wins, then failed, then open.
func (m *machine) any(kids []uint32) policy.Truth {
	out := policy.False
	for _, k := range kids {
		t := m.eval(k)
		if t == policy.True {
			return t
		}
		out = max(out, t)
	}
	return out
}

// each is the leaf on every member that the hops lead to: true of all.
func (m *machine) each(l *leaf, base uint32, hops []hop) policy.Truth {
	if len(hops) == 0 {
		return m.cell(l, m.row.at(base+l.cell))
	}
	c := m.row.at(base + hops[0].cell)
	switch c.tag() {
	case tagBlock:
	case tagUnavailable:
		return policy.Open
	default:
		return l.vacuous
	}
	n, at := m.row.block(c)
	out := policy.True
	for range n {
		t := m.each(l, at, hops[1:])
		if t == policy.False {
			return t
		}
		out = max(out, t)
		at += hops[0].width
	}
	return out
}

// cell compares one cell.
func (m *machine) cell(l *leaf, c cell) policy.Truth {
	tag := c.tag()
	if tag <= tagTrue {
		return l.fixed[tag]
	}
	switch {
	case l.op == policy.OpExists:
		return truthOf(l.right.Bool)
	case l.words != nil && tag == tagWord:
		w := c.payload()
		return l.sign(l.words[w>>6]>>(w&63)&1 != 0)
	case l.words != nil && tag == tagWordText:
		w, _ := m.row.word(c)
		return l.sign(l.words[w>>6]>>(w&63)&1 != 0)
	case l.words != nil && tag == tagText && !l.mixed:
		return l.sign(false)
	case l.pattern != nil && c.isString():
		if t, ok := m.pattern(l, c); ok {
			return t
		}
	}
	return m.apply(l, m.value(c))
}

// pattern matches a text cell; ok is false for texts beyond ASCII.
func (m *machine) pattern(l *leaf, c cell) (t policy.Truth, ok bool) {
	if c.tag() == tagWord {
		text := m.prog.dict.texts[c.payload()]
		b := unsafe.Slice(unsafe.StringData(text), len(text)) // read only
		return l.sign(l.pattern.match(b)), isASCII(b)
	}
	text := m.row.text(c)
	if !isASCII(text) {
		return policy.False, false
	}
	m.fold = lowerASCII(m.fold[:0], text)
	return l.sign(l.pattern.match(m.fold)), true
}

// sign applies the negation of the operator.
func (l *leaf) sign(b bool) policy.Truth { return truthOf(b != l.negate) }

// apply is the operator of the language itself.
func (m *machine) apply(l *leaf, v policy.Value) policy.Truth {
	t, _ := policy.Apply(l.op, v, l.right, *l.opt)
	if l.negate {
		t = not(t)
	}
	return t
}

// value makes the value of a cell. Texts are views of the row and must not be
// kept.
func (m *machine) value(c cell) policy.Value {
	switch c.tag() {
	case tagNull:
		return policy.NullValue()
	case tagUnavailable:
		return policy.UnavailableValue("")
	case tagFalse, tagTrue:
		return policy.BoolValue(c.tag() == tagTrue)
	case tagInt:
		return policy.IntValue(c.inline())
	case tagLong:
		return policy.IntValue(m.row.long(c))
	case tagFloat:
		return policy.FloatValue(m.row.float(c))
	case tagWord:
		return policy.StringValue(m.prog.dict.texts[c.payload()])
	case tagWordText, tagText:
		b := m.row.text(c)
		return policy.StringValue(unsafe.String(unsafe.SliceData(b), len(b)))
	}
	return policy.Value{}
}

// count counts the members that satisfy the condition. Members for which it is
// open make the number uncertain.
func (m *machine) count(c *count) policy.Truth {
	n := m.members(c, m.bases[c.scope], 0)
	if n.failed {
		return policy.Failed
	}
	return c.test.between(n.sure, n.sure+n.open)
}

// tallied is how many members satisfy a condition, and of how many that is not
// known.
type tallied struct {
	sure, open int
	failed     bool
}

func (n *tallied) add(t policy.Truth) {
	switch t {
	case policy.True:
		n.sure++
	case policy.Open:
		n.open++
	case policy.Failed:
		n.failed = true
	}
}

func (m *machine) members(c *count, base uint32, depth int) (n tallied) {
	h := &c.hops[depth]
	block := m.row.at(base + h.cell)
	if block.tag() == tagUnavailable {
		n.open = maxCounted
	}
	if block.tag() != tagBlock {
		return n
	}
	length, at := m.row.block(block)
	for range length {
		m.bases[int(c.open)+depth] = at
		switch {
		case depth+1 < len(c.hops):
			inner := m.members(c, at, depth+1)
			n.sure, n.open, n.failed = n.sure+inner.sure, n.open+inner.open, n.failed || inner.failed
		case c.where < 0:
			n.sure++
		default:
			n.add(m.eval(uint32(c.where)))
		}
		at += h.width
	}
	return n
}

func (m *machine) tally(nd *node) policy.Truth {
	var n tallied
	for _, k := range nd.kids {
		n.add(m.eval(k))
	}
	if n.failed {
		return policy.Failed
	}
	return m.prog.counts[nd.arg].test.between(n.sure, n.sure+n.open)
}
