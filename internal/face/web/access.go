package web

import (
	"context"
	"net/http"

	"github.com/rampart-sec/rampart/internal/base/access"
	"github.com/rampart-sec/rampart/internal/posture/exemption"
	"github.com/rampart-sec/rampart/internal/posture/index"
)

// Access tells who is there; *access.Access is one. Errors for people are
// *arm.Error: 401 means that nobody is signed in.
type Access interface {
	// Session names the sender of a request.
	Session(r *http.Request) (access.Principal, error)
	// Redeem spends a one-time link for the cookie of a new session.
	Redeem(ctx context.Context, link string, secure bool) (*http.Cookie, error)
	// SignOut ends the request's session and gives the cookie that forgets it.
	SignOut(r *http.Request) (*http.Cookie, error)
}

// Sample is the name of the sample tenant, which everybody who is signed in
// may look at. Every other tenant is seen by its own principals only.
const Sample = "demo"

// The actions that the pages ask for.
const (
	actionRead    = "Microsoft.Security/assessments/read"
	actionExempt  = exemption.ActionWrite
	actionAssign  = "Microsoft.Authorization/policyAssignments/write"
	actionPricing = "Microsoft.Security/pricings/write"
	actionTenant  = "Rampart/tenants/delete"
	actionAttest  = "Microsoft.Security/attestations/write"

	actionStandard = "Microsoft.Security/securityStandards/write"
	actionView     = "Rampart/posture/savedViews/write" // shared ones
)

// may reports whether the reader's roles allow an action at a scope; templates
// use it to leave out forms that would be refused.
func (v *visit) may(action, scope string) bool { return v.who.Allow(action, scope) == nil }

// scopes are the subscriptions that the reader may choose, those of the whole
// tenant being first in line when the roles allow it.
func (v *visit) scopes() []index.SubscriptionScore {
	all := v.view.Subscriptions()
	seen := all[:0:0]
	for _, s := range all {
		if v.who.Sees(s.ID) {
			seen = append(seen, s)
		}
	}
	return seen
}

// types and tagNames fill filter menus. They are the whole tenant's, so a
// reader who may not see that gets none.
func (v *visit) types() []index.TypeCount {
	if !v.may(actionRead, "") {
		return nil
	}
	return v.view.Types()
}

func (v *visit) tagNames() []string {
	if !v.may(actionRead, "") {
		return nil
	}
	return v.view.TagNames()
}

// allowAll refuses an action unless the roles allow it at every scope, before
// the first of several writes.
func (v *visit) allowAll(action string, scopes []string) error {
	for _, scope := range scopes {
		if err := v.who.Allow(action, scope); err != nil {
			return err
		}
	}
	return nil
}
