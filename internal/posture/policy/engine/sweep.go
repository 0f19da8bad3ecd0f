package engine

import (
	"runtime"
	"sync"

	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// Evaluate evaluates every verdict from the resident rows, whatever was known
// before, on all processors that Go may use. It is needed after Load and is
// the proof that increments were right. visit, if there is one, sees every
// verdict, by ascending handle, from the calling goroutine.
func (e *Estate) Evaluate(visit func(h uint32, member int, s policy.State, reason uint32)) {
	e.placeLoaded()
	if e.relation.bulk {
		e.relation.sort()
	}
	e.relation.each(func(_ uint32, p *posting) { p.tallies = nil })
	if len(e.set.watches) > 0 {
		e.answer()
	}
	e.parallel(func(w *worker, x *entry) { w.judgeAll(x) })
	if visit != nil {
		e.each(func(h uint32, x *entry) { e.show(h, x, visit) })
	}
}

// answer asks all watches and sums up the answers.
func (e *Estate) answer() {
	e.parallel(func(w *worker, x *entry) {
		if len(x.typ.watches) > 0 {
			w.main.load(x.typ.program, x.row)
			w.main.at = x
			w.answerAll(&w.main, x, nil)
		}
	})
	e.each(func(_ uint32, x *entry) { e.countAnswers(x, 1) })
}

// judgeAll evaluates every member on a resource.
func (w *worker) judgeAll(x *entry) {
	if !x.plan.distinct {
		w.begin(x)
		for i, p := range x.plan.members {
			x.marks[i] = w.mark(x, p.rule)
		}
		return
	}
	w.start(x)
	rules, marks := x.typ.rules, x.marks
	for i := range x.plan.members {
		marks[i] = w.judge(x, &rules[x.plan.members[i].rule])
	}
}

func (e *Estate) show(h uint32, x *entry, visit func(uint32, int, policy.State, uint32)) {
	for i, p := range x.plan.members {
		state := policy.State(x.marks[i] & markState)
		visit(h, int(p.member), state, e.reason(x, int(p.rule), state))
	}
}

// parallel calls f for every resource, from as many goroutines as there are
// processors; each resource is seen once. f may change its resource's marks.
func (e *Estate) parallel(f func(w *worker, x *entry)) {
	n := min(runtime.GOMAXPROCS(0), max(len(e.pages), 1))
	var wg sync.WaitGroup
	for k := range n {
		wg.Go(func() {
			w := e.workers.Get().(*worker)
			defer e.workers.Put(w)
			for i := k; i < len(e.pages); i += n {
				e.pages[i].each(func(x *entry) { f(w, x) })
			}
		})
	}
	wg.Wait()
}

func (p *page) each(f func(x *entry)) {
	if p == nil {
		return
	}
	for k := range p {
		if p[k].typ != nil {
			f(&p[k])
		}
	}
}
