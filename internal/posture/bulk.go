package posture

import (
	"runtime"
	"slices"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/posture/cow"
)

// judgeAll judges the rows of a first view, by ascending handle, on all
// processors: each has a change and a view of its own, which are merged.
func (t *change) judgeAll(rows []*row) {
	parts := runtime.GOMAXPROCS(0)
	if parts == 1 || len(rows) < manyTouched {
		t.judgeFirst(rows)
		return
	}
	var wg sync.WaitGroup
	var changes []*change
	for some := range slices.Chunk(rows, (len(rows)+parts-1)/parts) {
		b := emptyView(t.next.names, t.next.shape).from(t.base.seq).edit(t.next.shape)
		b.unnamed, b.anew, b.bare = true, true, t.builder.bare
		part := &change{e: t.e, base: t.base, next: b.v, builder: b, at: t.at, assessor: assessor{e: t.e, at: t.at}}
		changes = append(changes, part)
		wg.Go(func() { part.judgeFirst(some) })
	}
	wg.Wait()
	for _, part := range changes {
		t.builder.merge(part.next)
		t.flips = append(t.flips, part.flips...)
		t.touched = append(t.touched, part.touched...)
	}
}

// judgeFirst judges rows, which nobody else has, against what was stored of them.
func (t *change) judgeFirst(rows []*row) {
	var stored row
	for _, r := range rows {
		var was *row
		if r.judged {
			stored = *r
			was = &stored
		}
		r.judged = true
		t.judge(r, was, ResourceChanged)
	}
	t.assessor.done()
}

// fewTogether is the number of rows that are judged one after another; more are
// worth the other processors.
const fewTogether = 256

// manyTogether bounds the rows that are assessed before they are booked.
const manyTogether = 1 << 14

// judgeMany judges rows against what the next view has of them: assessed on all
// processors, then booked one after another.
func (t *change) judgeMany(rows []*row, cause Cause) {
	t.collect() // in the order in which rows are judged
	for some := range slices.Chunk(rows, manyTogether) {
		t.assessMany(some)
		for _, r := range some {
			t.book(r, t.next.rows.At(r.handle), cause)
		}
	}
}

func (t *change) assessMany(rows []*row) {
	parts := min(runtime.GOMAXPROCS(0), len(rows)/fewTogether+1)
	var wg sync.WaitGroup
	for some := range slices.Chunk(rows, (len(rows)+parts-1)/parts) {
		wg.Go(func() {
			a := assessor{e: t.e, at: t.at}
			for _, r := range some {
				a.assess(r, t.next.rows.At(r.handle))
			}
			a.done()
		})
	}
	wg.Wait()
}

// againMany judges rows that are in the index, their documents unchanged.
func (t *change) againMany(handles *roaring.Bitmap, cause Cause) {
	t.collect()
	if !t.builder.anew && !t.builder.bare && int(handles.GetCardinality()) > t.e.judge.together {
		t.againTogether(handles, cause)
		return
	}
	rows := make([]*row, 0, min(handles.GetCardinality(), manyTogether))
	flush := func() {
		t.judgeMany(rows, cause)
		rows = rows[:0]
	}
	it := handles.Iterator()
	for it.HasNext() {
		if was := t.next.rows.At(it.Next()); was != nil {
			fresh := *was
			rows = append(rows, &fresh)
		}
		if len(rows) == manyTogether {
			flush()
		}
	}
	flush()
}

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
