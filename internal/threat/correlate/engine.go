package correlate

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Options bound an engine. Zero values mean the defaults.
type Options struct {
	Lateness  time.Duration // how far an event may lag behind the newest of its source; default 5 minutes
	MaxEvents int           // events kept over all groups, oldest groups give way; default 8,000,000
	MaxGroup  int           // events kept in one group; default 8,192
}

func (o Options) withDefaults() Options {
	if o.Lateness == 0 {
		o.Lateness = 5 * time.Minute
	}
	if o.MaxEvents == 0 {
		o.MaxEvents = 8_000_000
	}
	if o.MaxGroup == 0 {
		o.MaxGroup = 8192
	}
	return o
}

// Occurrence is one match of a base rule.
type Occurrence struct {
	Rule   string // id of the rule that matched, or its name
	Time   time.Time
	Event  uint64 // names the event; equal for all rules that it matches
	Source string // where it came from, for lateness
	Field  func(name string) (string, bool)
}

// Entry is an occurrence as one correlation sees it: its group and its value.
type Entry struct {
	Correlation int // index in Engine.Rules
	Group       string
	item
}

// Partition spreads groups evenly over n workers.
func (e Entry) Partition(n int) int {
	h := fnv(fnvStart, e.Group)
	return int((h ^ uint64(e.Correlation)*0x9E3779B97F4A7C15) % uint64(n))
}

// Detection says that a correlation holds.
type Detection struct {
	Rule        *Rule
	Group       []string // values of Rule.GroupBy, in order
	From, To    time.Time
	Value       float64  // what the condition was asked of
	Events      []uint64 // events of the window, oldest first, at most MaxEvidence of the newest
	Completing  uint64   // the event that made it hold
	Repeat      bool     // it held already less than a timespan ago
	Approximate bool     // the value is an estimate, or events had been given up
}

// MaxEvidence is the most events that a Detection names.
const MaxEvidence = 64

// Stats count what an engine did and what it gave up.
type Stats struct {
	Occurrences, Detections uint64
	Late                    uint64 // left out: behind their source's newest by more than the lateness
	NoTime                  uint64 // left out: without a time
	NoGroup                 uint64 // left out: a group-by field was missing
	NoValue                 uint64 // left out: the field was missing, or no number
	EvictedGroups           uint64 // given up, since the engine was full
	EvictedEvents           uint64 // given up, since a group was full
	Groups, Events          int    // held now
}

// Engine holds the windows of a set of correlations.
type Engine struct {
	rules   []*Rule
	users   map[string][]member // by id and by name of what is correlated
	options Options
	tables  []table
	newest  map[string]int64 // by source
	hand    int32            // the next group to be looked at for expiry
	slab    []group
	free    []int32
	stats   Stats
	key     strings.Builder
}

// member is one place of a rule in a correlation.
type member struct {
	correlation int
	place       int
	groupBy     []string // field names in this rule's events
	field       string
}

// table finds the groups of one correlation.
type table struct {
	groups map[string]int32
	keep   int // events that a group needs to keep
}

// New links correlations to the rules they name. known tells the ids and names
// of base rules: it gives the names by which the rule goes, id first, or nil. A
// correlation that can't be linked is left out and its error is among those
// returned, with its title.
func New(rules []*Rule, known func(ref string) []string, options Options) (*Engine, []error) {
	e := &Engine{users: map[string][]member{}, options: options.withDefaults(), newest: map[string]int64{}}
	linked, errs := link(rules, known)
	for i, l := range linked {
		e.rules = append(e.rules, l.rule)
		e.tables = append(e.tables, table{groups: map[string]int32{}, keep: e.keep(l.rule)})
		for place, names := range l.members {
			m := member{correlation: i, place: place, field: l.rule.fieldOf(l.rule.Field, names)}
			for _, g := range l.rule.GroupBy {
				m.groupBy = append(m.groupBy, l.rule.fieldOf(g, names))
			}
			for n, name := range names {
				if name != "" && !slices.Contains(names[:n], name) {
					e.users[name] = append(e.users[name], m)
				}
			}
		}
	}
	return e, errs
}

// Rules are the correlations that were linked, chained ones after what they name.
func (e *Engine) Rules() []*Rule { return e.rules }

// Fields are the event fields that the engine reads.
func (e *Engine) Fields() []string {
	seen := map[string]bool{}
	var names []string
	for _, ms := range e.users {
		for _, m := range ms {
			for _, f := range append([]string{m.field}, m.groupBy...) {
				if f != "" && !seen[f] {
					seen[f] = true
					names = append(names, f)
				}
			}
		}
	}
	return names
}

// Uses reports whether a rule takes part in a correlation, and whether it still
// raises alerts of its own: a rule does unless every correlation that names it
// leaves generate out.
func (e *Engine) Uses(rule string) (used, generates bool) {
	for _, m := range e.users[rule] {
		used = true
		generates = generates || e.rules[m.correlation].Generate
	}
	return used, generates
}

// Stats counts since the engine was made or restored.
func (e *Engine) Stats() Stats {
	s := e.stats
	for _, t := range e.tables {
		s.Groups += len(t.groups)
	}
	return s
}

// Add takes one occurrence and calls emit with what it completes: a
// correlation's detection first, then those of correlations chained to it.
func (e *Engine) Add(o Occurrence, emit func(Detection)) {
	e.Route(o, func(en Entry) { e.addEntry(en, o.Source, emit) })
}

