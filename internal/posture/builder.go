package posture

import (
	"time"

	"github.com/rampart-sec/rampart/internal/posture/cow"
)

// builder makes the next view out of one: it writes copies of what it changes
// and shares the rest. It is used by one goroutine and dead after commit.
type builder struct {
	v        *View
	old, new []standing // scratch
	dirty    bool       // a row was written
	unnamed  bool       // ids of new rows are booked by names.addAll
	moves    []move     // rows that were written, in order
	anew     bool       // every row is written, so moves are not noted
	bare     bool       // rows are all that is wanted: a sweep compares nothing else
}

// move is how a row that was written stood and stands.
type move struct {
	handle  uint32
	was, is stance
}

// edit begins the next epoch. A new shape must number known slots alike; if it
// moves a slot to another control, rebuild must be used instead.
func (v *View) edit(sh *shape) *builder {
	next := *v
	next.seq++
	next.shape, next.rereading = sh, nil
	next.recs = append(make([]recSets, 0, len(sh.slots)), v.recs...)
	for len(next.recs) < len(sh.slots) {
		next.recs = append(next.recs, recSets{})
	}
	next.controls = append([]controlSets(nil), v.controls...)
	next.total = v.total.own(next.seq, sh)
	next.cache = newCache()
	b := &builder{v: &next, old: make([]standing, len(sh.controls)), new: make([]standing, len(sh.controls))}
	for slot := range v.shape.severities {
		if before := v.shape.severities[slot]; before != "" && before != sh.severities[slot] {
			b.reweigh(uint16(slot), v.shape)
		}
	}
	return b
}

// reweigh books the unhealthy rows of a slot under another severity.
func (b *builder) reweigh(slot uint16, was *shape) {
	it := b.v.recs[slot][Unhealthy].Bits().Iterator()
	for it.HasNext() {
		r := b.v.rows.At(it.Next())
		before, after := was.riskOf(slot, r.factors), b.v.shape.riskOf(slot, r.factors)
		if before == after {
			continue
		}
		b.dirty = true
		for _, l := range []*ledger{b.v.total, b.subscription(r.sub).ledger} {
			l.recs[slot].risk[before]--
			l.recs[slot].risk[after]++
		}
	}
}

// emptyView is the epoch before the first.
func emptyView(names *names, sh *shape) *View {
	return &View{names: names, shape: sh, total: newLedger(0, sh), controls: make([]controlSets, len(sh.controls)), cache: newCache()}
}

// from sets the number of an empty view.
func (v *View) from(seq uint64) *View {
	v.seq = seq
	return v
}

// rebuild makes the next view with other meanings of slots from all rows of v.
func (v *View) rebuild(sh *shape) *builder {
	fresh := emptyView(v.names, sh)
	fresh.seq = v.seq
	b := fresh.edit(sh)
	b.anew = true
	v.rows.Each(func(_ uint32, r *row) bool {
		b.put(r)
		return true
	})
	return b
}

// commit ends the epoch.
func (b *builder) commit(at time.Time) *View {
	b.v.at = at
	return b.v
}

// put adds a row or replaces the one with its handle.
func (b *builder) put(r *row) { b.swap(r.handle, r) }

// remove takes a row out.
func (b *builder) remove(handle uint32) { b.swap(handle, nil) }

func (b *builder) swap(h uint32, now *row) {
	was := b.v.rows.At(h)
	if was == nil && now == nil {
		return
	}
	b.dirty = true
	if b.bare {
		b.v.rows.Put(b.v.seq, h, now)
		return
	}
	b.v.shape.standings(was, b.old)
	b.v.shape.standings(now, b.new)
	if !b.anew {
		b.moves = append(b.moves, move{h, stanceOf(was, b.old), stanceOf(now, b.new)})
	}
	b.place(h, was, now)
	b.tag(was, now)
	b.find(h, was, now)
	b.judge(h, was, now)
	b.stand(h, was, now)
	b.book(was, b.old, -1)
	b.book(now, b.new, +1)
	b.v.rows.Put(b.v.seq, h, now)
	if was == nil && !b.unnamed {
		b.v.names.addID(now, b.v.rows.At)
	}
}

// place keeps the sets of where and what a resource is.
func (b *builder) place(h uint32, was, now *row) {
	v, epoch := b.v, b.v.seq
	switch {
	case was == nil:
		cow.Add(&v.all, epoch, h)
	case now == nil:
		cow.Put(&v.all, epoch, h, false)
	}
	if was != nil || now.stale {
		cow.Put(&v.stale, epoch, h, now != nil && now.stale)
	}
	if was != nil || len(now.tasks) > 0 {
		cow.Put(&v.busy, epoch, h, now != nil && len(now.tasks) > 0)
	}
	if was != nil && (now == nil || was.typ != now.typ) {
		v.types.Edit(epoch, was.typ, h, false)
	}
	if was != nil && (now == nil || was.group != now.group) {
		v.groups.Edit(epoch, was.group, h, false)
	}
	if was != nil && (now == nil || was.factors != now.factors) {
		cow.Put(&v.factors[was.factors], epoch, h, false)
	}
	if now != nil && (was == nil || was.typ != now.typ) {
		v.types.Edit(epoch, now.typ, h, true)
	}
	if now != nil && (was == nil || was.group != now.group) {
		v.groups.Edit(epoch, now.group, h, true)
	}
	if now != nil && (was == nil || was.factors != now.factors) {
		cow.Put(&v.factors[now.factors], epoch, h, true)
	}
}

