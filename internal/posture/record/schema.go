package record

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

// NotCounted is the control number of recommendations outside the score.
const NotCounted = -1

// Schema is what the statuses of an estate mean: which recommendation a slot is
// and which control it counts in. It is immutable; a policy edit makes a new
// one. A slot, once given, keeps its recommendation for good, because packed
// states and history name it.
type Schema struct {
	Slots    []*Recommendation // by slot; nil: assigned no more
	counts   []int             // by slot: number of the control, or uncounted
	Controls []*content.Control
	IDs      []string          // by slot
	byID     map[string]uint16 // folded id to slot
	List     []*Recommendation // by Index
	SlotOf   []uint16          // by Index
	Order    []uint16          // slots by severity, then title
	// Severities are those of the slots, also of slots that are assigned no
	// more: what was written under one is taken off under the same.
	Severities []content.Severity
	Risk       *risk.Model
	Board      *governance.Board
	// DisableRules is the rules that disable findings, nil if there are none.
	DisableRules *finding.RuleSet
	Problems     []Problem
	Assigned     []Assigned // own initiatives in force
}

// NewSchema numbers recommendations: slots of known ids are given in ids, which
// holds every id ever numbered in order; recs are those assigned now, all with
// ids in ids.
func NewSchema(lib *content.Library, ids []string, recs []*Recommendation) *Schema {
	s := &Schema{
		Slots: make([]*Recommendation, len(ids)), counts: make([]int, len(ids)), Severities: make([]content.Severity, len(ids)),
		Controls: lib.Controls, IDs: ids, byID: make(map[string]uint16, len(ids)),
	}
	number := map[string]uint16{}
	for i, id := range ids {
		number[arm.Fold(id)] = uint16(i)
		s.counts[i] = NotCounted
	}
	for _, r := range recs {
		slot := number[arm.Fold(r.ID)]
		s.Slots[slot], s.Severities[slot] = r, r.Severity
		s.byID[arm.Fold(r.ID)] = slot
		if r.Counted && r.Control != nil {
			s.counts[slot] = slices.Index(s.Controls, r.Control)
		}
	}
	s.enumerate()
	return s
}

// enumerate fills the lists over the slots in use.
func (s *Schema) enumerate() {
	for slot, r := range s.Slots {
		if r == nil {
			continue
		}
		if r.Index != len(s.List) { // views that share r are being read
			r.Index = len(s.List)
		}
		s.List = append(s.List, r)
		s.SlotOf = append(s.SlotOf, uint16(slot))
		s.Order = append(s.Order, uint16(slot))
	}
	slices.SortFunc(s.Order, func(a, b uint16) int {
		ra, rb := s.Slots[a], s.Slots[b]
		return cmp.Or(cmp.Compare(SeverityRank(rb.Severity), SeverityRank(ra.Severity)),
			cmp.Compare(ra.Title, rb.Title), cmp.Compare(a, b))
	})
}

// Remember takes over the severities of slots that are assigned no more.
func (s *Schema) Remember(was *Schema) {
	if was == nil {
		return
	}
	for slot, severity := range was.Severities {
		if s.Slots[slot] == nil {
			s.Severities[slot] = severity
		}
	}
}

// Slot is the slot of a recommendation in use, by id of any case.
func (s *Schema) Slot(id string) (uint16, bool) {
	n, ok := s.byID[arm.Fold(id)]
	return n, ok
}

// Control is the number of the control that a slot counts in, or uncounted.
func (s *Schema) Control(slot uint16) int { return s.counts[slot] }

// SameScore reports whether every slot that old knows counts where it did, so
// that control sets made under old are good under s.
func (s *Schema) SameScore(old *Schema) bool {
	return len(s.Controls) == len(old.Controls) && slices.Equal(s.counts[:len(old.counts)], old.counts)
}

// RiskOf is the level of an unhealthy assessment.
func (s *Schema) RiskOf(slot uint16, factors risk.Factors) risk.Level {
	if s.Risk == nil {
		return risk.None
	}
	return s.Risk.Level(s.Severities[slot], factors)
}

// SeverityRank orders severities, worst highest.
func SeverityRank(s content.Severity) int {
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

// ChangedSeverity are the slots whose recommendation came, went or changed its
// severity: rules may select by it.
func (s *Schema) ChangedSeverity(old *Schema) map[uint16]bool {
	slots := map[uint16]bool{}
	for slot, r := range s.Slots {
		var was *Recommendation
		if slot < len(old.Slots) {
			was = old.Slots[slot]
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
