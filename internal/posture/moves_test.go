package posture

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/store"
)

// written are two transactions of moves.
func written() (store.Moves, []moved) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	all := []moved{
		{handle: 1, stance: 0o21, moved: true, born: true, home: home{"/subscriptions/s", "env\x00prod\x00"}},
		{handle: 70_000, stance: 0o21, moved: true, home: home{"/subscriptions/s\x00mg", ""}, flips: packFlips(nil, []flip{{70_000, 300, Healthy, Unhealthy, PolicyChanged}})},
		{handle: 2, stance: nowhere, id: "/subscriptions/s/two"},
		{handle: 3, stance: 0},
	}
	w := &moveWriter{}
	w.begin(7, at)
	w.add(&all[0])
	w.add(&all[1])
	w.begin(9, at.Add(-time.Second))
	w.add(&all[2])
	w.add(&all[3])
	return w.row(), all
}

// read reads a row of moves.
func read(m *store.Moves) (all []moved, seqs []uint64, err error) {
	var r moveReader
	if err := r.open(m); err != nil {
		return nil, nil, err
	}
	ids := map[uint32][]byte{}
	for _, g := range r.gone {
		ids[g.handle] = g.id
	}
	for {
		seq, _, ok := r.next()
		if !ok {
			return all, seqs, r.damaged()
		}
		seqs = append(seqs, seq)
		var e entry
		for r.entry(&e) {
			all = append(all, r.moved(&e, ids))
		}
	}
}

func TestMovesRoundTrip(t *testing.T) {
	row, want := written()
	if row.First != 7 || row.Seq != 9 || row.Entries != 4 || row.To.Sub(row.From) != time.Second {
		t.Errorf("row = %+v", row)
	}
	got, seqs, err := read(&row)
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(moved{}, home{})); diff != "" || err != nil || !slices.Equal(seqs, []uint64{7, 9}) {
		t.Errorf("read %v, %v (-written +read):\n%s", seqs, err, diff)
	}
}

// FuzzMoves reads damaged rows: it must say so or read something, and never
// fail otherwise.
func FuzzMoves(f *testing.F) {
	row, _ := written()
	for n := range len(row.Packed) {
		f.Add(row.Packed[:n])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		all, _, err := read(&store.Moves{Packed: b})
		if err == nil && len(all) > len(b) {
			t.Errorf("%d entries in %d bytes", len(all), len(b))
		}
		for _, m := range all {
			_, _ = unpackFlips(nil, m.handle, m.flips) // an error is fine
		}
	})
}

// FuzzFrame reads damaged blocks of a frame.
func FuzzFrame(f *testing.F) {
	l := &Log{numbers: []uint16{0, 1}}
	sh := &shape{controls: []*content.Control{{ID: "a", Max: 10}, {ID: "b", Max: 4}}}
	p := l.newPast(sh, pastScope{whole: true})
	p.set(1, held{p.class(0o21), p.contained([]byte("/subscriptions/s")), p.tagged([]byte("a\x00b\x00"))}, true)
	p.set(9, held{p.class(0o2), p.contained([]byte("/subscriptions/t\x00mg")), p.tagged(nil)}, true)
	b, err := p.frameBlock(0)
	if err != nil {
		f.Fatal(err)
	}
	for n := range len(b.Stances) + 1 {
		f.Add(b.Stances[:n], b.Tags)
	}
	for n := range len(b.Tags) {
		f.Add(b.Stances, b.Tags[:n])
	}
	f.Fuzz(func(t *testing.T, stances, tags []byte) {
		for _, scope := range []pastScope{{whole: true}, {tag: "a"}, {group: "/subscriptions/s"}, {above: "mg"}} {
			p := l.newPast(sh, scope)
			if err := p.load(&store.FrameBlock{Stances: stances, Tags: tags}); err == nil {
				p.score()
			}
		}
	})
}
