package judge

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// againTogether judges many rows that are in the index, their documents unchanged.
// All processors assess and book them: each has a bulkWriter, which puts the rows into the view
// and collects the edits of its sets, which are applied at the end.
// The result is that of judging them one after another.
func (t *update) againTogether(handles *roaring.Bitmap, cause record.Cause) {
	parts := byPage(handles.ToArray())
	outcomes := make([]index.Delta, len(parts))
	judges := make([]*rejudger, min(runtime.GOMAXPROCS(0), len(parts)))
	t.builder.OwnRows()
	var next atomic.Int64
	var wg sync.WaitGroup
	for i := range judges {
		c := newRejudger(t)
		judges[i] = c
		wg.Go(func() {
			for n := next.Add(1) - 1; n < int64(len(parts)); n = next.Add(1) - 1 {
				outcomes[n] = c.again(parts[n], cause)
			}
			c.finish()
		})
	}
	wg.Wait()
	writers := make([]*index.BulkWriter, len(judges))
	for i, c := range judges {
		writers[i] = c.out
	}
	t.builder.Apply(writers)
	t.deltas = append(t.deltas, outcomes...)
	for i := range outcomes {
		for _, r := range outcomes[i].Rest {
			t.put(r, t.next.Row(r.Handle), cause)
		}
	}
}

// parts are what became of the rows, each part in the order of its moves; by
// ascending handle, if there are several.
func (t *update) parts() []index.Delta {
	if len(t.deltas) > 0 && len(t.builder.Moves) == 0 {
		return t.deltas
	}
	t.collect()
	return []index.Delta{{Changes: t.changes, Touched: t.touched, Moves: t.builder.Moves}}
}

// collect joins outcomes with what rows came to that were written one by one.
func (t *update) collect() {
	for i := range t.deltas {
		o := &t.deltas[i]
		t.changes = append(t.changes, o.Changes...)
		t.touched = append(t.touched, o.Touched...)
		t.builder.Moves = append(t.builder.Moves, o.Moves...)
	}
	t.deltas = nil
}

// byPage cuts ascending handles into parts that share no page of a table.
func byPage(handles []uint32) [][]uint32 {
	const together = 1 << 12 // a multiple of a page
	var parts [][]uint32
	for len(handles) > 0 {
		n := 1
		for n < len(handles) && handles[n]/together == handles[0]/together {
			n++
		}
		parts = append(parts, handles[:n])
		handles = handles[n:]
	}
	return parts
}

// rejudger assesses rows that are in the index, their documents unchanged. It is
// used by one goroutine.
type rejudger struct {
	t        *update
	assessor assessor
	out      *index.BulkWriter
	row      record.Row // room for the next
}

func newRejudger(t *update) *rejudger {
	c := &rejudger{t: t, assessor: assessor{e: t.e, at: t.at, again: true}, out: index.NewBulkWriter(t.next)}
	if t.swapped != nil {
		c.assessor.set = t.swapped.set
	}
	return c
}

// again judges rows of one part.
func (c *rejudger) again(handles []uint32, cause record.Cause) (o index.Delta) {
	var flips *policyDeltaReader
	if cause == record.PolicyChanged {
		flips = c.t.swapped.from(handles[0])
	}
	o.Moves = make([]index.Move, 0, len(handles))
	o.Changes = make([]record.Change, 0, len(handles))
	for _, h := range handles {
		was := c.t.next.Row(h)
		if was == nil {
			continue
		}
		c.row = *was
		if flips == nil || !c.assessor.turn(&c.row, was, flips.of(h)) {
			c.assessor.assess(&c.row, was)
		}
		if record.SameRow(was, &c.row) {
			continue
		}
		now := new(record.Row)
		*now = c.row
		if !now.Findings.Equal(was.Findings) {
			o.Rest = append(o.Rest, now)
			continue
		}
		now.Findings = was.Findings
		c.out.Put(was, now, cause, &o)
	}
	return o
}

// finish ends the part of this goroutine.
func (c *rejudger) finish() {
	c.assessor.done()
	c.out.Finish()
}
