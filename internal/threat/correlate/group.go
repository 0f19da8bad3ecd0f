package correlate

import (
	"math"
	"slices"
	"sort"
	"strconv"
	"time"
)

// ExactValues is the number of distinct values in a group up to which
// value_count counts them all. Beyond it a group keeps the values whose hash
// falls under a threshold, which halves whenever more than that many are left:
// adaptive sampling (Flajolet, "On adaptive sampling", 1990), with a standard
// error of about 4 %. Which values are kept depends on the values alone, so that
// every run gives the same estimate.
const ExactValues = 1024

// item is one event in a group. What aux holds depends on the type: the hash of
// a value, the bits of a number, or the place of the rule that matched.
type item struct {
	at    int64 // nanoseconds since 1970
	event uint64
	aux   uint64
}

// group is the state of one correlation for one set of group values.
type group struct {
	key         string
	items       []item // by time, then by arrival
	fired       int64  // when it last held; 0 if never
	correlation int32
	level       uint8 // value_count: values with a hash below 2^(64-level) are kept
	dropped     bool  // events that might count were given up
	touched     bool  // since the hand passed
	used        bool
}

// Apply adds an entry to its group and tells whether the correlation now holds.
// Entries of one group must be applied in the order in which Route gave them.
func (e *Engine) Apply(en Entry) (Detection, bool) {
	r := e.rules[en.Correlation]
	e.expire(en.at)
	g := e.find(en)
	g.touched = true
	place, added := g.insert(r, en.item, e)
	if !added {
		return Detection{}, false
	}
	w, ok := g.judge(r, place)
	var d Detection
	if ok {
		e.stats.Detections++
		d = g.detection(r, w, en.event)
	}
	g.shrink(r, en.at, e)
	return d, ok
}

func (e *Engine) find(en Entry) *group {
	t := &e.tables[en.Correlation]
	if i, ok := t.groups[en.Group]; ok {
		return &e.slab[i]
	}
	var i int32
	if n := len(e.free); n > 0 {
		i, e.free = e.free[n-1], e.free[:n-1]
	} else {
		i = int32(len(e.slab))
		e.slab = append(e.slab, group{})
	}
	t.groups[en.Group] = i
	e.slab[i] = group{key: en.Group, correlation: int32(en.Correlation), used: true}
	return &e.slab[i]
}

// expire passes over a few groups and drops those whose last event is too far
// behind to count with one at this time. A single event with a time far ahead
// can thus only take a few groups with it. When the engine is full, groups that
// were not used for a round give way.
func (e *Engine) expire(at int64) {
	for range 2 {
		if len(e.slab) == 0 {
			return
		}
		g := e.pass()
		if !g.used {
			continue
		}
		if n := len(g.items); n == 0 || g.items[n-1].at+int64(e.rules[g.correlation].Timespan+e.options.Lateness) < at {
			e.drop(g)
		}
		g.touched = false
	}
	for e.stats.Events >= e.options.MaxEvents {
		if g := e.pass(); g.used && !g.touched {
			e.drop(g)
			e.stats.EvictedGroups++
		} else {
			g.touched = false
		}
	}
}

func (e *Engine) pass() *group {
	if int(e.hand) >= len(e.slab) {
		e.hand = 0
	}
	e.hand++
	return &e.slab[e.hand-1]
}

func (e *Engine) drop(g *group) {
	i := e.tables[g.correlation].groups[g.key]
	delete(e.tables[g.correlation].groups, g.key)
	e.stats.Events -= len(g.items)
	*g = group{}
	e.free = append(e.free, i)
}

// insert puts an item behind all that are not later. It gives its place.
func (g *group) insert(r *Rule, it item, e *Engine) (int, bool) {
	if r.Type == ValueCount && !g.samples(it.aux) {
		return 0, false
	}
	place := len(g.items)
	if place > 0 && g.items[place-1].at > it.at {
		place = sort.Search(len(g.items), func(i int) bool { return g.items[i].at > it.at })
	}
	for i := place - 1; i >= 0 && g.items[i].at == it.at; i-- {
		if g.items[i].event == it.event && g.items[i].aux == it.aux {
			return i, true // delivered again: it completes what it completed then
		}
	}
	g.items = slices.Insert(g.items, place, it)
	e.stats.Events++
	return place, true
}

// samples reports whether a value is among those that the group keeps.
func (g *group) samples(hash uint64) bool {
	return g.level == 0 || hash>>(64-g.level) == 0
}

