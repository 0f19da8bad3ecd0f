package engine

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"

	"github.com/rampart-sec/rampart/internal/arm"
	"github.com/rampart-sec/rampart/internal/policy"
	"github.com/rampart-sec/rampart/internal/wire"
)

// Reread gives documents again. It calls load for every resource of the types
// named, folded. load keeps nothing of a document, and may be called by several
// goroutines.
type Reread func(types []string, load func(handle uint32, doc *wire.Document)) error

// Swap puts a set in place of the estate's, from which it must have been made
// by Recompile, and calls visit for the verdicts that changed. A member that is
// gone has its verdicts change to NotApplicable, under the number that it had.
// Only what the changed policies are about is looked at.
//
// Where the new rules read something that rows do not hold, the documents of
// these types are asked for. One that is not given again is no longer resident;
// one that is another than the row was made of is taken as a change. If reread
// fails nothing has changed.
func (e *Estate) Swap(set *Set, reread Reread, visit func(Flip)) error {
	if set.lineage == nil || set.lineage.from != e.set {
		return errors.New("swap policies: the set was not made from the estate's")
	}
	e.placeLoaded()
	s := &swapper{Estate: e, to: set, where: newTouched(e, set),
		kinds: map[*typeProgram]*translation{}, found: map[planOf]*plan{}, steps: map[[2]*plan]*step{}}
	if err := s.translate(); err != nil {
		return err
	}
	if err := s.fetch(reread); err != nil {
		return fmt.Errorf("swap policies: read documents again: %w", err)
	}
	s.takeOut(visit)
	e.reset()
	e.set, e.relation.lookups = set, &set.lookups
	e.generation++
	e.each(s.move)
	s.relate()
	s.answer()
	s.judge()
	s.tell(visit)
	set.lineage = nil
	s.putBack(visit)
	return nil
}

// swapper moves the resources of an estate to another set.
type swapper struct {
	*Estate
	to    *Set
	where touched
	kinds map[*typeProgram]*translation // of programs that are others now
	rows  [][]Row                       // of resources whose documents were read again, by page
	mu    sync.Mutex                    // of the next, while documents are read again
	other map[uint32]wire.Document      // documents that are not those of the rows
	found map[planOf]*plan
	steps map[[2]*plan]*step
	dec   decoder
	moved []moved
}

// moved is a resource that another plan or program judges now, with what it
// had.
type moved struct {
	handle uint32
	typ    *typeProgram
	plan   *plan
	marks  []byte
	step   *step
}

// planOf names the plan of the resources of one subscription and type that had
// one plan.
type planOf struct {
	was *plan
	typ *typeProgram
	sub uint32
}

// unjudged stands for a mark that is yet to come. No mark is 0xff.
const unjudged = 0xff

// translate finds the types whose program changed.
func (s *swapper) translate() error {
	for _, from := range s.to.lineage.programs {
		to, err := s.to.program(from.typ, from.version)
		if err != nil {
			return err
		}
		if to != from {
			s.kinds[from] = newTranslation(from, to)
		}
	}
	return nil
}

// fetch reads the documents of types whose rows do not hold what is asked for
// now.
func (s *swapper) fetch(reread Reread) error {
	lacking := map[*typeProgram]bool{}
	for from, t := range s.kinds {
		if !t.possible {
			lacking[from] = false
			t.back = newTranslation(t.to, from)
		}
	}
	if len(lacking) == 0 {
		return nil
	}
	s.each(func(_ uint32, x *entry) {
		if _, ok := lacking[x.typ]; ok {
			lacking[x.typ] = true
		}
	})
	var types []string
	for from, resident := range lacking {
		if resident && !slices.Contains(types, from.typ) {
			types = append(types, from.typ)
		}
	}
	if len(types) == 0 {
		return nil
	}
	slices.Sort(types)
	s.rows, s.other = make([][]Row, len(s.pages)), map[uint32]wire.Document{}
	for i, p := range s.pages {
		if p != nil {
			s.rows[i] = make([]Row, pageSize)
		}
	}
	return reread(types, s.decode)
}

// decode takes one document that was read again: its row under the new program
// or, if it is another document than the old row was made of, a copy for putBack.
func (s *swapper) decode(h uint32, doc *wire.Document) {
	x := s.entry(h)
	if x == nil || s.kinds[x.typ] == nil || s.kinds[x.typ].possible {
		return
	}
	w := s.workers.Get().(*worker)
	defer s.workers.Put(w)
	row, err := s.read(w, x, doc)
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.other[h] = copyOf(doc)
		return
	}
	s.rows[h/pageSize][h%pageSize] = row
}

