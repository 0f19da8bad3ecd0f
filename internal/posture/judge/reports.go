package judge

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/finding"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/policy/engine"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// reports is what the judge knows of the reports of an estate: which findings
// each has, and which of them the evaluator was not shown because a rule
// disables them. Several goroutines use it at once.
type reports struct {
	sources *finding.Sources
	names   *record.Names
	judge   *Judge

	mu       sync.RWMutex
	rules    *finding.RuleSet    // what reports are masked by
	above    map[uint32][]arm.ID // management groups by subscription, as they were then
	placed   int                 // Estate.placed, as it was then
	byHandle map[uint32]*reportNote
	byParent map[uint64][]*reportNote // by hash of the folded id
	parents  bloomFilter              // their ids
	moved    map[string]bool          // parents to judge again
	// told are the rows that takeMoved has ever returned. A row of the index that is
	// in neither of both and had no findings when it was judged has no report about it.
	// Estate.mu guards it.
	told *roaring.Bitmap
	// pending are the reports that the evaluator has under other rules, cause is
	// why.
	pending *roaring.Bitmap
	cause   record.Cause
}

// reportNote is what is known of one report. It is never changed.
type reportNote struct {
	handle uint32
	parent string // id of the resource that it is about
	report string // its type, folded
	digest string
	open   []uint32 // findings that fail, ascending, those disabled included
	off    []uint32 // those of open that the evaluator was not shown
}

func newReports(j *Judge, n *record.Names) *reports {
	return &reports{
		sources: j.sources, names: n, judge: j, byHandle: map[uint32]*reportNote{}, byParent: map[uint64][]*reportNote{}, moved: map[string]bool{},
		pending: roaring.New(), told: roaring.New(),
	}
}

// take notes what a document reports and returns it as it is to be judged: the
// document itself unless a rule disables findings of it.
func (s *reports) take(handle uint32, doc *wire.Document) *wire.Document {
	src := s.sources.Report(doc)
	if src == nil {
		return doc
	}
	id, err := arm.ParseID(doc.ID)
	if err != nil {
		return doc // it is refused
	}
	parent, _ := id.Parent()
	r := src.Open(doc.Body)
	n := &reportNote{handle: handle, parent: parent.String(), report: r.Type(), digest: r.Image(parent)}
	rules, where := s.inForce(), s.where(n)
	r.EachFailing(func(it *finding.Result) {
		if !s.sources.Selectable(n.report, it.ID) {
			return
		}
		number := s.names.Findings.Number(&it.Finding)
		n.open = append(n.open, number)
		if rules.Rule(number, &it.Finding, where) != nil {
			n.off = append(n.off, number)
		}
	})
	if faults, err := r.Faults(); faults > 0 {
		s.judge.opt.Log.Warn("a report cannot be read in part", "id", doc.ID, "results", faults, "error", err)
	}
	n.open, n.off = distinct(n.open), distinct(n.off)
	s.keep(n)
	if len(n.off) == 0 {
		return doc
	}
	return s.masked(doc, src, rules, where)
}

// distinct sorts numbers and leaves each once.
func distinct(numbers []uint32) []uint32 {
	slices.Sort(numbers)
	return slices.Clip(slices.Compact(numbers))
}

// inForce are the rules that reports are masked by.
func (s *reports) inForce() *finding.RuleSet {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.rules
}

// where is place for one who does not hold mu.
func (s *reports) where(n *reportNote) *finding.Place {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.place(n)
}

// masked is a report as it is judged under some rules.
func (s *reports) masked(doc *wire.Document, src *finding.Source, rules *finding.RuleSet, at *finding.Place) *wire.Document {
	return src.Mask(doc, func(it *finding.Result) bool {
		return s.sources.Selectable(it.Report, it.ID) && rules.Rule(s.names.Findings.Number(&it.Finding), &it.Finding, at) != nil
	})
}

// document is a document as it is judged under some rules, without taking note
// of it.
func (s *reports) document(doc *wire.Document, rules *finding.RuleSet) *wire.Document {
	if rules == nil {
		return doc
	}
	src := s.sources.Report(doc)
	if src == nil {
		return doc
	}
	id, err := arm.ParseID(doc.ID)
	if err != nil {
		return doc
	}
	parent, _ := id.Parent()
	return s.masked(doc, src, rules, s.where(&reportNote{parent: parent.String(), digest: src.Open(doc.Body).Image(parent)}))
}

