package access

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/base/store"
)

func TestRolesAtScopes(t *testing.T) {
	f := open(t)
	owner := f.signIn(t).Principal
	const group = "/subscriptions/s1/resourceGroups/rg"
	p, secret, err := f.Create(t.Context(), owner, NewPrincipal{Kind: KindService, Name: "ci"})
	if err != nil {
		t.Fatal(err)
	}
	for id, r := range map[string]store.RoleAssignment{
		"a1": {Role: "Reader", Scope: "/subscriptions/S1"},
		"a2": {Role: "/subscriptions/x/providers/Microsoft.Authorization/roleDefinitions/fb1c8493-542b-48eb-b624-b4c8fea62acd", Scope: group},
	} {
		r.ID, r.Principal = id, p.ID
		if err := f.Assign(t.Context(), owner, r); err != nil {
			t.Fatal(err)
		}
	}
	issued, err := f.Token(t.Context(), Grant{Type: GrantClient, ClientID: p.ID, ClientSecret: secret})
	if err != nil {
		t.Fatal(err)
	}
	ci := issued.Principal
	const read, exempt, assignRole = "Microsoft.Security/assessments/read", "Microsoft.Authorization/policyExemptions/write", "Microsoft.Authorization/roleAssignments/write"
	tests := []struct {
		action, scope string
		want          bool
	}{
		{read, "/subscriptions/s1", true},
		{read, "/subscriptions/s1/resourceGroups/other/providers/A/b/c", true},
		{read, "/subscriptions/s10", false},
		{read, "/", false},
		{exempt, "/subscriptions/s1", false},
		{exempt, strings.ToUpper(group), true},
		{exempt, group + "/providers/A/b/c", true},
		{exempt, group + "2", false},
		{assignRole, group, false},
	}
	for _, tt := range tests {
		if got := ci.Allow(tt.action, tt.scope) == nil; got != tt.want {
			t.Errorf("%s at %s: %v, want %v", tt.action, tt.scope, got, tt.want)
		}
	}
	for scope, want := range map[string]bool{"/subscriptions/s1": true, "/subscriptions/s2": false, "/": true, group + "/providers/A/b/c": true} {
		if ci.Sees(scope) != want {
			t.Errorf("sees %s: %v, want %v", scope, !want, want)
		}
	}
	wantCode(t, f.Assign(t.Context(), owner, store.RoleAssignment{ID: "x", Principal: p.ID, Role: "King"}), 400, "InvalidRequestContent")
	wantCode(t, f.Assign(t.Context(), owner, store.RoleAssignment{ID: "x", Principal: "nobody", Role: "Reader"}), 400, "InvalidRequestContent")
}

func TestLastOwnerStays(t *testing.T) {
	f := open(t)
	owner := f.signIn(t).Principal
	all, err := f.Assignments(t.Context(), owner)
	if err != nil || len(all) != 2 {
		t.Fatalf("%v, %v", all, err)
	}
	if err := f.Unassign(t.Context(), owner, all[0].ID); err != nil {
		t.Fatal(err)
	}
	wantCode(t, f.Unassign(t.Context(), owner, all[1].ID), http.StatusConflict, "LastOwner")
	wantCode(t, f.Unassign(t.Context(), owner, "nothing"), http.StatusNotFound, "ResourceNotFound")
}
