package index

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/cow"
	"github.com/rampart-sec/rampart/internal/posture/record"
	"github.com/rampart-sec/rampart/internal/posture/risk"
)

// testLibrary is a small content library: three scored controls, one of zero
// points.
func testLibrary() *content.Library {
	return &content.Library{Controls: []*content.Control{
		{ID: "mfa", Title: "Enable MFA", Max: 10}, {ID: "ports", Title: "Secure management ports", Max: 8},
		{ID: "rest", Title: "Encrypt at rest", Max: 4}, {ID: "practice", Title: "Best practices", Max: 0},
	}}
}

// testShape has twelve recommendations: three per control, the last of each
// not counted.
func testShape(t testing.TB) *record.Schema {
	t.Helper()
	lib := testLibrary()
	model, err := content.Risk()
	if err != nil {
		t.Fatal(err)
	}
	severities := []content.Severity{content.High, content.Medium, content.Low}
	var ids []string
	var recs []*record.Recommendation
	for i := range 12 {
		ids = append(ids, fmt.Sprintf("00000000-0000-0000-0000-%012d", i))
		recs = append(recs, &record.Recommendation{
			ID: ids[i], Title: fmt.Sprintf("Things %02d should be right", i), Severity: severities[i%3],
			Control: lib.Controls[i/3], Counted: i%3 < 2,
		})
	}
	sh := record.NewSchema(lib, ids, recs)
	sh.Risk = risk.New(model)
	return sh
}

var testTypes = []string{"Microsoft.Storage/storageAccounts", "Microsoft.Compute/virtualMachines", "Microsoft.KeyVault/vaults"}

// randomRow makes a row with random statuses at a handle.
func randomRow(t testing.TB, n *record.Names, fr *risk.Model, rnd *rand.Rand, handle uint32) *record.Row {
	t.Helper()
	typ := testTypes[rnd.IntN(len(testTypes))]
	id := fmt.Sprintf("/subscriptions/sub-%d/resourceGroups/rg-%d/providers/%s/r%d", rnd.IntN(3), rnd.IntN(4), typ, handle)
	body := fmt.Sprintf(`{"location":"l%d","tags":{"env":"e%d","Sensitivity":"%s"},"properties":{"publicNetworkAccess":"%s"}}`,
		rnd.IntN(2), rnd.IntN(3), []string{"high", "low"}[rnd.IntN(2)], []string{"Enabled", "Disabled"}[rnd.IntN(2)])
	r, err := n.Row(fr, handle, &wire.Document{ID: id, Type: typ, Body: []byte(body), ObservedAt: time.Unix(int64(rnd.IntN(1000)), 0)})
	if err != nil {
		t.Fatal(err)
	}
	r.Stale = rnd.IntN(8) == 0
	if rnd.IntN(2) == 0 {
		r.Findings = &record.FindingSet{Open: randomNumbers(rnd), Disabled: randomNumbers(rnd)}
	}
	for slot := range uint16(12) {
		if state := record.State(rnd.IntN(int(record.Exempt) + 1)); state != record.NotApplicable {
			r.Statuses = append(r.Statuses, record.Status{Slot: slot, State: state, Since: uint32(rnd.IntN(500)), Flags: record.Flag(rnd.IntN(8))})
			c := &r.Statuses[len(r.Statuses)-1]
			if state != record.Unhealthy {
				c.Flags = 0
			}
			if state == record.Healthy && rnd.IntN(4) == 0 {
				c.Flags = record.IsCompleted
			}
			if c.Flags != 0 {
				r.Tasks = append(r.Tasks, record.Task{Slot: slot, Owner: uint32(rnd.IntN(4))})
			}
		}
	}
	return r
}

