package posture

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

// flipsOf are the flips that were stored for a transaction.
func (w *world) flipsOf(seq uint64) (all []flip) {
	w.t.Helper()
	err := w.db.View(w.t.Context(), func(tx *store.Tx) error {
		return tx.EachMoves(w.t.Context(), store.MovesQuery{After: seq - 1}, func(m *store.Moves) error {
			var r moveReader
			if err := r.open(m); err != nil {
				return err
			}
			for {
				n, _, ok := r.next()
				if !ok {
					return r.damaged()
				}
				var en entry
				for r.entry(&en) {
					if n != seq || en.flips < 0 {
						continue
					}
					var err error
					if all, err = unpackFlips(all, en.handle, r.flips[en.flips]); err != nil {
						return err
					}
				}
			}
		})
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// TestTailEqualsRunning writes packed states of every change behind it, some or
// none of them before the judge is gone. The next judge must know of every
// assessment since when it stands so, and whose task it was, and so must one after
// that, which finds what the first has written.
func TestTailEqualsRunning(t *testing.T) {
	behind, joined := 0, 0
	for seed := range uint64(32) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 17))
			w := &world{t: t, clock: newClock(), late: &writeBehind{above: 0, some: rnd.IntN(4)}}
			w.open(t.TempDir() + "/posture.db")
			edits := &editor{w: w, rnd: rnd, docs: map[string]wire.Document{}}
			tasks := &clerk{*edits}
			for range 16 {
				for range 1 + rnd.IntN(6) {
					if rnd.IntN(3) == 0 {
						tasks.some()
					} else {
						edits.some()
					}
				}
				w.step()
				w.clock.pass(time.Duration(rnd.IntN(300)) * time.Minute)
				if rnd.IntN(3) > 0 {
					continue
				}
				running := dumpTasks(t, w.step())
				for range 2 {
					e := w.estate()
					behind += int(e.behind.GetCardinality())
					e.log.wait()
					if rnd.IntN(2) == 0 { // before, in the middle or after
						if err := e.log.join(t.Context()); err != nil {
							t.Fatal(err)
						}
						joined++
					}
					w.restart()
					if diff := cmp.Diff(running, dumpTasks(t, w.estate().View())); diff != "" {
						t.Fatalf("a restart sees something else (-running +restarted):\n%s", diff)
					}
				}
			}
		})
	}
	if behind == 0 || joined == 0 {
		t.Errorf("%d rows were behind, moves were joined %d times: this tests nothing", behind, joined)
	}
}

// TestKilledBehind is the same for an edit that reaches so many resources that the
// judge itself writes them behind: it is gone before it has written any.
func TestKilledBehind(t *testing.T) {
	w := &world{t: t, clock: newClock(), late: &writeBehind{above: manyTouched}}
	w.open(t.TempDir() + "/posture.db")
	for i := range (manyTouched + 1000) / 1000 {
		var docs []wire.Document
		for k := range 1001 {
			docs = append(docs, w.account(fmt.Sprintf("a%d-%d", i, k), k%2 == 0, false))
		}
		w.put(docs...)
	}
	w.clock.pass(time.Minute)
	waive := func(properties map[string]any) *View {
		properties["policyAssignmentId"], properties["exemptionCategory"] = builtInAssignment, "Waiver"
		return w.object("policyExemption", testSub+"/providers/Microsoft.Authorization/policyExemptions/all", properties)
	}
	v := waive(map[string]any{})
	edit := w.clock.now()
	if n := w.estate().behind.GetCardinality(); n <= manyTouched {
		t.Fatalf("%d rows are behind", n)
	}
	running := dump(v)
	for _, some := range []int{0, 3000, allBehind, 0} {
		w.clock.pass(time.Minute)
		w.late.some = some
		w.restart()
		if diff := cmp.Diff(running, dump(w.estate().View())); diff != "" {
			t.Fatalf("a restart sees something else (-running +restarted):\n%.2000s", diff)
		}
	}
	a, _ := w.estate().View().Assessment(w.account("a0-0", true, false).ID, rec(t, "storage-https"))
	if a.State != Exempt || !a.Since.Equal(edit.Truncate(time.Second)) {
		t.Errorf("it is %v since %v, want exempt since %v", a.State, a.Since, edit)
	}
	if n := w.estate().behind.GetCardinality(); n != 0 {
		t.Errorf("%d rows are behind, all were written", n)
	}
}

// TestTurnOfCells applies a run of flips to cells that have none of it, and again
// to those that have all of it.
func TestTurnOfCells(t *testing.T) {
	at := func(s State, since, first uint32) []cell {
		return []cell{{slot: 1, state: s, since: since, first: first}}
	}
	for name, tt := range map[string]struct {
		was  []cell
		run  []State
		want []cell
	}{
		"new":            {nil, []State{Healthy}, at(Healthy, 11, 11)},
		"turned":         {at(Healthy, 5, 3), []State{Unhealthy, Unknown}, at(Unknown, 12, 3)},
		"gone":           {at(Healthy, 5, 3), []State{NotApplicable}, nil},
		"gone and back":  {at(Healthy, 5, 3), []State{NotApplicable, Healthy, Unhealthy}, at(Unhealthy, 13, 12)},
		"came and went":  {nil, []State{Unhealthy, NotApplicable}, nil},
		"came and again": {nil, []State{Unhealthy, NotApplicable, Exempt}, at(Exempt, 13, 13)},
	} {
		r := &row{cells: slices.Clone(tt.was)}
		for range 2 {
			from := NotApplicable
			if tt.was != nil {
				from = tt.was[0].state
			}
			for i, to := range tt.run {
				r.turn(flip{slot: 1, from: from, to: to}, uint32(11+i))
				from = to
			}
			if !slices.Equal(r.cells, tt.want) {
				t.Errorf("%s: %+v, want %+v", name, r.cells, tt.want)
			}
		}
	}
}
