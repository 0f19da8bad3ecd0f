package posture

import (
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/plan"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// sharedAssignment stands in the evaluator for every assignment of the built-in
// initiative that changes nothing of it. The verdicts are the same for all of
// them, so a subscription more costs no compiling, and its registration shows
// at once however large the estate is.
const sharedAssignment = "/providers/Microsoft.Authorization/policyAssignments/" + plan.BuiltInAssignment

// standIn are the assignments that sharedAssignment stands for.
type standIn struct {
	bySubscription map[string]string // folded id of a subscription to the assignment's id
	everywhere     string            // id of one at the tenant's root, "" if there is none
}

// take keeps an assignment if the shared one can stand for it.
func (s *standIn) take(a *policy.Assignment) bool {
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

// none reports whether the shared assignment stands for nothing.
func (s *standIn) none() bool { return s.everywhere == "" && len(s.bySubscription) == 0 }

// assignment is the shared assignment itself.
func (s *standIn) assignment() *policy.Assignment {
	return &policy.Assignment{
		ID: sharedAssignment, Name: plan.BuiltInAssignment, DefinitionID: plan.BuiltInInitiative, Enforce: true,
		Parameters: map[string]policy.Value{},
	}
}

// over are the ids of the shared assignments over the rows of a subscription: its
// own and that of the tenant; "" for one that there is not.
func (s *standIn) over(subscription string) [2]string {
	return [2]string{s.bySubscription[subscription], s.everywhere}
}

// differing are the subscriptions, folded, whose shared assignment came or
// went; "/" stands for all.
func (s *standIn) differing(next *standIn) map[string]bool {
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
