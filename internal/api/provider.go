package api

import (
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/arm"
)

const securityNamespace = "Microsoft.Security"

// apiVersions are named to clients that ask which to use; any date is taken.
var apiVersions = []string{"2025-05-04", "2024-01-01", "2021-06-01", "2020-01-01"}

// providers lists the namespaces that this server answers for and those that
// resources are of.
func (a *API) providers(r *request) (response, error) {
	items := []any{}
	for _, namespace := range a.namespaces(r) {
		items = append(items, a.provider(r.scope, namespace))
	}
	return slice(a, r, items)
}

// providerShow shows one.
func (a *API) providerShow(r *request) (response, error) {
	for _, namespace := range a.namespaces(r) {
		if strings.EqualFold(namespace, r.vars["namespace"]) {
			return ok(a.provider(r.scope, namespace))
		}
	}
	return response{}, &arm.Error{Status: 404, Code: "InvalidResourceNamespace", Message: "The resource namespace '" + clip(r.vars["namespace"]) + "' is not known here."}
}

func (a *API) namespaces(r *request) []string {
	names := []string{"Microsoft.Authorization", "Microsoft.PolicyInsights", "Microsoft.Resources", securityNamespace}
	if view := a.view(r.tenant()); view != nil {
		for _, t := range view.Types() {
			namespace, _, _ := strings.Cut(t.Type, "/")
			if !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, namespace) }) {
				names = append(names, namespace)
			}
		}
	}
	slices.Sort(names)
	return names
}

// provider lists the types that the route table serves of a namespace.
func (a *API) provider(scope arm.ID, namespace string) map[string]any {
	types := []any{}
	seen := map[string]bool{}
	for i := range a.routes {
		kind, _, ok := cutLast(string(a.routes[i].access), '/')
		rest, mine := strings.CutPrefix(kind, namespace+"/")
		if !ok || !mine || seen[rest] {
			continue
		}
		seen[rest] = true
		types = append(types, map[string]any{"resourceType": rest, "locations": []string{}, "apiVersions": apiVersions})
	}
	return map[string]any{"id": scope.String() + "/providers/" + namespace, "namespace": namespace,
		"registrationState": "Registered", "registrationPolicy": "RegistrationRequired", "resourceTypes": types}
}

func cutLast(s string, sep byte) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}
