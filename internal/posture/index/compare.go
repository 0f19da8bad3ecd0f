package index

import (
	"fmt"
	"slices"
	"sync"

	"github.com/rampart-sec/rampart/internal/posture/record"
)

// Difference is something that the running estate says otherwise than a sweep.
type Difference struct {
	ResourceID     string // "": of the counts of the estate
	Recommendation string // id, "": of the resource itself
	Kept, Swept    string // in words
}

// MaxDifferences bounds the differences that a sweep lists.
const MaxDifferences = 1000

// AssessmentCount is the number of assessments that apply.
func (v *View) AssessmentCount() int {
	n := 0
	for i := range v.Total.recs {
		for _, of := range v.Total.recs[i].ByState {
			n += int(of)
		}
	}
	return n
}

// Differences are what a view keeps otherwise than a sweep's view. Who had a task
// for how long depends on the order of changes, which a sweep sees in other batches:
// it is compared where a row is the one that it was when the sweep began.
func (swept *View) Differences(kept, first *View) map[Difference]bool {
	var mu sync.Mutex
	found := map[Difference]bool{}
	note := func(d Difference) {
		mu.Lock()
		defer mu.Unlock()
		if len(found) < 10*MaxDifferences {
			found[d] = true
		}
	}
	var recounted sync.WaitGroup
	recounted.Go(func() { kept.recount(note) })
	swept.Rows.Each(func(h uint32, s *record.Row) bool {
		k := kept.Rows.At(h)
		if k == nil {
			note(Difference{s.ID, "", "not there", "there"})
			return true
		}
		kept.compare(k, s, first.Rows.At(h) == k, note)
		return true
	})
	kept.Rows.Each(func(h uint32, k *record.Row) bool {
		if swept.Rows.At(h) == nil {
			note(Difference{k.ID, "", "there", "not there"})
		}
		return true
	})
	recounted.Wait()
	return found
}

// compare notes where a row says something else than the sweep's row, times left
// out, and what governance says too unless asked for.
func (kept *View) compare(k, s *record.Row, governed bool, note func(Difference)) {
	about := func(what string, a, b any) {
		note(Difference{k.ID, "", fmt.Sprint(what, " ", a), fmt.Sprint(what, " ", b)})
	}
	switch {
	case k.ID != s.ID:
		about("id", k.ID, s.ID)
	case k.Tags != s.Tags:
		about("tags", k.TagMap(), s.TagMap())
	case k.Group != s.Group || k.Subscription != s.Subscription || k.Type != s.Type || k.Location != s.Location || k.Source != s.Source:
		about("place", kept.placeOf(k), kept.placeOf(s))
	case k.Factors != s.Factors:
		about("risk factors", k.Factors, s.Factors)
	case k.Stale != s.Stale:
		about("stale", k.Stale, s.Stale)
	case !k.Container.Equal(s.Container):
		about("groups", k.Container, s.Container)
	case !k.Findings.Equal(s.Findings):
		about("findings", k.Findings.Numbers(), s.Findings.Numbers())
	}
	record.EachPair(k.Statuses, s.Statuses, func(a, b record.Status) {
		if a.State != b.State || governed && a.Flags != b.Flags || a.Reason != b.Reason {
			note(Difference{k.ID, kept.schema.IDs[a.Slot], kept.words(a), kept.words(b)})
		}
	})
}

func (v *View) placeOf(r *record.Row) string {
	n := v.names
	return fmt.Sprint(n.Groups.Name(r.Group), " ", n.Subscriptions.Name(r.Subscription), " ", n.Types.Name(r.Type), " ", n.Locations.Name(r.Location), " ", n.Sources.Name(r.Source))
}

func (v *View) words(c record.Status) string {
	text := c.State.String()
	if c.Reason != 0 {
		text += ": " + v.names.Reasons.Name(c.Reason)
	}
	if c.Flags != 0 {
		text += fmt.Sprint(" (flags ", uint8(c.Flags), ")")
	}
	return text
}

// recount counts the rows of a view again and notes where the totals differ.
func (v *View) recount(note func(Difference)) {
	total, subs := NewTotals(v.seq, v.schema), map[uint32]*Totals{}
	st := make([]record.ControlStatus, len(v.schema.Controls))
	v.Rows.Each(func(_ uint32, r *record.Row) bool {
		l := subs[r.Subscription]
		if l == nil {
			l = NewTotals(v.seq, v.schema)
			subs[r.Subscription] = l
		}
		v.schema.ControlStatuses(r, st)
		total.add(v.schema, r, st, +1)
		l.add(v.schema, r, st, +1)
		return true
	})
	total.compare(v.Total, "the estate", note)
	v.Subs.Each(func(n uint32, s *Subscription) bool {
		l := subs[n]
		if l == nil {
			l = NewTotals(v.seq, v.schema)
		}
		l.compare(s.Totals, s.ID, note)
		return true
	})
	for slot := range v.Recs {
		for state := range record.Exempt + 1 {
			if in, counted := v.Recs[slot][state].Len(), int(v.Total.Of(uint16(slot)).ByState[state]); in != counted {
				note(Difference{"", v.schema.IDs[slot], fmt.Sprint("index of ", state, " ", in), fmt.Sprint(counted)})
			}
		}
	}
}

// compare notes where kept counts otherwise than l does.
func (l *Totals) compare(kept *Totals, of string, note func(Difference)) {
	if l.Rows != kept.Rows || l.assessed != kept.assessed || l.pending != kept.pending {
		note(Difference{"", "", fmt.Sprint(of, " ", kept.Rows, kept.assessed, kept.pending), fmt.Sprint(of, " ", l.Rows, l.assessed, l.pending)})
	}
	if !slices.Equal(l.Controls, kept.Controls) {
		note(Difference{"", "", fmt.Sprint(of, " controls ", kept.Controls), fmt.Sprint(of, " controls ", l.Controls)})
	}
	for i := range l.recs {
		a, b := kept.Of(uint16(i)), l.recs[i]
		a.changed, b.changed = 0, 0 // kept when rows go
		if a != b {
			note(Difference{"", "", fmt.Sprint(of, " slot ", i, " ", a), fmt.Sprint(of, " slot ", i, " ", b)})
		}
	}
}
