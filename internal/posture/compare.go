package posture

import (
	"fmt"
	"slices"
	"sync"
)

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
	eachPair(k.cells, s.cells, func(a, b cell) {
		if a.state != b.state || governed && a.flags != b.flags || a.reason != b.reason {
			note(Difference{k.id, kept.shape.ids[a.slot], kept.words(a), kept.words(b)})
		}
	})
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
