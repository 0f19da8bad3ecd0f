package engine

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// Upsert adds or replaces a resource and returns every verdict that changed,
// those of other resources that depend on it included. Only the rules that
// read a changed property run. The flips are valid until the next call.
func (e *Estate) Upsert(h uint32, doc *wire.Document) ([]Flip, error) {
	x, err := e.read(e.work, doc)
	if err != nil {
		return nil, err
	}
	if err := e.free(h, &x); err != nil {
		return nil, err
	}
	e.reset()
	e.put(h, x)
	e.flips = mergeFlips(e.flips)
	return e.flips, nil
}

// Delete removes a resource and returns every verdict that changed: its own
// become NotApplicable. The flips are valid until the next call.
func (e *Estate) Delete(h uint32) []Flip {
	e.reset()
	if old := e.entry(h); old != nil {
		e.remove(h, *old)
	}
	return e.flips
}

// reset begins a change.
func (e *Estate) reset() {
	e.placeLoaded()
	e.flips = e.flips[:0]
	e.work.forget()
}

// put makes x resident; its row may be scratch.
func (e *Estate) put(h uint32, x entry) {
	old := e.entry(h)
	if old == nil || old.id != x.id || old.typ != x.typ || old.plan != x.plan {
		e.replace(h, old, x)
		return
	}
	if bytes.Equal(old.row, x.row) && slices.Equal(old.hidden, x.hidden) {
		return
	}
	e.update(h, old, x)
}

// replace handles what is new, or not the same resource under the same plan.
func (e *Estate) replace(h uint32, old *entry, x entry) {
	var before []Flip
	if old != nil {
		before = e.states(h, old)
		e.withdraw(h, old)
	}
	x.settle()
	if x.isContainer() {
		e.generation++
	}
	e.place(h, x)
	e.fresh(h, before)
}

// states are the verdicts of a resource that are not NotApplicable, as flips
// to nothing.
func (e *Estate) states(h uint32, x *entry) []Flip {
	var out []Flip
	for i, p := range x.plan.members {
		if s := policy.State(x.marks[i] & markState); s != policy.NotApplicable {
			out = append(out, Flip{Handle: h, Member: int(p.member), From: s})
		}
	}
	return out
}

// fresh evaluates a resource that was just put in, and all that depends on it.
// before are the verdicts that the handle had.
func (e *Estate) fresh(h uint32, before []Flip) {
	x := e.entry(h)
	w := e.work
	w.begin(x)
	w.answerAll(&w.main, x, nil)
	e.countAnswers(x, 1)
	for i, p := range x.plan.members {
		x.marks[i] = w.mark(x, p.rule)
		from := policy.NotApplicable
		if k := slices.IndexFunc(before, func(f Flip) bool { return f.Member == int(p.member) }); k >= 0 {
			from = before[k].From
			before = slices.Delete(before, k, k+1)
		}
		e.flip(h, x, i, from)
	}
	e.flips = append(e.flips, before...)
	for i := range x.typ.watches {
		e.wake(x, &x.typ.watches[i])
	}
	e.containerChanged(x, false)
}

// remove takes a resource out for good.
func (e *Estate) remove(h uint32, old entry) {
	e.flips = append(e.flips, e.states(h, &old)...)
	e.withdraw(h, e.entry(h))
	e.containerChanged(&old, false)
}

// withdraw takes a resource out of the estate and tells those that looked at
// it.
func (e *Estate) withdraw(h uint32, x *entry) {
	gone := *x
	e.work.forget()
	e.countAnswers(x, -1)
	e.forget(h, x)
	if x.isContainer() {
		e.generation++
	}
	*x = entry{}
	for i := range gone.typ.watches {
		e.wake(&gone, &gone.typ.watches[i])
	}
}