// again is the row of a document that was read again, nil if it was not.
func (s *swapper) again(h uint32) Row {
	if s.rows[h/pageSize] == nil {
		return nil
	}
	return s.rows[h/pageSize][h%pageSize]
}

// read decodes a document under the new program of its resource's type; an
// error says that it is not what the resource's row was made of.
func (s *swapper) read(w *worker, x *entry, doc *wire.Document) (Row, error) {
	id, err := arm.ParseID(doc.ID)
	if err != nil {
		return nil, err
	}
	t, who := s.kinds[x.typ], &subject{id, cmp.Or(doc.Type, id.Type())}
	if err := w.dec.document(t.to.program, doc, who); err != nil {
		return nil, err
	}
	row := w.dec.appendRow(nil)
	if id.Key() != x.id || !slices.Equal(hiddenTypes(doc.Unavailable), x.hidden) {
		return nil, errors.New("the document changed")
	}
	if t.back.possible {
		w.row = t.back.row(&w.dec, w.row[:0], row)
	} else { // the new program does not read all that the old one did
		if err := w.dec.document(x.typ.program, doc, who); err != nil {
			return nil, err
		}
		w.row = w.dec.appendRow(w.row[:0])
	}
	if !x.typ.diff(x.row, w.row).empty() {
		return nil, errors.New("the document changed")
	}
	return row, nil
}

// copyOf is a document with memory of its own: the one given is gone after the
// call.
func copyOf(doc *wire.Document) wire.Document {
	c := *doc
	c.Body, c.Unavailable = bytes.Clone(doc.Body), slices.Clone(doc.Unavailable)
	return c
}

// takeOut deletes, under the old set, the resources whose rows cannot be
// brought over.
func (s *swapper) takeOut(visit func(Flip)) {
	if s.rows == nil {
		return
	}
	var gone []uint32
	s.each(func(h uint32, x *entry) {
		if t := s.kinds[x.typ]; t != nil && !t.possible && s.again(h) == nil {
			gone = append(gone, h)
		}
	})
	for _, h := range gone {
		for _, f := range s.Delete(h) {
			visit(f)
		}
	}
}

// putBack puts in the documents that changed meanwhile. One that cannot be
// decoded stays out.
func (s *swapper) putBack(visit func(Flip)) {
	for _, h := range slices.Sorted(maps.Keys(s.other)) {
		doc := s.other[h]
		flips, err := s.Upsert(h, &doc)
		if err != nil {
			continue
		}
		for _, f := range flips {
			visit(f)
		}
	}
}

// move gives a resource its new program and plan, and the marks that hold under
// them.
func (s *swapper) move(h uint32, x *entry) {
	t := s.kinds[x.typ]
	if t == nil && !s.where.at(x) {
		return
	}
	was := moved{h, x.typ, x.plan, x.marks, nil}
	if t != nil {
		s.rewrite(h, x, t)
		x.typ = t.to
	}
	x.plan = s.plan(&was, x)
	if t == nil && x.plan == was.plan {
		return
	}
	was.step = s.step(&was, x)
	x.marks = make([]byte, x.typ.marks(x.plan))
	for i, k := range was.step.carried {
		x.marks[i] = unjudged
		if k >= 0 {
			x.marks[i] = was.marks[k]
		}
	}
	if t == nil || !t.rewatched {
		copy(x.answers(), was.marks[len(was.plan.members):])
	}
	s.moved = append(s.moved, was)
}

// rewrite brings a resource's row into the layout of its new program.
func (s *swapper) rewrite(h uint32, x *entry, t *translation) {
	switch {
	case t.same:
	case t.possible:
		x.row = t.row(&s.dec, nil, x.row)
	default:
		x.row = s.again(h)
	}
}

// plan finds a resource's plan. Resources of a subscription that had the same
// one have the same again, if no changed assignment tells them apart.
func (s *swapper) plan(was *moved, x *entry) *plan {
	key := planOf{was.plan, x.typ, x.sub}
	if p := s.found[key]; p != nil && s.where.coarse {
		return p
	}
	id, err := arm.ParseID(x.id)
	if err != nil {
		return &plan{} // it was parsed when it came
	}
	p := s.to.planFor(x.typ, policy.Target{ID: id, Type: x.position.typ, Location: s.work.location(x)})
	s.found[key] = p
	return p
}

// step is how the members of one plan follow on those of another.
type step struct {
	// carried has, for each member of the new plan, its place in the old one if
	// the same rule judges for it, else -1: then it must be judged.
	carried []int32
	judged  []int32 // places in the new plan of those to judge
	before  []int32 // for each of judged its place in the old plan, -1 if it had none
	gone    []int32 // places in the old plan of members that the new one lacks
}

