package engine

import "github.com/rampart-sec/rampart/internal/posture/policy"

// reason is the code of what makes a verdict unknown or an error: the first
// deciding leaf. 0 for other states.
func (e *Estate) reason(x *entry, rule int, state policy.State) uint32 {
	if state != policy.Unknown && state != policy.Error {
		return 0
	}
	w := e.workers.Get().(*worker) // the estate's own may be at work
	defer e.workers.Put(w)
	w.reasoning(x)
	return w.reason(x, rule)
}

// reasoning makes a worker ready to give reasons for verdicts about a resource.
func (w *worker) reasoning(x *entry) {
	w.forget() // postings may have changed since it was used
	w.main.load(x.typ.program, x.row)
	w.main.at = x
}

// reason is the code of what makes a verdict unknown or an error.
func (w *worker) reason(x *entry, rule int) uint32 {
	rp := &x.typ.rules[rule]
	if code := w.main.why(rp.condition); code != 0 {
		return code
	}
	if rp.watch != nil {
		return w.whyRelated(x, rp)
	}
	return 0
}

// why descends to the leaf that leaves a node open or failed.
func (m *machine) why(n uint32) uint32 {
	t := m.eval(n)
	if t <= policy.True {
		return 0
	}
	nd := &m.prog.nodes[n]
	switch nd.op {
	case opNot:
		return m.why(nd.arg)
	case opAll, opAny:
		for _, k := range nd.kids {
			if m.eval(k) == t {
				return m.why(k)
			}
		}
	case opLeaf, opCell:
		return m.prog.leaves[nd.arg].reason
	case opCount:
		return m.prog.counts[nd.arg].reason
	case opComputed:
		return m.prog.computed[nd.arg].reason
	case opTally:
		for _, k := range nd.kids {
			if code := m.why(k); code != 0 {
				return code
			}
		}
	case opSlow:
		return m.prog.slow[nd.arg].reason
	}
	return 0
}

// whyRelated names what the related resources leave open: the path that one of
// them lacks, or the type.
func (w *worker) whyRelated(x *entry, rp *ruleProgram) uint32 {
	typ := w.estate.set.reasons.code(rp.rule.bound.Details.Type)
	code := uint32(0)
	w.ask(x, rp, func(y *entry, a byte) {
		if (a == answerOpen || a == answerFailed) && code == 0 {
			code = w.side.whyAnswer(&y.typ.watches[rp.watch.index])
		}
	})
	if code == 0 {
		return typ
	}
	return code
}

func (m *machine) whyAnswer(wp *watchProgram) uint32 {
	if wp.applies != noNode {
		if code := m.why(uint32(wp.applies)); code != 0 {
			return code
		}
	}
	if wp.condition != noNode {
		return m.why(uint32(wp.condition))
	}
	return 0
}
