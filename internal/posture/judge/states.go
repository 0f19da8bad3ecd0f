package judge

import (
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/catalog"
	"github.com/rampart-sec/rampart/internal/posture/policy"
	"github.com/rampart-sec/rampart/internal/posture/policy/engine"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// AssignedMember is one definition as one assignment gives it.
type AssignedMember struct {
	AssignmentID              string
	InitiativeID, ReferenceID string // "" if the definition is assigned alone
	DefinitionID              string
	Effect                    string // lower-case, overrides applied
	Groups                    []string
}

// Is reports whether a member of the evaluator is this one.
func (a *AssignedMember) Is(m *engine.Member) bool {
	return m.ReferenceID == a.ReferenceID && (m.Assignment == catalog.SharedAssignment && m.Initiative == a.InitiativeID || strings.EqualFold(m.Assignment, a.AssignmentID))
}

// PolicyState is what one assigned definition says of one resource: it is keyed
// (resource, assignment, reference id). An assessment is the worst of the states
// of its recommendation.
type PolicyState struct {
	AssignedMember
	State  record.State
	Reason string
}

// States are the policy states behind each of a page's assessments. Where only one
// member gives the recommendation its state is the assessment's; else the
// evaluator is asked, which waits for the judge.
func (e *Estate) States(rows []record.Assessment) [][]PolicyState {
	s := &stater{estate: e, ru: e.rolled.Load(), groups: map[[2]string][]string{}}
	out := make([][]PolicyState, len(rows))
	var open []int
	for i := range rows {
		var ok bool
		if out[i], ok = s.sole(&rows[i]); !ok {
			open = append(open, i)
		}
	}
	if len(open) == 0 {
		return out
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s.ru = e.roll
	for _, i := range open {
		out[i] = s.judged(&rows[i])
	}
	return out
}

// stater finds policy states. It is scratch of one request.
type stater struct {
	estate   *Estate
	ru       *rollup
	groups   map[[2]string][]string // by initiative and reference id
	verdicts []verdict
	row      *record.Row // whose verdicts those are
	context  scopeContext
}

// sole gives the state of the only member behind an assessment, without waiting;
// ok is false if there are several, or overrides.
func (s *stater) sole(a *record.Assessment) (states []PolicyState, ok bool) {
	slot, known := s.estate.View().Schema().Slot(a.Recommendation.ID)
	n, sole := s.ru.catalog.Giver(slot)
	r := s.estate.View().Row(a.Handle)
	if !known || !sole || r == nil {
		return nil, false
	}
	m := &s.ru.catalog.Members[n]
	ids := s.assignments(m, r)
	if len(ids) != 1 || m.Overridden() {
		return nil, false
	}
	return []PolicyState{{s.member(m, ids[0]), a.State, a.Reason}}, true
}

// assignments are the ids of the assignments that a member stands for over a row.
func (s *stater) assignments(m *engine.Member, r *record.Row) []string {
	if m.Assignment != catalog.SharedAssignment {
		return []string{m.Assignment}
	}
	over := s.ru.catalog.Shared.Over(s.ru.names.Subscriptions.Name(r.Subscription))
	return slices.DeleteFunc(over[:], func(id string) bool { return id == "" })
}

func (s *stater) member(m *engine.Member, assignment string) AssignedMember {
	return AssignedMember{AssignmentID: assignment, InitiativeID: m.Initiative, ReferenceID: m.ReferenceID,
		DefinitionID: m.DefinitionID, Effect: m.Effect, Groups: s.groupsOf(m)}
}

// groupsOf are the groups of a member in its initiative.
func (s *stater) groupsOf(m *engine.Member) []string {
	if m.Initiative == "" {
		return nil
	}
	key := [2]string{m.Initiative, m.ReferenceID}
	groups, known := s.groups[key]
	if !known {
		if in := s.ru.catalog.Initiative(m.Initiative); in != nil {
			for _, ref := range in.Members {
				s.groups[[2]string{m.Initiative, ref.ID}] = ref.Groups
			}
		}
		groups = s.groups[key]
		s.groups[key] = groups
	}
	return groups
}

// judged gives the states behind an assessment as the evaluator has them now; the
// judge must not be at work.
func (s *stater) judged(a *record.Assessment) []PolicyState {
	v := s.estate.View()
	r := v.Row(a.Handle)
	slot, known := v.Schema().Slot(a.Recommendation.ID)
	if r == nil || !known {
		return nil
	}
	if s.row != r {
		s.row, s.verdicts = r, s.estate.eval.verdicts(r.Handle, s.verdicts[:0])
		s.context.stand(s.ru, r)
		s.ru.over(r, s.context.exempted, &s.context.over)
	}
	var states []PolicyState
	for _, x := range s.verdicts {
		if s.ru.catalog.Slots[x.member] != slot {
			continue
		}
		m := s.ru.catalog.Members[x.member]
		if b := s.estate.eval.bound(r.Handle, x.member); b != nil {
			m.Effect = b.Effect
		}
		for _, id := range s.assignments(&m, r) {
			state := PolicyState{AssignedMember: s.member(&m, id)}
			state.State, state.Reason = s.state(r, x, id)
			states = append(states, state)
		}
	}
	return s.overlay(states, r, slot)
}

// state is what an assignment's member says of a row, exemptions over it.
func (s *stater) state(r *record.Row, x verdict, assignment string) (record.State, string) {
	excuse, reopened := s.ru.excuse(r, x, assignment, &s.context.over, s.estate.now())
	switch {
	case excuse != nil:
		return record.Exempt, exemptReason(excuse)
	case x.state == policy.Compliant:
		return record.Healthy, reopened
	case x.state == policy.NonCompliant:
		return record.Unhealthy, reopened
	case x.state == policy.Error:
		return record.Unknown, "the policy could not be evaluated: " + x.reason
	}
	return record.Unknown, x.reason
}

// overlay lays over the states what lies over their roll-up: data that is too old
// to say anything.
func (s *stater) overlay(states []PolicyState, r *record.Row, slot uint16) []PolicyState {
	status, ok := r.StatusOf(slot)
	if !ok {
		return nil // the index has nothing of it either
	}
	worst := record.NotApplicable
	for _, x := range states {
		if StateRank[x.State] > StateRank[worst] {
			worst = x.State
		}
	}
	if worst == status.State {
		return states
	}
	for i := range states {
		if states[i].State != record.Exempt {
			states[i].State, states[i].Reason = status.State, s.ru.names.Reasons.Name(status.Reason)
		}
	}
	return states
}

// AssignedHere is a member that reaches a scope.
type AssignedHere struct {
	AssignedMember
	Scope arm.ID // where both meet: the deeper of the scope asked about and the assignment's
	// Alone is set when the assessments of its recommendation within Scope are
	// its own states.
	Alone bool
}

// AssignedTo lists the members of all assignments that reach a scope: those above
// it, at it and below. It does not wait for the judge.
func (e *Estate) AssignedTo(scope arm.ID) []AssignedHere {
	s := &stater{estate: e, ru: e.rolled.Load(), groups: map[[2]string][]string{}}
	c := s.ru.catalog
	var out []AssignedHere
	shared := map[string]arm.ID{}
	c.Shared.Each(func(id string, at arm.ID) {
		if meet, ok := s.ru.meet(scope, at); ok {
			shared[id] = meet
		}
	})
	assignments := map[string]*policy.Assignment{}
	for _, a := range c.Input.Assignments {
		assignments[a.ID] = a
	}
	for i := range c.Members {
		m := &c.Members[i]
		if m.Bound == nil {
			continue
		}
		if m.Assignment == catalog.SharedAssignment {
			for id, meet := range shared {
				out = append(out, AssignedHere{s.member(m, id), meet, c.Sole[i] && !c.Shared.Doubled()})
			}
			continue
		}
		a := assignments[m.Assignment]
		meet, ok := s.ru.meet(scope, a.Scope)
		if !ok || s.ru.leavesOut(a, e.View().Find(scope.String())) {
			continue
		}
		here := AssignedHere{s.member(m, a.ID), meet, c.Sole[i] && !m.Overridden() && len(a.NotScopes)+len(a.Selectors) == 0}
		if effect := a.Effect(m.ReferenceID, policy.Target{}); effect != "" {
			here.Effect = effect
		}
		out = append(out, here)
	}
	slices.SortStableFunc(out, func(a, b AssignedHere) int { return strings.Compare(a.AssignmentID, b.AssignmentID) })
	return out
}

// Shares reports whether any recommendation has several members, so that an
// assessment may have states of several kinds.
func (e *Estate) Shares() bool {
	c := e.rolled.Load().catalog
	for i := range c.Members {
		if c.Members[i].Bound != nil && (!c.Sole[i] || c.Members[i].Overridden()) {
			return true
		}
	}
	return c.Shared.Doubled()
}