func (s *swapper) step(was *moved, x *entry) *step {
	key := [2]*plan{was.plan, x.plan}
	if out := s.steps[key]; out != nil {
		return out
	}
	place := make(map[int32]int32, len(was.plan.members))
	for i, p := range was.plan.members {
		place[p.member] = int32(i)
	}
	out := &step{carried: make([]int32, len(x.plan.members))}
	for i, p := range x.plan.members {
		k, known := place[p.member]
		delete(place, p.member)
		if known && was.typ.rules[was.plan.members[k].rule].rule == x.typ.rules[p.rule].rule {
			out.carried[i] = k
			continue
		}
		if !known {
			k = -1
		}
		out.carried[i] = -1
		out.judged, out.before = append(out.judged, int32(i)), append(out.before, k)
	}
	out.gone = slices.Sorted(maps.Values(place))
	s.steps[key] = out
	return out
}

// relate files resources for the lookups that are new, and finds what is
// beneath those whose rules look elsewhere now.
func (s *swapper) relate() {
	known := uint32(len(s.to.lineage.from.lookups.all))
	s.eachMoved(func(h uint32, was *moved, x *entry) {
		t := s.kinds[was.typ]
		if t != nil && t.rewatched {
			s.relation.extend(h, &x.position, known)
		}
		if t != nil && x.typ.listed && !was.typ.listed {
			s.relation.list(h, &x.position)
		}
	})
	s.eachMoved(func(_ uint32, was *moved, x *entry) {
		t := s.kinds[was.typ]
		if t != nil && t.looksElsewhere {
			s.nearby(x)
		}
		if t != nil && t.rewatched {
			s.announce(x)
		}
	})
}

// answer asks the watches of the types whose watches changed, and sums up
// anew.
func (s *swapper) answer() {
	rewatched := map[string]bool{}
	for _, t := range s.kinds {
		if t.rewatched {
			rewatched[t.to.typ] = true
		}
	}
	if len(rewatched) == 0 {
		return
	}
	s.relation.each(func(lookup uint32, p *posting) {
		if rewatched[s.to.lookups.all[lookup].typ] {
			p.tallies = nil
		}
	})
	s.parallelMoved(func(w *worker, _ *moved, x *entry) {
		if rewatched[x.position.typ] {
			w.main.load(x.typ.program, x.row)
			w.main.at = x
			w.answerAll(&w.main, x, nil)
		}
	})
	s.eachMoved(func(_ uint32, _ *moved, x *entry) {
		if rewatched[x.position.typ] {
			s.countAnswers(x, 1)
		}
	})
}

// judge evaluates what no mark was carried over for.
func (s *swapper) judge() {
	s.parallelMoved(func(w *worker, was *moved, x *entry) {
		if len(was.step.judged) > 0 {
			w.begin(x)
		}
		for _, i := range was.step.judged {
			x.marks[i] = w.mark(x, x.plan.members[i].rule)
		}
	})
}

// tell compares the marks that resources had with those that they have.
func (s *swapper) tell(visit func(Flip)) {
	s.eachMoved(func(h uint32, was *moved, x *entry) {
		for n, i := range was.step.judged {
			from, to := policy.NotApplicable, policy.State(x.marks[i]&markState)
			if k := was.step.before[n]; k >= 0 {
				from = policy.State(was.marks[k] & markState)
			}
			if p := x.plan.members[i]; from != to {
				visit(Flip{h, int(p.member), from, to, s.reason(x, int(p.rule), to)})
			}
		}
		for _, k := range was.step.gone {
			if from := policy.State(was.marks[k] & markState); from != policy.NotApplicable {
				visit(Flip{Handle: h, Member: int(was.plan.members[k].member), From: from})
			}
		}
	})
}

func (s *swapper) eachMoved(f func(h uint32, was *moved, x *entry)) {
	for i := range s.moved {
		m := &s.moved[i]
		f(m.handle, m, s.entry(m.handle))
	}
}

// parallelMoved calls f for every moved resource, from as many goroutines as
// there are processors.
func (s *swapper) parallelMoved(f func(w *worker, was *moved, x *entry)) {
	n := min(runtime.GOMAXPROCS(0), len(s.moved))
	if n == 0 {
		return
	}
	var wg sync.WaitGroup
	for part := range slices.Chunk(s.moved, (len(s.moved)+n-1)/n) {
		wg.Go(func() {
			w := s.workers.Get().(*worker)
			defer s.workers.Put(w)
			for i := range part {
				f(w, &part[i], s.entry(part[i].handle))
			}
			w.forget()
		})
	}
	wg.Wait()
}

func (m *Member) identity() [3]string {
	return [3]string{arm.Fold(m.Assignment), arm.Fold(m.ReferenceID), arm.Fold(m.DefinitionID)}
}
