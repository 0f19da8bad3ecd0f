package access

import (
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// Role is a named set of actions. An action is a resource type and a verb,
// "Microsoft.Security/pricings/write"; the verbs are read, write, delete and
// action. Patterns may hold * for any run of characters.
type Role struct {
	ID      string // GUID of the role definition in the API
	Name    string
	Actions []string
	// NotActions are taken away from Actions; another role may still grant them.
	NotActions []string
}

// Roles is every role. The GUIDs are the well-known ones, so that scripts that
// assign by id work.
var Roles = []Role{
	{ID: "acdd72a7-3385-48ef-bd42-f606fba81ae7", Name: "Reader",
		Actions: []string{"*/read"}},
	{ID: "b24988ac-6180-42a0-ab88-20f7382dd24c", Name: "Contributor",
		Actions: []string{"*"},
		NotActions: []string{"Microsoft.Authorization/*/write", "Microsoft.Authorization/*/delete",
			"Microsoft.Authorization/policyExemptions/*/action", "Rampart/principals/*",
			// To disable a finding is to exempt from it.
			"Microsoft.Security/findingRules/write", "Microsoft.Security/findingRules/delete"}},
	{ID: "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", Name: "Owner",
		Actions: []string{"*"}},
	// Writes exemptions, and asks others to approve them.
	{ID: "36243c78-bf99-498c-9df9-86d9f8d28608", Name: "Resource Policy Contributor",
		Actions: []string{"*/read", "Microsoft.Authorization/policyAssignments/*", "Microsoft.Authorization/policyDefinitions/*",
			"Microsoft.Authorization/policySetDefinitions/*", "Microsoft.Authorization/policyExemptions/*", "Microsoft.PolicyInsights/*"},
		NotActions: []string{"Microsoft.Authorization/policyExemptions/*/action"}},
	{ID: "39bc4728-0917-49c7-9d2c-d95423bc2eb4", Name: "Security Reader",
		Actions: []string{"Microsoft.Security/*/read", "Microsoft.Authorization/*/read", "Microsoft.PolicyInsights/*/read",
			"Microsoft.Resources/*/read", "Microsoft.Management/*/read", "Rampart/posture/*/read"}},
	{ID: "fb1c8493-542b-48eb-b624-b4c8fea62acd", Name: "Security Admin",
		Actions: []string{"Microsoft.Security/*", "Microsoft.Authorization/*/read",
			"Microsoft.Authorization/policyAssignments/*", "Microsoft.Authorization/policyDefinitions/*",
			"Microsoft.Authorization/policySetDefinitions/*", "Microsoft.Authorization/policyExemptions/*",
			"Microsoft.PolicyInsights/*", "Microsoft.Resources/*/read", "Microsoft.Management/*/read", "Rampart/posture/*"}},
}

// FindRole returns the role with an id or a name, whatever the case, or nil. A
// full role definition id is taken by its last segment.
func FindRole(idOrName string) *Role {
	idOrName = idOrName[strings.LastIndexByte(idOrName, '/')+1:]
	for i := range Roles {
		if strings.EqualFold(Roles[i].ID, idOrName) || strings.EqualFold(Roles[i].Name, idOrName) {
			return &Roles[i]
		}
	}
	return nil
}

// Grants reports whether the role allows an action.
func (r *Role) Grants(action string) bool {
	action = arm.Fold(action)
	matches := func(pattern string) bool { return matchAction(arm.Fold(pattern), action) }
	return slices.ContainsFunc(r.Actions, matches) && !slices.ContainsFunc(r.NotActions, matches)
}

// matchAction matches s against a pattern whose * stands for any run of
// characters. It backs up to the last star only, so it is linear in practice
// and never exponential.
func matchAction(pattern, s string) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && pattern[p] == s[i]:
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
