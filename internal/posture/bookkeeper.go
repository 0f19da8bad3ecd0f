package posture

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/RoaringBitmap/roaring/v2"
)

// againTogether judges many rows that are in the index, their documents unchanged.
// All processors assess and book them: each has a bookkeeper, who writes the rows and
// notes what else that makes of the view, and the notes are taken in at the end.
// It comes to the same as judging them one after another.
func (t *change) againTogether(handles *roaring.Bitmap, cause Cause) {
	parts := byPage(handles.ToArray())
	outcomes := make([]outcome, len(parts))
	keepers := make([]*bookkeeper, min(runtime.GOMAXPROCS(0), len(parts)))
	t.next.rows.Own(t.next.seq)
	var next atomic.Int64
	var wg sync.WaitGroup
	for i := range keepers {
		c := newBookkeeper(t)
		keepers[i] = c
		wg.Go(func() {
			for n := next.Add(1) - 1; n < int64(len(parts)); n = next.Add(1) - 1 {
				outcomes[n] = c.again(parts[n], cause)
			}
			c.finish()
		})
	}
	wg.Wait()
	t.takeIn(keepers)
	t.outcomes = append(t.outcomes, outcomes...)
	for i := range outcomes {
		for _, r := range outcomes[i].rest {
			t.book(r, t.next.rows.At(r.handle), cause)
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

// outcome is what became of the rows of a part.
type outcome struct {
	flips   []flip
	touched []uint32
	moves   []move
	rest    []*row // have other findings, for which the sets are not noted
}

// bookkeeper books rows of which the handle, the resource and what lies in the document
// stay: cells, tasks and age change. It is used by one goroutine.
type bookkeeper struct {
	t        *change
	assessor assessor
	layout   setLayout
	edits    []setEdit // by number of the set
	ledgers  map[uint32]*ledger
	sub      uint32 // whose ledger was used last
	ledger   *ledger
	old, new stood
	row      row // room for the next
}

// stood is how a row stands in all controls.
type stood struct {
	at     []standing
	in     controlSet // where it has something
	stance stance
	// known and unknown are in how many scored controls it is so.
	known, unknown int
}

// read takes a row's standings.
func (s *stood) read(sh *shape, r *row) {
	s.in = sh.standings(r, s.at)
	s.stance, s.known, s.unknown = 0, 0, 0
	s.in.each(func(i int) {
		state := s.at[i].state()
		s.stance = s.stance.with(i, state)
		switch {
		case sh.controls[i].Max == 0:
		case state == Unknown:
			s.unknown++
		case state == Healthy || state == Unhealthy:
			s.known++
		}
	})
}

func newBookkeeper(t *change) *bookkeeper {
	sh := t.next.shape
	c := &bookkeeper{t: t, assessor: assessor{e: t.e, at: t.at, again: true}, layout: layoutOf(sh), ledgers: map[uint32]*ledger{}}
	if t.swapped != nil {
		c.assessor.set = t.swapped.set
	}
	c.edits = make([]setEdit, c.layout.sets())
	c.old.at, c.new.at = make([]standing, len(sh.controls)), make([]standing, len(sh.controls))
	return c
}

// again judges rows of one part.
func (c *bookkeeper) again(handles []uint32, cause Cause) (o outcome) {
	var flips *swappedReader
	if cause == PolicyChanged {
		flips = c.t.swapped.from(handles[0])
	}
	o.moves = make([]move, 0, len(handles))
	o.flips = make([]flip, 0, len(handles))
	for _, h := range handles {
		was := c.t.next.rows.At(h)
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
		c.book(was, now, cause, &o)
	}
	return o
}

// book puts a row in place of another and notes what that changes.
func (c *bookkeeper) book(was, now *row, cause Cause, o *outcome) {
	v, h := c.t.next, now.handle
	c.old.read(v.shape, was)
	c.new.read(v.shape, now)
	flips := len(o.flips)
	eachPair(was.cells, now.cells, func(before, after cell) {
		if before.state != after.state {
			o.flips = append(o.flips, flip{h, after.slot, before.state, after.state, cause})
		}
		c.cell(h, before, after)
	})
	if len(o.flips) > flips {
		o.touched = append(o.touched, h)
	}
	c.controls(h)
	c.put(c.layout.burden(was.unhealthy()), c.layout.burden(now.unhealthy()), h)
	c.set(c.layout.stale(), h, was.stale, now.stale)
	c.set(c.layout.busy(), h, len(was.tasks) > 0, len(now.tasks) > 0)
	c.ledgerOf(now.sub).change(v.shape, was, now, &c.old, &c.new)
	v.rows.Put(v.seq, h, now)
	o.moves = append(o.moves, move{h, c.old.stance, c.new.stance})
}

// set notes that a row comes into a set, or leaves it.
func (c *bookkeeper) set(n int, h uint32, was, is bool) {
	switch {
	case was && !is:
		c.edits[n].out.add(h)
	case is && !was:
		c.edits[n].in.add(h)
	}
}

// put notes that a row goes from a set to another, which may be the same.
func (c *bookkeeper) put(from, to int, h uint32) {
	if from != to {
		c.edits[from].out.add(h)
		c.edits[to].in.add(h)
	}
}

// cell notes one assessment of a row; NotApplicable is no cell.
func (c *bookkeeper) cell(h uint32, before, after cell) {
	if before.state != after.state {
		c.set(c.layout.rec(after.slot, before.state), h, before.state != NotApplicable, false)
		c.set(c.layout.rec(after.slot, after.state), h, false, after.state != NotApplicable)
	}
	if before.flags != after.flags {
		for flag, at := range flagSets {
			c.set(c.layout.rec(after.slot, at), h, before.flags&flag != 0, after.flags&flag != 0)
		}
	}
}

// controls notes how a row stands in the controls that it stood in, and stands in.
func (c *bookkeeper) controls(h uint32) {
	(c.old.in | c.new.in).each(func(i int) {
		was, is := c.old.at[i], c.new.at[i]
		if was == is {
			return
		}
		if from, to := was.state(), is.state(); from != to {
			c.set(c.layout.control(i, from), h, from != NotApplicable, false)
			c.set(c.layout.control(i, to), h, false, to != NotApplicable)
		}
		c.set(c.layout.last(i), h, was.last() && was.unknown == 0, is.last() && is.unknown == 0)
		c.set(c.layout.lastMixed(i), h, was.last() && was.unknown > 0, is.last() && is.unknown > 0)
	})
	c.set(c.layout.assessed(), h, c.old.known > 0, c.new.known > 0)
	c.set(c.layout.pending(), h, c.old.known == 0 && c.old.unknown > 0, c.new.known == 0 && c.new.unknown > 0)
}

// ledgerOf is the ledger of what changes in a subscription.
func (c *bookkeeper) ledgerOf(sub uint32) *ledger {
	if c.ledger != nil && c.sub == sub {
		return c.ledger
	}
	l := c.ledgers[sub]
	if l == nil {
		l = newLedger(c.t.next.seq, c.t.next.shape)
		c.ledgers[sub] = l
	}
	c.sub, c.ledger = sub, l
	return l
}

// finish ends the notes.
func (c *bookkeeper) finish() {
	c.assessor.done()
	for i := range c.edits {
		c.edits[i].out.finish()
		c.edits[i].in.finish()
	}
}

// takeIn writes what bookkeepers have noted into the next view.
func (t *change) takeIn(keepers []*bookkeeper) {
	b, epoch := t.builder, t.next.seq
	for n, set := range layoutOf(t.next.shape).of(t.next) {
		for _, c := range keepers {
			out, in := c.edits[n].out.bits, c.edits[n].in.bits
			if out == nil && in == nil {
				continue
			}
			*set = (*set).Own(epoch)
			if out != nil {
				(*set).Bits().AndNot(out)
			}
			if in != nil {
				(*set).Bits().Or(in)
			}
		}
	}
	for _, c := range keepers {
		for n, l := range c.ledgers {
			b.dirty = true
			s := b.subscription(n)
			if s.resource != nil {
				s.resource = t.next.rows.At(s.resource.handle)
			}
			s.ledger.merge(l)
			t.next.total.merge(l)
		}
	}
}
