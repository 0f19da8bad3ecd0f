package posture

import (
	"runtime"
	"slices"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"
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
			t.book(r, t.next.row(r.handle), cause)
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
				a.assess(r, t.next.row(r.handle))
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
		if was := t.next.row(it.Next()); was != nil {
			fresh := *was
			rows = append(rows, &fresh)
		}
		if len(rows) == manyTogether {
			flush()
		}
	}
	flush()
}
