package judge

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/history"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// flipsOf are the changes that were stored for a transaction.
func (w *world) flipsOf(seq uint64) (all []record.Change) {
	w.t.Helper()
	err := w.Db.View(w.t.Context(), func(tx *store.Tx) error {
		return tx.EachMoves(w.t.Context(), store.MovesQuery{After: seq - 1}, func(m *store.Moves) error {
			var r history.BlockReader
			if err := r.Open(m); err != nil {
				return err
			}
			for {
				n, _, ok := r.Next()
				if !ok {
					return r.Damaged()
				}
				var en history.Entry
				for r.Entry(&en) {
					if n != seq || en.Changes < 0 {
						continue
					}
					var err error
					if all, err = history.UnpackChanges(all, en.Handle, r.Changes[en.Changes]); err != nil {
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
			w := &world{t: t, Clock: newClock(), late: &writeBehind{above: 0, some: rnd.IntN(4)}}
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
				w.Step()
				w.Clock.Pass(time.Duration(rnd.IntN(300)) * time.Minute)
				if rnd.IntN(3) > 0 {
					continue
				}
				running := dumpTasks(t, w.Step())
				for range 2 {
					e := w.Estate()
					behind += int(e.behind.GetCardinality())
					e.log.Wait()
					if rnd.IntN(2) == 0 { // before, in the middle or after
						if err := e.log.MergeBlocks(t.Context()); err != nil {
							t.Fatal(err)
						}
						joined++
					}
					w.restart()
					if diff := cmp.Diff(running, dumpTasks(t, w.Estate().View())); diff != "" {
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
	w := &world{t: t, Clock: newClock(), late: &writeBehind{above: manyTouched}}
	w.open(t.TempDir() + "/posture.db")
	for i := range (manyTouched + 1000) / 1000 {
		var docs []wire.Document
		for k := range 1001 {
			docs = append(docs, w.Account(fmt.Sprintf("a%d-%d", i, k), k%2 == 0, false))
		}
		w.Put(docs...)
	}
	w.Clock.Pass(time.Minute)
	waive := func(properties map[string]any) *index.View {
		properties["policyAssignmentId"], properties["exemptionCategory"] = builtInAssignment, "Waiver"
		return w.object("policyExemption", TestSub+"/providers/Microsoft.Authorization/policyExemptions/all", properties)
	}
	v := waive(map[string]any{})
	edit := w.Clock.Now()
	if n := w.Estate().behind.GetCardinality(); n <= manyTouched {
		t.Fatalf("%d rows are behind", n)
	}
	running := Dump(v)
	for _, some := range []int{0, 3000, allBehind, 0} {
		w.Clock.Pass(time.Minute)
		w.late.some = some
		w.restart()
		if diff := cmp.Diff(running, Dump(w.Estate().View())); diff != "" {
			t.Fatalf("a restart sees something else (-running +restarted):\n%.2000s", diff)
		}
	}
	a, _ := w.Estate().View().Assessment(w.Account("a0-0", true, false).ID, Rec(t, "storage-https"))
	if a.State != record.Exempt || !a.Since.Equal(edit.Truncate(time.Second)) {
		t.Errorf("it is %v since %v, want exempt since %v", a.State, a.Since, edit)
	}
	if n := w.Estate().behind.GetCardinality(); n != 0 {
		t.Errorf("%d rows are behind, all were written", n)
	}
}

// TestTurnOfCells applies a run of changes to statuses that have none of it, and again
// to those that have all of it.
func TestTurnOfCells(t *testing.T) {
	at := func(s record.State, since, first uint32) []record.Status {
		return []record.Status{{Slot: 1, State: s, Since: since, First: first}}
	}
	for name, tt := range map[string]struct {
		was  []record.Status
		run  []record.State
		want []record.Status
	}{
		"new":            {nil, []record.State{record.Healthy}, at(record.Healthy, 11, 11)},
		"turned":         {at(record.Healthy, 5, 3), []record.State{record.Unhealthy, record.Unknown}, at(record.Unknown, 12, 3)},
		"gone":           {at(record.Healthy, 5, 3), []record.State{record.NotApplicable}, nil},
		"gone and back":  {at(record.Healthy, 5, 3), []record.State{record.NotApplicable, record.Healthy, record.Unhealthy}, at(record.Unhealthy, 13, 12)},
		"came and went":  {nil, []record.State{record.Unhealthy, record.NotApplicable}, nil},
		"came and again": {nil, []record.State{record.Unhealthy, record.NotApplicable, record.Exempt}, at(record.Exempt, 13, 13)},
	} {
		r := &record.Row{Statuses: slices.Clone(tt.was)}
		for range 2 {
			from := record.NotApplicable
			if tt.was != nil {
				from = tt.was[0].State
			}
			for i, to := range tt.run {
				r.Apply(record.Change{Slot: 1, From: from, To: to}, uint32(11+i))
				from = to
			}
			if !slices.Equal(r.Statuses, tt.want) {
				t.Errorf("%s: %+v, want %+v", name, r.Statuses, tt.want)
			}
		}
	}
}