// update handles new content of the same resource: only rules and watches that
// read a changed cell run again.
func (e *Estate) update(h uint32, old *entry, x entry) {
	changed := x.typ.diff(old.row, x.row)
	if !slices.Equal(old.hidden, x.hidden) {
		changed.add(hiddenCell)
	}
	before := *old
	e.countAnswers(old, -1)
	x.settle()
	copy(x.marks, before.marks)
	x.near, x.sub = before.near, before.sub
	*old = x
	if old.isContainer() {
		e.generation++
	}
	w := e.work
	w.begin(old)
	w.answerAll(&w.main, old, changed)
	e.countAnswers(old, 1)
	for i, p := range old.plan.members {
		rp := &old.typ.rules[p.rule]
		if !rp.cells.intersects(changed) {
			continue
		}
		from := policy.State(before.marks[i] & markState)
		old.marks[i] = w.mark(old, p.rule)
		e.flip(h, old, i, from)
	}
	for i := range old.typ.watches {
		wp := &old.typ.watches[i]
		if wp.dynamic && wp.cells.intersects(changed) || old.answers()[i] != before.answers()[i] {
			e.wake(old, wp)
		}
	}
	e.containerChanged(old, len(before.hidden) > 0)
}

// flip reports member i of a resource's plan if its mark differs from a state.
func (e *Estate) flip(h uint32, x *entry, i int, from policy.State) {
	p, to := x.plan.members[i], policy.State(x.marks[i]&markState)
	if from != to {
		e.flips = append(e.flips, Flip{Handle: h, Member: int(p.member), From: from, To: to, Reason: e.reason(x, int(p.rule), to)})
	}
}

// countAnswers adds or takes away a resource's answers in the tallies of its
// groups and subscriptions.
func (e *Estate) countAnswers(x *entry, by int32) {
	if len(x.typ.watches) == 0 {
		return
	}
	answers := x.answers()
	e.relation.wide(&x.position, func(list *posting) {
		if list.tallies == nil {
			list.tallies = make([]tally, len(answers))
		}
		for i, a := range answers {
			list.tallies[i].answers[a] += uint32(by)
		}
	})
}

// wake re-judges the resources that look at x by a watch.
func (e *Estate) wake(x *entry, wp *watchProgram) {
	for _, id := range e.relation.lookups.byType[x.position.typ] {
		l := &e.relation.lookups.all[id]
		if l.kind == inGroup || l.kind == inSubscription {
			continue
		}
		l.scopes(&x.position, func(scope string) {
			if h, ok := e.byID[scope]; ok {
				e.rejudge(h, wp.watch)
			}
		})
	}
	if x.subEnd == 0 {
		return
	}
	e.work.wide = widePosting{valid: true}
	for _, typ := range e.set.watchers(wp.watch) {
		if d := wp.rule.bound.Details; d.SubscriptionScope || d.ResourceGroupName != nil {
			e.wakeList(listKey{typ, x.subscription()}, wp.watch)
			continue
		}
		if x.groupEnd > 0 {
			e.wakeList(listKey{typ, x.groupScope()}, wp.watch)
		}
		e.wakeList(listKey{typ, outsideGroups(x.subscription())}, wp.watch)
	}
	e.work.wide = widePosting{}
}

func (e *Estate) wakeList(key listKey, watch *watch) {
	list := e.relation.lists[key]
	if list == nil {
		return
	}
	for _, h := range list.handles {
		e.rejudge(h, watch)
	}
}

// rejudge evaluates the members of one resource that ask a watch. The if was
// true or not; that cannot have changed, so only the related resources count.
func (e *Estate) rejudge(h uint32, watch *watch) {
	x := e.entry(h)
	if x == nil {
		return
	}
	for i, p := range x.plan.members {
		rp := &x.typ.rules[p.rule]
		if rp.watch != watch || x.marks[i]&markHangs == 0 {
			continue
		}
		from := policy.State(x.marks[i] & markState)
		x.marks[i] = markHangs | byte(e.work.related(x, rp))
		e.flip(h, x, i, from)
	}
}

