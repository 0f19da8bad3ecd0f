package judge

import (
	"fmt"
	"slices"
	"testing"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/catalog"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/policy"
	"github.com/rampart-sec/rampart/internal/posture/policy/engine"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// checkStates compares the states behind every assessment with what the plain
// evaluator says by each member of each assignment, and their worst with the
// assessment.
func checkStates(t *testing.T, w *world, v *index.View) {
	t.Helper()
	e := w.Estate()
	all, err := v.Assessments(index.AssessmentQuery{Limit: 1000})
	if err != nil || all.Next != "" {
		t.Fatal(err, all.Next)
	}
	want := plainStates(t, w)
	for i, states := range e.States(all.Rows) {
		a := &all.Rows[i]
		worst, seen := record.NotApplicable, map[string]bool{}
		for _, s := range states {
			key := fmt.Sprintf("%s %s %s", s.AssignmentID, s.ReferenceID, a.ResourceID)
			if seen[key] {
				t.Errorf("%s has two states", key)
			}
			seen[key] = true
			if StateRank[s.State] > StateRank[worst] {
				worst = s.State
			}
			if plain, ok := want[key]; s.State != record.Exempt && (!ok || plain != s.State) {
				t.Errorf("%s is %v, the plain evaluator says %v", key, s.State, plain)
			}
			delete(want, key)
		}
		if worst != a.State {
			t.Errorf("%s of %s is %v, its states' worst is %v: %+v", a.Recommendation.Title, a.ResourceID, a.State, worst, states)
		}
	}
	for key, state := range want {
		t.Errorf("%s is %v by the plain evaluator and has no state", key, state)
	}
}

// plainStates are the states by "assignment reference resource" that the plain
// evaluator gives, exemptions left out.
func plainStates(t *testing.T, w *world) map[string]record.State {
	t.Helper()
	e := w.Estate()
	o := newOracle(e.judge.opt.Aliases, e.delivered.known)
	in := e.catalog.Input
	in.ManagementGroups = func(string) []arm.ID { return nil }
	if _, _, err := o.swap(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	ids := map[uint32]*record.Row{}
	e.View().Rows.Each(func(h uint32, r *record.Row) bool {
		doc, err := e.Document(t.Context(), r.ID)
		if err == nil {
			err = o.upsert(h, &doc.Doc)
		}
		if err != nil {
			t.Fatal(err)
		}
		ids[h] = r
		return true
	})
	if _, _, err := o.evaluate(e.now()); err != nil {
		t.Fatal(err)
	}
	out := map[string]record.State{}
	for h, r := range ids {
		for _, x := range o.last[h] {
			for _, id := range assignmentsOf(e, &o.members[x.member], r) {
				state := map[policy.State]record.State{policy.Compliant: record.Healthy, policy.NonCompliant: record.Unhealthy}[x.state]
				if x.state == policy.Unknown || x.state == policy.Error {
					state = record.Unknown
				}
				out[fmt.Sprintf("%s %s %s", id, o.members[x.member].ReferenceID, r.ID)] = state
			}
		}
	}
	return out
}

func assignmentsOf(e *Estate, m *engine.Member, r *record.Row) []string {
	if m.Assignment != catalog.SharedAssignment {
		return []string{m.Assignment}
	}
	over := e.catalog.Shared.Over(e.names.Subscriptions.Name(r.Subscription))
	return slices.DeleteFunc(over[:], func(id string) bool { return id == "" })
}