// randomNumbers are some numbers below 10, ascending.
func randomNumbers(rnd *rand.Rand) []uint32 {
	var all []uint32
	for range rnd.IntN(5) {
		all = append(all, uint32(rnd.IntN(10)))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// TestAggregatesEqualRecount makes random edits and compares every aggregate
// of the index with a recount from the rows after each epoch; old epochs must
// not change.
func TestAggregatesEqualRecount(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	sh := testShape(t)
	n, fr := record.NewNames(), sh.Risk
	v := Empty(n, sh)
	model := map[uint32]*record.Row{}
	type frozen struct {
		v    *View
		want recount
	}
	var old []frozen
	for epoch := range 60 {
		b := v.Edit(sh)
		for range 1 + rnd.IntN(40) {
			h := uint32(1 + rnd.IntN(300))
			if known := model[h]; known != nil && rnd.IntN(4) == 0 {
				b.Remove(h)
				delete(model, h)
				continue
			}
			r := randomRow(t, n, fr, rnd, h)
			if was := model[h]; was != nil { // an id does not change
				r.ID, r.Type, r.Group, r.Subscription = was.ID, was.Type, was.Group, was.Subscription
			}
			b.Put(r)
			model[h] = r
		}
		v = b.Commit(time.Unix(int64(epoch), 0))
		want := recountRows(v, model)
		if diff := cmp.Diff(want, v.count(), countsCompare); diff != "" {
			t.Fatalf("epoch %d: index differs from rows (-rows +index):\n%s", epoch, diff)
		}
		if epoch%20 == 0 {
			old = append(old, frozen{v, want})
		}
	}
	for _, f := range old {
		if diff := cmp.Diff(f.want, f.v.count(), countsCompare); diff != "" {
			t.Errorf("epoch %d changed after later edits:\n%s", f.v.Seq(), diff)
		}
	}
	again := v.Rebuild(sh).Commit(v.at)
	if diff := cmp.Diff(v.count(), again.count(), countsCompare); diff != "" {
		t.Errorf("rebuilt index differs:\n%s", diff)
	}
}

// recount is what the index holds, in a form that compares.
type recount struct {
	All, Stale, Assessed, Pending, Busy []uint32
	States                              map[string][]uint32 // "slot/state"
	Controls                            map[string][]uint32 // "control/state", "control/last", "control/lastMixed"
	Places                              map[string][]uint32 // types, groups, tags, factors, burden, subscriptions
	Ledgers                             map[string]recountLedger
}

// countsCompare lets recounts be compared.
var countsCompare = cmp.AllowUnexported(recount{}, ControlCounts{}, RecommendationCounts{}, workload{})

type recountLedger struct {
	Rows, Assessed, Pending int
	Controls                []ControlCounts
	Recs                    []RecommendationCounts
	Work                    map[uint32]workload
}

func newRecount() recount {
	return recount{States: map[string][]uint32{}, Controls: map[string][]uint32{}, Places: map[string][]uint32{}, Ledgers: map[string]recountLedger{}}
}

// count reads the index.
func (v *View) count() recount {
	c := newRecount()
	c.All, c.Stale = v.all.Bits().ToArray(), v.stale.Bits().ToArray()
	c.Assessed, c.Pending, c.Busy = v.assessed.Bits().ToArray(), v.pending.Bits().ToArray(), v.busy.Bits().ToArray()
	for slot := range v.Recs {
		for state, s := range v.Recs[slot][:graceSet] {
			keep(c.States, fmt.Sprintf("%d/%v", slot, record.State(state)), s.Bits().ToArray())
		}
		for flag, at := range flagSets {
			keep(c.States, fmt.Sprintf("%d/flag%d", slot, flag), v.Recs[slot][at].Bits().ToArray())
		}
	}
	for i, sets := range v.controls {
		for state, s := range sets.by {
			keep(c.Controls, fmt.Sprintf("%d/%v", i, record.State(state)), s.Bits().ToArray())
		}
		keep(c.Controls, fmt.Sprintf("%d/last", i), sets.last.Bits().ToArray())
		keep(c.Controls, fmt.Sprintf("%d/lastMixed", i), sets.lastMixed.Bits().ToArray())
	}
	v.countPlaces(&c)
	c.Ledgers["estate"] = ledgerCount(v.Total, len(v.schema.Slots))
	v.Subs.Each(func(n uint32, s *Subscription) bool {
		keep(c.Places, "sub/"+s.ID, s.Members.Bits().ToArray())
		if s.Totals.Rows > 0 {
			c.Ledgers[s.ID] = ledgerCount(s.Totals, len(v.schema.Slots))
		}
		return true
	})
	return c
}

func (v *View) countPlaces(c *recount) {
	v.types.Each(func(i uint32, s *cow.Set) bool {
		keep(c.Places, fmt.Sprintf("type/%d", i), s.Bits().ToArray())
		return true
	})
	v.groups.Each(func(i uint32, s *cow.Set) bool {
		keep(c.Places, fmt.Sprintf("group/%d", i), s.Bits().ToArray())
		return true
	})
	v.open.Each(func(i uint32, s *cow.Set) bool {
		keep(c.Places, fmt.Sprintf("open/%d", i), s.Bits().ToArray())
		return true
	})
	v.off.Each(func(i uint32, s *cow.Set) bool {
		keep(c.Places, fmt.Sprintf("off/%d", i), s.Bits().ToArray())
		return true
	})
	for f, s := range v.factors {
		keep(c.Places, fmt.Sprintf("factors/%d", f), s.Bits().ToArray())
	}
	for n, s := range v.byUnhealthy {
		keep(c.Places, fmt.Sprintf("burden/%d", n), s.Bits().ToArray())
	}
	for _, value := range []string{"e0", "e1", "e2", "test", ""} {
		keep(c.Places, "env/"+value, v.Tags.Find("ENV", value).ToArray())
	}
}

// ledgerCount leaves out the time of the latest change, which stays when rows
// go, and what only some totals count (TestGainIsMarginal proves it), and writes out slots that the totals does not have yet.
func ledgerCount(l *Totals, slots int) recountLedger {
	recs := make([]RecommendationCounts, slots)
	copy(recs, l.recs)
	for i := range recs {
		recs[i].changed, recs[i].dropped = 0, 0
	}
	work := map[uint32]workload{}
	l.work.Each(func(owner uint32, w *workload) bool {
		if n := (workload{0, w.open, w.overdue, w.completed}); n != (workload{}) {
			work[owner] = n
		}
		return true
	})
	return recountLedger{l.Rows, l.assessed, l.pending, slices.Clone(l.Controls), recs, work}
}

func keep(m map[string][]uint32, key string, list []uint32) {
	if len(list) > 0 {
		m[key] = list
	}
}

// recountRows counts anew, by definition: row by row, status by status.
func recountRows(v *View, model map[uint32]*record.Row) recount {
	c := newRecount()
	c.All, c.Stale, c.Assessed, c.Pending, c.Busy = []uint32{}, []uint32{}, []uint32{}, []uint32{}, []uint32{}
	ledgers := map[string]*recountLedger{"estate": emptyCount(v)}
	for _, h := range slices.Sorted(maps.Keys(model)) {
		r := model[h]
		sub := v.names.Subscriptions.Name(r.Subscription)
		if ledgers[sub] == nil {
			ledgers[sub] = emptyCount(v)
		}
		countRow(v, &c, r, sub)
		for _, l := range []*recountLedger{ledgers["estate"], ledgers[sub]} {
			l.Rows++
			countLedger(v, l, r)
		}
		known, unknown := scored(v, r)
		if known {
			c.Assessed = append(c.Assessed, h)
		} else if unknown {
			c.Pending = append(c.Pending, h)
		}
	}
	for name, l := range ledgers {
		c.Ledgers[name] = *l
	}
	return c
}

func emptyCount(v *View) *recountLedger {
	return &recountLedger{Controls: make([]ControlCounts, len(v.schema.Controls)), Recs: make([]RecommendationCounts, len(v.schema.Slots)), Work: map[uint32]workload{}}
}

func countRow(v *View, c *recount, r *record.Row, sub string) {
	h := r.Handle
	add := func(m map[string][]uint32, key string) { m[key] = append(m[key], h) }
	c.All = append(c.All, h)
	if r.Stale {
		c.Stale = append(c.Stale, h)
	}
	if len(r.Tasks) > 0 {
		c.Busy = append(c.Busy, h)
	}
	bad := 0
	for _, cl := range r.Statuses {
		add(c.States, fmt.Sprintf("%d/%v", cl.Slot, cl.State))
		for _, flag := range []record.Flag{record.InGrace, record.HasOwner, record.IsOverdue, record.IsCompleted} {
			if cl.Flags&flag != 0 {
				add(c.States, fmt.Sprintf("%d/flag%d", cl.Slot, flag))
			}
		}
		if cl.State == record.Unhealthy {
			bad++
		}
	}
	for i := range v.schema.Controls {
		state, bad, unknown := inControl(v, r, i)
		if state != record.NotApplicable {
			add(c.Controls, fmt.Sprintf("%d/%v", i, state))
		}
		if bad == 1 && unknown == 0 {
			add(c.Controls, fmt.Sprintf("%d/last", i))
		} else if bad == 1 {
			add(c.Controls, fmt.Sprintf("%d/lastMixed", i))
		}
	}
	add(c.Places, "sub/"+sub)
	add(c.Places, fmt.Sprintf("type/%d", r.Type))
	add(c.Places, fmt.Sprintf("group/%d", r.Group))
	add(c.Places, fmt.Sprintf("factors/%d", r.Factors))
	add(c.Places, fmt.Sprintf("burden/%d", bad))
	for _, n := range r.FindingsOrNone().Open {
		add(c.Places, fmt.Sprintf("open/%d", n))
	}
	for _, n := range r.FindingsOrNone().Disabled {
		add(c.Places, fmt.Sprintf("off/%d", n))
	}
	if env, ok := r.TagMap()["env"]; ok {
		add(c.Places, "env/"+env)
		add(c.Places, "env/")
	}
}

// inControl is a row's state in a control, said as the score's definition says it.
func inControl(v *View, r *record.Row, control int) (state record.State, unhealthy, unknown int) {
	seen := map[record.State]int{}
	for _, c := range r.Statuses {
		rec := v.schema.Slots[c.Slot]
		if rec.Counted && rec.Control == v.schema.Controls[control] && c.Flags&record.InGrace == 0 {
			seen[c.State]++
		}
	}
	for _, s := range []record.State{record.Unhealthy, record.Unknown, record.Healthy, record.Exempt} {
		if seen[s] > 0 {
			return s, seen[record.Unhealthy], seen[record.Unknown]
		}
	}
	return record.NotApplicable, 0, 0
}

func scored(v *View, r *record.Row) (known, unknown bool) {
	for i, c := range v.schema.Controls {
		state, _, _ := inControl(v, r, i)
		if c.Max > 0 {
			known = known || state == record.Healthy || state == record.Unhealthy
			unknown = unknown || state == record.Unknown
		}
	}
	return known, unknown
}

func countLedger(v *View, l *recountLedger, r *record.Row) {
	known, unknown := scored(v, r)
	if known {
		l.Assessed++
	} else if unknown {
		l.Pending++
	}
	for i := range v.schema.Controls {
		state, _, _ := inControl(v, r, i)
		switch state {
		case record.Healthy:
			l.Controls[i].Healthy++
		case record.Unhealthy:
			l.Controls[i].Unhealthy++
		case record.Unknown:
			l.Controls[i].Unknown++
		case record.Exempt:
			l.Controls[i].NotApplicable++
		}
	}
	for _, c := range r.Statuses {
		t := &l.Recs[c.Slot]
		t.ByState[c.State]++
		if r.Stale {
			t.stale++
		}
		t.completed += int32(c.Flags & record.IsCompleted / record.IsCompleted)
		if by := r.TaskOf(c.Slot).Owner; by != record.NoOwner {
			w := l.Work[by]
			w.completed += int32(c.Flags & record.IsCompleted / record.IsCompleted)
			if c.State == record.Unhealthy {
				w.open++
				w.overdue += int32(c.Flags & record.IsOverdue / record.IsOverdue)
			}
			l.Work[by] = w
		}
		if c.State != record.Unhealthy {
			continue
		}
		t.risk[v.schema.RiskOf(c.Slot, r.Factors)]++
		t.owned += int32(c.Flags & record.HasOwner / record.HasOwner)
		t.overdue += int32(c.Flags & record.IsOverdue / record.IsOverdue)
		if v.schema.Control(c.Slot) == record.NotCounted || c.Flags&record.InGrace != 0 {
			continue
		}
		switch _, bad, unknown := inControl(v, r, v.schema.Control(c.Slot)); {
		case bad == 1 && unknown == 0:
			t.fixed++
		case bad == 1:
			t.softened++
		}
	}
}

// TestScopesAgree compares every way to answer a scope: totals kept, sums over
// rows, sums over sets.
func TestScopesAgree(t *testing.T) {
	v := randomView(t, 2000)
	for _, scope := range []Scope{
		{}, {ID: "/subscriptions/SUB-1"}, {ID: "/subscriptions/sub-1/resourceGroups/rg-2"},
		{Tag: "env", TagValue: "e1"}, {Tag: "Env"}, {ID: "/subscriptions/sub-0", Tag: "env", TagValue: "e2"},
	} {
		t.Run(strings.ReplaceAll(fmt.Sprint(scope), "/", "_"), func(t *testing.T) {
			sel := v.Resolve(scope)
			bits := sel.set()
			if bits == nil {
				bits = v.all.Bits()
			}
			want := ledgerCount(v.sumRows(bits), len(v.schema.Slots))
			if want.Rows == 0 {
				t.Fatal("the scope selects nothing")
			}
			opt := countsCompare
			if diff := cmp.Diff(want, ledgerCount(v.TotalsOf(scope, sel), len(v.schema.Slots)), opt); diff != "" {
				t.Errorf("ledger (-rows +ledger):\n%s", diff)
			}
			within := &Totals{work: *v.workOf(Selection{Bits: bits})}
			if diff := cmp.Diff(want.Work, ledgerCount(within, 0).Work, countsCompare); diff != "" {
				t.Errorf("work (-rows +busy rows):\n%s", diff)
			}
			want.Work = map[uint32]workload{} // sets do not tell it
			for i := range want.Recs {        // sets tell the worst level only
				worst, n := want.Recs[i].worst(), want.Recs[i].ByState[record.Unhealthy]
				want.Recs[i].risk = [risk.Critical + 1]int32{}
				if n > 0 {
					want.Recs[i].risk[worst] = n
				}
			}
			if diff := cmp.Diff(want, ledgerCount(v.sumSets(Selection{Bits: bits}, func(uint16) bool { return true }), len(v.schema.Slots)), opt); diff != "" {
				t.Errorf("sets (-rows +sets):\n%s", diff)
			}
		})
	}
}

// randomView is one epoch of n random rows.
func randomView(t testing.TB, n int) *View {
	t.Helper()
	rnd := rand.New(rand.NewPCG(3, uint64(n)))
	sh := testShape(t)
	names, fr := record.NewNames(), sh.Risk
	b := Empty(names, sh).Edit(sh)
	for h := range uint32(n) {
		b.Put(randomRow(t, names, fr, rnd, h+1))
	}
	return b.Commit(time.Unix(0, 0))
}