func (e *Engine) addEntry(en Entry, source string, emit func(Detection)) {
	d, ok := e.Apply(en)
	if !ok {
		return
	}
	emit(d)
	e.Add(d.Occurrence(source), emit)
}

// Occurrence is a detection as chained correlations see it: an event at the end
// of its window with the fields that it is grouped by.
func (d Detection) Occurrence(source string) Occurrence {
	return Occurrence{Rule: d.Rule.Key(), Time: d.To, Event: d.Completing, Source: source, Field: func(name string) (string, bool) {
		for i, g := range d.Rule.GroupBy {
			if g == name {
				return d.Group[i], true
			}
		}
		return "", false
	}}
}

// Route finds the groups that an occurrence belongs to. It reads no group's
// state; late and incomplete occurrences end here.
func (e *Engine) Route(o Occurrence, fn func(Entry)) {
	users := e.users[o.Rule]
	if len(users) == 0 {
		return
	}
	e.stats.Occurrences++
	if o.Time.IsZero() {
		e.stats.NoTime++
		return
	}
	at := o.Time.UnixNano()
	if newest, ok := e.newest[o.Source]; ok && at < newest-int64(e.options.Lateness) {
		e.stats.Late++
		return
	} else if !ok || at > newest {
		e.newest[o.Source] = at
	}
	for _, m := range users {
		group, ok := e.group(m, o.Field)
		if !ok {
			e.stats.NoGroup++
			continue
		}
		aux, ok := e.value(m, o.Field)
		if !ok {
			e.stats.NoValue++
			continue
		}
		fn(Entry{m.correlation, group, item{at: at, event: o.Event, aux: aux}})
	}
}

// group joins the values of the group-by fields, each with its length before it.
func (e *Engine) group(m member, field func(string) (string, bool)) (string, bool) {
	e.key.Reset()
	for _, name := range m.groupBy {
		v, ok := field(name)
		if !ok {
			return "", false
		}
		writeLength(&e.key, len(v))
		e.key.WriteString(v)
	}
	return e.key.String(), true
}

func writeLength(b *strings.Builder, n int) {
	for ; n >= 0x80; n >>= 7 {
		b.WriteByte(byte(n) | 0x80)
	}
	b.WriteByte(byte(n))
}

// groupValues takes a key apart again.
func groupValues(key string) []string {
	var values []string
	for len(key) > 0 {
		n, shift, i := 0, 0, 0
		for ; i < len(key); i++ {
			n |= int(key[i]&0x7f) << shift
			shift += 7
			if key[i] < 0x80 {
				break
			}
		}
		i++
		if n < 0 || i+n > len(key) {
			return values
		}
		values = append(values, key[i:i+n])
		key = key[i+n:]
	}
	return values
}

// linked is a correlation with the names of each rule that it correlates.
type linked struct {
	rule    *Rule
	members [][]string
}

// link resolves members and sorts chained correlations behind what they name.
func link(rules []*Rule, known func(string) []string) (sorted []linked, errs []error) {
	byName := map[string]*Rule{}
	for _, r := range rules {
		for _, n := range []string{r.ID, r.Name} {
			if n == "" {
				continue
			}
			if other := byName[n]; other != nil && other != r {
				errs = append(errs, fmt.Errorf("correlation %q: %q names %q already", r.Title, n, other.Title))
				continue
			}
			byName[n] = r
		}
	}
	const visiting, done, failed = 1, 2, 3
	state := map[*Rule]int{}
	var visit func(r *Rule) error
	visit = func(r *Rule) error {
		switch state[r] {
		case done:
			return nil
		case visiting:
			return errors.New("it names itself through its chain")
		case failed:
			return errors.New("it could not be linked")
		}
		state[r] = visiting
		l := linked{rule: r}
		for _, ref := range r.Members {
			names, err := resolve(ref, byName, known, visit)
			if err != nil {
				state[r] = failed
				return err
			}
			l.members = append(l.members, names)
		}
		state[r] = done
		sorted = append(sorted, l)
		return nil
	}
	for _, r := range rules {
		if err := visit(r); err != nil {
			errs = append(errs, fmt.Errorf("correlation %q: %w", r.Title, err))
		}
	}
	return sorted, errs
}

func resolve(ref string, byName map[string]*Rule, known func(string) []string, visit func(*Rule) error) ([]string, error) {
	if r := byName[ref]; r != nil {
		if err := visit(r); err != nil {
			return nil, fmt.Errorf("%q: %w", ref, err)
		}
		return []string{r.Key(), r.Name}, nil
	}
	if names := known(ref); len(names) > 0 {
		return names, nil
	}
	return nil, fmt.Errorf("there is no rule %q", ref)
}

// fieldOf gives the field that name stands for in the events of a rule, which
// aliases may change.
func (r *Rule) fieldOf(name string, ruleNames []string) string {
	for _, n := range ruleNames {
		if f := r.Aliases[name][n]; n != "" && f != "" {
			return f
		}
	}
	return name
}

const fnvStart = 14695981039346656037

// fnv is FNV-1a, which gives the same on every machine and run.
func fnv(h uint64, s string) uint64 {
	for i := 0; i < len(s); i++ {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	// Finish as splitmix64 does, so that near values spread over all bits.
	h ^= h >> 30
	h *= 0xBF58476D1CE4E5B9
	h ^= h >> 27
	h *= 0x94D049BB133111EB
	return h ^ h>>31
}
