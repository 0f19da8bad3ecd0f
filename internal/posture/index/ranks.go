package index

import (
	"cmp"
	"encoding/binary"
	"slices"
	"sort"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// ranks orders resources by name, so that sorting a filtered page compares
// integers. Handles never change names, so that ranks made from an old view
// hold for new ones; rows that came since are placed between their neighbours
// when they are asked for. A nil ranks knows no row.
type ranks struct {
	order []uint32 // handles by name
	of    []uint32 // by handle: position in order plus 1, 0 if it came later
}

// compareNames is the order of resources by name without case, then id.
func compareNames(a, b *record.Row) int {
	return cmp.Or(compareFold(a.Name(), b.Name()), compareFold(a.ID, b.ID), cmp.Compare(a.Handle, b.Handle))
}

func compareFold(a, b string) int {
	for i := 0; i < len(a) && i < len(b); i++ {
		if x, y := record.Lower(a[i]), record.Lower(b[i]); x != y {
			return cmp.Compare(x, y)
		}
	}
	return cmp.Compare(len(a), len(b))
}

// NewRanks sorts all rows of a view; it takes seconds for a million.
func NewRanks(v *View) *ranks {
	rows := make([]*record.Row, 0, v.Resources())
	v.Rows.Each(func(_ uint32, r *record.Row) bool {
		rows = append(rows, r)
		return true
	})
	k := &ranks{order: make([]uint32, len(rows))}
	if len(rows) > 0 {
		k.of = make([]uint32, rows[len(rows)-1].Handle+1)
	}
	names := make([]rowName, len(rows))
	for i, r := range rows {
		names[i] = newRowName(r)
	}
	slices.SortFunc(names, rowName.compare)
	for place, n := range names {
		k.order[place] = n.row.Handle
		k.of[n.row.Handle] = uint32(place + 1)
	}
	return k
}

// rowName is what a row is sorted by. The first bytes of the name decide most
// comparisons without a look elsewhere.
type rowName struct {
	first uint64
	name  string // folded
	row   *record.Row
}

func newRowName(r *record.Row) rowName {
	n := rowName{name: arm.Fold(r.Name()), row: r}
	var first [8]byte
	copy(first[:], n.name)
	n.first = binary.BigEndian.Uint64(first[:])
	return n
}

func (n rowName) compare(o rowName) int {
	if n.first != o.first {
		return cmp.Compare(n.first, o.first)
	}
	return cmp.Or(strings.Compare(n.name, o.name), compareFold(n.row.ID, o.row.ID), cmp.Compare(n.row.Handle, o.row.Handle))
}

// len is the number of ranked rows.
func (k *ranks) len() int {
	if k == nil {
		return 0
	}
	return len(k.order)
}

// rank is the place of a row in the order of names: odd for ranked rows, even
// for those that came between two of them. Two rows with one even rank are
// compared by name.
func (v *View) rank(r *record.Row) uint64 {
	k := v.ranks
	if k == nil {
		return 0
	}
	if int(r.Handle) < len(k.of) && k.of[r.Handle] > 0 {
		return uint64(k.of[r.Handle])*2 - 1
	}
	return uint64(k.place(v, r)) * 2
}

// place is how many ranked rows come before r. Ranked rows that are gone from
// the view cannot be compared and are passed over to the next living one.
func (k *ranks) place(v *View, r *record.Row) int {
	return sort.Search(len(k.order), func(i int) bool {
		for ; i < len(k.order); i++ {
			if other := v.Rows.At(k.order[i]); other != nil {
				return compareNames(other, r) > 0
			}
		}
		return true
	})
}

// byRank compares two rows of a view by name.
func (v *View) byRank(a, b *record.Row) int {
	return cmp.Or(cmp.Compare(v.rank(a), v.rank(b)), compareNames(a, b))
}

// maxWalked bounds the rows that are looked at in the order of names to fill a page.
const maxWalked = 200_000

// byName calls keep for rows in the order of names, those that came since names were
// sorted first, from a row on (nil: from the beginning; what comes before it may be
// given too), until keep returns false. ok is false if more than maxWalked rows would
// have to be looked at.
func (v *View) byName(from *record.Row, desc bool, keep func(r *record.Row) bool) (ok bool) {
	k := v.ranks
	if k == nil {
		return false
	}
	late := v.unrankedRows()
	if len(late) > maxWalked/8 {
		return false
	}
	for _, r := range late {
		keep(r)
	}
	i, step := 0, 1
	if desc {
		i, step = len(k.order)-1, -1
	}
	if from != nil {
		i = min(k.place(v, from), len(k.order)-1)
		if int(from.Handle) < len(k.of) && k.of[from.Handle] > 0 {
			i = int(k.of[from.Handle]) - 1
		}
	}
	for n := 0; i >= 0 && i < len(k.order); i += step {
		if n++; n > maxWalked {
			return false
		}
		if r := v.Rows.At(k.order[i]); r != nil && !keep(r) {
			return true
		}
	}
	return true
}

// unrankedRows are the rows that came since names were sorted: their handles are
// above those that were there, or were free then.
func (v *View) unrankedRows() []*record.Row {
	k := v.ranks
	it := v.all.Bits().Iterator()
	if len(k.order) == len(k.of)-1 { // no handle was free
		it.AdvanceIfNeeded(uint32(len(k.of)))
	}
	var late []*record.Row
	for it.HasNext() {
		if h := it.Next(); int(h) >= len(k.of) || k.of[h] == 0 {
			late = append(late, v.Rows.At(h))
		}
	}
	return late
}
