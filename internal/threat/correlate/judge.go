package correlate

import (
	"cmp"
	"math"
	"slices"
	"sort"
)

// window is a run of a group's items, both ends included, and what the
// condition was asked of.
type window struct {
	first, last int
	value       float64
}

// judge looks for the first window for which the correlation holds among those
// that the item at place is part of: those that end at it or at most a timespan
// later. In order, that is the one that ends at it. A window has all events of
// the time at which it ends.
func (g *group) judge(r *Rule, place int) (window, bool) {
	for last := place; last < len(g.items) && g.items[last].at-g.items[place].at <= int64(r.Timespan); last++ {
		if last+1 < len(g.items) && g.items[last+1].at == g.items[last].at {
			continue
		}
		start := g.items[last].at - int64(r.Timespan)
		first := sort.Search(last, func(i int) bool { return g.items[i].at >= start })
		w := window{first: first, last: last}
		if w.value = g.measure(r, first, last); holds(r, w.value) {
			return w, true
		}
	}
	return window{}, false
}

// holds asks the condition. Temporal types without one need all their rules.
func holds(r *Rule, value float64) bool {
	if r.When.empty() {
		return value >= float64(len(r.Members))
	}
	return r.When.Holds(value)
}

// measure is the number that the condition is asked of, for the items from
// first to last.
func (g *group) measure(r *Rule, first, last int) float64 {
	items := g.items[first : last+1]
	switch r.Type {
	case EventCount:
		return float64(len(items))
	case ValueCount:
		return float64(distinct(items)) * math.Pow(2, float64(g.level))
	case Temporal:
		return float64(membersSeen(items))
	case TemporalOrdered:
		return float64(membersInOrder(items, len(r.Members)))
	case ValueSum:
		return sum(items)
	case ValueAvg:
		return sum(items) / float64(len(items))
	default:
		return percentile(items, r.Percent)
	}
}

func distinct(items []item) int {
	if len(items) <= 16 {
		n := 0
		for i := range items {
			if !slices.ContainsFunc(items[:i], func(it item) bool { return it.aux == items[i].aux }) {
				n++
			}
		}
		return n
	}
	seen := make(map[uint64]struct{}, len(items))
	for _, it := range items {
		seen[it.aux] = struct{}{}
	}
	return len(seen)
}

// membersSeen counts the rules that matched, at most maxMembers.
func membersSeen(items []item) int {
	var set uint64
	n := 0
	for _, it := range items {
		if bit := uint64(1) << it.aux; set&bit == 0 {
			set |= bit
			n++
		}
	}
	return n
}

// membersInOrder is the most rules of which matches follow one another in the
// order of the rule's list, each a different event. Events of equal time may
// stand in either order: many sources write whole seconds.
func membersInOrder(items []item, members int) int {
	var length [maxMembers]int // of the longest chain that ends with a member
	var end [maxMembers]uint64 // the event that such a chain ends with
	longest := 0
	for from := 0; from < len(items); {
		to := from + 1
		for to < len(items) && items[to].at == items[from].at {
			to++
		}
		same := items[from:to]
		if len(same) > 1 {
			same = slices.Clone(same)
			slices.SortStableFunc(same, func(a, b item) int { return cmp.Compare(a.aux, b.aux) })
		}
		for _, it := range same {
			n := 1
			for j := range it.aux {
				if length[j] > 0 && end[j] != it.event {
					n = max(n, length[j]+1)
				}
			}
			if n > length[it.aux] {
				length[it.aux], end[it.aux] = n, it.event
			}
			longest = max(longest, n)
		}
		from = to
	}
	return min(longest, members)
}

func sum(items []item) float64 {
	s := 0.0
	for _, it := range items {
		s += math.Float64frombits(it.aux)
	}
	return s
}

// percentile interpolates between the two nearest ranks, so that 50 is the
// median (Hyndman and Fan, "Sample quantiles", 1996, type 7).
func percentile(items []item, percent float64) float64 {
	values := make([]float64, len(items))
	for i, it := range items {
		values[i] = math.Float64frombits(it.aux)
	}
	slices.Sort(values)
	rank := percent / 100 * float64(len(values)-1)
	low := int(math.Floor(rank))
	high := min(low+1, len(values)-1)
	return values[low] + (values[high]-values[low])*(rank-float64(low))
}
