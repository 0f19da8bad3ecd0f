package index

import (
	"time"

	"github.com/rampart-sec/rampart/internal/posture/cow"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// Writer makes the next view out of one: it writes copies of what it changes
// and shares the rest. It is used by one goroutine and dead after commit.
type Writer struct {
	View       *View
	old, new   []record.ControlStatus // scratch
	Dirty      bool                   // a row was written
	SkipNames  bool                   // ids of new rows are written by names.addAll
	Moves      []Move                 // rows that were written, in order
	Rebuilding bool                   // every row is written, so moves are not noted
	RowsOnly   bool                   // rows are all that is wanted: a sweep compares nothing else
}

// Move is how a row that was written stood and stands.
type Move struct {
	Handle  uint32
	Was, Is record.ControlStates
}

// Edit begins the next epoch. A new shape must number known slots alike; if it
// moves a slot to another control, rebuild must be used instead.
func (v *View) Edit(sh *record.Schema) *Writer {
	next := *v
	next.seq++
	next.schema, next.rereading = sh, nil
	next.Recs = append(make([]recSets, 0, len(sh.Slots)), v.Recs...)
	for len(next.Recs) < len(sh.Slots) {
		next.Recs = append(next.Recs, recSets{})
	}
	next.controls = append([]controlSets(nil), v.controls...)
	next.Total = v.Total.own(next.seq, sh)
	next.Cache = NewCache()
	b := &Writer{View: &next, old: make([]record.ControlStatus, len(sh.Controls)), new: make([]record.ControlStatus, len(sh.Controls))}
	for slot := range v.schema.Severities {
		if before := v.schema.Severities[slot]; before != "" && before != sh.Severities[slot] {
			b.reweigh(uint16(slot), v.schema)
		}
	}
	return b
}

// reweigh books the unhealthy rows of a slot under another severity.
func (b *Writer) reweigh(slot uint16, was *record.Schema) {
	it := b.View.Recs[slot][record.Unhealthy].Bits().Iterator()
	for it.HasNext() {
		r := b.View.Rows.At(it.Next())
		before, after := was.RiskOf(slot, r.Factors), b.View.schema.RiskOf(slot, r.Factors)
		if before == after {
			continue
		}
		b.Dirty = true
		for _, l := range []*Totals{b.View.Total, b.subscription(r.Subscription).Totals} {
			l.recs[slot].risk[before]--
			l.recs[slot].risk[after]++
		}
	}
}

// Empty is the epoch before the first.
func Empty(names *record.Names, sh *record.Schema) *View {
	return &View{names: names, schema: sh, Total: NewTotals(0, sh), controls: make([]controlSets, len(sh.Controls)), Cache: NewCache()}
}

// From sets the number of an empty view.
func (v *View) From(seq uint64) *View {
	v.seq = seq
	return v
}

// Rebuild makes the next view with other meanings of slots from all rows of v.
func (v *View) Rebuild(sh *record.Schema) *Writer {
	fresh := Empty(v.names, sh)
	fresh.seq = v.seq
	b := fresh.Edit(sh)
	b.Rebuilding = true
	v.Rows.Each(func(_ uint32, r *record.Row) bool {
		b.Put(r)
		return true
	})
	return b
}

// Commit ends the epoch.
func (b *Writer) Commit(at time.Time) *View {
	b.View.at = at
	return b.View
}

// Put adds a row or replaces the one with its handle.
func (b *Writer) Put(r *record.Row) { b.swap(r.Handle, r) }

// Remove takes a row out.
func (b *Writer) Remove(handle uint32) { b.swap(handle, nil) }

func (b *Writer) swap(h uint32, now *record.Row) {
	was := b.View.Rows.At(h)
	if was == nil && now == nil {
		return
	}
	b.Dirty = true
	if b.RowsOnly {
		b.View.Rows.Put(b.View.seq, h, now)
		return
	}
	b.View.schema.ControlStatuses(was, b.old)
	b.View.schema.ControlStatuses(now, b.new)
	if !b.Rebuilding {
		b.Moves = append(b.Moves, Move{h, record.ControlStatesOf(was, b.old), record.ControlStatesOf(now, b.new)})
	}
	b.place(h, was, now)
	b.tag(was, now)
	b.find(h, was, now)
	b.judge(h, was, now)
	b.control(h, was, now)
	b.count(was, b.old, -1)
	b.count(now, b.new, +1)
	b.View.Rows.Put(b.View.seq, h, now)
	if was == nil && !b.SkipNames {
		b.View.names.AddID(now, b.View.Rows.At)
	}
}

// place keeps the sets of where and what a resource is.
func (b *Writer) place(h uint32, was, now *record.Row) {
	v, epoch := b.View, b.View.seq
	switch {
	case was == nil:
		cow.Add(&v.all, epoch, h)
	case now == nil:
		cow.Put(&v.all, epoch, h, false)
	}
	if was != nil || now.Stale {
		cow.Put(&v.stale, epoch, h, now != nil && now.Stale)
	}
	if was != nil || len(now.Tasks) > 0 {
		cow.Put(&v.busy, epoch, h, now != nil && len(now.Tasks) > 0)
	}
	if was != nil && (now == nil || was.Type != now.Type) {
		v.types.Edit(epoch, was.Type, h, false)
	}
	if was != nil && (now == nil || was.Group != now.Group) {
		v.groups.Edit(epoch, was.Group, h, false)
	}
	if was != nil && (now == nil || was.Factors != now.Factors) {
		cow.Put(&v.factors[was.Factors], epoch, h, false)
	}
	if now != nil && (was == nil || was.Type != now.Type) {
		v.types.Edit(epoch, now.Type, h, true)
	}
	if now != nil && (was == nil || was.Group != now.Group) {
		v.groups.Edit(epoch, now.Group, h, true)
	}
	if now != nil && (was == nil || was.Factors != now.Factors) {
		cow.Put(&v.factors[now.Factors], epoch, h, true)
	}
}

func (b *Writer) tag(was, now *record.Row) {
	if was != nil && now != nil && was.Tags == now.Tags {
		return
	}
	if was != nil {
		b.View.Tags.put(b.View.seq, was, false)
	}
	if now != nil {
		b.View.Tags.put(b.View.seq, now, true)
	}
}

// judge keeps the sets per recommendation and state.
func (b *Writer) judge(h uint32, was, now *record.Row) {
	record.EachPair(was.StatusesOrNone(), now.StatusesOrNone(), func(before, after record.Status) {
		sets := &b.View.Recs[after.Slot]
		if before.State != after.State {
			if before.State != record.NotApplicable {
				cow.Put(&sets[before.State], b.View.seq, h, false)
			}
			if after.State != record.NotApplicable {
				cow.Add(&sets[after.State], b.View.seq, h)
			}
		}
		if before.Flags != after.Flags {
			b.flag(h, after)
		}
	})
	b.rank(h, was.UnhealthyCount(), now.UnhealthyCount(), now != nil)
}

// flag keeps the sets of what governance says of a status.
func (b *Writer) flag(h uint32, c record.Status) {
	for flag, at := range flagSets {
		cow.Put(&b.View.Recs[c.Slot][at], b.View.seq, h, c.Flags&flag != 0)
	}
}

// rank keeps the sets of resources by their number of unhealthy assessments.
func (b *Writer) rank(h uint32, was, now int, in bool) {
	if was == now && in && b.View.byUnhealthy[now].Has(h) {
		return
	}
	if was != now || !in {
		cow.Put(&b.View.byUnhealthy[was], b.View.seq, h, false)
	}
	if in {
		cow.Put(&b.View.byUnhealthy[now], b.View.seq, h, true)
	}
}

// control keeps the sets per control and state.
func (b *Writer) control(h uint32, was, now *record.Row) {
	if was == nil {
		b.controlFirst(h)
		return
	}
	epoch := b.View.seq
	for i := range b.new {
		if now != nil && b.old[i] == b.new[i] {
			continue
		}
		old, state := b.old[i].State(), b.new[i].State()
		sets := &b.View.controls[i]
		if old != state {
			cow.Put(&sets.by[old], epoch, h, false)
		}
		if state != record.NotApplicable && old != state {
			cow.Add(&sets.by[state], epoch, h)
		}
		cow.Put(&sets.last, epoch, h, b.new[i].LastUnhealthy() && b.new[i].Unknown == 0)
		cow.Put(&sets.lastMixed, epoch, h, b.new[i].LastUnhealthy() && b.new[i].Unknown > 0)
	}
	known, unknown := b.View.schema.Scored(b.new)
	cow.Put(&b.View.assessed, epoch, h, known > 0)
	cow.Put(&b.View.pending, epoch, h, known == 0 && unknown > 0)
}

// controlFirst is stand for a row that is in no set.
func (b *Writer) controlFirst(h uint32) {
	epoch := b.View.seq
	for i, s := range b.new {
		sets := &b.View.controls[i]
		if state := s.State(); state != record.NotApplicable {
			cow.Add(&sets.by[state], epoch, h)
		}
		switch {
		case !s.LastUnhealthy():
		case s.Unknown == 0:
			cow.Add(&sets.last, epoch, h)
		default:
			cow.Add(&sets.lastMixed, epoch, h)
		}
	}
	switch known, unknown := b.View.schema.Scored(b.new); {
	case known > 0:
		cow.Add(&b.View.assessed, epoch, h)
	case unknown > 0:
		cow.Add(&b.View.pending, epoch, h)
	}
}

// count adds a row to the totals of the estate and its subscription.
func (b *Writer) count(r *record.Row, st []record.ControlStatus, sign int32) {
	if r == nil {
		return
	}
	b.View.Total.add(b.View.schema, r, st, sign)
	s := b.subscription(r.Subscription)
	s.Totals.add(b.View.schema, r, st, sign)
	cow.Put(&s.Members, b.View.seq, r.Handle, sign > 0)
	if r.Type == record.SubscriptionType {
		s.Resource = nil
		if sign > 0 {
			s.Resource = r
		}
	}
}

// subscription gives the entry of a subscription to write in this epoch.
func (b *Writer) subscription(n uint32) *Subscription {
	s := b.View.Subs.At(n)
	if s == nil {
		s = &Subscription{ID: b.View.names.Subscriptions.Name(n)}
	} else if s.Totals.Epoch == b.View.seq {
		return s
	} else {
		c := *s
		s = &c
	}
	s.Totals = s.Totals.own(b.View.seq, b.View.schema)
	b.View.Subs.Put(b.View.seq, n, s)
	return s
}
