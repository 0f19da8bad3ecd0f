package index

import (
	"hash/maphash"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/cow"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

const (
	tagShards = 256
	// manyTagged is the number of resources from which a tag value has a
	// bitmap; below it a short list is smaller and as fast.
	manyTagged = 64
)

// tagSeed hashes tags within this process only; nothing stored depends on it.
var tagSeed = maphash.MakeSeed()

// tagIndex finds the resources with a tag, by hash of name and value, copied on
// write by shard. Two tags with one 64-bit hash would share a set; readers that
// show single rows see the rows' own tags.
type tagIndex struct {
	epoch  uint64
	shards *[tagShards]*tagShard
}

type tagShard struct {
	epoch uint64
	sets  map[uint64]*tagSet
}

type tagSet struct {
	epoch uint64
	few   []uint32 // sorted, when many is nil
	many  *roaring.Bitmap
}

// tagKey is the hash of a tag with a value, or of the name alone (any value).
// Names compare without case, values with it.
func tagKey(name, value string, any bool) uint64 {
	var h maphash.Hash
	h.SetSeed(tagSeed)
	_, _ = h.WriteString(arm.Fold(name)) // never fails
	if !any {
		_ = h.WriteByte(0) // never fails
		_, _ = h.WriteString(value)
	}
	return h.Sum64()
}

// Find is the set of resources with a tag; an empty value means any.
func (t *tagIndex) Find(name, value string) *roaring.Bitmap {
	key := tagKey(name, value, value == "")
	if t.shards == nil || t.shards[key%tagShards] == nil {
		return cow.None
	}
	s := t.shards[key%tagShards].sets[key]
	switch {
	case s == nil:
		return cow.None
	case s.many != nil:
		return s.many
	}
	return roaring.BitmapOf(s.few...)
}

// put books all tags of a row in or out.
func (t *tagIndex) put(epoch uint64, r *record.Row, in bool) {
	r.EachTag(func(name, value string) {
		t.set(epoch, tagKey(name, "", true), r.Handle, in)
		t.set(epoch, tagKey(name, value, false), r.Handle, in)
	})
}

func (t *tagIndex) set(epoch, key uint64, h uint32, in bool) {
	sets := t.own(epoch, key).sets
	s := sets[key].own(epoch)
	s.put(h, in)
	if s.empty() {
		delete(sets, key)
		return
	}
	sets[key] = s
}

// own gives the shard of a key to write in an epoch.
func (t *tagIndex) own(epoch, key uint64) *tagShard {
	if t.shards == nil || t.epoch != epoch {
		shards := [tagShards]*tagShard{}
		if t.shards != nil {
			shards = *t.shards
		}
		t.shards, t.epoch = &shards, epoch
	}
	p := &t.shards[key%tagShards]
	switch {
	case *p == nil:
		*p = &tagShard{epoch, map[uint64]*tagSet{}}
	case (*p).epoch != epoch:
		sets := make(map[uint64]*tagSet, len((*p).sets)+1)
		for k, s := range (*p).sets {
			sets[k] = s
		}
		*p = &tagShard{epoch, sets}
	}
	return *p
}

func (s *tagSet) own(epoch uint64) *tagSet {
	switch {
	case s == nil:
		return &tagSet{epoch: epoch}
	case s.epoch == epoch:
		return s
	case s.many != nil:
		return &tagSet{epoch: epoch, many: s.many.Clone()}
	}
	return &tagSet{epoch: epoch, few: slices.Clone(s.few)}
}

func (s *tagSet) put(h uint32, in bool) {
	if s.many != nil {
		if in {
			s.many.Add(h)
		} else {
			s.many.Remove(h)
		}
		return
	}
	i, found := slices.BinarySearch(s.few, h)
	switch {
	case in && !found:
		s.few = slices.Insert(s.few, i, h)
	case !in && found:
		s.few = slices.Delete(s.few, i, i+1)
	}
	if len(s.few) >= manyTagged {
		s.many, s.few = roaring.BitmapOf(s.few...), nil
	}
}

func (s *tagSet) empty() bool {
	return len(s.few) == 0 && (s.many == nil || s.many.IsEmpty())
}
