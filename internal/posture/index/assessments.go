package index

import (
	"cmp"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/posture/record"
	"github.com/rampart-sec/rampart/internal/posture/risk"
)

// Assessments is a page of assessments. A bad sort or cursor is an *arm.Error.
// Sorted by "risk" (default) or "severity" a page costs one pass over sets;
// "name" and "since" also look at every row selected.
func (v *View) Assessments(q AssessmentQuery) (Page[record.Assessment], error) {
	var page Page[record.Assessment]
	sort, err := readSort(q.Sort, "risk", "since", "name", "severity")
	if err != nil {
		return page, err
	}
	after, paged, err := readCursor(q.After, "assessments", sort, q.Desc)
	if err != nil {
		return page, err
	}
	s := &assessmentSearch{v: v, levels: riskLevels{v: v}, q: &q, sort: sort, limit: readLimit(q.Limit), after: after, paged: paged}
	s.collect()
	if sort == "risk" || sort == "severity" {
		return s.inOrder(), nil
	}
	return s.smallest(), nil
}

// assessmentSearch answers one query in segments: the rows of one
// recommendation in one state and, by risk, of one level.
type assessmentSearch struct {
	v        *View
	q        *AssessmentQuery
	sort     string
	limit    int
	after    cursor
	paged    bool
	segments []segment
	total    int
	levels   riskLevels
	counts   *Totals // see kept
}

type segment struct {
	slot  uint16
	state record.State
	level risk.Level
	place int // of the slot in Schema.order
	// bits are the rows, but for what class and the filter leave out: most
	// segments are never read, so they are intersected when they are.
	bits, class *roaring.Bitmap
	filter      *filter
}

// rows are the rows of a segment; they must not be written.
func (g *segment) rows() *roaring.Bitmap {
	bits := g.filter.And(g.bits)
	if g.class != nil {
		bits = roaring.And(bits, g.class)
	}
	return bits
}

// stateOrder is how states are listed: what needs work first.
var stateOrder = [...]record.State{record.Unhealthy, record.Unknown, record.Healthy, record.Exempt}

func (s *assessmentSearch) collect() {
	f := s.v.Filter(s.q.Scope, s.q.Type, s.q.Text)
	s.counts = s.kept()
	for place, slot := range s.v.schema.Order {
		r := s.v.schema.Slots[slot]
		if !s.q.selects(r) {
			continue
		}
		for _, state := range stateOrder {
			if len(s.q.State) > 0 && !slices.Contains(s.q.State, state) {
				continue
			}
			bits := s.v.inStatus(slot, state, s.q.Status)
			if s.q.Owner != nil {
				bits = s.v.ofOwner(f.And(bits), slot, *s.q.Owner)
			}
			if len(f.words) > 0 {
				bits = f.withWords(f.And(bits), r.Title)
			}
			s.add(segment{slot: slot, state: state, place: place, bits: bits, filter: f})
		}
	}
	slices.SortFunc(s.segments, s.order)
}

func (q *AssessmentQuery) selects(r *record.Recommendation) bool {
	switch {
	case q.Recommendation != "" && !EqualIDs(q.Recommendation, r.ID):
		return false
	case len(q.Severity) > 0 && !slices.Contains(q.Severity, r.Severity):
		return false
	case len(q.Control) > 0 && (r.Control == nil || !slices.Contains(q.Control, r.Control.ID)):
		return false
	}
	return true
}

// add books a segment, unhealthy ones split by level where that is the order.
func (s *assessmentSearch) add(g segment) {
	n := s.count(&g)
	if n == 0 {
		return
	}
	s.total += n
	if g.state != record.Unhealthy || s.sort != "risk" {
		s.segments = append(s.segments, g)
		return
	}
	for level, class := range s.levels.of(g.slot) {
		if class != nil {
			g.level, g.class = risk.Level(level), class
			s.segments = append(s.segments, g)
		}
	}
}

// count is the number of rows of a segment, from totals where there is one.
func (s *assessmentSearch) count(g *segment) int {
	if s.counts != nil {
		return int(s.counts.Of(g.slot).ByState[g.state])
	}
	if g.filter.bits == nil {
		return int(g.bits.GetCardinality())
	}
	return int(g.bits.AndCardinality(g.filter.bits))
}

// kept is the totals of a query that selects whole subscriptions, nil for
// others.
func (s *assessmentSearch) kept() *Totals {
	sel := s.v.Resolve(s.q.Scope)
	switch {
	case s.q.Type != "" || s.q.Text != "" || len(s.q.Status) > 0 || s.q.Owner != nil:
		return nil
	case sel.sub != nil:
		return sel.sub.Totals
	case sel.set() == nil:
		return s.v.Total
	}
	return nil
}

// order compares segments; desc turns the whole order round.
func (s *assessmentSearch) order(a, b segment) int {
	c := cmp.Compare(a.place, b.place)
	if s.sort == "risk" {
		c = cmp.Or(cmp.Compare(b.level, a.level), cmp.Compare(stateIndex(a.state), stateIndex(b.state)), c)
	}
	c = cmp.Or(c, cmp.Compare(stateIndex(a.state), stateIndex(b.state)))
	if s.q.Desc {
		return -c
	}
	return c
}

func stateIndex(state record.State) int { return slices.Index(stateOrder[:], state) }

// inOrder reads the page straight from the segments; within one by handle.
func (s *assessmentSearch) inOrder() Page[record.Assessment] {
	page := Page[record.Assessment]{Total: s.total}
	start := s.startAfter()
	for _, g := range s.segments {
		c := 1
		if s.paged {
			c = s.order(g, start)
		}
		if c < 0 {
			continue
		}
		it := g.rows().Iterator()
		if c == 0 {
			it.AdvanceIfNeeded(s.after.Handle + 1)
		}
		for it.HasNext() {
			if len(page.Rows) == s.limit {
				last := page.Rows[s.limit-1]
				page.Next = s.cursorAt(last)
				return page
			}
			page.Rows = append(page.Rows, s.v.AssessmentOf(s.v.Rows.At(it.Next()), g.slot))
		}
	}
	return page
}

// startAfter is the segment that the cursor's row was in.
func (s *assessmentSearch) startAfter() segment {
	g := segment{state: record.State(s.after.Key & 0xff), level: risk.Level(s.after.Key >> 8)}
	if slot, ok := s.v.schema.Slot(s.after.Rec); ok {
		g.slot, g.place = slot, slices.Index(s.v.schema.Order, slot)
	}
	return g
}

func (s *assessmentSearch) cursorAt(a record.Assessment) string {
	level := a.Risk
	if s.sort != "risk" {
		level = risk.None
	}
	return cursor{
		List: "assessments", Sort: s.sort, Desc: s.q.Desc, Rec: a.Recommendation.ID, Handle: a.Handle,
		Key: uint64(level)<<8 | uint64(a.State),
	}.encode()
}
