package posture

import (
	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/posture/cow"
)

// merge takes in a view of other rows that nobody else reads; it is dead
// afterwards. Handles of rows are above those that are there.
func (b *builder) merge(part *View) {
	v, epoch := b.v, b.v.seq
	b.dirty = true
	part.rows.Each(func(h uint32, r *row) bool { v.rows.Put(epoch, h, r); return true })
	for _, p := range [][2]**cow.Set{{&v.all, &part.all}, {&v.stale, &part.stale}, {&v.assessed, &part.assessed}, {&v.pending, &part.pending}, {&v.busy, &part.busy}} {
		cow.Join(p[0], *p[1], epoch)
	}
	for i := range part.recs {
		cow.JoinAll(v.recs[i][:], part.recs[i][:], epoch)
	}
	for i := range part.controls {
		own, other := &v.controls[i], &part.controls[i]
		cow.JoinAll(own.by[:], other.by[:], epoch)
		cow.Join(&own.last, other.last, epoch)
		cow.Join(&own.lastMixed, other.lastMixed, epoch)
	}
	v.types.Join(&part.types, epoch)
	v.groups.Join(&part.groups, epoch)
	v.open.Join(&part.open, epoch)
	v.off.Join(&part.off, epoch)
	v.tags.join(&part.tags, epoch)
	cow.JoinAll(v.factors[:], part.factors[:], epoch)
	cow.JoinAll(v.burden[:], part.burden[:], epoch)
	v.total.merge(part.total)
	part.subs.Each(func(n uint32, other *subscription) bool {
		s := b.subscription(n)
		s.ledger.merge(other.ledger)
		cow.Join(&s.members, other.members, epoch)
		if other.resource != nil {
			s.resource = other.resource
		}
		return true
	})
}

func (t *tagIndex) join(other *tagIndex, epoch uint64) {
	if other.shards == nil {
		return
	}
	for _, shard := range other.shards {
		if shard == nil {
			continue
		}
		for key, s := range shard.sets {
			sets := t.own(epoch, key).sets
			own := sets[key].own(epoch)
			own.join(s)
			sets[key] = own
		}
	}
}

func (s *tagSet) join(other *tagSet) {
	if other.many == nil {
		for _, h := range other.few {
			s.put(h, true)
		}
		return
	}
	if s.many == nil {
		s.many, s.few = roaring.BitmapOf(s.few...), nil
	}
	s.many.Or(other.many)
}

// merge adds the rows of another ledger of the same shape.
func (l *ledger) merge(other *ledger) {
	l.rows += other.rows
	l.assessed += other.assessed
	l.pending += other.pending
	for i, t := range other.controls {
		l.controls[i].merge(t)
	}
	for i := range other.recs {
		l.recs[i].merge(&other.recs[i])
	}
	l.mergeWork(other)
}

func (t *tally) merge(other tally) {
	t.healthy += other.healthy
	t.unhealthy += other.unhealthy
	t.unknown += other.unknown
	t.notApplicable += other.notApplicable
}

func (t *recTally) merge(other *recTally) {
	for i, n := range other.by {
		t.by[i] += n
	}
	for i, n := range other.risk {
		t.risk[i] += n
	}
	t.stale += other.stale
	t.owned += other.owned
	t.overdue += other.overdue
	t.completed += other.completed
	t.fixed += other.fixed
	t.softened += other.softened
	t.dropped += other.dropped
	t.changed = max(t.changed, other.changed)
}
