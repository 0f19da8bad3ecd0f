package index

import (
	"cmp"

	"github.com/rampart-sec/rampart/internal/posture/record"
)

// pair is one assessment in an order over rows.
type pair struct {
	r    *record.Row
	slot uint16
	key  uint64
}

// smallest answers a query in an order over rows: by name or by the time of
// the last change, latest first.
func (s *assessmentSearch) smallest() Page[record.Assessment] {
	page := Page[record.Assessment]{Total: s.total}
	start, valid := s.startPair()
	top := newTopK(s.limit+1, s.comparePairs)
	if s.sort == "name" && s.total > manyNamed && s.walk(top, start, s.paged && valid) {
		return s.pageOf(page, top.sorted())
	}
	top = newTopK(s.limit+1, s.comparePairs)
	for _, g := range s.segments {
		it := g.rows().Iterator()
		for it.HasNext() {
			p := s.pair(s.v.Rows.At(it.Next()), g.slot)
			if !s.paged || !valid || s.comparePairs(p, start) > 0 {
				top.add(p)
			}
		}
	}
	return s.pageOf(page, top.sorted())
}

// manyNamed is the number of assessments from which it is quicker to look through
// rows in the order of their names than to sort those selected.
var manyNamed = 20_000

// walk fills top from rows in the order of names. ok is false if that would take too
// long.
func (s *assessmentSearch) walk(top *topK[pair], start pair, paged bool) (ok bool) {
	segments := map[[2]uint16]*segment{}
	for i := range s.segments {
		g := &s.segments[i]
		segments[[2]uint16{g.slot, uint16(g.state)}] = g
	}
	found := 0
	return s.v.byName(start.r, s.q.Desc, func(r *record.Row) bool {
		ranked := s.v.rank(r)%2 == 1
		for _, c := range r.Statuses {
			g := segments[[2]uint16{c.Slot, uint16(c.State)}]
			if g == nil || !g.bits.Contains(r.Handle) || g.filter.bits != nil && !g.filter.bits.Contains(r.Handle) {
				continue
			}
			p := pair{r, c.Slot, s.v.rank(r)}
			if paged && s.comparePairs(p, start) <= 0 {
				continue
			}
			top.add(p)
			if ranked {
				found++
			}
		}
		return found <= s.limit
	})
}

// pageOf is the page of the first rows, one more than fit if there are more.
func (s *assessmentSearch) pageOf(page Page[record.Assessment], rows []pair) Page[record.Assessment] {
	if len(rows) > s.limit {
		rows = rows[:s.limit]
		last := rows[s.limit-1]
		page.Next = cursor{
			List: "assessments", Sort: s.sort, Desc: s.q.Desc, Key: last.key, Handle: last.r.Handle,
			At: last.r.ID, Rec: s.v.schema.Slots[last.slot].ID,
		}.encode()
	}
	for _, p := range rows {
		page.Rows = append(page.Rows, s.v.AssessmentOf(p.r, p.slot))
	}
	return page
}

func (s *assessmentSearch) pair(r *record.Row, slot uint16) pair {
	if s.sort == "name" {
		return pair{r, slot, s.v.rank(r)}
	}
	c, _ := r.StatusOf(slot)
	return pair{r, slot, ^uint64(c.Since)} // latest first
}

// startPair is the cursor's pair. A row that is gone keeps its place by id.
func (s *assessmentSearch) startPair() (pair, bool) {
	if !s.paged {
		return pair{}, false
	}
	slot, _ := s.v.schema.Slot(s.after.Rec)
	r := &record.Row{Handle: s.after.Handle, ID: s.after.At}
	if known := s.v.Rows.At(s.after.Handle); known != nil {
		r = known
	}
	key := s.after.Key
	if s.sort == "name" {
		key = s.v.rank(r)
	}
	return pair{r, slot, key}, true
}

func (s *assessmentSearch) comparePairs(a, b pair) int {
	c := cmp.Compare(a.key, b.key)
	if c == 0 && s.sort == "name" {
		c = compareNames(a.r, b.r)
	}
	if s.q.Desc {
		c = -c
	}
	return cmp.Or(c, cmp.Compare(a.r.Handle, b.r.Handle), cmp.Compare(a.slot, b.slot))
}
