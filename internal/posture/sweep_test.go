package posture

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/cow"
)

// sweep demands that a sweep finds nothing.
func (w *world) sweep() *Sweep {
	w.t.Helper()
	w.judge.patience = 0
	s, err := w.estate().Sweep(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if s.Total > 0 {
		w.t.Fatalf("a sweep finds %d differences:\n%v", s.Total, s.Differences)
	}
	return s
}

func TestSweepCounts(t *testing.T) {
	w := newWorld(t)
	w.put(w.account("one", true, false), w.account("two", false, true))
	v := w.estate().View()
	before := dump(v)
	s := w.sweep()
	n := 0
	v.rows.Each(func(_ uint32, r *row) bool { n += len(r.cells); return true })
	if s.Resources != v.Resources() || s.Assessments != n || n == 0 {
		t.Errorf("sweep of %d resources and %d assessments, want %d and %d", s.Resources, s.Assessments, v.Resources(), n)
	}
	if w.estate().View() != v || strings.Join(dump(v), "\n") != strings.Join(before, "\n") {
		t.Error("the sweep changed the view")
	}
}

// TestSweepFindsWhatIsWrong damages a running estate in all the ways in which it
// could have gone wrong, one at a time.
func TestSweepFindsWhatIsWrong(t *testing.T) {
	for name, damage := range map[string]func(w *world, e *Estate, v *View, r *row){
		"state":  func(_ *world, _ *Estate, _ *View, r *row) { r.cells[0].state = Exempt },
		"reason": func(_ *world, e *Estate, _ *View, r *row) { r.cells[0].reason = e.names.reasons.id("made up") },
		"missing assessment": func(_ *world, _ *Estate, _ *View, r *row) {
			r.cells = r.cells[:len(r.cells)-1]
		},
		"tags":  func(_ *world, _ *Estate, _ *View, r *row) { r.tags = "a\x00b\x00" },
		"stale": func(_ *world, _ *Estate, _ *View, r *row) { r.stale = !r.stale },
		"group": func(_ *world, e *Estate, _ *View, r *row) { r.group = e.names.groups.id("/elsewhere") },
		"row":   func(_ *world, _ *Estate, v *View, r *row) { v.rows.Put(v.seq, r.handle, nil) },
		"count": func(_ *world, _ *Estate, v *View, _ *row) { v.total.rows++ },
		"control": func(_ *world, _ *Estate, v *View, r *row) {
			v.subs.At(r.sub).ledger.controls[0].healthy++
		},
		"index": func(_ *world, _ *Estate, v *View, r *row) {
			cow.Put(&v.recs[r.cells[0].slot][r.cells[0].state], v.seq, r.handle, false)
		},
		"missed change": func(w *world, e *Estate, _ *View, _ *row) {
			// The judge believes that it has read a change which it never saw.
			if _, err := w.inv.Put(w.t.Context(), "", []wire.Document{w.account("one", false, true)}); err != nil {
				w.t.Fatal(err)
			}
			for part := range e.positions {
				e.positions[part] += 10
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			doc := w.account("one", true, false)
			w.put(doc)
			w.sweep()
			e := w.estate()
			v := e.View()
			damage(w, e, v, v.byID(doc.ID))
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
	w := newWorld(t)
	w.judge.patience = 50 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.judge.Run(ctx) }()
	<-w.judge.Ready()
	type outcome struct {
		s   *Sweep
		err error
	}
	sweeps := make(chan outcome)
	go func() {
		defer close(sweeps)
		for range 10 {
			s, err := w.estate().Sweep(ctx)
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
	w := newWorld(t)
	w.put(w.account("one", true, false))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if s, err := w.estate().Sweep(ctx); err == nil {
		t.Errorf("a sweep nobody waits for says %v", fmt.Sprint(s))
	}
}

// BenchmarkSweep judges the whole estate anew from the store and compares.
func BenchmarkSweep(b *testing.B) {
	be := bench(b)
	be.judge.patience = 0
	cpu := cpuSeconds()
	n := 0
	for b.Loop() {
		s, err := be.e.Sweep(b.Context())
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
