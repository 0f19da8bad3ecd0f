package posture

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/rampart-sec/rampart/internal/arm"
	"github.com/rampart-sec/rampart/internal/store"
)

// Sweep is what a full sweep found.
type Sweep struct {
	Resources   int
	Assessments int
	Took        time.Duration // until everything was judged anew and compared once
	// Total is the number of differences; the first maxDifferences are listed, by
	// resource.
	Total       int
	Differences []Difference
}

// Difference is something that the running estate says otherwise than a sweep.
type Difference struct {
	ResourceID     string // "": of the counts of the estate
	Recommendation string // id, "": of the resource itself
	Kept, Swept    string // in words
}

const (
	maxDifferences = 1000
	// maxSweepRounds is how often a sweep compares before it says that there are
	// differences, and how often it starts over.
	maxSweepRounds = 3
)

// Sweep judges every document of the store anew, as a start would, in memory of
// its own, and compares all of it with what the running estate says. It is the
// proof that increments were right: it must find nothing. It changes nothing, and
// neither pages nor the judge wait for it; it takes as much time and memory as a
// start.
//
// Resources may change meanwhile, so a difference counts only if it is still the
// same when the running estate has come as far as the sweep and has looked at the
// clock. When policies, exemptions, rules or management groups change it starts over;
// if they do not come to rest, it is refused.
//
// There is one sweep of an estate at a time; another is refused with an arm.Error.
func (e *Estate) Sweep(ctx context.Context) (*Sweep, error) {
	if !e.sweeping.CompareAndSwap(false, true) {
		return nil, &arm.Error{Status: http.StatusConflict, Code: "SweepInProgress", Message: "The estate is being swept; wait until that is done."}
	}
	defer e.sweeping.Store(false)
	defer e.judge.opt.Relax()()
	for range maxSweepRounds {
		result, err := e.sweep(ctx)
		if !errors.Is(err, errStartOver) {
			return result, err
		}
	}
	return nil, &arm.Error{Status: http.StatusConflict, Code: "PoliciesChange", Message: "Policies keep changing; sweep when they are at rest."}
}

// errStartOver ends a sweep when what decides over many resources changes.
var errStartOver = errors.New("policies changed during the sweep")

// decides reports whether an object may be about many resources.
func decides(o store.Object) bool {
	return slices.Contains(objectKinds, o.Kind) || slices.Contains(governKinds, o.Kind)
}

func (e *Estate) sweep(ctx context.Context) (*Sweep, error) {
	began, first := time.Now(), e.View()
	s := newEstate(e.judge, store.Tenant{ID: e.tenant, CreatedAt: e.created})
	s.ageless, s.shadow = e.ageless, true
	s.share(e.names)
	if err := s.load(ctx); err != nil {
		return nil, fmt.Errorf("sweep: %w", err)
	}
	result := &Sweep{}
	var last map[Difference]bool
	for round := 1; ; round++ {
		if err := s.catchUp(ctx); err != nil {
			return nil, fmt.Errorf("sweep: %w", err)
		}
		v, err := e.reach(ctx, s.positions)
		if err != nil {
			return nil, fmt.Errorf("sweep: %w", err)
		}
		found := s.View().differences(v, first)
		if last != nil {
			maps.DeleteFunc(found, func(d Difference, _ bool) bool { return !last[d] })
		}
		if round == 1 {
			result.Took = time.Since(began)
			result.Resources, result.Assessments = v.Resources(), v.assessments()
		}
		if len(found) == 0 || round == maxSweepRounds {
			result.take(found)
			return result, nil
		}
		last = found
		if err := pause(ctx, e.judge.patience); err != nil {
			return nil, err
		}
	}
}

// take puts differences in order.
func (s *Sweep) take(found map[Difference]bool) {
	s.Total = len(found)
	s.Differences = slices.SortedFunc(maps.Keys(found), func(a, b Difference) int {
		return cmp.Or(cmp.Compare(a.ResourceID, b.ResourceID), cmp.Compare(a.Recommendation, b.Recommendation), cmp.Compare(a.Kept, b.Kept))
	})
	s.Differences = s.Differences[:min(len(s.Differences), maxDifferences)]
}

