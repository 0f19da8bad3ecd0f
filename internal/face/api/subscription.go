package api

import (
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/index"
)

// tenants lists the one tenant that the caller belongs to.
func (a *API) tenants(r *request) (response, error) {
	id, err := a.Access.TenantID(r.Context(), r.tenant())
	if err != nil {
		return response{}, err
	}
	var tenant *store.Tenant
	err = a.Store.View(r.Context(), func(tx *store.Tx) error {
		tenant, err = tx.Tenant(r.Context(), r.tenant())
		return err
	})
	if err != nil {
		return response{}, err
	}
	return ok(list{Value: []any{map[string]any{
		"id": "/tenants/" + id, "tenantId": id, "displayName": tenant.Name, "tenantCategory": "Home", "tenantType": "AAD",
	}}})
}

// subscriptions lists those in which the caller has any role.
func (a *API) subscriptions(r *request) (response, error) {
	all, err := a.visibleSubscriptions(r)
	if err != nil {
		return response{}, err
	}
	tenantID, err := a.Access.TenantID(r.Context(), r.tenant())
	if err != nil {
		return response{}, err
	}
	items := make([]any, 0, len(all))
	for _, s := range all {
		items = append(items, subscriptionBody(s.ID, s.Name, tenantID))
	}
	return slice(a, r, items)
}

// subscription shows one.
func (a *API) subscription(r *request) (response, error) {
	tenantID, err := a.Access.TenantID(r.Context(), r.tenant())
	if err != nil {
		return response{}, err
	}
	all, err := a.visibleSubscriptions(r)
	if err != nil {
		return response{}, err
	}
	for _, s := range all {
		if strings.EqualFold(s.ID, r.scope.String()) {
			return ok(subscriptionBody(s.ID, s.Name, tenantID))
		}
	}
	return response{}, subscriptionNotFound(r.scope.Subscription())
}

// visibleSubscriptions are the caller's, each registered on the way: seeing a
// subscription for the first time is what registers it.
func (a *API) visibleSubscriptions(r *request) ([]namedID, error) {
	all, err := a.knownSubscriptions(r)
	if err != nil {
		return nil, err
	}
	visible := all[:0]
	for _, s := range all {
		if !r.principal.Sees(s.ID) {
			continue
		}
		if err := a.Plans.Register(r.Context(), r.tenant(), s.ID); err != nil {
			return nil, err
		}
		visible = append(visible, s)
	}
	return visible, nil
}

func subscriptionBody(id, name, tenantID string) map[string]any {
	guid := id[strings.LastIndexByte(id, '/')+1:]
	return map[string]any{
		"id": id, "subscriptionId": guid, "displayName": name, "state": "Enabled", "tenantId": tenantID,
		"authorizationSource": "RoleBased", "managedByTenants": []any{},
		"subscriptionPolicies": map[string]any{"locationPlacementId": "Rampart", "quotaId": "Rampart", "spendingLimit": "Off"},
	}
}

// subscriptionLocations lists the locations that resources are in.
func (a *API) subscriptionLocations(r *request) (response, error) {
	_, view, err := a.estate(r)
	if err != nil {
		return response{}, err
	}
	items := []any{}
	for _, name := range view.Locations() {
		items = append(items, map[string]any{"id": r.scope.String() + "/locations/" + name, "name": name,
			"displayName": name, "regionalDisplayName": name, "type": "Region", "subscriptionId": r.scope.Subscription()})
	}
	return slice(a, r, items)
}

// resourceGroups lists the groups of a subscription.
func (a *API) resourceGroups(r *request) (response, error) {
	return a.resourcePage(r, index.InventoryQuery{Scope: r.postureScope(), Type: arm.TypeResourceGroup, Sort: "name"})
}

// operations is the list of a provider's operations, which is the route table.
func (a *API) operations(r *request) (response, error) {
	namespace := r.vars["namespace"]
	items := []any{}
	seen := map[action]bool{}
	for i := range a.routes {
		name := a.routes[i].access
		if seen[name] || !strings.HasPrefix(arm.Fold(string(name)), arm.Fold(namespace)+"/") {
			continue
		}
		seen[name] = true
		items = append(items, map[string]any{"name": name, "isDataAction": false,
			"display": map[string]any{"provider": namespace, "operation": name}})
	}
	if len(items) == 0 {
		return response{}, arm.NotFound("/providers/" + namespace)
	}
	return slice(a, r, items)
}
