package posture

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/RoaringBitmap/roaring/v2"
)

// againTogether judges many rows that are in the index, their documents unchanged.
// All processors assess and book them: each has a bulkWriter, which puts the rows into the view
// and collects the edits of its sets, which are applied at the end.
// The result is that of judging them one after another.
func (t *change) againTogether(handles *roaring.Bitmap, cause Cause) {
	parts := byPage(handles.ToArray())
	outcomes := make([]outcome, len(parts))
	judges := make([]*rejudger, min(runtime.GOMAXPROCS(0), len(parts)))
	t.builder.ownRows()
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
	writers := make([]*bulkWriter, len(judges))
	for i, c := range judges {
		writers[i] = c.out
	}
	t.builder.apply(writers)
	t.outcomes = append(t.outcomes, outcomes...)
	for i := range outcomes {
		for _, r := range outcomes[i].rest {
			t.book(r, t.next.row(r.handle), cause)
		}
	}
}

// parts are what became of the rows, each part in the order of its moves; by
// ascending handle, if there are several.
func (t *change) parts() []outcome {
	if len(t.outcomes) > 0 && len(t.builder.moves) == 0 {
		return t.outcomes
	}
	t.collect()
	return []outcome{{flips: t.flips, touched: t.touched, moves: t.builder.moves}}
}

// collect joins outcomes with what rows came to that were booked one by one.
func (t *change) collect() {
	for i := range t.outcomes {
		o := &t.outcomes[i]
		t.flips = append(t.flips, o.flips...)
		t.touched = append(t.touched, o.touched...)
		t.builder.moves = append(t.builder.moves, o.moves...)
	}
	t.outcomes = nil
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
	t        *change
	assessor assessor
	out      *bulkWriter
	row      row // room for the next
}

func newRejudger(t *change) *rejudger {
	c := &rejudger{t: t, assessor: assessor{e: t.e, at: t.at, again: true}, out: newBulkWriter(t.next)}
	if t.swapped != nil {
		c.assessor.set = t.swapped.set
	}
	return c
}

// again judges rows of one part.
func (c *rejudger) again(handles []uint32, cause Cause) (o outcome) {
	var flips *swappedReader
	if cause == PolicyChanged {
		flips = c.t.swapped.from(handles[0])
	}
	o.moves = make([]move, 0, len(handles))
	o.flips = make([]flip, 0, len(handles))
	for _, h := range handles {
		was := c.t.next.row(h)
		if was == nil {
			continue
		}
		c.row = *was
		if flips == nil || !c.assessor.turn(&c.row, was, flips.of(h)) {
			c.assessor.assess(&c.row, was)
		}
		if sameRow(was, &c.row) {
			continue
		}
		now := new(row)
		*now = c.row
		if !now.found.equal(was.found) {
			o.rest = append(o.rest, now)
			continue
		}
		now.found = was.found
		c.out.put(was, now, cause, &o)
	}
	return o
}

// finish ends the part of this goroutine.
func (c *rejudger) finish() {
	c.assessor.done()
	c.out.finish()
}
