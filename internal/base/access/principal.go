package access

import (
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// Kinds of principals.
const (
	KindService = "service" // a program with client id and secret
	KindUser    = "user"    // a person
)

// Principal is an authenticated caller with everything that decides what it may
// do, read at one moment. The zero Principal may do nothing.
type Principal struct {
	ID     string // GUID; the client id of a service principal
	Tenant string // the store's tenant key; every read and write happens in it
	Kind   string
	Name   string
	grants []grant
}

// grant is a role at a scope, folded.
type grant struct {
	role  *Role
	scope string // "" is the whole tenant
}

// Allow returns nil if one of the principal's roles allows the action at a
// scope (an ARM id) or above it, and an *arm.Error with status 403 otherwise.
func (p Principal) Allow(action, scope string) error {
	folded := foldScope(scope)
	for _, g := range p.grants {
		if within(folded, g.scope) && g.role.Grants(action) {
			return nil
		}
	}
	return arm.Forbidden(action, scope)
}

// Sees reports whether the principal has any role at, above or below a scope:
// a subscription is listed to those who may read something in it.
func (p Principal) Sees(scope string) bool {
	folded := foldScope(scope)
	for _, g := range p.grants {
		if within(folded, g.scope) || within(g.scope, folded) {
			return true
		}
	}
	return false
}

// within reports whether id is scope or lies below it; both are folded.
func within(id, scope string) bool {
	return strings.HasPrefix(id, scope) && (len(id) == len(scope) || scope == "" || id[len(scope)] == '/')
}

func foldScope(scope string) string { return strings.TrimSuffix(arm.Fold(scope), "/") }
