package index

import (
	"cmp"
	"slices"

	"github.com/rampart-sec/rampart/internal/posture/record"
)

// Delta is what became of the rows of a part.
type Delta struct {
	Changes []record.Change
	Touched []uint32
	Moves   []Move
	Rest    []*record.Row // have other findings, for which the sets are not noted
}

// BulkWriter puts rows into a view of which the handle, the resource and the facts
// of the document stay as they were: states, tasks and age change. Several write
// to one view at a time, each other pages of its rows; what they make of the sets
// is applied at the end, see builder.apply. It is used by one goroutine.
type BulkWriter struct {
	v        *View
	layout   setLayout
	edits    []setEdit // by number of the set
	totals   map[uint32]*Totals
	sub      uint32 // whose totals was used last
	current  *Totals
	old, new record.RowControls
}

// NewBulkWriter is one of the writers of a view that is being made.
func NewBulkWriter(v *View) *BulkWriter {
	sh := v.schema
	c := &BulkWriter{v: v, layout: layoutOf(sh), totals: map[uint32]*Totals{}}
	c.edits = make([]setEdit, c.layout.sets())
	c.old.Statuses, c.new.Statuses = make([]record.ControlStatus, len(sh.Controls)), make([]record.ControlStatus, len(sh.Controls))
	return c
}

// Put puts a row in place of another and notes what that changes.
func (c *BulkWriter) Put(was, now *record.Row, cause record.Cause, o *Delta) {
	v, h := c.v, now.Handle
	c.old.Read(v.schema, was)
	c.new.Read(v.schema, now)
	flips := len(o.Changes)
	record.EachPair(was.Statuses, now.Statuses, func(before, after record.Status) {
		if before.State != after.State {
			o.Changes = append(o.Changes, record.Change{Handle: h, Slot: after.Slot, From: before.State, To: after.State, Cause: cause})
		}
		c.cell(h, before, after)
	})
	if len(o.Changes) > flips {
		o.Touched = append(o.Touched, h)
	}
	c.controls(h)
	c.swap(c.layout.unhealthy(was.UnhealthyCount()), c.layout.unhealthy(now.UnhealthyCount()), h)
	c.set(c.layout.stale(), h, was.Stale, now.Stale)
	c.set(c.layout.busy(), h, len(was.Tasks) > 0, len(now.Tasks) > 0)
	c.totalsOf(now.Subscription).change(v.schema, was, now, &c.old, &c.new)
	v.Rows.Put(v.seq, h, now)
	o.Moves = append(o.Moves, Move{h, c.old.States, c.new.States})
}

// set notes that a row comes into a set, or leaves it.
func (c *BulkWriter) set(n int, h uint32, was, is bool) {
	switch {
	case was && !is:
		c.edits[n].out.add(h)
	case is && !was:
		c.edits[n].in.add(h)
	}
}

// swap notes that a row goes from a set to another, which may be the same.
func (c *BulkWriter) swap(from, to int, h uint32) {
	if from != to {
		c.edits[from].out.add(h)
		c.edits[to].in.add(h)
	}
}

// status notes one assessment of a row; NotApplicable is no status.
func (c *BulkWriter) cell(h uint32, before, after record.Status) {
	if before.State != after.State {
		c.set(c.layout.rec(after.Slot, before.State), h, before.State != record.NotApplicable, false)
		c.set(c.layout.rec(after.Slot, after.State), h, false, after.State != record.NotApplicable)
	}
	if before.Flags != after.Flags {
		for flag, at := range flagSets {
			c.set(c.layout.rec(after.Slot, at), h, before.Flags&flag != 0, after.Flags&flag != 0)
		}
	}
}

// controls notes how a row stands in the controls that it stood in, and stands in.
func (c *BulkWriter) controls(h uint32) {
	(c.old.In | c.new.In).Each(func(i int) {
		was, is := c.old.Statuses[i], c.new.Statuses[i]
		if was == is {
			return
		}
		if from, to := was.State(), is.State(); from != to {
			c.set(c.layout.control(i, from), h, from != record.NotApplicable, false)
			c.set(c.layout.control(i, to), h, false, to != record.NotApplicable)
		}
		c.set(c.layout.last(i), h, was.LastUnhealthy() && was.Unknown == 0, is.LastUnhealthy() && is.Unknown == 0)
		c.set(c.layout.lastMixed(i), h, was.LastUnhealthy() && was.Unknown > 0, is.LastUnhealthy() && is.Unknown > 0)
	})
	c.set(c.layout.assessed(), h, c.old.Known > 0, c.new.Known > 0)
	c.set(c.layout.pending(), h, c.old.Known == 0 && c.old.Unknown > 0, c.new.Known == 0 && c.new.Unknown > 0)
}

// totalsOf is the totals of what changes in a subscription.
func (c *BulkWriter) totalsOf(sub uint32) *Totals {
	if c.current != nil && c.sub == sub {
		return c.current
	}
	l := c.totals[sub]
	if l == nil {
		l = NewTotals(c.v.seq, c.v.schema)
		c.totals[sub] = l
	}
	c.sub, c.current = sub, l
	return l
}

// Finish ends the edits.
func (c *BulkWriter) Finish() {
	for i := range c.edits {
		c.edits[i].out.finish()
		c.edits[i].in.finish()
	}
}

// Apply writes the edits that bulk writers collected into the view.
func (b *Writer) Apply(writers []*BulkWriter) {
	epoch := b.View.seq
	for n, set := range layoutOf(b.View.schema).of(b.View) {
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
		for n, l := range c.totals {
			b.Dirty = true
			s := b.subscription(n)
			if s.Resource != nil {
				s.Resource = b.View.Rows.At(s.Resource.Handle)
			}
			s.Totals.merge(l)
			b.View.Total.merge(l)
		}
	}
}

// EachChanged calls fn for every move with its changes.
func (o *Delta) EachChanged(fn func(m Move, flips []record.Change)) {
	rest := o.Changes
	for _, m := range o.Moves {
		n := 0
		for n < len(rest) && rest[n].Handle == m.Handle {
			n++
		}
		fn(m, rest[:n])
		rest = rest[n:]
	}
}

// ByHandle is the outcome with its moves by ascending handle.
func (o *Delta) ByHandle() *Delta {
	if slices.IsSortedFunc(o.Moves, func(a, b Move) int { return cmp.Compare(a.Handle, b.Handle) }) {
		return o
	}
	type flipped struct {
		Move
		flips []record.Change
	}
	all := make([]flipped, 0, len(o.Moves))
	o.EachChanged(func(m Move, flips []record.Change) { all = append(all, flipped{m, flips}) })
	slices.SortStableFunc(all, func(a, b flipped) int { return cmp.Compare(a.Handle, b.Handle) })
	sorted := &Delta{Moves: make([]Move, 0, len(all)), Changes: make([]record.Change, 0, len(o.Changes))}
	for _, a := range all {
		sorted.Moves, sorted.Changes = append(sorted.Moves, a.Move), append(sorted.Changes, a.flips...)
	}
	return sorted
}
