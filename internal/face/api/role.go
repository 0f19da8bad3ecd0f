package api

import (
	"strings"

	"github.com/rampart-sec/rampart/internal/base/access"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
)

const (
	roleAssignmentType = "Microsoft.Authorization/roleAssignments"
	roleDefinitionType = "Microsoft.Authorization/roleDefinitions"
)

// roleDefinitions lists the roles.
func (a *API) roleDefinitions(r *request) (response, error) {
	items := []any{}
	for i := range access.Roles {
		items = append(items, roleBody(r.scope, &access.Roles[i]))
	}
	return slice(a, r, items)
}

// roleDefinition shows one.
func (a *API) roleDefinition(r *request) (response, error) {
	role := access.FindRole(r.vars["name"])
	if role == nil {
		return response{}, arm.NotFound("/providers/" + roleDefinitionType + "/" + r.vars["name"])
	}
	return ok(roleBody(r.scope, role))
}

func roleID(scope arm.ID, role *access.Role) string {
	return scope.SubscriptionID() + "/providers/" + roleDefinitionType + "/" + role.ID
}

func roleBody(scope arm.ID, role *access.Role) map[string]any {
	permissions := map[string]any{"actions": role.Actions, "notActions": orEmpty(role.NotActions), "dataActions": []string{}, "notDataActions": []string{}}
	return resource(roleID(scope, role), roleDefinitionType, map[string]any{
		"roleName": role.Name, "type": "BuiltInRole", "description": role.Name, "assignableScopes": []string{"/"}, "permissions": []any{permissions}})
}

// roleAssignments lists those at, above and below a scope.
func (a *API) roleAssignments(r *request) (response, error) {
	all, err := a.Access.Assignments(r.Context(), r.principal)
	if err != nil {
		return response{}, err
	}
	items := []any{}
	for i := range all {
		at, err := arm.ParseID(all[i].Scope)
		if err == nil && (at.Within(r.scope) || r.scope.Within(at)) {
			items = append(items, roleAssignmentBody(&all[i]))
		}
	}
	return slice(a, r, items)
}

// roleAssignment shows one.
func (a *API) roleAssignment(r *request) (response, error) {
	found, err := a.findRoleAssignment(r)
	if err != nil {
		return response{}, err
	}
	return ok(roleAssignmentBody(found))
}

// findRoleAssignment finds the one that the path names at exactly its scope.
func (a *API) findRoleAssignment(r *request) (*store.RoleAssignment, error) {
	all, err := a.Access.Assignments(r.Context(), r.principal)
	if err != nil {
		return nil, err
	}
	for i := range all {
		at, err := arm.ParseID(all[i].Scope)
		if err == nil && at.Equal(r.scope) && strings.EqualFold(all[i].ID, r.vars["name"]) {
			return &all[i], nil
		}
	}
	return nil, arm.NotFound(r.scope.String() + "/providers/" + roleAssignmentType + "/" + r.vars["name"])
}

// assignRole gives a principal a role at a scope.
func (a *API) assignRole(r *request) (response, error) {
	var body struct {
		Properties struct {
			RoleDefinitionID string `json:"roleDefinitionId"`
			PrincipalID      string `json:"principalId"`
		} `json:"properties"`
	}
	if err := r.decode(&body); err != nil {
		return response{}, err
	}
	name := arm.Fold(r.vars["name"])
	err := a.Access.Assign(r.Context(), r.principal, store.RoleAssignment{ID: name, Principal: body.Properties.PrincipalID,
		Role: body.Properties.RoleDefinitionID, Scope: a.canonicalScope(r)})
	if err != nil {
		return response{}, err
	}
	resp, err := a.roleAssignment(r)
	resp.status = 201
	return resp, err
}

// unassignRole takes it back.
func (a *API) unassignRole(r *request) (response, error) {
	found, err := a.findRoleAssignment(r)
	if isStatus(err, 404) {
		return noContent()
	}
	if err != nil {
		return response{}, err
	}
	if err := a.Access.Unassign(r.Context(), r.principal, found.ID); err != nil {
		return response{}, err
	}
	return noContent()
}

func roleAssignmentBody(x *store.RoleAssignment) map[string]any {
	scope, _ := arm.ParseID(x.Scope)
	properties := map[string]any{"principalId": x.Principal, "scope": x.Scope, "createdOn": x.CreatedAt.UTC(), "createdBy": x.CreatedBy}
	if role := access.FindRole(x.Role); role != nil {
		properties["roleDefinitionId"], properties["roleName"] = roleID(scope, role), role.Name
	}
	return resource(strings.TrimSuffix(x.Scope, "/")+"/providers/"+roleAssignmentType+"/"+x.ID, roleAssignmentType, properties)
}

// createPrincipal makes a service principal or a user of the caller's tenant.
// The answer is the only place where a drawn secret is ever shown.
func (a *API) createPrincipal(r *request) (response, error) {
	var body struct {
		Kind     string `json:"kind"`
		Name     string `json:"name"`
		Password string `json:"password"`
	}
	if err := r.decode(&body); err != nil {
		return response{}, err
	}
	p, secret, err := a.Access.Create(r.Context(), r.principal, access.NewPrincipal{Tenant: r.tenant(), Kind: body.Kind, Name: body.Name, Password: body.Password})
	if err != nil {
		return response{}, err
	}
	answer := map[string]any{"id": p.ID, "kind": p.Kind, "name": p.Name}
	if secret != "" {
		answer["clientId"], answer["clientSecret"] = p.ID, secret
	}
	return response{status: 201, body: answer}, nil
}

// revokePrincipal ends everything that was handed out to a principal.
func (a *API) revokePrincipal(r *request) (response, error) {
	if err := a.Access.Revoke(r.Context(), r.principal, r.vars["principal"]); err != nil {
		return response{}, err
	}
	return noContent()
}

// deletePrincipal removes one with its roles and everything it was handed out.
func (a *API) deletePrincipal(r *request) (response, error) {
	if err := a.Access.Delete(r.Context(), r.principal, r.vars["principal"]); err != nil {
		return response{}, err
	}
	return noContent()
}
