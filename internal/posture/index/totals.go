package index

import (
	"github.com/rampart-sec/rampart/internal/posture/cow"
	"github.com/rampart-sec/rampart/internal/posture/record"
	"github.com/rampart-sec/rampart/internal/posture/risk"
)

// Totals sums the rows of a scope, per control and per recommendation. One is
// kept for the estate and for each subscription, so that their pages need no
// intersections.
type Totals struct {
	Epoch    uint64
	Rows     int
	Controls []ControlCounts
	recs     []RecommendationCounts
	assessed int // rows with a verdict in at least one scored control
	pending  int // rows whose only verdicts in scored controls are unknown
	// work counts tasks by owner; see owner.
	work cow.Table[workload]
}

// RecommendationCounts counts the rows of a scope in one recommendation.
type RecommendationCounts struct {
	ByState [record.Exempt + 1]int32 // by state; NotApplicable unused
	risk    [risk.Critical + 1]int32 // unhealthy ones by risk level
	stale   int32
	// owned and overdue count unhealthy ones, completed healthy ones.
	owned, overdue, completed int32
	// fixed and softened count the rows whose control becomes healthy, or
	// unknown, if only this recommendation is fixed.
	fixed, softened int32
	// dropped are those of softened that have no other verdict in a scored
	// control, and so leave the scope's weight. Only kept totals count them.
	dropped int32
	changed uint32 // latest change, Unix seconds; kept when rows go
}

// NewTotals counts nothing yet.
func NewTotals(epoch uint64, sh *record.Schema) *Totals {
	return &Totals{Epoch: epoch, Controls: make([]ControlCounts, len(sh.Controls)), recs: make([]RecommendationCounts, len(sh.Slots))}
}

// own gives the totals to write in an epoch with room for all slots.
func (l *Totals) own(epoch uint64, sh *record.Schema) *Totals {
	if l == nil {
		return NewTotals(epoch, sh)
	}
	if l.Epoch != epoch {
		c := *l
		c.Epoch = epoch
		c.Controls = append([]ControlCounts(nil), l.Controls...)
		c.recs = append(make([]RecommendationCounts, 0, len(sh.Slots)), l.recs...)
		l = &c
	}
	for len(l.recs) < len(sh.Slots) {
		l.recs = append(l.recs, RecommendationCounts{})
	}
	return l
}

// Of is the tally of a slot. Slots that came after the totals was last written
// have nothing in it.
func (l *Totals) Of(slot uint16) RecommendationCounts {
	if int(slot) >= len(l.recs) {
		return RecommendationCounts{}
	}
	return l.recs[slot]
}

// add books a row, or with sign -1 takes it off. st are its control statuses.
func (l *Totals) add(sh *record.Schema, r *record.Row, st []record.ControlStatus, sign int32) {
	l.Rows += int(sign)
	for i, s := range st {
		l.Controls[i].Add(s.State(), sign)
	}
	known, unknown := sh.Scored(st)
	l.weigh(known, unknown, sign)
	for _, c := range r.Statuses {
		l.addCell(sh, r, c, st, known, sign)
	}
	l.addTasks(r, sign)
}

// change books a row of the totals anew, after its statuses, tasks or age changed. It
// is add with -1 of was and +1 of now, for less: most statuses stay.
func (l *Totals) change(sh *record.Schema, was, now *record.Row, old, new *record.RowControls) {
	(old.In | new.In).Each(func(i int) {
		if old.Statuses[i] != new.Statuses[i] {
			l.Controls[i].Add(old.Statuses[i].State(), -1)
			l.Controls[i].Add(new.Statuses[i].State(), +1)
		}
	})
	l.weigh(old.Known, old.Unknown, -1)
	l.weigh(new.Known, new.Unknown, +1)
	alike := was.Stale == now.Stale && was.Factors == now.Factors && (old.Known == 1) == (new.Known == 1)
	record.EachPair(was.Statuses, now.Statuses, func(b, a record.Status) {
		control := sh.Control(a.Slot)
		if alike && a.State == b.State && a.Flags == b.Flags && (control == record.NotCounted || old.Statuses[control] == new.Statuses[control]) {
			return
		}
		if b.State != record.NotApplicable {
			l.addCell(sh, was, b, old.Statuses, old.Known, -1)
		}
		if a.State != record.NotApplicable {
			l.addCell(sh, now, a, new.Statuses, new.Known, +1)
		}
	})
	l.addTasks(was, -1)
	l.addTasks(now, +1)
}

// weigh books a row that is known in some scored controls and unknown in others.
func (l *Totals) weigh(known, unknown int, sign int32) {
	switch {
	case known > 0:
		l.assessed += int(sign)
	case unknown > 0:
		l.pending += int(sign)
	}
}

func (l *Totals) addCell(sh *record.Schema, r *record.Row, c record.Status, st []record.ControlStatus, known int, sign int32) {
	l.recs[c.Slot].add(sh, r, c, st, sign)
	if known == 1 && c.State == record.Unhealthy && sh.Softens(c, st) {
		l.recs[c.Slot].dropped += sign
	}
}

// Add counts a resource in a state, or takes it out with sign -1.
func (t *ControlCounts) Add(s record.State, sign int32) {
	switch s {
	case record.Healthy:
		t.Healthy += sign
	case record.Unhealthy:
		t.Unhealthy += sign
	case record.Unknown:
		t.Unknown += sign
	case record.Exempt:
		t.NotApplicable += sign
	}
}

func (t *RecommendationCounts) add(sh *record.Schema, r *record.Row, c record.Status, st []record.ControlStatus, sign int32) {
	t.ByState[c.State] += sign
	if r.Stale {
		t.stale += sign
	}
	t.changed = max(t.changed, c.Since)
	if c.Flags&record.IsCompleted != 0 {
		t.completed += sign
	}
	if c.State != record.Unhealthy {
		return
	}
	t.risk[sh.RiskOf(c.Slot, r.Factors)] += sign
	if c.Flags&record.HasOwner != 0 {
		t.owned += sign
	}
	if c.Flags&record.IsOverdue != 0 {
		t.overdue += sign
	}
	control := sh.Control(c.Slot)
	if control == record.NotCounted || c.Flags&record.InGrace != 0 || !st[control].LastUnhealthy() {
		return
	}
	if st[control].Unknown > 0 {
		t.softened += sign
	} else {
		t.fixed += sign
	}
}

func (t RecommendationCounts) counts() record.Counts {
	return record.Counts{
		Healthy: int(t.ByState[record.Healthy]), Unhealthy: int(t.ByState[record.Unhealthy]), Unknown: int(t.ByState[record.Unknown]),
		Exempt: int(t.ByState[record.Exempt]), Stale: int(t.stale),
	}
}

// worst is the highest risk among the unhealthy ones.
func (t RecommendationCounts) worst() risk.Level {
	for level := risk.Critical; level > risk.None; level-- {
		if t.risk[level] > 0 {
			return level
		}
	}
	return risk.None
}

// Score is the pool's score.
func (l *Totals) Score(sh *record.Schema) Score {
	return PoolScore(sh.Controls, l.Controls, l.assessed)
}