// place is where a report's findings are; mu is held.
func (s *reports) place(n *reportNote) *finding.Place {
	id, err := arm.ParseID(n.parent)
	if err != nil {
		return &finding.Place{} // it was parsed before
	}
	at := &finding.Place{Resource: id, Digest: n.digest}
	if sub, ok := s.names.Subscriptions.Find(arm.Fold(id.SubscriptionID())); ok {
		at.Above = s.above[sub]
	}
	return at
}

// disabled are the findings of a report that some rules disable; mu is held.
func (s *reports) disabled(n *reportNote, rules *finding.RuleSet) []uint32 {
	if rules == nil || len(n.open) == 0 {
		return nil
	}
	var off []uint32
	var where *finding.Place
	all := s.names.Findings.List()
	for _, number := range n.open {
		// Most findings are selected by no rule: the place is asked for late.
		if !rules.Selects(number, all[number]) {
			continue
		}
		if where == nil {
			where = s.place(n)
		}
		if rules.Rule(number, all[number], where) != nil {
			off = append(off, number)
		}
	}
	return off
}

// keep puts a note in place of the one with its handle.
func (s *reports) keep(n *reportNote) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.byHandle[n.handle]
	s.pending.Remove(n.handle)
	if was != nil && was.parent == n.parent && slices.Equal(was.open, n.open) && slices.Equal(was.off, n.off) {
		return
	}
	s.drop(was)
	s.byHandle[n.handle] = n
	key := record.HashID(n.parent)
	s.parents.add(n.parent)
	s.byParent[key] = append(slices.Clip(s.byParent[key]), n)
	s.moved[n.parent] = true
}

// forget takes a report out.
func (s *reports) forget(handle uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending.Remove(handle)
	s.drop(s.byHandle[handle])
}

// drop takes a note out; mu is held.
func (s *reports) drop(n *reportNote) {
	if n == nil {
		return
	}
	delete(s.byHandle, n.handle)
	s.moved[n.parent] = true
	key := record.HashID(n.parent)
	left := slices.DeleteFunc(slices.Clone(s.byParent[key]), func(other *reportNote) bool { return other == n })
	if len(left) == 0 {
		delete(s.byParent, key)
		return
	}
	s.byParent[key] = left
}

// about are the notes of the reports about a resource.
func (s *reports) about(id string) []*reportNote {
	if !s.parents.mayHave(id) {
		return nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	notes := s.byParent[record.HashID(id)]
	for _, n := range notes {
		if len(n.parent) != len(id) || !index.EqualIDs(n.parent, id) { // two ids with one hash
			return slices.DeleteFunc(slices.Clone(notes), func(n *reportNote) bool { return !index.EqualIDs(n.parent, id) })
		}
	}
	return notes
}

// takeMoved returns the rows whose reports have changed since it was asked last.
func (s *reports) takeMoved() *roaring.Bitmap {
	s.mu.Lock()
	moved := s.moved
	s.moved = map[string]bool{}
	s.mu.Unlock()
	rows := roaring.New()
	for id := range moved {
		rows.Add(s.names.Handle(id))
	}
	s.told.Or(rows)
	return rows
}

// disablingEvaluator is an evaluator that is shown reports without their disabled findings.
type disablingEvaluator struct {
	evaluator
	reports *reports
}

func (m disablingEvaluator) load(handle uint32, doc *wire.Document) (engine.Outline, error) {
	shown := m.reports.take(handle, doc)
	outline, err := m.evaluator.load(handle, shown)
	if shown != doc {
		outline = engine.Outline{} // of the copy
	}
	return outline, err
}

func (m disablingEvaluator) upsert(handle uint32, doc *wire.Document) error {
	return m.evaluator.upsert(handle, m.reports.take(handle, doc))
}

// upsertAll is upsert for many documents, which are masked on all processors;
// refuse is told of those that cannot be judged.
func (m disablingEvaluator) upsertAll(docs []store.Resource, refuse func(*wire.Document, error)) {
	masked := make([]*wire.Document, len(docs))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(docs)) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(docs)); i = next.Add(1) - 1 {
				masked[i] = m.reports.take(docs[i].Handle, &docs[i].Doc)
			}
		})
	}
	wg.Wait()
	for i, doc := range masked {
		if err := m.evaluator.upsert(docs[i].Handle, doc); err != nil {
			refuse(doc, err)
		}
	}
}

func (m disablingEvaluator) remove(handle uint32) {
	m.reports.forget(handle)
	m.evaluator.remove(handle)
}

func (m disablingEvaluator) evaluate(at time.Time) (*roaring.Bitmap, time.Time, error) {
	changed, next, err := m.evaluator.evaluate(at)
	if err == nil {
		changed.Or(m.reports.takeMoved())
	}
	return changed, next, err
}