func (b *builder) tag(was, now *row) {
	if was != nil && now != nil && was.tags == now.tags {
		return
	}
	if was != nil {
		b.v.tags.put(b.v.seq, was, false)
	}
	if now != nil {
		b.v.tags.put(b.v.seq, now, true)
	}
}

// judge keeps the sets per recommendation and state.
func (b *builder) judge(h uint32, was, now *row) {
	eachPair(was.cellsOrNone(), now.cellsOrNone(), func(before, after cell) {
		sets := &b.v.recs[after.slot]
		if before.state != after.state {
			if before.state != NotApplicable {
				cow.Put(&sets[before.state], b.v.seq, h, false)
			}
			if after.state != NotApplicable {
				cow.Add(&sets[after.state], b.v.seq, h)
			}
		}
		if before.flags != after.flags {
			b.flag(h, after)
		}
	})
	b.rank(h, was.unhealthy(), now.unhealthy(), now != nil)
}

// flag keeps the sets of what governance says of a cell.
func (b *builder) flag(h uint32, c cell) {
	for flag, at := range flagSets {
		cow.Put(&b.v.recs[c.slot][at], b.v.seq, h, c.flags&flag != 0)
	}
}

// rank keeps the sets of resources by their number of unhealthy assessments.
func (b *builder) rank(h uint32, was, now int, in bool) {
	if was == now && in && b.v.burden[now].Has(h) {
		return
	}
	if was != now || !in {
		cow.Put(&b.v.burden[was], b.v.seq, h, false)
	}
	if in {
		cow.Put(&b.v.burden[now], b.v.seq, h, true)
	}
}

// stand keeps the sets per control and state.
func (b *builder) stand(h uint32, was, now *row) {
	if was == nil {
		b.standFirst(h)
		return
	}
	epoch := b.v.seq
	for i := range b.new {
		if now != nil && b.old[i] == b.new[i] {
			continue
		}
		old, state := b.old[i].state(), b.new[i].state()
		sets := &b.v.controls[i]
		if old != state {
			cow.Put(&sets.by[old], epoch, h, false)
		}
		if state != NotApplicable && old != state {
			cow.Add(&sets.by[state], epoch, h)
		}
		cow.Put(&sets.last, epoch, h, b.new[i].last() && b.new[i].unknown == 0)
		cow.Put(&sets.lastMixed, epoch, h, b.new[i].last() && b.new[i].unknown > 0)
	}
	known, unknown := b.v.shape.scored(b.new)
	cow.Put(&b.v.assessed, epoch, h, known > 0)
	cow.Put(&b.v.pending, epoch, h, known == 0 && unknown > 0)
}

// standFirst is stand for a row that is in no set.
func (b *builder) standFirst(h uint32) {
	epoch := b.v.seq
	for i, s := range b.new {
		sets := &b.v.controls[i]
		if state := s.state(); state != NotApplicable {
			cow.Add(&sets.by[state], epoch, h)
		}
		switch {
		case !s.last():
		case s.unknown == 0:
			cow.Add(&sets.last, epoch, h)
		default:
			cow.Add(&sets.lastMixed, epoch, h)
		}
	}
	switch known, unknown := b.v.shape.scored(b.new); {
	case known > 0:
		cow.Add(&b.v.assessed, epoch, h)
	case unknown > 0:
		cow.Add(&b.v.pending, epoch, h)
	}
}

// book adds a row to the ledgers of the estate and its subscription.
func (b *builder) book(r *row, st []standing, sign int32) {
	if r == nil {
		return
	}
	b.v.total.add(b.v.shape, r, st, sign)
	s := b.subscription(r.sub)
	s.ledger.add(b.v.shape, r, st, sign)
	cow.Put(&s.members, b.v.seq, r.handle, sign > 0)
	if r.typ == subscriptionType {
		s.resource = nil
		if sign > 0 {
			s.resource = r
		}
	}
}

// subscription gives the entry of a subscription to write in this epoch.
func (b *builder) subscription(n uint32) *subscription {
	s := b.v.subs.At(n)
	if s == nil {
		s = &subscription{id: b.v.names.subs.name(n)}
	} else if s.ledger.epoch == b.v.seq {
		return s
	} else {
		c := *s
		s = &c
	}
	s.ledger = s.ledger.own(b.v.seq, b.v.shape)
	b.v.subs.Put(b.v.seq, n, s)
	return s
}
