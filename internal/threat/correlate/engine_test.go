package correlate

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func knows(refs ...string) func(string) []string {
	return func(ref string) []string {
		if slices.Contains(refs, ref) {
			return []string{ref}
		}
		return nil
	}
}

func engine(t *testing.T, rules []*Rule, options Options, base ...string) *Engine {
	t.Helper()
	e, errs := New(rules, knows(base...), options)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return e
}

// at makes an occurrence some seconds after an epoch; fields are "name=value".
func at(rule string, second int, event uint64, fields ...string) Occurrence {
	values := map[string]string{}
	for _, f := range fields {
		name, v, _ := strings.Cut(f, "=")
		values[name] = v
	}
	return Occurrence{Rule: rule, Time: time.Unix(1_700_000_000+int64(second), 0), Event: event, Source: "s",
		Field: func(name string) (string, bool) { v, ok := values[name]; return v, ok }}
}

// run gives one line a detection: rule, group, value, events, "again" if repeated.
func run(e *Engine, os ...Occurrence) (lines []string) {
	for _, o := range os {
		e.Add(o, func(d Detection) {
			again := ""
			if d.Repeat {
				again = " again"
			}
			lines = append(lines, fmt.Sprintf("%s %v %v %v%s", d.Rule.Name, d.Group, d.Value, d.Events, again))
		})
	}
	return lines
}

