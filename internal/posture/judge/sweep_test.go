package judge

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/cow"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// sweep demands that a sweep finds nothing.
func (w *world) sweep() *Sweep {
	w.t.Helper()
	w.Judge.patience = 0
	s, err := w.Estate().Sweep(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if s.Total > 0 {
		w.t.Fatalf("a sweep finds %d differences:\n%v", s.Total, s.Differences)
	}
	return s
}

func TestSweepCounts(t *testing.T) {
	w := NewWorld(t)
	w.Put(w.Account("one", true, false), w.Account("two", false, true))
	v := w.Estate().View()
	before := Dump(v)
	s := w.sweep()
	n := 0
	v.Rows.Each(func(_ uint32, r *record.Row) bool { n += len(r.Statuses); return true })
	if s.Resources != v.Resources() || s.Assessments != n || n == 0 {
		t.Errorf("sweep of %d resources and %d assessments, want %d and %d", s.Resources, s.Assessments, v.Resources(), n)
	}
	if w.Estate().View() != v || strings.Join(Dump(v), "\n") != strings.Join(before, "\n") {
		t.Error("the sweep changed the view")
	}
}

// TestSweepFindsWhatIsWrong damages a running estate in all the ways in which it
// could have gone wrong, one at a time.
func TestSweepFindsWhatIsWrong(t *testing.T) {
	for name, damage := range map[string]func(w *world, e *Estate, v *index.View, r *record.Row){
		"state": func(_ *world, _ *Estate, _ *index.View, r *record.Row) { r.Statuses[0].State = record.Exempt },
		"reason": func(_ *world, e *Estate, _ *index.View, r *record.Row) {
			r.Statuses[0].Reason = e.names.Reasons.ID("made up")
		},
		"missing assessment": func(_ *world, _ *Estate, _ *index.View, r *record.Row) {
			r.Statuses = r.Statuses[:len(r.Statuses)-1]
		},
		"tags":  func(_ *world, _ *Estate, _ *index.View, r *record.Row) { r.Tags = "a\x00b\x00" },
		"stale": func(_ *world, _ *Estate, _ *index.View, r *record.Row) { r.Stale = !r.Stale },
		"group": func(_ *world, e *Estate, _ *index.View, r *record.Row) { r.Group = e.names.Groups.ID("/elsewhere") },
		"row":   func(_ *world, _ *Estate, v *index.View, r *record.Row) { v.Rows.Put(v.Seq(), r.Handle, nil) },
		"count": func(_ *world, _ *Estate, v *index.View, _ *record.Row) { v.Total.Rows++ },
		"control": func(_ *world, _ *Estate, v *index.View, r *record.Row) {
			v.Subs.At(r.Subscription).Totals.Controls[0].Healthy++
		},
		"index": func(_ *world, _ *Estate, v *index.View, r *record.Row) {
			cow.Put(&v.Recs[r.Statuses[0].Slot][r.Statuses[0].State], v.Seq(), r.Handle, false)
		},
		"missed change": func(w *world, e *Estate, _ *index.View, _ *record.Row) {
			// The judge believes that it has read a change which it never saw.
			if _, err := w.Inv.Put(w.t.Context(), "", []wire.Document{w.Account("one", false, true)}); err != nil {
				w.t.Fatal(err)
			}
			for part := range e.positions {
				e.positions[part] += 10
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := NewWorld(t)
			doc := w.Account("one", true, false)
			w.Put(doc)
			w.sweep()
			e := w.Estate()
			v := e.View()
			damage(w, e, v, v.Find(doc.ID))
			s, err := e.Sweep(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if s.Total == 0 || len(s.Differences) == 0 {
				t.Error("the sweep found nothing")
			}
		})
	}
}

// TestSweepWhileThingsChange sweeps a running judge while documents and policies
// change: what changes meanwhile is no difference.
func TestSweepWhileThingsChange(t *testing.T) {
	w := NewWorld(t)
	w.Judge.patience = 50 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Judge.Run(ctx) }()
	<-w.Judge.Ready()
	type outcome struct {
		s   *Sweep
		err error
	}
	sweeps := make(chan outcome)
	go func() {
		defer close(sweeps)
		for range 10 {
			s, err := w.Estate().Sweep(ctx)
			sweeps <- outcome{s, err}
		}
	}()
	ed := &editor{w: w, rnd: rand.New(rand.NewPCG(3, 3)), docs: map[string]wire.Document{}}
	for going := true; going; {
		select {
		case o, more := <-sweeps:
			switch going = more; {
			case o.err != nil:
				t.Error(o.err)
			case more && o.s.Total > 0:
				t.Errorf("a sweep finds %d differences:\n%v", o.s.Total, o.s.Differences)
			}
		default:
			if ed.rnd.IntN(400) == 0 {
				ed.some()
			} else {
				ed.put()
			}
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestSweepEnds(t *testing.T) {
	w := NewWorld(t)
	w.Put(w.Account("one", true, false))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if s, err := w.Estate().Sweep(ctx); err == nil {
		t.Errorf("a sweep nobody waits for says %v", fmt.Sprint(s))
	}
}

// BenchmarkSweep judges the whole estate anew from the store and compares.
func BenchmarkSweep(b *testing.B) {
	be := Bench(b)
	be.judge.patience = 0
	cpu := cpuSeconds()
	n := 0
	for b.Loop() {
		s, err := be.E.Sweep(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if s.Total > 0 {
			b.Fatalf("%d differences: %v", s.Total, s.Differences[:min(5, len(s.Differences))])
		}
		b.ReportMetric(float64(s.Resources), "resources")
		n++
	}
	b.ReportMetric((cpuSeconds()-cpu)/float64(n), "cpu-s/op")
}

// TestSweepListsWhatCannotBeJudged: a document that was stored although the
// evaluator refuses it is named with the reason.
func TestSweepListsWhatCannotBeJudged(t *testing.T) {
	w := NewWorld(t)
	w.Put(w.Account("a", true, true))
	bad := w.Account("b", true, true)
	bad.Unavailable = []string{"properties..x"}
	w.update(func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.PutResources(ctx, "", []wire.Document{bad})
		return err
	})
	w.Step()
	s, err := w.Estate().Sweep(t.Context())
	if err != nil || s.UnjudgedTotal != 1 || len(s.Unjudged) != 1 || s.Unjudged[0].ID != bad.ID || s.Unjudged[0].Reason == "" {
		t.Errorf("%+v, %v", s, err)
	}
}
