package engine

import (
	"strings"
	"unsafe"

	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// maxScopes is how deeply counts may nest inside one another on the fast path;
// deeper ones are left to the tree walker.
const maxScopes = 8

// machine evaluates the nodes of one program on one row. It is scratch space:
// a machine serves one goroutine, any program.
type machine struct {
	prog   *program
	nodes  []node // the program's
	leaves []leaf // likewise
	row    Row
	memo   []uint8           // result+1 by memo index, 0 is not evaluated yet
	bases  [maxScopes]uint32 // word offset of each open scope; 0 is the root's
	fold   []byte
	slow   func(s *slowLeaf) policy.Truth // the tree walker, for opSlow
	at     *entry                         // whose row it is, where that matters
	// hidden are the declared unavailable paths of a row that has any.
	hidden []policy.Path
}

// load makes the machine ready for a row of a program.
func (m *machine) load(p *program, row Row) {
	m.prog, m.row, m.nodes, m.leaves = p, row, p.nodes, p.leaves
	m.bases[0] = 1
	if cap(m.memo) < p.memos {
		m.memo = make([]uint8, p.memos)
	}
	m.memo = m.memo[:p.memos]
	clear(m.memo)
	if len(m.hidden) > 0 {
		m.hidden = m.hidden[:0]
	}
	if c := row.at(1 + hiddenCell); c != 0 {
		m.hide(c)
	}
}

// hide parses the declared unavailable paths.
func (m *machine) hide(c cell) {
	for text := range strings.SplitSeq(string(m.row.text(c)), hiddenSeparator) {
		if path, ok := hiddenPath(text); ok {
			m.hidden = append(m.hidden, path)
		}
	}
}

// conceals reports whether a declared path makes a value that is absent at
// path unknown: one that lies at, above or below it.
func (m *machine) conceals(path policy.Path) bool {
	for _, h := range m.hidden {
		if h.HasPrefix(path) || path.HasPrefix(h) {
			return true
		}
	}
	return false
}

// eval gives the truth of node n.
func (m *machine) eval(n uint32) policy.Truth {
	nd := &m.nodes[n]
	if nd.op == opCell {
		l := &m.leaves[nd.arg]
		c := m.row.at(m.bases[l.scope%maxScopes] + l.cell) // % spares a check of bounds
		tag := c.tag()
		if tag <= tagTrue {
			return l.fixed[tag]
		}
		if tag == tagWord && l.words != nil { // most strings
			w := c.payload()
			return l.outcome[l.words[w>>6]>>(w&63)&1]
		}
		return m.cell(l, c)
	}
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
		l := &m.leaves[nd.arg]
		return m.each(l, m.bases[l.scope], l.hops)
	case opAll:
		return m.all(nd.kids)
	case opAny:
		return m.any(nd.kids)
	case opNot:
		return not(m.eval(nd.arg))
	case opConst:
		return policy.Truth(nd.arg)
	case opComputed:
		return m.compare(m.prog.computed[nd.arg])
	case opTally:
		return m.tally(nd)
	case opCount:
		return m.count(&m.prog.counts[nd.arg])
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
		return l.fixed[tagUnavailable]
	default:
		if len(m.hidden) > 0 && m.conceals(l.path) {
			return l.fixed[tagUnavailable]
		}
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
	if l.words != nil {
		switch tag {
		case tagWord:
			w := c.payload()
			return l.sign(l.words[w>>6]>>(w&63)&1 != 0)
		case tagText:
			if !l.mixed {
				return l.sign(false)
			}
		case tagWordText:
			w, _ := m.row.word(c)
			return l.sign(l.words[w>>6]>>(w&63)&1 != 0)
		}
		return m.apply(l, c)
	}
	if l.op == policy.OpExists {
		return l.present
	}
	if l.pattern != nil && c.isString() {
		if t, ok := m.pattern(l, c); ok {
			return t
		}
	}
	return m.apply(l, c)
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
func (m *machine) apply(l *leaf, c cell) policy.Truth {
	v := m.value(c)
	switch {
	case l.location && v.Kind == policy.String:
		v.Str = policy.FoldLocation(v.Str)
	case composite(v):
		v = m.whole(l.path, c, v)
	}
	t, _ := policy.Apply(l.op, v, l.right, *l.opt) // the error is in the truth
	if l.negate {
		t = not(t)
	}
	return t
}

// whole reads an array or object that the row keeps, with what is unavailable
// in it. What the row does not keep, no condition looks into.
func (m *machine) whole(path policy.Path, c cell, empty policy.Value) policy.Value {
	if c.payload() == noText {
		return empty
	}
	const name = "v"
	doc := wire.Document{Body: append(append([]byte(`{"`+name+`":`), m.row.text(c)...), '}')}
	for _, h := range m.hidden {
		if h.HasPrefix(path) && len(h) > len(path) {
			doc.Unavailable = append(doc.Unavailable, name+suffix(h[len(path):]))
		}
	}
	r, err := policy.NewResource(doc)
	if err != nil {
		return empty // the scanner has accepted the text; only limits can fail here
	}
	return r.Body.Get(name)
}

// suffix is a path as it continues another.
func suffix(p policy.Path) string {
	if p[0].Wildcard {
		return p.String()
	}
	return "." + p.String()
}

// value makes the value of a cell. Texts are views of the row and must not be
// kept.
func (m *machine) value(c cell) policy.Value {
	switch c.tag() {
	case tagMissing:
		return policy.Value{}
	case tagNull:
		return policy.NullValue()
	case tagUnavailable:
		return policy.UnavailableValue("a property that was not delivered")
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
	if c.tag() == tagObject {
		return policy.ObjectValue()
	}
	return policy.ArrayValue()
}

// count counts the members that satisfy the condition. Those for which it is
// open or failed leave a range.
func (m *machine) count(c *count) policy.Truth {
	var n tallied
	if len(c.hops) == 0 { // an outer count stands at the only member
		m.member(c, &n)
	} else {
		m.members(c, m.bases[c.scope], 0, &n)
	}
	if n.unbounded {
		if c.test.computed != nil {
			if right, err := c.test.computed(m); err != nil || right.Kind == policy.Missing {
				return policy.Failed
			}
		}
		return policy.Open
	}
	return n.compare(m, &c.test)
}

// tally counts the members of a constant list.
func (m *machine) tally(nd *node) policy.Truth {
	var n tallied
	for _, k := range nd.kids {
		n.add(m.eval(k))
	}
	return n.compare(m, &m.prog.counts[nd.arg].test)
}

// tallied is how many members satisfy a condition, and for how many that is
// not known.
type tallied struct {
	sure, open, failed int
	unbounded          bool // an array was not delivered: there may be any number
}

func (n *tallied) add(t policy.Truth) {
	switch t {
	case policy.True:
		n.sure++
	case policy.Open:
		n.open++
	case policy.Failed:
		n.failed++
	}
}

// compare is the truth for every number in the range if they agree.
func (n *tallied) compare(m *machine, test *intTest) policy.Truth {
	if test.computed != nil {
		right, err := test.computed(m)
		if err != nil || right.Kind == policy.Missing {
			return policy.Failed
		}
		test = &intTest{op: test.op, right: right, opt: test.opt}
	}
	first := test.of(n.sure)
	for k := 1; k <= n.open+n.failed; k++ {
		if test.of(n.sure+k) == first {
			continue
		}
		if n.failed > 0 {
			return policy.Failed
		}
		return policy.Open
	}
	return first
}

func (m *machine) member(c *count, n *tallied) {
	if c.where == noNode {
		n.sure++
		return
	}
	n.add(m.eval(uint32(c.where)))
}

func (m *machine) members(c *count, base uint32, depth int, n *tallied) {
	h := &c.hops[depth]
	block := m.row.at(base + h.cell)
	if block.tag() != tagBlock {
		n.unbounded = n.unbounded || block.tag() == tagUnavailable || len(m.hidden) > 0 && m.conceals(c.path)
		return
	}
	length, at := m.row.block(block)
	for range length {
		m.bases[int(c.open)+depth] = at
		if depth+1 < len(c.hops) {
			m.members(c, at, depth+1, n)
		} else {
			m.member(c, n)
		}
		at += h.width
	}
}
