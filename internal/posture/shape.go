package posture

import (
	"cmp"
	"slices"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/finding"
	"github.com/rampart-sec/rampart/internal/posture/governance"
	"github.com/rampart-sec/rampart/internal/posture/policy"
	"github.com/rampart-sec/rampart/internal/posture/risk"
)

// uncounted is the control number of recommendations outside the score.
const uncounted = -1

// shape is what the cells of an estate mean: which recommendation a slot is
// and which control it counts in. It is immutable; a policy edit makes a new
// one. A slot, once given, keeps its recommendation for good, because packed
// states and history name it.
type shape struct {
	slots    []*Recommendation // by slot; nil: assigned no more
	counts   []int             // by slot: number of the control, or uncounted
	controls []*content.Control
	ids      []string          // by slot
	byID     map[string]uint16 // folded id to slot
	list     []*Recommendation // by Index
	slotOf   []uint16          // by Index
	order    []uint16          // slots by severity, then title
	// severities are those of the slots, also of slots that are assigned no
	// more: what was booked under one is taken off under the same.
	severities []content.Severity
	risk       *risk.Model
	board      *governance.Board
	// disabling is the rules that disable findings, nil if there are none.
	disabling *finding.RuleSet
	problems  []Problem
	assigned  []Assigned // own initiatives in force
}

// newShape numbers recommendations: slots of known ids are given in ids, which
// holds every id ever numbered in order; recs are those assigned now, all with
// ids in ids.
func newShape(lib *content.Library, ids []string, recs []*Recommendation) *shape {
	s := &shape{
		slots: make([]*Recommendation, len(ids)), counts: make([]int, len(ids)), severities: make([]content.Severity, len(ids)),
		controls: lib.Controls, ids: ids, byID: make(map[string]uint16, len(ids)),
	}
	number := map[string]uint16{}
	for i, id := range ids {
		number[arm.Fold(id)] = uint16(i)
		s.counts[i] = uncounted
	}
	for _, r := range recs {
		slot := number[arm.Fold(r.ID)]
		s.slots[slot], s.severities[slot] = r, r.Severity
		s.byID[arm.Fold(r.ID)] = slot
		if r.Counted && r.Control != nil {
			s.counts[slot] = slices.Index(s.controls, r.Control)
		}
	}
	s.enumerate()
	return s
}

// enumerate fills the lists over the slots in use.
func (s *shape) enumerate() {
	for slot, r := range s.slots {
		if r == nil {
			continue
		}
		if r.Index != len(s.list) { // views that share r are being read
			r.Index = len(s.list)
		}
		s.list = append(s.list, r)
		s.slotOf = append(s.slotOf, uint16(slot))
		s.order = append(s.order, uint16(slot))
	}
	slices.SortFunc(s.order, func(a, b uint16) int {
		ra, rb := s.slots[a], s.slots[b]
		return cmp.Or(cmp.Compare(severityRank(rb.Severity), severityRank(ra.Severity)),
			cmp.Compare(ra.Title, rb.Title), cmp.Compare(a, b))
	})
}

// remember takes over the severities of slots that are assigned no more.
func (s *shape) remember(was *shape) {
	if was == nil {
		return
	}
	for slot, severity := range was.severities {
		if s.slots[slot] == nil {
			s.severities[slot] = severity
		}
	}
}

// slot is the slot of a recommendation in use, by id of any case.
func (s *shape) slot(id string) (uint16, bool) {
	n, ok := s.byID[arm.Fold(id)]
	return n, ok
}

// control is the number of the control that a slot counts in, or uncounted.
func (s *shape) control(slot uint16) int { return s.counts[slot] }

// sameScore reports whether every slot that old knows counts where it did, so
// that control sets made under old are good under s.
func (s *shape) sameScore(old *shape) bool {
	return len(s.controls) == len(old.controls) && slices.Equal(s.counts[:len(old.counts)], old.counts)
}

// riskOf is the level of an unhealthy assessment.
func (s *shape) riskOf(slot uint16, factors risk.Factors) risk.Level {
	if s.risk == nil {
		return risk.None
	}
	return s.risk.Level(s.severities[slot], factors)
}

// severityRank orders severities, worst highest.
func severityRank(s content.Severity) int {
	switch s {
	case content.Critical:
		return 4
	case content.High:
		return 3
	case content.Medium:
		return 2
	case content.Low:
		return 1
	}
	return 0
}

// Problem is a policy object that cannot be used. It fails alone: everything
// else is judged without it.
type Problem struct {
	ID     string // of the object
	Reason string
}

// reweighed are the slots whose recommendation came, went or changed its
// severity: rules may select by it.
func (s *shape) reweighed(old *shape) map[uint16]bool {
	slots := map[uint16]bool{}
	for slot, r := range s.slots {
		var was *Recommendation
		if slot < len(old.slots) {
			was = old.slots[slot]
		}
		if (r == nil) != (was == nil) || r != nil && r.Severity != was.Severity {
			slots[uint16(slot)] = true
		}
	}
	return slots
}

// Assigned is an initiative of a user's own with the assignments that put it in
// force.
type Assigned struct {
	Initiative  *policy.Initiative
	Assignments []*policy.Assignment
}
