package engine

import (
	"sync"

	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// maxReadRelated bounds the related resources of one reading.
const maxReadRelated = 64

// Reader tells what rules read of the resources of an estate, from their rows.
// Several goroutines may use it at once while nobody changes the estate.
type Reader struct {
	estate *Estate
	plans  sync.Map // readKey to []readPath
}

// NewReader makes a reader of what is resident. It is good for the estate's
// set: after Swap a new one is needed.
func NewReader(e *Estate) *Reader { return &Reader{estate: e} }

type readKey struct {
	typ     *typeProgram
	rule    *rule
	related bool
}

// readPath is one place that a rule reads, as rows of a type hold it.
type readPath struct {
	text string
	path policy.Path // all of it; rest is its end
	deep bool
	hops []int32 // trie nodes of the arrays to go through
	node int32   // trie node of the value
	rest policy.Path
}

// Read calls visit for every place that a member's rule reads of a resource,
// and, for an *IfNotExists rule, of the related resources below or attached to
// it: what is looked for in a whole group or subscription is not the resource's
// own. The reading is valid during the call.
func (r *Reader) Read(h uint32, member int, visit func(*policy.Reading)) {
	x := r.estate.entry(h)
	if x == nil {
		return
	}
	for _, p := range x.plan.members {
		if int(p.member) == member {
			r.readRule(x, &x.typ.rules[p.rule], visit)
			return
		}
	}
}

func (r *Reader) readRule(x *entry, rp *ruleProgram, visit func(*policy.Reading)) {
	var out policy.Reading
	r.row(x, r.plan(x.typ, rp.rule, false, rp.cells), &out, visit)
	if rp.kind != byRelated || rp.dynamic || rp.reach >= policy.ReachGroup {
		return
	}
	list := r.estate.relation.find(rp.lookup, x.id)
	if list == nil {
		return
	}
	for _, h := range list.handles[:min(len(list.handles), maxReadRelated)] {
		y := r.estate.entry(h)
		wp := &y.typ.watches[rp.watch.index]
		if !wp.dynamic && y.answers()[rp.watch.index] == answerUnselected {
			continue
		}
		out.Resource = y.id
		r.row(y, r.plan(y.typ, rp.rule, true, wp.cells), &out, visit)
	}
}

// plan finds or makes the places of a rule in rows of a type. Only those that
// its program really looks at count: others may not be in the rows.
func (r *Reader) plan(t *typeProgram, rule *rule, related bool, cells cellSet) []readPath {
	key := readKey{t, rule, related}
	if known, ok := r.plans.Load(key); ok {
		return known.([]readPath)
	}
	var paths []readPath
	for _, f := range rule.bound.FieldReads() {
		if f.Related != related {
			continue
		}
		path := f.PathIn(r.estate.set.aliases, t.typ, t.version, r.estate.set.opt.Language)
		if path == nil {
			continue
		}
		if p, ok := t.layout.locate(path, cells); ok {
			p.text, p.path, p.deep = path.String(), path, f.Deep
			paths = append(paths, p)
		}
	}
	known, _ := r.plans.LoadOrStore(key, paths)
	return known.([]readPath)
}

func (s cellSet) has(cell uint32) bool {
	return int(cell>>6) < len(s) && s[cell>>6]&(1<<(cell&63)) != 0
}

// locate finds a path in rows of the layout, among the root cells that a rule
// looks at: through the blocks of its arrays or, where the rule wants the first
// array as a whole, as JSON.
func (l *layout) locate(path policy.Path, cells cellSet) (p readPath, ok bool) {
	n, root, whole := int32(0), int32(-1), readPath{node: -1}
	for i, seg := range path {
		node := &l.nodes[n]
		if !seg.Wildcard {
			if n = node.keys.find([]byte(seg.Name)); n < 0 {
				return whole, whole.node >= 0
			}
			continue
		}
		if root < 0 {
			root = node.arr
			if node.cell >= 0 && node.keep&keepRaw != 0 && cells.has(uint32(node.cell)) {
				whole = readPath{node: n, rest: path[i:]}
			}
		}
		if node.arr < 0 {
			return whole, whole.node >= 0
		}
		p.hops = append(p.hops, n)
		n = node.elem
	}
	p.node = n
	if root < 0 {
		root = l.nodes[n].cell
	}
	if l.nodes[n].cell >= 0 && root >= 0 && cells.has(uint32(root)) {
		return p, true
	}
	return whole, whole.node >= 0
}

// row visits the places of one row.
func (r *Reader) row(x *entry, paths []readPath, out *policy.Reading, visit func(*policy.Reading)) {
	m := machine{prog: x.typ.program, row: x.row}
	if c := x.row.at(1 + hiddenCell); c != 0 {
		m.hide(c)
	}
	for i := range paths {
		p := &paths[i]
		out.Path, out.Deep, out.Values = p.text, p.deep, out.Values[:0]
		m.read(p, p.hops, 1, &out.Values)
		visit(out)
	}
}

// read appends the values at a place, seen from a scope whose cells begin at
// base.
func (m *machine) read(p *readPath, hops []int32, base uint32, out *[]policy.Value) {
	nodes := m.prog.layout.nodes
	if len(hops) == 0 {
		m.readCell(p, m.row.at(base+uint32(nodes[p.node].cell)), out)
		return
	}
	node := &nodes[hops[0]]
	block := m.row.at(base + uint32(node.arr))
	if block.tag() == tagBlock {
		n, at := m.row.block(block)
		for range n {
			m.read(p, hops[1:], at, out)
			at += uint32(node.width)
		}
		return
	}
	if block.tag() == tagUnavailable || m.conceals(p.path) {
		*out = append(*out, m.value(newCell(tagUnavailable, 0)))
	}
}

func (m *machine) readCell(p *readPath, c cell, out *[]policy.Value) {
	// An array of which something else is hidden is not hidden itself.
	if c == 0 || p.rest != nil && c.tag() == tagUnavailable {
		if c = 0; m.conceals(p.path) {
			c = newCell(tagUnavailable, 0)
		}
	}
	v := m.value(c)
	if composite(v) && (p.deep || p.rest != nil) {
		v = m.whole(p.path[:len(p.path)-len(p.rest)], c, v)
	}
	if p.rest == nil {
		*out = append(*out, v)
		return
	}
	*out = append(*out, policy.ValuesAt(p.rest, v)...)
}
