package catalog

import (
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/plan"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// SharedAssignment stands in the evaluator for every assignment of the built-in
// initiative that changes nothing of it. The verdicts are the same for all of
// them, so a subscription more costs no compiling, and its registration shows
// at once however large the estate is.
const SharedAssignment = "/providers/Microsoft.Authorization/policyAssignments/" + plan.BuiltInAssignment

// SharedAssignments are the assignments that sharedAssignment stands for.
type SharedAssignments struct {
	bySubscription map[string]string // folded id of a subscription to the assignment's id
	everywhere     string            // id of one at the tenant's root, "" if there is none
}

// take keeps an assignment if the shared one can stand for it.
func (s *SharedAssignments) take(a *policy.Assignment) bool {
	if arm.Fold(a.DefinitionID) != arm.Fold(plan.BuiltInInitiative) || a.Version != "" ||
		len(a.Parameters)+len(a.NotScopes)+len(a.Selectors)+len(a.Overrides) > 0 {
		return false
	}
	scope := a.Scope.Key()
	switch {
	case scope == "/" && s.everywhere == "":
		s.everywhere = a.ID
		return true
	case a.Scope.Type() == arm.TypeSubscription && s.bySubscription[scope] == "":
		s.bySubscription[scope] = a.ID
		return true
	}
	return false
}

// Doubled reports whether two of them may lie over one subscription: one at the
// tenant's root beside those of subscriptions.
func (s *SharedAssignments) Doubled() bool { return s.everywhere != "" && len(s.bySubscription) > 0 }

// none reports whether the shared assignment stands for nothing.
func (s *SharedAssignments) none() bool { return s.everywhere == "" && len(s.bySubscription) == 0 }

// assignment is the shared assignment itself.
func (s *SharedAssignments) assignment() *policy.Assignment {
	return &policy.Assignment{
		ID: SharedAssignment, Name: plan.BuiltInAssignment, DefinitionID: plan.BuiltInInitiative, Enforce: true,
		Parameters: map[string]policy.Value{},
	}
}

// Over are the ids of the shared assignments over the rows of a subscription: its
// own and that of the tenant; "" for one that there is not.
func (s *SharedAssignments) Over(subscription string) [2]string {
	return [2]string{s.bySubscription[subscription], s.everywhere}
}

// Differing are the subscriptions, folded, whose shared assignment came or
// went; "/" stands for all.
func (s *SharedAssignments) Differing(next *SharedAssignments) map[string]bool {
	scopes := map[string]bool{}
	for sub := range s.bySubscription {
		if next.bySubscription[sub] == "" {
			scopes[sub] = true
		}
	}
	for sub := range next.bySubscription {
		if s.bySubscription[sub] == "" {
			scopes[sub] = true
		}
	}
	if s.everywhere != next.everywhere {
		scopes["/"] = true
	}
	return scopes
}
