package posture

import "github.com/RoaringBitmap/roaring/v2"

// set is a set of handles that belongs to the epoch that last wrote it. Sets of
// older epochs are shared between views and never written again. A nil set is
// empty.
type set struct {
	epoch uint64
	bits  *roaring.Bitmap
}

// none stands for the bits of nil sets; nobody writes it.
var none = roaring.New()

func (s *set) read() *roaring.Bitmap {
	if s == nil {
		return none
	}
	return s.bits
}

func (s *set) has(h uint32) bool { return s != nil && s.bits.Contains(h) }

func (s *set) len() int { return int(s.read().GetCardinality()) }

// own gives the set to write in an epoch: s itself if it is of this epoch, a
// copy otherwise.
func (s *set) own(epoch uint64) *set {
	switch {
	case s == nil:
		return &set{epoch, roaring.New()}
	case s.epoch == epoch:
		return s
	}
	return &set{epoch, s.bits.Clone()}
}

// add puts h, which is not in it, into *p.
func add(p **set, epoch uint64, h uint32) {
	*p = (*p).own(epoch)
	(*p).bits.Add(h)
}

// put writes membership of h into *p, which is replaced where it is shared.
func put(p **set, epoch uint64, h uint32, in bool) {
	if (*p).has(h) == in {
		return
	}
	*p = (*p).own(epoch)
	if in {
		(*p).bits.Add(h)
	} else {
		(*p).bits.Remove(h)
	}
}