// shrink gives up what is too far behind the time of the event just added to
// count with the next of its source, then what the bounds ask for. That event
// may be behind others: a source that was cut off delivers what it has kept.
func (g *group) shrink(r *Rule, at int64, e *Engine) {
	before := len(g.items)
	oldest := at - int64(r.Timespan) - int64(e.options.Lateness)
	// Moving the rest down is worth it for a quarter of the group at a time.
	if n := sort.Search(before, func(i int) bool { return g.items[i].at >= oldest }); n > before/4 {
		g.items = slices.Delete(g.items, 0, n)
	}
	keep := e.tables[g.correlation].keep
	if len(g.items) > keep {
		g.compact(r, keep, e)
	}
	e.stats.Events -= before - len(g.items)
}

// keep is how many events a group of a correlation may hold before it is
// compacted. Where the condition has lower bounds alone, giving up the oldest
// changes no verdict as long as twice the bound is left.
func (e *Engine) keep(r *Rule) int {
	switch n, bounded := r.When.atLeast(); {
	case r.Type == EventCount && bounded && n*2 < float64(e.options.MaxGroup):
		return min(max(1024, int(n*2)), e.options.MaxGroup)
	case r.Type == ValueCount:
		return 2 * ExactValues
	case r.Type == ValuePercentile:
		return min(2048, e.options.MaxGroup) // each event sorts them
	case r.Type == Temporal || r.Type == TemporalOrdered:
		return min(1024, e.options.MaxGroup) // each event looks at all of them
	default:
		return e.options.MaxGroup
	}
}

// compact brings a group under its bound. What only the newest of counts loses
// its older doubles first.
func (g *group) compact(r *Rule, keep int, e *Engine) {
	switch r.Type {
	case ValueCount:
		g.keepNewest(1)
		for len(g.items) > ExactValues {
			g.level++
			g.items = slices.DeleteFunc(g.items, func(it item) bool { return !g.samples(it.aux) })
		}
		return
	case Temporal:
		g.keepNewest(max(1, keep/2/len(r.Members)))
		return
	case TemporalOrdered:
		g.collapseRuns()
		if keep /= 2; len(g.items) <= keep {
			return
		}
	}
	n := len(g.items) - keep
	g.items = slices.Delete(g.items, 0, n)
	if _, bounded := r.When.atLeast(); r.Type != EventCount || !bounded {
		g.dropped = true
		e.stats.EvictedEvents += uint64(n)
	}
}

// collapseRuns leaves the first and the last of neighbours of one member: no
// chain needs one between them.
func (g *group) collapseRuns() {
	kept := g.items[:0]
	for i, it := range g.items {
		first := i == 0 || g.items[i-1].aux != it.aux
		last := i+1 == len(g.items) || g.items[i+1].aux != it.aux
		if first || last {
			kept = append(kept, it)
		}
	}
	g.items = kept
}

// keepNewest leaves the n newest items of each aux.
func (g *group) keepNewest(n int) {
	seen := make(map[uint64]int, len(g.items))
	for i := len(g.items) - 1; i >= 0; i-- {
		seen[g.items[i].aux]++
		if seen[g.items[i].aux] > n {
			g.items[i].at = math.MinInt64
		}
	}
	g.items = slices.DeleteFunc(g.items, func(it item) bool { return it.at == math.MinInt64 })
}

// value is what an entry's aux holds.
func (e *Engine) value(m member, field func(string) (string, bool)) (uint64, bool) {
	switch r := e.rules[m.correlation]; r.Type {
	case Temporal, TemporalOrdered:
		return uint64(m.place), true
	case ValueCount:
		v, ok := field(m.field)
		return fnv(fnvStart, v), ok
	case ValueSum, ValueAvg, ValuePercentile:
		v, ok := field(m.field)
		if !ok {
			return 0, false
		}
		n, err := strconv.ParseFloat(v, 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return 0, false
		}
		return math.Float64bits(n), true
	}
	return 0, true
}

func (g *group) detection(r *Rule, w window, completing uint64) Detection {
	first, last := g.items[w.first].at, g.items[w.last].at
	d := Detection{Rule: r, Group: groupValues(g.key), From: time.Unix(0, first).UTC(), To: time.Unix(0, last).UTC(), Value: w.value,
		Completing: completing, Repeat: g.fired != 0 && last-g.fired <= int64(r.Timespan) && g.fired-last <= int64(r.Timespan),
		Approximate: g.dropped || g.level > 0}
	from := max(w.first, w.last+1-MaxEvidence)
	for _, it := range g.items[from : w.last+1] {
		d.Events = append(d.Events, it.event)
	}
	g.fired = max(g.fired, last)
	return d
}
