package api

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// definitionsAt lists the definitions or initiatives that can be assigned at a
// scope: the built-in ones, and those stored at it and above it.
func definitionsAt(k *objectKind) func(*API, *request) (response, error) {
	return func(a *API, r *request) (response, error) {
		keep, err := policyFilter(r)
		if err != nil {
			return response{}, err
		}
		own, err := a.policyObjects(r, k, []string{a.canonicalScope(r)})
		if err != nil {
			return response{}, err
		}
		items := appendKept([]any{}, a.builtIn.of(k), keep)
		return slice(a, r, appendKept(items, own, keep))
	}
}

// appliedAt lists the assignments or exemptions that concern a scope: those
// above it, at it and below it. $filter=atScope() leaves out those below,
// atExactScope() those above as well.
func appliedAt(k *objectKind) func(*API, *request) (response, error) {
	return func(a *API, r *request) (response, error) {
		keep, err := policyFilter(r)
		if err != nil {
			return response{}, err
		}
		scope := a.canonicalScope(r)
		scopes := []string{scope}
		exact := hasCall(r, "atExactScope()")
		if !exact {
			scopes = append(scopes, a.above(r)...)
		}
		all, err := a.policyObjects(r, k, scopes)
		if err != nil {
			return response{}, err
		}
		if !exact && !hasCall(r, "atScope()") {
			below, err := a.policyObjectsBelow(r, k, scope)
			if err != nil {
				return response{}, err
			}
			all = append(all, below...)
		}
		return slice(a, r, appendKept([]any{}, all, keep))
	}
}

// above are the scopes above the request's: those in its id, the management
// groups that the judge places its subscription under, and the tenant's root.
func (a *API) above(r *request) []string {
	var all []string
	for p, ok := r.scope.Parent(); ok && p.Type() != arm.TypeTenant; p, ok = p.Parent() {
		all = append(all, p.String())
	}
	if estate := a.Judge.Estate(r.tenant()); estate != nil && estate.View() != nil {
		for _, group := range estate.GroupsAbove(r.scope) {
			all = append(all, group.String())
		}
	}
	if r.scope.Type() != arm.TypeTenant {
		all = append(all, "/")
	}
	return all
}

// policyObjects are the objects directly at some scopes.
func (a *API) policyObjects(r *request, k *objectKind, scopes []string) ([]*object, error) {
	var all []*object
	for _, scope := range scopes {
		own, err := a.objectsUnder(r, k.kind, k.prefixAt(scope))
		if err != nil {
			return nil, err
		}
		all = append(all, own...)
	}
	return all, nil
}

// policyObjectsBelow are the objects at the scopes below one.
func (a *API) policyObjectsBelow(r *request, k *objectKind, scope string) ([]*object, error) {
	all, err := a.objectsUnder(r, k.kind, strings.TrimSuffix(scope, "/")+"/")
	own := arm.Fold(k.prefixAt(scope))
	return slices.DeleteFunc(all, func(o *object) bool { return strings.HasPrefix(arm.Fold(o.ID), own) }), err
}

// policyShow shows a stored object; a definition that is not stored may be
// asked for by a subscription's path and still be built in.
func policyShow(k *objectKind) func(*API, *request) (response, error) {
	return func(a *API, r *request) (response, error) {
		resp, err := a.getObject(r, k)
		if !isStatus(err, http.StatusNotFound) {
			return resp, err
		}
		id := k.idOf(a, r)
		return response{}, &arm.Error{Status: http.StatusNotFound, Code: notFoundCode(k.kind), Target: id,
			Message: fmt.Sprintf("There is no %s here.", id)}
	}
}

// filterTerm is one comparison of $filter: name eq 'value'.
var filterTerm = regexp.MustCompile(`^(?i)([a-z/]+) +eq +'((?:[^']|'')*)'$`)

// filterTerms splits a filter at its ands, but not within quotes.
func filterTerms(filter string) []string {
	var terms []string
	start, quoted := 0, false
	for i := range len(filter) {
		switch {
		case filter[i] == '\'':
			quoted = !quoted
		case !quoted && i >= start && len(filter) >= i+5 && strings.EqualFold(filter[i:i+5], " and "):
			terms = append(terms, strings.TrimSpace(filter[start:i]))
			start = i + 5
		}
	}
	if last := strings.TrimSpace(filter[min(start, len(filter)):]); last != "" || len(terms) > 0 {
		terms = append(terms, last)
	}
	return terms
}

// hasCall reports whether $filter holds a function such as atScope().
func hasCall(r *request, call string) bool {
	return slices.ContainsFunc(filterTerms(r.option("$filter")), func(term string) bool { return strings.EqualFold(term, call) })
}

// policyFilter reads $filter of the lists of policy objects: comparisons of
// policyType, category and policyDefinitionId, and the scope functions, joined
// by and. Anything else is a 400: a filter that is ignored shows too much.
func policyFilter(r *request) (func(*object) bool, error) {
	var tests []func(*object) bool
	for _, term := range filterTerms(r.option("$filter")) {
		if strings.EqualFold(term, "atScope()") || strings.EqualFold(term, "atExactScope()") {
			continue
		}
		m := filterTerm.FindStringSubmatch(term)
		if m == nil {
			return nil, invalidFilter(term)
		}
		value := strings.ReplaceAll(m[2], "''", "'")
		switch arm.Fold(m[1]) {
		case "policytype":
			tests = append(tests, func(o *object) bool { return textIs(o.Properties["policyType"], value) })
		case "policydefinitionid":
			tests = append(tests, func(o *object) bool { return textIs(o.Properties["policyDefinitionId"], value) })
		case "category":
			tests = append(tests, func(o *object) bool {
				metadata, _ := o.Properties["metadata"].(map[string]any)
				return textIs(metadata["category"], value)
			})
		default:
			return nil, invalidFilter(term)
		}
	}
	return func(o *object) bool {
		for _, test := range tests {
			if !test(o) {
				return false
			}
		}
		return true
	}, nil
}

func textIs(v any, want string) bool {
	text, _ := v.(string)
	return strings.EqualFold(text, want)
}

func invalidFilter(term string) error {
	return &arm.Error{Status: http.StatusBadRequest, Code: "InvalidFilterInQueryString", Target: "$filter",
		Message: fmt.Sprintf("$filter: %q is not supported here.", clip(term))}
}
