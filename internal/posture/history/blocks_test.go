package history

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// written are two transactions of moves.
func written() (store.Moves, []RowChange) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	all := []RowChange{
		{Handle: 1, States: 0o21, Relocated: true, Created: true, Placement: record.Placement{Container: "/subscriptions/s", Tags: "env\x00prod\x00"}},
		{Handle: 70_000, States: 0o21, Relocated: true, Placement: record.Placement{Container: "/subscriptions/s\x00mg", Tags: ""}, Changes: PackChanges(nil, []record.Change{{Handle: 70_000, Slot: 300, From: record.Healthy, To: record.Unhealthy, Cause: record.PolicyChanged}})},
		{Handle: 2, States: record.Absent, ID: "/subscriptions/s/two"},
		{Handle: 3, States: 0},
	}
	w := &BlockWriter{}
	w.begin(7, at)
	w.add(&all[0])
	w.add(&all[1])
	w.begin(9, at.Add(-time.Second))
	w.add(&all[2])
	w.add(&all[3])
	return w.row(), all
}

// read reads a row of moves.
func read(m *store.Moves) (all []RowChange, seqs []uint64, err error) {
	var r BlockReader
	if err := r.Open(m); err != nil {
		return nil, nil, err
	}
	ids := map[uint32][]byte{}
	for _, g := range r.gone {
		ids[g.handle] = g.id
	}
	for {
		seq, _, ok := r.Next()
		if !ok {
			return all, seqs, r.Damaged()
		}
		seqs = append(seqs, seq)
		var e Entry
		for r.Entry(&e) {
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
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(RowChange{}, record.Placement{})); diff != "" || err != nil || !slices.Equal(seqs, []uint64{7, 9}) {
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
			_, _ = UnpackChanges(nil, m.Handle, m.Changes) // an error is fine
		}
	})
}

// FuzzFrame reads damaged blocks of a frame.
func FuzzFrame(f *testing.F) {
	l := &Log{Numbers: []uint16{0, 1}}
	sh := &record.Schema{Controls: []*content.Control{{ID: "a", Max: 10}, {ID: "b", Max: 4}}}
	p := l.NewSnapshot(sh, SnapshotScope{Whole: true})
	p.Set(1, RowState{p.Class(0o21), p.Contained([]byte("/subscriptions/s")), p.Tagged([]byte("a\x00b\x00"))}, true)
	p.Set(9, RowState{p.Class(0o2), p.Contained([]byte("/subscriptions/t\x00mg")), p.Tagged(nil)}, true)
	b, err := p.FrameBlock(0)
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
		for _, scope := range []SnapshotScope{{Whole: true}, {tag: "a"}, {group: "/subscriptions/s"}, {above: "mg"}} {
			p := l.NewSnapshot(sh, scope)
			if err := p.load(&store.FrameBlock{Stances: stances, Tags: tags}); err == nil {
				p.Score()
			}
		}
	})
}
