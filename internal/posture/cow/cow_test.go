package cow

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestEarlierEpochsStay edits a table of sets epoch by epoch and compares every
// epoch with a plain copy of what it was.
func TestEarlierEpochsStay(t *testing.T) {
	type past struct {
		sets Sets
		want map[[2]uint32]bool
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	var sets Sets
	want := map[[2]uint32]bool{}
	var history []past
	for epoch := range uint64(40) {
		for range 50 {
			i, h, in := rnd.Uint32N(3*pageSize), rnd.Uint32N(4), rnd.IntN(3) > 0
			sets.Edit(epoch, i, h, in)
			if want[[2]uint32{i, h}] = in; !in {
				delete(want, [2]uint32{i, h})
			}
		}
		history = append(history, past{sets, maps.Clone(want)})
	}
	for epoch, p := range history {
		got := map[[2]uint32]bool{}
		p.sets.Each(func(i uint32, s *Set) bool {
			if i >= p.sets.Limit() {
				t.Errorf("entry %d lies beyond the limit", i)
			}
			for _, h := range s.Bits().ToArray() {
				got[[2]uint32{i, h}] = true
			}
			return true
		})
		if !maps.Equal(got, p.want) {
			t.Errorf("epoch %d has %d members, want the %d it had", epoch, len(got), len(p.want))
		}
	}
}

func TestMoveAndJoin(t *testing.T) {
	var one, other Sets
	one.Move(1, 7, nil, []uint32{2, 4})
	one.Move(2, 7, []uint32{2, 4}, []uint32{4, 9})
	if one.At(2) != nil || !one.At(4).Has(7) || !one.At(9).Has(7) {
		t.Error("the handle is not where it was moved")
	}
	other.Edit(1, 4, 8, true)
	before := one
	one.Join(&other, 3)
	if got := one.At(4).Bits().ToArray(); !slices.Equal(got, []uint32{7, 8}) {
		t.Errorf("joined set is %v", got)
	}
	if before.At(4).Len() != 1 || other.At(4).Len() != 1 {
		t.Error("joining wrote a set of an earlier epoch, or the one that was added")
	}
	var none *Set
	if none.Has(1) || none.Len() != 0 || !none.Bits().IsEmpty() {
		t.Error("a nil set is not empty")
	}
}
