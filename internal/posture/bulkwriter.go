package posture

import (
	"cmp"
	"slices"
)

// outcome is what became of the rows of a part.
type outcome struct {
	flips   []flip
	touched []uint32
	moves   []move
	rest    []*row // have other findings, for which the sets are not noted
}

// bulkWriter puts rows into a view of which the handle, the resource and the facts
// of the document stay as they were: states, tasks and age change. Several write
// to one view at a time, each other pages of its rows; what they make of the sets
// is applied at the end, see builder.apply. It is used by one goroutine.
type bulkWriter struct {
	v        *View
	layout   setLayout
	edits    []setEdit // by number of the set
	ledgers  map[uint32]*ledger
	sub      uint32 // whose ledger was used last
	ledger   *ledger
	old, new stood
}

func newBulkWriter(v *View) *bulkWriter {
	sh := v.shape
	c := &bulkWriter{v: v, layout: layoutOf(sh), ledgers: map[uint32]*ledger{}}
	c.edits = make([]setEdit, c.layout.sets())
	c.old.at, c.new.at = make([]standing, len(sh.controls)), make([]standing, len(sh.controls))
	return c
}

// put puts a row in place of another and notes what that changes.
func (c *bulkWriter) put(was, now *row, cause Cause, o *outcome) {
	v, h := c.v, now.handle
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
	c.swap(c.layout.burden(was.unhealthy()), c.layout.burden(now.unhealthy()), h)
	c.set(c.layout.stale(), h, was.stale, now.stale)
	c.set(c.layout.busy(), h, len(was.tasks) > 0, len(now.tasks) > 0)
	c.ledgerOf(now.sub).change(v.shape, was, now, &c.old, &c.new)
	v.rows.Put(v.seq, h, now)
	o.moves = append(o.moves, move{h, c.old.stance, c.new.stance})
}

// set notes that a row comes into a set, or leaves it.
func (c *bulkWriter) set(n int, h uint32, was, is bool) {
	switch {
	case was && !is:
		c.edits[n].out.add(h)
	case is && !was:
		c.edits[n].in.add(h)
	}
}

// swap notes that a row goes from a set to another, which may be the same.
func (c *bulkWriter) swap(from, to int, h uint32) {
	if from != to {
		c.edits[from].out.add(h)
		c.edits[to].in.add(h)
	}
}

// cell notes one assessment of a row; NotApplicable is no cell.
func (c *bulkWriter) cell(h uint32, before, after cell) {
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
func (c *bulkWriter) controls(h uint32) {
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
func (c *bulkWriter) ledgerOf(sub uint32) *ledger {
	if c.ledger != nil && c.sub == sub {
		return c.ledger
	}
	l := c.ledgers[sub]
	if l == nil {
		l = newLedger(c.v.seq, c.v.shape)
		c.ledgers[sub] = l
	}
	c.sub, c.ledger = sub, l
	return l
}

// finish ends the edits.
func (c *bulkWriter) finish() {
	for i := range c.edits {
		c.edits[i].out.finish()
		c.edits[i].in.finish()
	}
}

// apply writes the edits that bulk writers collected into the view.
func (b *builder) apply(writers []*bulkWriter) {
	epoch := b.v.seq
	for n, set := range layoutOf(b.v.shape).of(b.v) {
		for _, c := range writers {
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
	for _, c := range writers {
		for n, l := range c.ledgers {
			b.dirty = true
			s := b.subscription(n)
			if s.resource != nil {
				s.resource = b.v.rows.At(s.resource.handle)
			}
			s.ledger.merge(l)
			b.v.total.merge(l)
		}
	}
}

// eachFlipped calls fn for every move with its flips.
func (o *outcome) eachFlipped(fn func(m move, flips []flip)) {
	rest := o.flips
	for _, m := range o.moves {
		n := 0
		for n < len(rest) && rest[n].handle == m.handle {
			n++
		}
		fn(m, rest[:n])
		rest = rest[n:]
	}
}

// byHandle is the outcome with its moves by ascending handle.
func (o *outcome) byHandle() *outcome {
	if slices.IsSortedFunc(o.moves, func(a, b move) int { return cmp.Compare(a.handle, b.handle) }) {
		return o
	}
	type flipped struct {
		move
		flips []flip
	}
	all := make([]flipped, 0, len(o.moves))
	o.eachFlipped(func(m move, flips []flip) { all = append(all, flipped{m, flips}) })
	slices.SortStableFunc(all, func(a, b flipped) int { return cmp.Compare(a.handle, b.handle) })
	sorted := &outcome{moves: make([]move, 0, len(all)), flips: make([]flip, 0, len(o.flips))}
	for _, a := range all {
		sorted.moves, sorted.flips = append(sorted.moves, a.move), append(sorted.flips, a.flips...)
	}
	return sorted
}
