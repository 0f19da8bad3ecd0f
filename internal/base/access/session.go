package access

import (
	"context"
	"fmt"
	"net/http"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
)

// SessionCookie is the name of the dashboard's cookie.
const SessionCookie = "rampart_session"

// NewLink returns the token of a new one-time sign-in link for the first
// administrator, good for 15 minutes. Whoever calls it must have proven to be
// the administrator: it is for the command line on the server's own machine.
func (a *Access) NewLink(ctx context.Context) (string, error) {
	facts, err := a.facts(ctx)
	if err != nil {
		return "", fmt.Errorf("sign-in link: %w", err)
	}
	var token string
	err = a.store.Update(ctx, func(tx *store.Tx) error {
		token, err = a.mint(ctx, tx, credentialLink, facts.UserID, LinkLifetime)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("sign-in link: %w", err)
	}
	return token, nil
}

// Redeem uses up a sign-in link and returns the cookie of a new session. The
// cookie is HttpOnly and SameSite=Strict; secure says whether the dashboard is
// served over TLS. A link that is unknown, used or expired is an *arm.Error
// with status 401.
func (a *Access) Redeem(ctx context.Context, link string, secure bool) (*http.Cookie, error) {
	p, err := a.take(ctx, credentialLink, link)
	if arm.IsNotFound(err) {
		return nil, unauthenticated("This sign-in link was used before or has expired. Make a new one with: rampart admin link")
	}
	if err != nil {
		return nil, fmt.Errorf("redeem link: %w", err)
	}
	return a.session(ctx, p, secure)
}

func (a *Access) session(ctx context.Context, p Principal, secure bool) (*http.Cookie, error) {
	var secret string
	err := a.store.Update(ctx, func(tx *store.Tx) error {
		var err error
		if secret, err = a.mint(ctx, tx, credentialSession, p.ID, SessionLifetime); err != nil {
			return err
		}
		return arrive(ctx, tx, p.Tenant, p.Name)
	})
	if err != nil {
		return nil, fmt.Errorf("start session: %w", err)
	}
	return &http.Cookie{Name: SessionCookie, Value: secret, Path: "/", MaxAge: int(SessionLifetime.Seconds()),
		HttpOnly: true, Secure: secure, SameSite: http.SameSiteStrictMode}, nil
}

// Session returns the principal of a request's session cookie, or an
// *arm.Error with status 401.
func (a *Access) Session(r *http.Request) (Principal, error) {
	cookie, err := r.Cookie(SessionCookie)
	if err != nil {
		return Principal{}, unauthenticated("There is no session.")
	}
	p, err := a.bearer(r.Context(), credentialSession, cookie.Value)
	if arm.IsNotFound(err) {
		return Principal{}, unauthenticated("The session has ended.")
	}
	return p, err
}

// SignOut ends the session of a request and returns the cookie that clears it.
func (a *Access) SignOut(r *http.Request) (*http.Cookie, error) {
	cleared := &http.Cookie{Name: SessionCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode}
	cookie, err := r.Cookie(SessionCookie)
	if err != nil {
		return cleared, nil
	}
	if _, err = a.take(r.Context(), credentialSession, cookie.Value); err != nil && !arm.IsNotFound(err) {
		return nil, fmt.Errorf("sign out: %w", err)
	}
	return cleared, nil
}