// share makes an estate number its strings as another does.
func (e *Estate) share(n *names) {
	e.names = n
	e.reports = newReports(e.judge, n)
	e.eval.reports = e.reports
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// reach waits until the judge has taken in the feed up to some positions, and
// applied what policy edits it found there, and returns the view.
func (e *Estate) reach(ctx context.Context, positions map[int]uint64) (*View, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events := e.Subscribe(ctx)
	for {
		if v := e.reached(positions); v != nil {
			return v, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-events:
		}
	}
}

// reached is the view if it is as far as some positions, else nil.
func (e *Estate) reached(positions map[int]uint64) *View {
	e.mu.Lock()
	defer e.mu.Unlock()
	for part, seq := range positions {
		if e.positions[part] < seq {
			return nil
		}
	}
	if v := e.View(); v.rereading == nil && e.unwritten == nil {
		return v
	}
	return nil
}

// assessments is the number of assessments that apply.
func (v *View) assessments() int {
	n := 0
	for i := range v.total.recs {
		for _, of := range v.total.recs[i].by {
			n += int(of)
		}
	}
	return n
}

// differences are what a view keeps otherwise than a sweep's view. Who had a task
// for how long hangs on the order of changes, which a sweep sees in other batches:
// it is compared where a row is the one that it was when the sweep began.
func (swept *View) differences(kept, first *View) map[Difference]bool {
	var mu sync.Mutex
	found := map[Difference]bool{}
	note := func(d Difference) {
		mu.Lock()
		defer mu.Unlock()
		if len(found) < 10*maxDifferences {
			found[d] = true
		}
	}
	var recounted sync.WaitGroup
	recounted.Go(func() { kept.recount(note) })
	swept.rows.Each(func(h uint32, s *row) bool {
		k := kept.rows.At(h)
		if k == nil {
			note(Difference{s.id, "", "not there", "there"})
			return true
		}
		kept.compare(k, s, first.rows.At(h) == k, note)
		return true
	})
	kept.rows.Each(func(h uint32, k *row) bool {
		if swept.rows.At(h) == nil {
			note(Difference{k.id, "", "there", "not there"})
		}
		return true
	})
	recounted.Wait()
	return found
}

// compare notes where a row says something else than the sweep's row, times left
// out, and what governance says too unless asked for.
func (kept *View) compare(k, s *row, governed bool, note func(Difference)) {
	about := func(what string, a, b any) {
		note(Difference{k.id, "", fmt.Sprint(what, " ", a), fmt.Sprint(what, " ", b)})
	}
	switch {
	case k.id != s.id:
		about("id", k.id, s.id)
	case k.tags != s.tags:
		about("tags", k.tagMap(), s.tagMap())
	case k.group != s.group || k.sub != s.sub || k.typ != s.typ || k.location != s.location || k.source != s.source:
		about("place", kept.placeOf(k), kept.placeOf(s))
	case k.factors != s.factors:
		about("risk factors", k.factors, s.factors)
	case k.stale != s.stale:
		about("stale", k.stale, s.stale)
	case !k.container.equal(s.container):
		about("groups", k.container, s.container)
	case !k.found.equal(s.found):
		about("findings", k.found.numbers(), s.found.numbers())
	}
	i, j := 0, 0
	for i < len(k.cells) || j < len(s.cells) {
		var a, b cell
		switch {
		case j == len(s.cells) || i < len(k.cells) && k.cells[i].slot < s.cells[j].slot:
			a, b = k.cells[i], cell{slot: k.cells[i].slot}
			i++
		case i == len(k.cells) || s.cells[j].slot < k.cells[i].slot:
			a, b = cell{slot: s.cells[j].slot}, s.cells[j]
			j++
		default:
			a, b = k.cells[i], s.cells[j]
			i, j = i+1, j+1
		}
		if a.state != b.state || governed && a.flags != b.flags || a.reason != b.reason {
			note(Difference{k.id, kept.shape.ids[a.slot], kept.words(a), kept.words(b)})
		}
	}
}

func (v *View) placeOf(r *row) string {
	n := v.names
	return fmt.Sprint(n.groups.name(r.group), " ", n.subs.name(r.sub), " ", n.types.name(r.typ), " ", n.locations.name(r.location), " ", n.sources.name(r.source))
}

func (v *View) words(c cell) string {
	text := c.state.String()
	if c.reason != 0 {
		text += ": " + v.names.reasons.name(c.reason)
	}
	if c.flags != 0 {
		text += fmt.Sprint(" (flags ", uint8(c.flags), ")")
	}
	return text
}

func (f *foundSet) numbers() string {
	if f == nil {
		return "none"
	}
	return fmt.Sprint(f.open, " disabled ", f.off)
}

// recount counts the rows of a view again and notes where the ledgers differ.
func (v *View) recount(note func(Difference)) {
	total, subs := newLedger(v.seq, v.shape), map[uint32]*ledger{}
	st := make([]standing, len(v.shape.controls))
	v.rows.Each(func(_ uint32, r *row) bool {
		l := subs[r.sub]
		if l == nil {
			l = newLedger(v.seq, v.shape)
			subs[r.sub] = l
		}
		v.shape.standings(r, st)
		total.add(v.shape, r, st, +1)
		l.add(v.shape, r, st, +1)
		return true
	})
	total.compare(v.total, "the estate", note)
	v.subs.Each(func(n uint32, s *subscription) bool {
		l := subs[n]
		if l == nil {
			l = newLedger(v.seq, v.shape)
		}
		l.compare(s.ledger, s.id, note)
		return true
	})
	for slot := range v.recs {
		for state := range Exempt + 1 {
			if in, counted := v.recs[slot][state].Len(), int(v.total.rec(uint16(slot)).by[state]); in != counted {
				note(Difference{"", v.shape.ids[slot], fmt.Sprint("index of ", state, " ", in), fmt.Sprint(counted)})
			}
		}
	}
}

// compare notes where kept counts otherwise than l does.
func (l *ledger) compare(kept *ledger, of string, note func(Difference)) {
	if l.rows != kept.rows || l.assessed != kept.assessed || l.pending != kept.pending {
		note(Difference{"", "", fmt.Sprint(of, " ", kept.rows, kept.assessed, kept.pending), fmt.Sprint(of, " ", l.rows, l.assessed, l.pending)})
	}
	if !slices.Equal(l.controls, kept.controls) {
		note(Difference{"", "", fmt.Sprint(of, " controls ", kept.controls), fmt.Sprint(of, " controls ", l.controls)})
	}
	for i := range l.recs {
		a, b := kept.rec(uint16(i)), l.recs[i]
		a.changed, b.changed = 0, 0 // kept when rows go
		if a != b {
			note(Difference{"", "", fmt.Sprint(of, " slot ", i, " ", a), fmt.Sprint(of, " slot ", i, " ", b)})
		}
	}
}