func TestTypes(t *testing.T) {
	rule := func(kind, condition string) *Rule {
		return parse(t, "title: r\nname: r\ncorrelation:\n  type: "+kind+"\n  rules: [a, b, c]\n  group-by: [u]\n  timespan: 10s\n"+condition)
	}
	u := "u=1"
	tests := map[string]struct {
		rule *Rule
		in   []Occurrence
		want []string
	}{
		"count in the window": {rule("event_count", "  condition: {gte: 3}"),
			[]Occurrence{at("a", 0, 1, u), at("a", 5, 2, u), at("a", 11, 3, u), at("b", 15, 4, u), at("a", 16, 5, u)},
			[]string{"r [1] 3 [2 3 4]", "r [1] 3 [3 4 5] again"}},
		"groups apart": {rule("event_count", "  condition: {gte: 2}"),
			[]Occurrence{at("a", 0, 1, u), at("a", 1, 2, "u=2"), at("a", 2, 3, "u=2")}, []string{"r [2] 2 [2 3]"}},
		"range": {rule("event_count", "  condition: {gt: 1, lt: 3}"),
			[]Occurrence{at("a", 0, 1, u), at("a", 1, 2, u), at("a", 2, 3, u)}, []string{"r [1] 2 [1 2]"}},
		"out of order": {rule("event_count", "  condition: {gte: 3}"),
			[]Occurrence{at("a", 0, 1, u), at("a", 20, 2, u), at("a", 9, 3, u), at("a", 8, 4, u)}, []string{"r [1] 3 [1 4 3]"}},
		"values": {rule("value_count", "  condition: {field: v, gte: 2}"),
			[]Occurrence{at("a", 0, 1, u, "v=x"), at("a", 1, 2, u, "v=x"), at("a", 2, 3, u), at("a", 3, 4, u, "v=y")}, []string{"r [1] 2 [1 2 4]"}},
		"sum": {rule("value_sum", "  condition: {field: v, gte: 10}"),
			[]Occurrence{at("a", 0, 1, u, "v=4"), at("a", 1, 2, u, "v=many"), at("a", 3, 4, u, "v=6.5")}, []string{"r [1] 10.5 [1 4]"}},
		"average": {rule("value_avg", "  condition: {field: v, lt: 3}"),
			[]Occurrence{at("a", 0, 1, u, "v=4"), at("a", 1, 2, u, "v=1")}, []string{"r [1] 2.5 [1 2]"}},
		"median": {rule("value_median", "  condition: {field: v, eq: 2.5}"),
			[]Occurrence{at("a", 0, 1, u, "v=100"), at("a", 1, 2, u, "v=2"), at("a", 1, 3, u, "v=1"), at("a", 1, 4, u, "v=3")}, []string{"r [1] 2.5 [1 2 3 4]"}},
		"all rules": {rule("temporal", ""),
			[]Occurrence{at("c", 0, 1, u), at("a", 1, 2, u), at("a", 2, 3, u), at("b", 9, 4, u)}, []string{"r [1] 3 [1 2 3 4]"}},
		"two of three rules": {rule("temporal", "  condition: {gte: 2}"),
			[]Occurrence{at("c", 0, 1, u), at("a", 1, 2, u)}, []string{"r [1] 2 [1 2]"}},
		"too far apart": {rule("temporal", ""), []Occurrence{at("c", 0, 1, u), at("a", 1, 2, u), at("b", 11, 4, u)}, nil},
		"in order": {rule("temporal_ordered", ""),
			[]Occurrence{at("b", 0, 1, u), at("a", 1, 2, u), at("c", 2, 3, u), at("b", 3, 4, u), at("c", 4, 5, u)}, []string{"r [1] 3 [1 2 3 4 5]"}},
		"in order within one second": {rule("temporal_ordered", ""),
			[]Occurrence{at("c", 0, 1, u), at("b", 0, 2, u), at("a", 0, 3, u)}, []string{"r [1] 3 [1 2 3]"}},
		"one event is one step": {rule("temporal_ordered", ""),
			[]Occurrence{at("a", 0, 1, u), at("b", 0, 1, u), at("c", 0, 1, u)}, nil},
		"order completed late": {rule("temporal_ordered", ""),
			[]Occurrence{at("a", 0, 1, u), at("c", 9, 2, u), at("b", 4, 3, u)}, []string{"r [1] 3 [1 3 2]"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := engine(t, []*Rule{tt.rule}, Options{}, "a", "b", "c")
			if diff := cmp.Diff(tt.want, run(e, tt.in...)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFailuresThenSuccess(t *testing.T) {
	outer := parse(t, "title: o\nname: guessed\ncorrelation:\n  type: temporal_ordered\n  rules: [many, ok]\n  group-by: [User]\n  timespan: 10m\n")
	inner := parse(t, "title: i\nname: many\ncorrelation:\n  type: event_count\n  rules: [failed]\n  group-by: [User, Host]\n  timespan: 1m\n  condition: {gte: 3}\n")
	e := engine(t, []*Rule{outer, inner}, Options{}, "failed", "ok")
	var in []Occurrence
	in = append(in, at("ok", 0, 1, "User=eve"))
	for i := range 3 {
		in = append(in, at("failed", 1+i, uint64(2+i), "User=eve", "Host=h"))
	}
	in = append(in, at("ok", 30, 9, "User=adam"), at("ok", 40, 10, "User=eve"))
	want := []string{"many [eve h] 3 [2 3 4]", "guessed [eve] 2 [4 10]"}
	// The success before the failures is in the window, too.
	want[1] = "guessed [eve] 2 [1 4 10]"
	if diff := cmp.Diff(want, run(e, in...)); diff != "" {
		t.Error(diff)
	}
}

func TestAliases(t *testing.T) {
	r := parse(t, `{title: r, name: r, correlation: {type: temporal, rules: [in, out], group-by: [ip], timespan: 10s,
		aliases: {ip: {in: destination, out: source}}}}`)
	e := engine(t, []*Rule{r}, Options{}, "in", "out")
	got := run(e, at("in", 0, 1, "source=1", "destination=2"), at("out", 1, 2, "source=1", "destination=2"), at("out", 2, 3, "source=2", "destination=9"))
	if diff := cmp.Diff([]string{"r [2] 2 [1 3]"}, got); diff != "" {
		t.Error(diff)
	}
	fields := e.Fields()
	sort.Strings(fields)
	if diff := cmp.Diff([]string{"destination", "source"}, fields); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsLeftOutIsCounted(t *testing.T) {
	r := parse(t, "title: r\nname: r\ncorrelation:\n  type: value_sum\n  rules: [a]\n  group-by: [u]\n  timespan: 10s\n  condition: {field: v, gte: 1000}\n")
	e := engine(t, []*Rule{r}, Options{Lateness: time.Minute}, "a")
	noTime := at("a", 0, 1, "u=1", "v=1")
	noTime.Time = time.Time{}
	other := at("a", -600, 9, "u=1", "v=1")
	other.Source = "another source, which is behind"
	run(e, noTime, at("a", 0, 1, "u=1", "v=1"), at("a", 0, 2, "v=1"), at("a", 0, 3, "u=1"), at("a", 0, 4, "u=1", "v=x"), at("a", -61, 5, "u=1", "v=1"), other)
	want := Stats{Occurrences: 7, Late: 1, NoTime: 1, NoGroup: 1, NoValue: 2, Groups: 1, Events: 2}
	if diff := cmp.Diff(want, e.Stats()); diff != "" {
		t.Error(diff)
	}
}

func TestBounds(t *testing.T) {
	r := parse(t, "title: r\nname: r\ncorrelation:\n  type: event_count\n  rules: [a]\n  group-by: [u]\n  timespan: 10d\n  condition: {eq: 1000000}\n")
	e := engine(t, []*Rule{r}, Options{MaxEvents: 1000, MaxGroup: 100}, "a")
	for i := range 5000 {
		run(e, at("a", i, uint64(i), "u=same"), at("a", i, uint64(i), fmt.Sprint("u=", i)))
	}
	s := e.Stats()
	if s.Events > 1000 || s.EvictedGroups == 0 || s.EvictedEvents == 0 || s.Groups+len(e.free) != len(e.slab) {
		t.Errorf("%+v, %d places, %d free", s, len(e.slab), len(e.free))
	}
	if n := len(e.tables[0].groups); n != s.Groups {
		t.Errorf("%d groups in the table, %d counted", n, s.Groups)
	}
}

func TestManyValuesAreEstimated(t *testing.T) {
	r := parse(t, "title: r\nname: r\ncorrelation:\n  type: value_count\n  rules: [a]\n  group-by: [u]\n  timespan: 10d\n  condition: {field: v, gte: 1000}\n")
	e := engine(t, []*Rule{r}, Options{}, "a")
	var last Detection
	for i := range 100_000 {
		e.Add(at("a", i, uint64(i), "u=1", fmt.Sprint("v=", i)), func(d Detection) {
			if d.Value < 1024 && (d.Approximate || int(d.Value) != i+1) {
				t.Fatalf("%d values are counted as %v, approximate %v", i+1, d.Value, d.Approximate)
			}
			last = d
		})
	}
	if !last.Approximate || last.Value < 88_000 || last.Value > 112_000 {
		t.Errorf("100000 values are estimated as %v, approximate %v", last.Value, last.Approximate)
	}
}

// A batch that is delivered twice neither counts twice nor loses its detection.
func TestDeliveredAgain(t *testing.T) {
	r := parse(t, "title: r\nname: r\ncorrelation:\n  type: event_count\n  rules: [a, b]\n  group-by: [u]\n  timespan: 10s\n  condition: {gte: 3}\n")
	e := engine(t, []*Rule{r}, Options{}, "a", "b")
	batch := []Occurrence{at("a", 0, 1, "u=1"), at("b", 0, 1, "u=1"), at("a", 1, 2, "u=1")}
	if got := run(e, append(batch, batch...)...); got != nil {
		t.Errorf("two events, twice: %v", got)
	}
	third := at("a", 2, 3, "u=1")
	want := []string{"r [1] 3 [1 2 3]", "r [1] 3 [1 2 3] again"}
	if diff := cmp.Diff(want, run(e, third, third)); diff != "" {
		t.Error(diff)
	}
}

// oracle keeps everything and tries every window.
type oracle struct {
	rule *Rule
	seen map[string][]item
}

func (o *oracle) add(en Entry) bool {
	items := append(o.seen[en.Group], en.item)
	o.seen[en.Group] = items
	for _, end := range items {
		var window []item
		within := false
		for _, it := range items {
			if it.at <= end.at && end.at-it.at <= int64(o.rule.Timespan) {
				window = append(window, it)
				within = within || it.event == en.event
			}
		}
		if within && end.at >= en.at && holds(o.rule, o.value(window)) {
			return true
		}
	}
	return false
}

func (o *oracle) value(window []item) float64 {
	distinct := map[uint64]bool{}
	for _, it := range window {
		distinct[it.aux] = true
	}
	switch o.rule.Type {
	case EventCount:
		return float64(len(window))
	case TemporalOrdered:
		return float64(longest(window, 0, -1<<62, nil))
	default:
		return float64(len(distinct))
	}
}

// longest tries every way to go on with a chain.
func longest(window []item, from int, after int64, used []uint64) int {
	best := 0
	for _, it := range window {
		if int(it.aux) >= from && it.at >= after && !slices.Contains(used, it.event) {
			best = max(best, 1+longest(window, int(it.aux)+1, it.at, append(slices.Clone(used), it.event)))
		}
	}
	return best
}

func TestEngineEqualsOracle(t *testing.T) {
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		kind := []Type{EventCount, ValueCount, Temporal, TemporalOrdered}[seed%4]
		r := &Rule{Name: "r", Title: "r", Type: kind, Members: []string{"a", "b", "c"}, GroupBy: []string{"u"}, Timespan: 10 * time.Second, Field: "v"}
		if kind == EventCount || kind == ValueCount {
			_ = r.When.add([]string{"gte", "eq", "lt"}[rnd.IntN(3)], float64(1+rnd.IntN(5)))
		}
		e := engine(t, []*Rule{r}, Options{Lateness: time.Hour}, "a", "b", "c")
		o := &oracle{r, map[string][]item{}}
		second := 0
		for i := range 120 {
			second += rnd.IntN(4)
			occ := at([]string{"a", "b", "c"}[rnd.IntN(3)], second-rnd.IntN(8), uint64(i), fmt.Sprint("u=", rnd.IntN(2)), fmt.Sprint("v=", rnd.IntN(6)))
			e.Route(occ, func(en Entry) {
				want := o.add(en)
				if _, got := e.Apply(en); got != want {
					t.Fatalf("seed %d, event %d, %s: engine %v, oracle %v", seed, i, kind, got, want)
				}
			})
		}
	}
}

// Events in order lose nothing by compaction of groups that look for rules together.
func TestCompactionChangesNoVerdict(t *testing.T) {
	for seed := range uint64(50) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		r := &Rule{Name: "r", Title: "r", Type: Temporal, Members: []string{"a", "b", "c"}, GroupBy: []string{"u"}, Timespan: 30 * time.Second}
		e := engine(t, []*Rule{r}, Options{MaxGroup: 12}, "a", "b", "c")
		o := &oracle{r, map[string][]item{}}
		for i := range 300 {
			rule := "a"
			if rnd.IntN(20) == 0 {
				rule = []string{"b", "c"}[rnd.IntN(2)]
			}
			e.Route(at(rule, i, uint64(i), "u=1"), func(en Entry) {
				want := o.add(en)
				if _, got := e.Apply(en); got != want {
					t.Fatalf("seed %d, event %d: engine %v, oracle %v", seed, i, got, want)
				}
			})
		}
		if e.Stats().Events > 12 {
			t.Fatalf("%d events are kept", e.Stats().Events)
		}
	}
}

// stream is a seeded sequence of occurrences of three rules.
func stream(seed uint64, n int) []Occurrence {
	rnd := rand.New(rand.NewPCG(seed, 2))
	var os []Occurrence
	for i := range n {
		os = append(os, at([]string{"a", "b", "c"}[rnd.IntN(3)], i/4-rnd.IntN(9), uint64(i), fmt.Sprint("u=", rnd.IntN(40)), fmt.Sprint("v=", rnd.IntN(9))))
	}
	return os
}

func TestSnapshotAndTailEqualFullRun(t *testing.T) {
	rules := []*Rule{
		parse(t, "title: n\nname: n\ncorrelation:\n  type: event_count\n  rules: [a]\n  group-by: [u]\n  timespan: 20s\n  condition: {gte: 3}\n"),
		parse(t, "title: v\nname: v\ncorrelation:\n  type: value_count\n  rules: [a, b]\n  group-by: [u]\n  timespan: 30s\n  condition: {field: v, gte: 3}\n"),
		parse(t, "title: o\nname: o\ncorrelation:\n  type: temporal_ordered\n  rules: [n, c]\n  group-by: [u]\n  timespan: 30s\n"),
	}
	options := Options{MaxEvents: 150, MaxGroup: 40}
	os := stream(7, 4000)
	full := run(engine(t, rules, options, "a", "b", "c"), os...)
	if len(full) < 100 {
		t.Fatalf("only %d detections", len(full))
	}
	for _, cut := range []int{0, 1, 500, 1777, 3999} {
		before := engine(t, rules, options, "a", "b", "c")
		got := run(before, os[:cut]...)
		var snapshot bytes.Buffer
		if err := before.Snapshot(&snapshot); err != nil {
			t.Fatal(err)
		}
		after := engine(t, rules, options, "a", "b", "c")
		if lost, err := after.Restore(&snapshot); err != nil || lost != 0 {
			t.Fatal(lost, err)
		}
		got = append(got, run(after, os[cut:]...)...)
		if diff := cmp.Diff(full, got); diff != "" {
			t.Fatalf("cut at %d: %s", cut, diff)
		}
	}
}

func TestRestoreLeavesOutChangedRules(t *testing.T) {
	rule := func(name, span string) *Rule {
		return parse(t, "title: "+name+"\nname: "+name+"\ncorrelation:\n  type: event_count\n  rules: [a]\n  group-by: [u]\n  timespan: "+span+"\n  condition: {gte: 3}\n")
	}
	before := engine(t, []*Rule{rule("kept", "20s"), rule("changed", "20s")}, Options{}, "a")
	run(before, at("a", 0, 1, "u=1"), at("a", 1, 2, "u=1"))
	var snapshot bytes.Buffer
	if err := before.Snapshot(&snapshot); err != nil {
		t.Fatal(err)
	}
	after := engine(t, []*Rule{rule("changed", "30s"), rule("kept", "20s")}, Options{}, "a")
	if lost, err := after.Restore(&snapshot); err != nil || lost != 1 {
		t.Fatal(lost, err)
	}
	if diff := cmp.Diff([]string{"kept [1] 3 [1 2 3]"}, run(after, at("a", 2, 3, "u=1"))); diff != "" {
		t.Error(diff)
	}
}

func FuzzRestore(f *testing.F) {
	rules := []*Rule{{Name: "r", Title: "r", Type: TemporalOrdered, Members: []string{"a", "b", "c"}, GroupBy: []string{"u"}, Timespan: time.Minute}}
	e, _ := New(rules, knows("a", "b", "c"), Options{})
	run(e, stream(1, 50)...)
	var b bytes.Buffer
	if err := e.Snapshot(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		e, _ := New(rules, knows("a", "b", "c"), Options{})
		_, err := e.Restore(bytes.NewReader(data))
		run(e, stream(2, 50)...)
		if err != nil && e.Stats().Occurrences != 50 {
			t.Errorf("an engine that restored nothing saw %d", e.Stats().Occurrences)
		}
	})
}

func BenchmarkMillionGroups(b *testing.B) {
	r := &Rule{Name: "r", Title: "r", Type: EventCount, Members: []string{"a"}, GroupBy: []string{"u"}, Timespan: time.Hour}
	_ = r.When.add("gte", 5)
	e, _ := New([]*Rule{r}, knows("a"), Options{})
	names := make([]string, 1_000_000)
	for i := range names {
		names[i] = fmt.Sprintf("user-%07d@example.org", i)
	}
	start := time.Unix(1_700_000_000, 0)
	var name string
	field := func(string) (string, bool) { return name, true }
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		name = names[i*7919%len(names)]
		e.Add(Occurrence{Rule: "a", Time: start.Add(time.Duration(i) * time.Millisecond), Event: uint64(i), Source: "s", Field: field}, func(Detection) {})
		i++
	}
	b.ReportMetric(float64(e.Stats().Groups), "groups")
}
