package engine

import (
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// worker evaluates rows of an estate. It is scratch space of one goroutine.
type worker struct {
	estate *Estate
	kinds  kinds
	dec    decoder
	row    []byte
	main   machine // the resource being judged
	side   machine // a related resource or a container
	// rules remembers marks by rule while one resource is judged: members of
	// several assignments share rules.
	rules []byte
	// parent is the resource of the if while related ones are looked at; root is
	// its document, made when the first of them needs it.
	parent *entry
	root   *policy.Resource
	groups groupAnswers
	// begun is the resource being judged, found what was looked up for it.
	begun *entry
	found []found
	wide  widePosting
	// lookups computes where to look for related resources; key and one are
	// scratch of that.
	lookups machine
	key     []byte
	one     [1]uint32
}

func newWorker(e *Estate) *worker {
	w := &worker{estate: e}
	w.main.slow = func(s *slowLeaf) policy.Truth { return w.walk(&w.main, s) }
	w.side.slow = func(s *slowLeaf) policy.Truth { return w.walk(&w.side, s) }
	return w
}

// walk lets the tree walker evaluate a condition on a machine's row, unless the
// answer for the resource's group is known.
func (w *worker) walk(m *machine, s *slowLeaf) policy.Truth {
	if !s.group || m.at == nil {
		return w.evaluate(m, s)
	}
	q := groupQuestion{s, m.at.groupScope()}
	if t, ok := w.groups.get(w.estate.generation, q); ok {
		return t
	}
	t := w.evaluate(m, s)
	w.groups.put(q, t)
	return t
}

// evaluate puts the documents together and asks the tree walker.
func (w *worker) evaluate(m *machine, s *slowLeaf) policy.Truth {
	subject, err := m.document()
	if err != nil {
		return policy.Failed
	}
	docs := policy.Documents{Subject: subject, Root: subject}
	if s.parent && w.parent != nil {
		if w.root == nil {
			if w.root, err = w.document(w.parent); err != nil {
				return policy.Failed
			}
		}
		docs.Root = w.root
	}
	return w.oracle().Condition(s.condition, s.rule.bound, docs, s.rule.env)
}

// oracle is the tree walker at the estate's instant, over the estate.
func (w *worker) oracle() *policy.Evaluator {
	o := *w.estate.set.oracle
	o.Now, o.Estate = w.estate.now, containers{w}
	return &o
}

// document puts together what is kept of a resource that no machine has.
func (w *worker) document(x *entry) (*policy.Resource, error) {
	m := machine{prog: x.typ.program, row: x.row}
	return m.document()
}

// containers shows the tree walker the resident subscriptions and groups.
type containers struct{ w *worker }

// Resource implements policy.Estate.
func (c containers) Resource(id arm.ID) *policy.Resource {
	e := c.w.estate
	h, ok := e.byID[id.Key()]
	if !ok {
		return nil
	}
	doc, err := c.w.document(e.entry(h))
	if err != nil {
		return nil
	}
	return doc
}

// Related implements policy.Estate; conditions never ask for it.
func (c containers) Related(policy.Query) ([]*policy.Resource, error) { return nil, nil }

// location is the resource's location as selectors see it.
func (w *worker) location(x *entry) string {
	if x.typ.location < 0 {
		return ""
	}
	m := machine{prog: x.typ.program, row: x.row}
	return m.text(x.row.at(1 + uint32(x.typ.location)))
}

// text is the text of a string cell, "" for anything else.
func (m *machine) text(c cell) string {
	if !c.isString() {
		return ""
	}
	return strings.Clone(m.value(c).Str)
}

// begin makes the worker ready to judge a resource. Until forget the estate's
// postings must not change.
func (w *worker) begin(x *entry) {
	w.start(x)
	if n := len(x.typ.rules); cap(w.rules) < n {
		w.rules = make([]byte, n)
	}
	w.rules = w.rules[:len(x.typ.rules)]
	clear(w.rules)
}

// start is begin without a memory of marks by rule.
func (w *worker) start(x *entry) {
	w.main.load(x.typ.program, x.row)
	w.main.at = x
	w.begun, w.found = x, w.found[:0]
}

// forget ends what begin started.
func (w *worker) forget() { w.begun = nil }

// mark is the mark of one rule on the resource that was begun.
func (w *worker) mark(x *entry, rule int32) byte {
	// Marks are kept plus one: 0 is not judged yet. No mark is 0xff.
	if m := w.rules[rule]; m != 0 {
		return m - 1
	}
	m := w.judge(x, &x.typ.rules[rule])
	w.rules[rule] = m + 1
	return m
}

var byTruth = [...]policy.State{
	policy.False: policy.Compliant, policy.True: policy.NonCompliant, policy.Open: policy.Unknown, policy.Failed: policy.Error,
}

func (w *worker) judge(x *entry, rp *ruleProgram) byte {
	if rp.hidden != "" && strings.HasSuffix(x.id, rp.hidden) {
		return byte(policy.NotApplicable)
	}
	if rp.kind == byRelated {
		return w.judgeRelated(x, rp)
	}
	if !rp.always && w.main.eval(rp.applies) == policy.False {
		return byte(policy.NotApplicable)
	}
	if rp.kind == byHand {
		return byte(rp.rule.bound.Manual)
	}
	return byte(byTruth[w.main.eval(rp.condition)])
}

func (w *worker) judgeRelated(x *entry, rp *ruleProgram) byte {
	switch t := w.main.eval(rp.condition); t {
	case policy.False:
		return byte(policy.NotApplicable)
	case policy.Open, policy.Failed:
		return byte(byTruth[t])
	}
	return markHangs | byte(w.related(x, rp))
}
