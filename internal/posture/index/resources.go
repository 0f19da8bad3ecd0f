package index

import (
	"cmp"
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/posture/cow"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// Resource is one resource, by id of any case.
func (v *View) Resource(id string) (ResourceRow, bool) {
	r := v.Find(strings.TrimSuffix(id, "/"))
	if r == nil {
		return ResourceRow{}, false
	}
	return v.resourceRow(r), true
}

func (v *View) resourceRow(r *record.Row) ResourceRow {
	out := ResourceRow{
		Handle: r.Handle, ID: r.ID, Name: r.Name(), Type: typeOf(r.ID),
		Location: v.names.Locations.Name(r.Location), Tags: r.TagMap(),
		ObservedAt: r.ObservedAt(), Source: v.names.Sources.Name(r.Source), Stale: r.Stale,
	}
	for _, c := range r.Statuses {
		out.Counts.Add(c.State)
		if severity := v.schema.Slots[c.Slot].Severity; c.State == record.Unhealthy && record.SeverityRank(severity) > record.SeverityRank(out.Worst) {
			out.Worst = severity
		}
	}
	if r.Stale {
		out.Counts.Stale = len(r.Statuses)
	}
	return out
}

// Inventory is a page of resources. A bad sort or cursor is an *arm.Error.
func (v *View) Inventory(q InventoryQuery) (Page[ResourceRow], error) {
	var page Page[ResourceRow]
	sort, err := readSort(q.Sort, "unhealthy", "name", "type", "seen")
	if err != nil {
		return page, err
	}
	after, paged, err := readCursor(q.After, "inventory", sort, q.Desc)
	if err != nil {
		return page, err
	}
	s := &resourceSearch{v: v, sort: sort, desc: q.Desc, bits: v.inventory(q), limit: readLimit(q.Limit)}
	if paged {
		s.after = &place{&record.Row{Handle: after.Handle, ID: after.At}, after.Key}
		if known := v.Rows.At(after.Handle); known != nil {
			s.after.r = known
		}
	}
	page.Total = int(s.bits.GetCardinality())
	rows := s.read()
	if len(rows) > s.limit {
		rows = rows[:s.limit]
		last := rows[s.limit-1]
		page.Next = cursor{List: "inventory", Sort: sort, Desc: q.Desc, Key: last.key, Handle: last.r.Handle, At: last.r.ID}.encode()
	}
	for _, p := range rows {
		page.Rows = append(page.Rows, v.resourceRow(p.r))
	}
	return page, nil
}

// inventory is the set of resources that a query selects.
func (v *View) inventory(q InventoryQuery) *roaring.Bitmap {
	f := v.Filter(q.Scope, q.Type, q.Text)
	bits := f.All()
	if q.Recommendation != "" || len(q.State) > 0 {
		bits = roaring.And(bits, v.withState(q.Recommendation, q.State))
	}
	if q.Finding != "" {
		bits = roaring.And(bits, v.withFinding(q.Finding, q.Disabled))
	}
	return f.withWords(bits, "")
}

// withState is the set of resources with an assessment in one of the states
// (any but not applicable if none is named), of one recommendation or any.
func (v *View) withState(recommendation string, states []record.State) *roaring.Bitmap {
	if len(states) == 0 {
		states = stateOrder[:]
	}
	var sets []*roaring.Bitmap
	for _, slot := range v.schema.SlotOf {
		if recommendation != "" && !EqualIDs(recommendation, v.schema.Slots[slot].ID) {
			continue
		}
		for _, state := range states {
			if state <= record.Exempt && v.Recs[slot][state] != nil {
				sets = append(sets, v.Recs[slot][state].Bits())
			}
		}
	}
	return roaring.FastOr(sets...)
}

// resourceSearch reads one page in groups of equal primary key.
type resourceSearch struct {
	v     *View
	sort  string
	desc  bool
	bits  *roaring.Bitmap
	limit int
	after *place
}

// place is a row's position in an order: key, then name.
type place struct {
	r   *record.Row
	key uint64
}

// read returns up to limit+1 rows.
func (s *resourceSearch) read() []place {
	if s.sort == "name" || s.sort == "seen" {
		return s.smallest(s.bits, 0, s.limit+1)
	}
	var rows []place
	for _, g := range s.groups() {
		if s.after != nil && s.compareKeys(g.key, s.after.key) < 0 {
			continue
		}
		if left := s.limit + 1 - len(rows); left > 0 {
			rows = append(rows, s.smallest(roaring.And(s.bits, g.bits), g.key, left)...)
		}
	}
	return rows
}

type keyGroup struct {
	key  uint64
	name string
	bits *roaring.Bitmap
}

// groups are the sets of equal key in order: by burden or by type. The key of a
// type is its place among the types of this view; a cursor's is looked up anew.
func (s *resourceSearch) groups() []keyGroup {
	var groups []keyGroup
	if s.sort == "unhealthy" {
		for n, b := range s.v.byUnhealthy {
			if b != nil {
				groups = append(groups, keyGroup{key: record.MaxUnhealthy - uint64(n), bits: b.Bits()})
			}
		}
	} else {
		s.v.types.Each(func(i uint32, b *cow.Set) bool {
			groups = append(groups, keyGroup{name: strings.ToLower(s.v.names.Types.Name(i)), bits: b.Bits()})
			return true
		})
		slices.SortFunc(groups, func(a, b keyGroup) int { return cmp.Compare(a.name, b.name) })
		for i := range groups {
			groups[i].key = uint64(i)
			if s.after != nil && strings.EqualFold(typeOf(s.after.r.ID), groups[i].name) {
				s.after.key = uint64(i)
			}
		}
	}
	slices.SortFunc(groups, func(a, b keyGroup) int { return s.compareKeys(a.key, b.key) })
	return groups
}

func (s *resourceSearch) compareKeys(a, b uint64) int {
	if s.desc {
		return cmp.Compare(b, a)
	}
	return cmp.Compare(a, b)
}

// smallest are the first k rows of a set, after the cursor.
func (s *resourceSearch) smallest(bits *roaring.Bitmap, key uint64, k int) []place {
	if s.sort != "seen" && int(bits.GetCardinality()) > manyNamed {
		if rows, ok := s.walk(bits, key, k); ok {
			return rows
		}
	}
	top := newTopK(k, s.compare)
	it := bits.Iterator()
	for it.HasNext() {
		p := s.place(s.v.Rows.At(it.Next()), key)
		if s.after == nil || s.compare(p, *s.after) > 0 {
			top.add(p)
		}
	}
	return top.sorted()
}

// walk is smallest for large sets: it looks through rows in the order of names. ok is
// false if that would take too long.
func (s *resourceSearch) walk(bits *roaring.Bitmap, key uint64, k int) (rows []place, ok bool) {
	top := newTopK(k, s.compare)
	var from *record.Row
	if s.after != nil && s.after.key == key {
		from = s.after.r
	}
	found := 0
	ok = s.v.byName(from, s.sort == "name" && s.desc, func(r *record.Row) bool {
		if !bits.Contains(r.Handle) {
			return true
		}
		p := place{r, key}
		if s.after != nil && s.compare(p, *s.after) <= 0 {
			return true
		}
		top.add(p)
		if s.v.rank(r)%2 == 1 {
			found++
		}
		return found < k
	})
	return top.sorted(), ok
}

func (s *resourceSearch) place(r *record.Row, key uint64) place {
	if s.sort == "seen" {
		key = ^uint64(r.Observed) // latest first
	}
	return place{r, key}
}

// compare orders by key, then name; only the order's own key is turned round.
func (s *resourceSearch) compare(a, b place) int {
	if s.sort == "name" && s.desc {
		return s.v.byRank(b.r, a.r)
	}
	return cmp.Or(s.compareKeys(a.key, b.key), s.v.byRank(a.r, b.r))
}
