package access

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
)

// Kinds of credentials in the store. The same secret under another kind is
// another credential: a link is no token.
const (
	credentialToken    = "token"
	credentialRefresh  = "refresh"
	credentialSession  = "session"
	credentialLink     = "link"
	credentialDevice   = "device"
	credentialUserCode = "usercode"
)

// Grant types of the token endpoint.
const (
	GrantClient   = "client_credentials"
	GrantPassword = "password"
	GrantRefresh  = "refresh_token"
	GrantDevice   = "urn:ietf:params:oauth:grant-type:device_code"
)

// Grant is what a client shows to the token endpoint.
type Grant struct {
	Type                   string
	ClientID, ClientSecret string
	Username, Password     string
	RefreshToken           string
	DeviceCode             string
	Remote                 string // the client's address, for the limit on failures
}

// Issued is the answer of the token endpoint. RefreshToken is empty for
// programs: they have their secret.
type Issued struct {
	Principal    Principal
	AccessToken  string
	ExpiresIn    time.Duration
	RefreshToken string
}

// Token checks a grant and issues an access token. Failures are *arm.Error
// whose Code is the OAuth error code ("invalid_client", "invalid_grant",
// "authorization_pending" ...); after too many failures from one address it is
// "temporarily_unavailable" with status 429.
func (a *Access) Token(ctx context.Context, g Grant) (*Issued, error) {
	name := g.ClientID
	if g.Type == GrantPassword {
		name = g.Username
	}
	if wait := a.limiter.wait(g.Remote, name, a.now()); wait > 0 {
		return nil, &arm.Error{Status: http.StatusTooManyRequests, Code: "temporarily_unavailable",
			Message: fmt.Sprintf("Too many failed sign-ins; try again in %d seconds.", int(wait.Seconds())+1)}
	}
	issued, err := a.grant(ctx, g)
	if err == nil {
		a.limiter.forgive(g.Remote, name)
		return issued, nil
	}
	if isRefusal(err) {
		a.log.Warn("sign-in refused", "grant", g.Type, "name", name, "remote", g.Remote)
		a.limiter.fail(g.Remote, name, a.now())
	}
	return nil, err
}

func (a *Access) grant(ctx context.Context, g Grant) (*Issued, error) {
	switch g.Type {
	case GrantClient:
		return a.signIn(ctx, KindService, g.ClientID, g.ClientSecret)
	case GrantPassword:
		return a.signIn(ctx, KindUser, g.Username, g.Password)
	case GrantRefresh:
		return a.exchange(ctx, credentialRefresh, g.RefreshToken)
	case GrantDevice:
		return a.exchangeDevice(ctx, g.DeviceCode)
	}
	return nil, oauthError("unsupported_grant_type", "grant_type %q is not supported; use %s, %s, %s or %s.", g.Type, GrantClient, GrantPassword, GrantRefresh, GrantDevice)
}

// signIn checks a name and its secret: client ids for programs, user names for
// people. An unknown name costs as much as a wrong secret of a drawn kind and
// gives the same answer.
func (a *Access) signIn(ctx context.Context, kind, name, secret string) (*Issued, error) {
	var p Principal
	var hash []byte
	err := a.store.View(ctx, func(tx *store.Tx) error {
		row, err := find(ctx, tx, kind, name)
		if err != nil {
			return err
		}
		hash = row.Secret
		p, err = load(ctx, tx, row.ID)
		return err
	})
	if err != nil && !arm.IsNotFound(err) {
		return nil, fmt.Errorf("find principal: %w", err)
	}
	if err != nil || !checkSecret(hash, secret) {
		return nil, refused(kind)
	}
	return a.issue(ctx, p)
}

func find(ctx context.Context, tx *store.Tx, kind, name string) (*store.Principal, error) {
	if kind == KindUser {
		return tx.PrincipalByName(ctx, kind, name)
	}
	row, err := tx.Principal(ctx, arm.Fold(name))
	if err == nil && row.Kind != kind {
		return nil, arm.NotFound(name)
	}
	return row, err
}

// exchange turns a single-use credential into tokens.
func (a *Access) exchange(ctx context.Context, kind, secret string) (*Issued, error) {
	p, err := a.take(ctx, kind, secret)
	if arm.IsNotFound(err) {
		return nil, oauthError("invalid_grant", "The %s token is not known here, was used before or has expired.", kind)
	}
	if err != nil {
		return nil, fmt.Errorf("exchange %s credential: %w", kind, err)
	}
	return a.issue(ctx, p)
}

// take removes a credential and returns its principal; of two callers at once
// one gets it and the other a not-found error.
func (a *Access) take(ctx context.Context, kind, secret string) (Principal, error) {
	if secret == "" || len(secret) > maxPassword {
		return Principal{}, arm.NotFound("credential")
	}
	var p Principal
	err := a.store.Update(ctx, func(tx *store.Tx) error {
		c, err := tx.TakeCredential(ctx, kind, digest(secret))
		if err != nil {
			return err
		}
		p, err = a.holder(ctx, tx, c)
		return err
	})
	return p, err
}

// issue stores new tokens and clears out those that have expired.
func (a *Access) issue(ctx context.Context, p Principal) (*Issued, error) {
	out := &Issued{Principal: p, ExpiresIn: TokenLifetime}
	err := a.store.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.PurgeCredentials(ctx, a.now())
		if err != nil {
			return err
		}
		if err := arrive(ctx, tx, p.Tenant, p.Name); err != nil {
			return err
		}
		out.AccessToken, err = a.mint(ctx, tx, credentialToken, p.ID, TokenLifetime)
		if err != nil || p.Kind != KindUser {
			return err
		}
		out.RefreshToken, err = a.mint(ctx, tx, credentialRefresh, p.ID, RefreshLifetime)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("issue token: %w", err)
	}
	return out, nil
}

// mint draws a secret and stores its digest as a credential of a principal.
func (a *Access) mint(ctx context.Context, tx *store.Tx, kind, principal string, lifetime time.Duration) (string, error) {
	secret, err := newSecret(a.rand)
	if err != nil {
		return "", err
	}
	return secret, tx.PutCredential(ctx, store.Credential{Kind: kind, Hash: digest(secret), Principal: principal,
		CreatedAt: a.now(), ExpiresAt: a.now().Add(lifetime)})
}

// IDToken writes the claims about a user that command line clients show. It is
// not signed and nothing here accepts it: it says who signed in, to the client
// that just did.
func IDToken(claims map[string]any) (string, error) {
	body, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encode id token: %w", err)
	}
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`))
	return header + "." + base64.RawURLEncoding.EncodeToString(body) + ".", nil
}

// isRefusal tells a wrong secret from a request that is malformed or early.
func isRefusal(err error) bool {
	var e *arm.Error
	return errors.As(err, &e) && (e.Code == "invalid_client" || e.Code == "invalid_grant")
}

func oauthError(code, format string, args ...any) *arm.Error {
	return &arm.Error{Status: http.StatusBadRequest, Code: code, Message: fmt.Sprintf(format, args...)}
}

func refused(kind string) *arm.Error {
	if kind == KindUser {
		return oauthError("invalid_grant", "The user name or the password is wrong.")
	}
	e := oauthError("invalid_client", "The client id or the client secret is wrong. Both are in bootstrap.json of the server's data folder.")
	e.Status = http.StatusUnauthorized
	return e
}
