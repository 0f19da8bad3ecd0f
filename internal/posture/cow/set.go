package cow

import "github.com/RoaringBitmap/roaring/v2"

// Set is a set of numbers that belongs to the epoch that last wrote it. Sets of
// older epochs are shared and never written again. A nil set is empty.
type Set struct {
	epoch uint64
	bits  *roaring.Bitmap
}

// None stands for the bits of nil sets; nobody writes it.
var None = roaring.New()

// Bits are the set as a bitmap. The caller may write it only where it owns the set.
func (s *Set) Bits() *roaring.Bitmap {
	if s == nil {
		return None
	}
	return s.bits
}

// Has reports whether a number is in the set.
func (s *Set) Has(h uint32) bool { return s != nil && s.bits.Contains(h) }

// Len is how many numbers are in the set.
func (s *Set) Len() int { return int(s.Bits().GetCardinality()) }

// Own gives the set to write in an epoch: s itself if it is of this epoch, a
// copy otherwise.
func (s *Set) Own(epoch uint64) *Set {
	switch {
	case s == nil:
		return &Set{epoch, roaring.New()}
	case s.epoch == epoch:
		return s
	}
	return &Set{epoch, s.bits.Clone()}
}

// Add puts h, which is not in it, into *p.
func Add(p **Set, epoch uint64, h uint32) {
	*p = (*p).Own(epoch)
	(*p).bits.Add(h)
}

// Put writes membership of h into *p, which is replaced where it is shared.
func Put(p **Set, epoch uint64, h uint32, in bool) {
	if (*p).Has(h) == in {
		return
	}
	*p = (*p).Own(epoch)
	if in {
		(*p).bits.Add(h)
	} else {
		(*p).bits.Remove(h)
	}
}

// Join adds a set to *p.
func Join(p **Set, other *Set, epoch uint64) {
	if other == nil {
		return
	}
	*p = (*p).Own(epoch)
	(*p).bits.Or(other.bits)
}

// JoinAll is Join for sets that stand beside one another; there are at least as
// many as others.
func JoinAll(sets, others []*Set, epoch uint64) {
	for i := range others {
		Join(&sets[i], others[i], epoch)
	}
}
