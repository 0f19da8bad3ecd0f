package cow

import "slices"

// Sets is a table of sets.
type Sets struct{ Table[Set] }

// Edit writes membership of h in the set numbered i.
func (t *Sets) Edit(epoch uint64, i, h uint32, in bool) {
	was := t.At(i)
	s := was
	Put(&s, epoch, h, in)
	if s != was {
		t.Put(epoch, i, s)
	}
}

// Move takes a handle from the sets of some numbers to those of others. Sets that
// become empty are dropped, so that searches do not meet them.
func (t *Sets) Move(epoch uint64, h uint32, from, to []uint32) {
	for _, n := range from {
		if _, stays := slices.BinarySearch(to, n); !stays {
			t.Edit(epoch, n, h, false)
			if t.At(n).Len() == 0 {
				t.Put(epoch, n, nil)
			}
		}
	}
	for _, n := range to {
		t.Edit(epoch, n, h, true)
	}
}

// Join adds the sets of another table.
func (t *Sets) Join(other *Sets, epoch uint64) {
	other.Each(func(i uint32, s *Set) bool {
		own := t.At(i)
		Join(&own, s, epoch)
		t.Put(epoch, i, own)
		return true
	})
}
