package posture

import (
	"github.com/rampart-sec/rampart/internal/posture/cow"
	"github.com/rampart-sec/rampart/internal/posture/risk"
)

// ledger sums the rows of a scope, per control and per recommendation. One is
// kept for the estate and for each subscription, so that their pages need no
// intersections.
type ledger struct {
	epoch    uint64
	rows     int
	controls []tally
	recs     []recTally
	assessed int // rows with a verdict in at least one scored control
	pending  int // rows whose only verdicts in scored controls are unknown
	// work counts tasks by party; see party.
	work cow.Table[workload]
}

// recTally counts the rows of a scope in one recommendation.
type recTally struct {
	by    [Exempt + 1]int32        // by state; NotApplicable unused
	risk  [risk.Critical + 1]int32 // unhealthy ones by risk level
	stale int32
	// owned and overdue count unhealthy ones, completed healthy ones.
	owned, overdue, completed int32
	// fixed and softened count the rows whose control becomes healthy, or
	// unknown, if only this recommendation is fixed.
	fixed, softened int32
	// dropped are those of softened that have no other verdict in a scored
	// control, and so leave the scope's weight. Only kept ledgers count them.
	dropped int32
	changed uint32 // latest change, Unix seconds; kept when rows go
}

func newLedger(epoch uint64, sh *shape) *ledger {
	return &ledger{epoch: epoch, controls: make([]tally, len(sh.controls)), recs: make([]recTally, len(sh.slots))}
}

// own gives the ledger to write in an epoch with room for all slots.
func (l *ledger) own(epoch uint64, sh *shape) *ledger {
	if l == nil {
		return newLedger(epoch, sh)
	}
	if l.epoch != epoch {
		c := *l
		c.epoch = epoch
		c.controls = append([]tally(nil), l.controls...)
		c.recs = append(make([]recTally, 0, len(sh.slots)), l.recs...)
		l = &c
	}
	for len(l.recs) < len(sh.slots) {
		l.recs = append(l.recs, recTally{})
	}
	return l
}

// rec is the tally of a slot. Slots that came after the ledger was last written
// have nothing in it.
func (l *ledger) rec(slot uint16) recTally {
	if int(slot) >= len(l.recs) {
		return recTally{}
	}
	return l.recs[slot]
}

// add books a row, or with sign -1 takes it off. st are its standings.
func (l *ledger) add(sh *shape, r *row, st []standing, sign int32) {
	l.rows += int(sign)
	for i, s := range st {
		l.controls[i].add(s.state(), sign)
	}
	known, unknown := sh.scored(st)
	l.weigh(known, unknown, sign)
	for _, c := range r.cells {
		l.addCell(sh, r, c, st, known, sign)
	}
	l.addTasks(r, sign)
}

// change books a row of the ledger anew, after its cells, tasks or age changed. It
// is add with -1 of was and +1 of now, for less: most cells stay.
func (l *ledger) change(sh *shape, was, now *row, old, new *stood) {
	(old.in | new.in).each(func(i int) {
		if old.at[i] != new.at[i] {
			l.controls[i].add(old.at[i].state(), -1)
			l.controls[i].add(new.at[i].state(), +1)
		}
	})
	l.weigh(old.known, old.unknown, -1)
	l.weigh(new.known, new.unknown, +1)
	alike := was.stale == now.stale && was.factors == now.factors && (old.known == 1) == (new.known == 1)
	eachPair(was.cells, now.cells, func(b, a cell) {
		control := sh.control(a.slot)
		if alike && a.state == b.state && a.flags == b.flags && (control == uncounted || old.at[control] == new.at[control]) {
			return
		}
		if b.state != NotApplicable {
			l.addCell(sh, was, b, old.at, old.known, -1)
		}
		if a.state != NotApplicable {
			l.addCell(sh, now, a, new.at, new.known, +1)
		}
	})
	l.addTasks(was, -1)
	l.addTasks(now, +1)
}

// weigh books a row that is known in some scored controls and unknown in others.
func (l *ledger) weigh(known, unknown int, sign int32) {
	switch {
	case known > 0:
		l.assessed += int(sign)
	case unknown > 0:
		l.pending += int(sign)
	}
}

func (l *ledger) addCell(sh *shape, r *row, c cell, st []standing, known int, sign int32) {
	l.recs[c.slot].add(sh, r, c, st, sign)
	if known == 1 && c.state == Unhealthy && sh.softens(c, st) {
		l.recs[c.slot].dropped += sign
	}
}

func (t *tally) add(s State, sign int32) {
	switch s {
	case Healthy:
		t.healthy += sign
	case Unhealthy:
		t.unhealthy += sign
	case Unknown:
		t.unknown += sign
	case Exempt:
		t.notApplicable += sign
	}
}

func (t *recTally) add(sh *shape, r *row, c cell, st []standing, sign int32) {
	t.by[c.state] += sign
	if r.stale {
		t.stale += sign
	}
	t.changed = max(t.changed, c.since)
	if c.flags&isCompleted != 0 {
		t.completed += sign
	}
	if c.state != Unhealthy {
		return
	}
	t.risk[sh.riskOf(c.slot, r.factors)] += sign
	if c.flags&hasOwner != 0 {
		t.owned += sign
	}
	if c.flags&isOverdue != 0 {
		t.overdue += sign
	}
	control := sh.control(c.slot)
	if control == uncounted || c.flags&inGrace != 0 || !st[control].last() {
		return
	}
	if st[control].unknown > 0 {
		t.softened += sign
	} else {
		t.fixed += sign
	}
}

func (t recTally) counts() Counts {
	return Counts{
		Healthy: int(t.by[Healthy]), Unhealthy: int(t.by[Unhealthy]), Unknown: int(t.by[Unknown]),
		Exempt: int(t.by[Exempt]), Stale: int(t.stale),
	}
}

// worst is the highest risk among the unhealthy ones.
func (t recTally) worst() risk.Level {
	for level := risk.Critical; level > risk.None; level-- {
		if t.risk[level] > 0 {
			return level
		}
	}
	return risk.None
}

// score is the pool's score.
func (l *ledger) score(sh *shape) Score { return poolScore(sh.controls, l.controls, l.assessed) }
