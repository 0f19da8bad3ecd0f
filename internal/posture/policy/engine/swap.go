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
	"sync/atomic"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// Reread gives documents again. It calls load for every resource of the types
// named, folded. load keeps nothing of a document, and may be called by several
// goroutines.
type Reread func(types []string, load func(handle uint32, doc *wire.Document)) error

// Swap puts a set in place of the estate's, from which it must have been made
// by Recompile, and calls visit for the verdicts that changed, some of them at a
// time, each by ascending handle; visit may keep them. A member that is gone has
// its verdicts change to NotApplicable, under the number that it had.
// Only what the changed policies are about is looked at.
//
// Where the new rules read something that rows do not hold, the documents of
// these types are asked for. One that is not given again is no longer resident;
// one that is another than the row was made of is taken as a change. If reread
// fails nothing has changed.
func (e *Estate) Swap(set *Set, reread Reread, visit func([]Flip)) error {
	if set.lineage == nil || set.lineage.from != e.set {
		return errors.New("swap policies: the set was not made from the estate's")
	}
	e.placeLoaded()
	s := &swapper{Estate: e, to: set, where: newTouched(e, set), kinds: map[*typeProgram]*translation{}}
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
	s.move()
	s.relate()
	s.answer()
	s.judge()
	for _, p := range s.moved {
		visit(p.flips)
	}
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
	moved []movedPage
}

// movedPage is what was moved of one page of resources.
type movedPage struct {
	moved  []moved
	states []byte // of the verdicts that resources had and may have no longer
	flips  []Flip
}

// moved is a resource that another plan or program judges now.
type moved struct {
	handle uint32
	states uint32 // where its old states begin: of step.judged, then of step.gone
	kind   *translation
	step   *step
}

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
func (s *swapper) takeOut(visit func([]Flip)) {
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
		visit(slices.Clone(s.Delete(h)))
	}
}

// putBack puts in the documents that changed meanwhile. One that cannot be
// decoded stays out.
func (s *swapper) putBack(visit func([]Flip)) {
	for _, h := range slices.Sorted(maps.Keys(s.other)) {
		doc := s.other[h]
		flips, err := s.Upsert(h, &doc)
		if err != nil {
			continue
		}
		visit(slices.Clone(flips))
	}
}

// relate files resources for the lookups that are new, and finds what is
// beneath those whose rules look elsewhere now.
func (s *swapper) relate() {
	known := uint32(len(s.to.lineage.from.lookups.all))
	s.eachRelated(func(h uint32, t *translation, x *entry) {
		if t.rewatched {
			s.relation.extend(h, &x.position, known)
		}
		if x.typ.listed && !t.from.listed {
			s.relation.list(h, &x.position)
		}
	})
	s.eachRelated(func(_ uint32, t *translation, x *entry) {
		if t.looksElsewhere {
			s.nearby(x)
		}
		if t.rewatched {
			s.announce(x)
		}
	})
}

// relates reports whether resources of the type are found in other ways, or find
// others, than before.
func (t *translation) relates() bool {
	return t.rewatched || t.looksElsewhere || t.to.listed && !t.from.listed
}

// eachRelated calls f for every moved resource whose type relates.
func (s *swapper) eachRelated(f func(h uint32, t *translation, x *entry)) {
	some := false
	for _, t := range s.kinds {
		some = some || t.relates()
	}
	if !some {
		return
	}
	for i := range s.moved {
		for _, m := range s.moved[i].moved {
			if m.kind != nil && m.kind.relates() {
				f(m.handle, m.kind, s.entry(m.handle))
			}
		}
	}
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
	s.parallel(func(w *worker) func(page int) {
		return func(page int) {
			for _, m := range s.moved[page].moved {
				if x := s.entry(m.handle); rewatched[x.position.typ] {
					w.main.load(x.typ.program, x.row)
					w.main.at = x
					w.answerAll(&w.main, x, nil)
				}
			}
		}
	})
	s.eachRelated(func(_ uint32, _ *translation, x *entry) {
		if rewatched[x.position.typ] {
			s.countAnswers(x, 1)
		}
	})
}

// judge evaluates what no mark was carried over for, and compares with the states
// that resources had.
func (s *swapper) judge() {
	s.parallel(func(w *worker) func(page int) {
		return func(page int) {
			p := &s.moved[page]
			for i := range p.moved {
				s.judgeOne(w, p, &p.moved[i])
				if i == 0 && len(p.flips) > 0 { // likely not the last
					p.flips = slices.Grow(p.flips, len(p.moved))
				}
			}
			w.forget()
		}
	})
}

func (s *swapper) judgeOne(w *worker, p *movedPage, m *moved) {
	st, x := m.step, s.entry(m.handle)
	states := p.states[m.states:]
	if len(st.judged) > 0 {
		w.begin(x)
	}
	for n, i := range st.judged {
		member := x.plan.members[i]
		x.marks[i] = w.mark(x, member.rule)
		if from, to := policy.State(states[n]), policy.State(x.marks[i]&markState); from != to {
			p.flips = append(p.flips, Flip{m.handle, int(member.member), from, to, s.reason(x, int(member.rule), to)})
		}
	}
	for n, member := range st.left {
		if from := policy.State(states[len(st.judged)+n]); from != policy.NotApplicable {
			p.flips = append(p.flips, Flip{Handle: m.handle, Member: int(member), From: from})
		}
	}
}

// parallel calls for every page, from as many goroutines as there are processors,
// what begin makes for each of these.
func (s *swapper) parallel(begin func(w *worker) func(page int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(s.pages)) {
		wg.Go(func() {
			w := s.workers.Get().(*worker)
			defer s.workers.Put(w)
			do := begin(w)
			for i := next.Add(1) - 1; i < int64(len(s.pages)); i = next.Add(1) - 1 {
				if s.pages[i] != nil {
					do(int(i))
				}
			}
		})
	}
	wg.Wait()
}

func (m *Member) identity() [3]string {
	return [3]string{arm.Fold(m.Assignment), arm.Fold(m.ReferenceID), arm.Fold(m.DefinitionID)}
}