// containerChanged re-judges what depends on a subscription's or group's
// document: rules that read it, and lookups in it. hid says that related types
// were not delivered for it before.
func (e *Estate) containerChanged(c *entry, hid bool) {
	if !c.isContainer() || !e.set.readsContainers && !hid && len(c.hidden) == 0 {
		return
	}
	e.each(func(h uint32, x *entry) {
		if contains(c, x) {
			e.answerAgain(x, func(wp *watchProgram) bool { return wp.reads.group || wp.reads.subscription })
		}
	})
	e.each(func(h uint32, x *entry) {
		inside, near := contains(c, x), x.subEnd > 0 && x.subscription() == c.subscription()
		e.rejudgeIf(h, x, func(rp *ruleProgram) bool {
			// A lookup may name another group than the resource's own.
			return inside && rp.readsContainer() || near && rp.watch != nil && rp.reach >= policy.ReachGroup
		})
	})
}

// isContainer reports whether the resource is a subscription or group.
func (x *entry) isContainer() bool { return x.id != "" && len(x.id) == max(x.subEnd, x.groupEnd) }

// contains reports whether x lies in the subscription or group c.
func contains(c, x *entry) bool {
	return within(x.id, c.id)
}

func (rp *ruleProgram) readsContainer() bool {
	return rp.reads.group || rp.reads.subscription
}

// rejudgeIf evaluates again the chosen rules on a resource.
func (e *Estate) rejudgeIf(h uint32, x *entry, chosen func(*ruleProgram) bool) {
	begun := false
	for i, p := range x.plan.members {
		if !chosen(&x.typ.rules[p.rule]) {
			continue
		}
		if !begun {
			e.work.begin(x)
			begun = true
		}
		from := policy.State(x.marks[i] & markState)
		x.marks[i] = e.work.mark(x, p.rule)
		e.flip(h, x, i, from)
	}
}

// Tick moves the evaluation instant and returns the verdicts that the passing
// of time has changed. Rules that do not ask for the time are not looked at.
// The flips are valid until the next call.
func (e *Estate) Tick(now time.Time) []Flip {
	e.reset()
	e.now = now
	if !e.set.now {
		return e.flips
	}
	e.each(func(_ uint32, x *entry) {
		e.answerAgain(x, func(wp *watchProgram) bool { return wp.reads.now })
	})
	e.each(func(h uint32, x *entry) {
		e.rejudgeIf(h, x, func(rp *ruleProgram) bool { return rp.reads.now })
	})
	e.flips = mergeFlips(e.flips)
	return e.flips
}

// answerAgain asks the chosen watches of a resource again.
func (e *Estate) answerAgain(x *entry, chosen func(*watchProgram) bool) {
	for i := range x.typ.watches {
		wp := &x.typ.watches[i]
		if !chosen(wp) {
			continue
		}
		if wp.dynamic {
			e.wake(x, wp)
			continue
		}
		before := x.answers()[i]
		e.work.begin(x)
		after := e.work.answer(&e.work.main, wp, selector{wp.name, wp.kind})
		if after != before {
			e.countAnswers(x, -1)
			x.answers()[i] = after
			e.countAnswers(x, 1)
			e.wake(x, wp)
		}
	}
}

// ascending reports whether flips are in order, each verdict once.
func ascending(flips []Flip) bool {
	for i := 1; i < len(flips); i++ {
		a, b := &flips[i-1], &flips[i]
		if a.Handle > b.Handle || a.Handle == b.Handle && a.Member >= b.Member {
			return false
		}
	}
	return true
}

// mergeFlips orders flips by resource and member, and makes one of several
// that happened to the same verdict on the way.
func mergeFlips(flips []Flip) []Flip {
	order := func(a, b Flip) int {
		return cmp.Or(cmp.Compare(a.Handle, b.Handle), cmp.Compare(a.Member, b.Member))
	}
	if ascending(flips) {
		return flips
	}
	slices.SortStableFunc(flips, order)
	out := flips[:0]
	for _, f := range flips {
		if n := len(out); n > 0 && order(out[n-1], f) == 0 {
			out[n-1].To, out[n-1].Reason = f.To, f.Reason
			continue
		}
		out = append(out, f)
	}
	return slices.DeleteFunc(out, func(f Flip) bool { return f.From == f.To })
}
