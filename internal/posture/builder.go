package posture

import (
	"time"
)

// builder makes the next view out of one: it writes copies of what it changes
// and shares the rest. It is used by one goroutine and dead after commit.
type builder struct {
	v        *View
	old, new []standing // scratch
	dirty    bool       // a row was written
	unnamed  bool       // ids of new rows are booked later; see nameAll
	moves    []move     // rows that were written, in order
	anew     bool       // every row is written, so moves are not noted
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
	it := b.v.recs[slot][Unhealthy].read().Iterator()
	for it.HasNext() {
		r := b.v.rows.at(it.Next())
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
	v.rows.each(func(_ uint32, r *row) bool {
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
	was := b.v.rows.at(h)
	if was == nil && now == nil {
		return
	}
	b.dirty = true
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
	b.v.rows.put(b.v.seq, h, now)
	if was == nil && !b.unnamed {
		b.v.names.addID(now, b.v.rows.at)
	}
}

// place keeps the sets of where and what a resource is.
func (b *builder) place(h uint32, was, now *row) {
	v, epoch := b.v, b.v.seq
	switch {
	case was == nil:
		add(&v.all, epoch, h)
	case now == nil:
		put(&v.all, epoch, h, false)
	}
	put(&v.stale, epoch, h, now != nil && now.stale)
	put(&v.busy, epoch, h, now != nil && len(now.tasks) > 0)
	if was != nil && (now == nil || was.typ != now.typ) {
		v.types.edit(epoch, was.typ, h, false)
	}
	if was != nil && (now == nil || was.group != now.group) {
		v.groups.edit(epoch, was.group, h, false)
	}
	if was != nil && (now == nil || was.factors != now.factors) {
		put(&v.factors[was.factors], epoch, h, false)
	}
	if now != nil && (was == nil || was.typ != now.typ) {
		v.types.edit(epoch, now.typ, h, true)
	}
	if now != nil && (was == nil || was.group != now.group) {
		v.groups.edit(epoch, now.group, h, true)
	}
	if now != nil && (was == nil || was.factors != now.factors) {
		put(&v.factors[now.factors], epoch, h, true)
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
	if was != nil {
		for _, c := range was.cells {
			if after, ok := now.cellOrNone(c.slot); !ok || after.state != c.state {
				put(&b.v.recs[c.slot][c.state], b.v.seq, h, false)
			}
			if c.flags != 0 {
				b.flag(h, cell{slot: c.slot})
			}
		}
	}
	if now != nil {
		for _, c := range now.cells {
			if before, ok := was.cellOrNone(c.slot); !ok || before.state != c.state {
				add(&b.v.recs[c.slot][c.state], b.v.seq, h)
			}
			if c.flags != 0 {
				b.flag(h, c)
			}
		}
	}
	b.rank(h, was.unhealthy(), now.unhealthy(), now != nil)
}

// flag keeps the sets of what governance says of a cell.
func (b *builder) flag(h uint32, c cell) {
	for flag, at := range flagSets {
		put(&b.v.recs[c.slot][at], b.v.seq, h, c.flags&flag != 0)
	}
}

// rank keeps the sets of resources by their number of unhealthy assessments.
func (b *builder) rank(h uint32, was, now int, in bool) {
	if was == now && in && b.v.burden[now].has(h) {
		return
	}
	if was != now || !in {
		put(&b.v.burden[was], b.v.seq, h, false)
	}
	if in {
		put(&b.v.burden[now], b.v.seq, h, true)
	}
}

// stand keeps the sets per control and state.
func (b *builder) stand(h uint32, was, now *row) {
	epoch := b.v.seq
	for i := range b.new {
		if was != nil && now != nil && b.old[i] == b.new[i] {
			continue
		}
		old, state := b.old[i].state(), b.new[i].state()
		sets := &b.v.controls[i]
		if old != state {
			put(&sets.by[old], epoch, h, false)
		}
		if state != NotApplicable && (old != state || was == nil) {
			add(&sets.by[state], epoch, h)
		}
		put(&sets.last, epoch, h, b.new[i].last() && b.new[i].unknown == 0)
		put(&sets.lastMixed, epoch, h, b.new[i].last() && b.new[i].unknown > 0)
	}
	known, unknown := b.v.shape.scored(b.new)
	put(&b.v.assessed, epoch, h, known > 0)
	put(&b.v.pending, epoch, h, known == 0 && unknown > 0)
}

// book adds a row to the ledgers of the estate and its subscription.
func (b *builder) book(r *row, st []standing, sign int32) {
	if r == nil {
		return
	}
	b.v.total.add(b.v.shape, r, st, sign)
	s := b.subscription(r.sub)
	s.ledger.add(b.v.shape, r, st, sign)
	put(&s.members, b.v.seq, r.handle, sign > 0)
	if r.typ == subscriptionType {
		s.resource = nil
		if sign > 0 {
			s.resource = r
		}
	}
}

// subscription gives the entry of a subscription to write in this epoch.
func (b *builder) subscription(n uint32) *subscription {
	s := b.v.subs.at(n)
	if s == nil {
		s = &subscription{id: b.v.names.subs.name(n)}
	} else if s.ledger.epoch == b.v.seq {
		return s
	} else {
		c := *s
		s = &c
	}
	s.ledger = s.ledger.own(b.v.seq, b.v.shape)
	b.v.subs.put(b.v.seq, n, s)
	return s
}

// setTable is a table of sets.
type setTable struct{ table[set] }

func (t *setTable) edit(epoch uint64, i, h uint32, in bool) {
	was := t.at(i)
	s := was
	put(&s, epoch, h, in)
	if s != was {
		t.put(epoch, i, s)
	}
}
