package judge

import (
	"runtime"
	"slices"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// judgeAll judges the rows of a first view, by ascending handle, on all
// processors: each has a change and a view of its own, which are merged.
func (t *update) judgeAll(rows []*record.Row) {
	parts := runtime.GOMAXPROCS(0)
	if parts == 1 || len(rows) < manyTouched {
		t.judgeFirst(rows)
		return
	}
	var wg sync.WaitGroup
	var changes []*update
	for some := range slices.Chunk(rows, (len(rows)+parts-1)/parts) {
		b := index.Empty(t.next.Names(), t.next.Schema()).From(t.base.Seq()).Edit(t.next.Schema())
		b.SkipNames, b.Rebuilding, b.RowsOnly = true, true, t.builder.RowsOnly
		part := &update{e: t.e, base: t.base, next: b.View, builder: b, at: t.at, assessor: assessor{e: t.e, at: t.at}}
		changes = append(changes, part)
		wg.Go(func() { part.judgeFirst(some) })
	}
	wg.Wait()
	for _, part := range changes {
		t.builder.Merge(part.next)
		t.changes = append(t.changes, part.changes...)
		t.touched = append(t.touched, part.touched...)
	}
}

// judgeFirst judges rows, which nobody else has, against what was stored of them.
func (t *update) judgeFirst(rows []*record.Row) {
	var stored record.Row
	for _, r := range rows {
		var was *record.Row
		if r.Assessed {
			stored = *r
			was = &stored
		}
		r.Assessed = true
		t.judge(r, was, record.ResourceChanged)
	}
	t.assessor.done()
}

// fewTogether is the number of rows that are judged one after another; more are
// worth the other processors.
const fewTogether = 256

// manyTogether bounds the rows that are assessed before they are written.
const manyTogether = 1 << 14

// judgeMany judges rows against what the next view has of them: assessed on all
// processors, then written one after another.
func (t *update) judgeMany(rows []*record.Row, cause record.Cause) {
	t.collect() // in the order in which rows are judged
	for some := range slices.Chunk(rows, manyTogether) {
		t.assessMany(some)
		for _, r := range some {
			t.put(r, t.next.Row(r.Handle), cause)
		}
	}
}

func (t *update) assessMany(rows []*record.Row) {
	parts := min(runtime.GOMAXPROCS(0), len(rows)/fewTogether+1)
	var wg sync.WaitGroup
	for some := range slices.Chunk(rows, (len(rows)+parts-1)/parts) {
		wg.Go(func() {
			a := assessor{e: t.e, at: t.at}
			for _, r := range some {
				a.assess(r, t.next.Row(r.Handle))
			}
			a.done()
		})
	}
	wg.Wait()
}

// againMany judges rows that are in the index, their documents unchanged.
func (t *update) againMany(handles *roaring.Bitmap, cause record.Cause) {
	t.collect()
	if !t.builder.Rebuilding && !t.builder.RowsOnly && int(handles.GetCardinality()) > t.e.judge.together {
		t.againTogether(handles, cause)
		return
	}
	rows := make([]*record.Row, 0, min(handles.GetCardinality(), manyTogether))
	flush := func() {
		t.judgeMany(rows, cause)
		rows = rows[:0]
	}
	it := handles.Iterator()
	for it.HasNext() {
		if was := t.next.Row(it.Next()); was != nil {
			fresh := *was
			rows = append(rows, &fresh)
		}
		if len(rows) == manyTogether {
			flush()
		}
	}
	flush()
}
