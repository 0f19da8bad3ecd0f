package access

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestRoleGrants(t *testing.T) {
	const (
		read      = "Microsoft.Security/assessments/read"
		document  = "Microsoft.Compute/virtualMachines/read"
		exempt    = "Microsoft.Authorization/policyExemptions/write"
		role      = "Microsoft.Authorization/roleAssignments/write"
		pricing   = "Microsoft.Security/pricings/write"
		principal = "Rampart/principals/write"
		ingest    = "Rampart/import/action"
		approve   = "Microsoft.Authorization/policyExemptions/approve/action"
	)
	tests := map[string]map[string]bool{
		"Reader":                      {read: true, document: true, exempt: false, role: false, pricing: false, principal: false, ingest: false, approve: false},
		"Contributor":                 {read: true, document: true, exempt: false, role: false, pricing: true, principal: false, ingest: true, approve: false},
		"Resource Policy Contributor": {read: true, document: true, exempt: true, role: false, pricing: false, principal: false, ingest: false, approve: false},
		"Owner":                       {read: true, document: true, exempt: true, role: true, pricing: true, principal: true, ingest: true, approve: true},
		"Security Reader":             {read: true, document: false, exempt: false, role: false, pricing: false, principal: false, ingest: false},
		"Security Admin":              {read: true, document: false, exempt: true, role: false, pricing: true, principal: false, ingest: false, approve: true},
	}
	for name, actions := range tests {
		for action, want := range actions {
			r := FindRole(strings.ToUpper(name))
			if r == nil {
				t.Fatalf("no role %q", name)
			}
			if got := r.Grants(strings.ToUpper(action)); got != want {
				t.Errorf("%s, %s: %v, want %v", name, action, got, want)
			}
		}
	}
	if FindRole("Emperor") != nil {
		t.Error("an unknown role was found")
	}
}

// FuzzMatchAction compares with the same pattern as a regular expression.
func FuzzMatchAction(f *testing.F) {
	f.Add("*/read", "a/b/read")
	f.Add("a/*/b*", "a/x/y/bc")
	f.Add("**", "")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if len(pattern) > 40 || len(s) > 200 || !utf8.ValidString(pattern) || !utf8.ValidString(s) {
			return // regular expressions read code points
		}
		want := regexp.MustCompile(`(?s)\A` + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, `.*`) + `\z`)
		if got := matchAction(pattern, s); got != want.MatchString(s) {
			t.Errorf("matchAction(%q, %q) = %v", pattern, s, got)
		}
	})
}

// TestRoleIDs pins the ids that scripts assign by: they are those of the roles of
// the same names in Azure's documentation.
func TestRoleIDs(t *testing.T) {
	want := map[string]string{
		"Reader":                      "acdd72a7-3385-48ef-bd42-f606fba81ae7",
		"Contributor":                 "b24988ac-6180-42a0-ab88-20f7382dd24c",
		"Owner":                       "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
		"Resource Policy Contributor": "36243c78-bf99-498c-9df9-86d9f8d28608",
		"Security Reader":             "39bc4728-0917-49c7-9d2c-d95423bc2eb4",
		"Security Admin":              "fb1c8493-542b-48eb-b624-b4c8fea62acd",
	}
	for _, r := range Roles {
		if want[r.Name] != r.ID {
			t.Errorf("%s has the id %s, want %s", r.Name, r.ID, want[r.Name])
		}
		delete(want, r.Name)
	}
	if len(want) > 0 {
		t.Errorf("no role %v", want)
	}
}
