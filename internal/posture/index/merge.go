package index

import (
	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/posture/cow"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// Merge takes in a view of other rows that nobody else reads; it is dead
// afterwards. Handles of rows are above those that are there.
func (b *Writer) Merge(part *View) {
	v, epoch := b.View, b.View.seq
	b.Dirty = true
	part.Rows.Each(func(h uint32, r *record.Row) bool { v.Rows.Put(epoch, h, r); return true })
	for _, p := range [][2]**cow.Set{{&v.all, &part.all}, {&v.stale, &part.stale}, {&v.assessed, &part.assessed}, {&v.pending, &part.pending}, {&v.busy, &part.busy}} {
		cow.Join(p[0], *p[1], epoch)
	}
	for i := range part.Recs {
		cow.JoinAll(v.Recs[i][:], part.Recs[i][:], epoch)
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
	v.Tags.join(&part.Tags, epoch)
	cow.JoinAll(v.factors[:], part.factors[:], epoch)
	cow.JoinAll(v.byUnhealthy[:], part.byUnhealthy[:], epoch)
	v.Total.merge(part.Total)
	part.Subs.Each(func(n uint32, other *Subscription) bool {
		s := b.subscription(n)
		s.Totals.merge(other.Totals)
		cow.Join(&s.Members, other.Members, epoch)
		if other.Resource != nil {
			s.Resource = other.Resource
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

// merge adds the rows of another totals of the same shape.
func (l *Totals) merge(other *Totals) {
	l.Rows += other.Rows
	l.assessed += other.assessed
	l.pending += other.pending
	for i, t := range other.Controls {
		l.Controls[i].merge(t)
	}
	for i := range other.recs {
		l.recs[i].merge(&other.recs[i])
	}
	l.mergeWork(other)
}

func (t *ControlCounts) merge(other ControlCounts) {
	t.Healthy += other.Healthy
	t.Unhealthy += other.Unhealthy
	t.Unknown += other.Unknown
	t.NotApplicable += other.NotApplicable
}

func (t *RecommendationCounts) merge(other *RecommendationCounts) {
	for i, n := range other.ByState {
		t.ByState[i] += n
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
