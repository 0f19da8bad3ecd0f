package compliance

import (
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/index"
)

// share is a scope whose counts are added to, or taken off, those of a report.
type share struct {
	index.Scope
	sign int
}

// shares are the parts of a scope in which the standard applies; none means
// that it does not apply there.
func (s *Standard) shares(v *index.View, scope index.Scope) []share {
	if s.Areas == nil {
		return []share{{scope, +1}}
	}
	areas := spread(v, s.Areas)
	for _, a := range areas {
		if covers(v, a.Scope, scope.ID) {
			if slices.ContainsFunc(a.Except, func(x string) bool { return covers(v, x, scope.ID) }) {
				continue
			}
			return without(v, scope, a.Except)
		}
	}
	var all []share
	for _, a := range areas {
		if covers(v, scope.ID, a.Scope) {
			part := scope
			part.ID = a.Scope
			all = append(all, without(v, part, a.Except)...)
		}
	}
	return all
}

// Applies reports whether the standard applies to a scope or a part of it.
func (s *Standard) Applies(v *index.View, scope index.Scope) bool {
	return len(s.shares(v, scope)) > 0
}

// without is a scope less the exceptions that lie in it.
func without(v *index.View, scope index.Scope, except []string) []share {
	all := []share{{scope, +1}}
	for _, x := range outermost(v, except) {
		if covers(v, scope.ID, x) {
			part := scope
			part.ID = x
			all = append(all, share{part, -1})
		}
	}
	return all
}

// spread puts the subscriptions of management groups in their place, and leaves
// out areas that lie in another one.
func spread(v *index.View, areas []Area) []Area {
	var flat []Area
	for _, a := range areas {
		a.Except = flatten(v, a.Except)
		for _, scope := range flatten(v, []string{a.Scope}) {
			flat = append(flat, Area{scope, a.Except})
		}
	}
	slices.SortStableFunc(flat, func(a, b Area) int { return len(a.Scope) - len(b.Scope) })
	var kept []Area
	for _, a := range flat {
		inside := func(k Area) bool {
			return covers(v, k.Scope, a.Scope) && !slices.ContainsFunc(k.Except, func(x string) bool { return covers(v, x, a.Scope) })
		}
		if !slices.ContainsFunc(kept, inside) {
			kept = append(kept, a)
		}
	}
	return kept
}

// flatten puts the subscriptions of management groups in their place.
func flatten(v *index.View, scopes []string) []string {
	var flat []string
	for _, s := range scopes {
		if isGroup(s) {
			flat = append(flat, v.SubscriptionIDs(s)...)
		} else {
			flat = append(flat, strings.TrimSuffix(s, "/"))
		}
	}
	return flat
}

// outermost leaves out scopes that lie in another one.
func outermost(v *index.View, scopes []string) []string {
	sorted := slices.Clone(scopes)
	slices.SortFunc(sorted, func(a, b string) int { return len(a) - len(b) })
	var kept []string
	for _, s := range sorted {
		if !slices.ContainsFunc(kept, func(k string) bool { return covers(v, k, s) }) {
			kept = append(kept, s)
		}
	}
	return kept
}

// covers reports whether the inner scope is the outer one or lies in it.
func covers(v *index.View, outer, inner string) bool {
	if isGroup(outer) {
		if isGroup(inner) {
			return arm.Fold(outer) == arm.Fold(inner)
		}
		return slices.ContainsFunc(v.SubscriptionIDs(outer), func(sub string) bool { return below(sub, inner) })
	}
	return below(outer, inner)
}

func below(outer, inner string) bool {
	outer, inner = arm.Fold(strings.TrimSuffix(outer, "/")), arm.Fold(inner)
	return outer == "" || inner == outer || strings.HasPrefix(inner, outer+"/")
}

const groups = "/providers/microsoft.management/managementgroups/"

func isGroup(scope string) bool { return strings.HasPrefix(arm.Fold(scope), groups) }
