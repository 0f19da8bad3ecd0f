package api

import (
	"maps"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

const securityNamespace = "Microsoft.Security"

// apiVersions are named to clients that ask which to use, newest first; any
// date is taken, of any type.
var apiVersions = []string{"2025-05-04", "2024-01-01", "2021-06-01", "2020-01-01"}

// kinds are resource types by namespace, in the spelling that was met first.
type kinds map[string]*namespaceKinds

type namespaceKinds struct {
	name  string
	types map[string]string // folded -> as spelled, without the namespace
}

// add takes a type and those that it lies in: clients look for the version of
// the outermost.
func (k kinds) add(kind string) {
	namespace, rest, ok := strings.Cut(kind, "/")
	if !ok || namespace == "" || rest == "" {
		return
	}
	n := k[arm.Fold(namespace)]
	if n == nil {
		n = &namespaceKinds{name: namespace, types: map[string]string{}}
		k[arm.Fold(namespace)] = n
	}
	for ok {
		if _, have := n.types[arm.Fold(rest)]; !have {
			n.types[arm.Fold(rest)] = rest
		}
		rest, _, ok = cutLast(rest, '/')
	}
}

// kinds are the types that this server answers for, those that its content
// knows and those of the caller's estate.
func (a *API) kinds(r *request) kinds {
	k := kinds{}
	for i := range a.routes {
		if kind, verb, ok := cutLast(string(a.routes[i].access), '/'); ok && verb == "read" {
			k.add(kind)
		}
	}
	for _, rec := range a.Library.Recommendations {
		for _, kind := range rec.Types {
			k.add(kind)
		}
	}
	if view := a.view(r.tenant()); view != nil {
		for _, t := range view.Types() {
			k.add(t.Type)
		}
	}
	return k
}

// providers lists the namespaces of all kinds.
func (a *API) providers(r *request) (response, error) {
	k := a.kinds(r)
	items := []any{}
	for _, namespace := range slices.Sorted(maps.Keys(k)) {
		items = append(items, providerBody(r.scope, k[namespace]))
	}
	return slice(a, r, items)
}

// providerShow shows one; command line clients ask it which api-version a type
// has before they read a resource.
func (a *API) providerShow(r *request) (response, error) {
	n := a.kinds(r)[arm.Fold(r.vars["namespace"])]
	if n == nil {
		return response{}, &arm.Error{Status: 404, Code: "InvalidResourceNamespace", Message: "The resource namespace '" + clip(r.vars["namespace"]) + "' is not known here."}
	}
	return ok(providerBody(r.scope, n))
}

func providerBody(scope arm.ID, n *namespaceKinds) map[string]any {
	types := []any{}
	for _, folded := range slices.Sorted(maps.Keys(n.types)) {
		types = append(types, map[string]any{"resourceType": n.types[folded], "locations": []string{}, "apiVersions": apiVersions})
	}
	return map[string]any{"id": scope.String() + "/providers/" + n.name, "namespace": n.name,
		"registrationState": "Registered", "registrationPolicy": "RegistrationRequired", "resourceTypes": types}
}

func cutLast(s string, sep byte) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}
