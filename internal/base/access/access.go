package access

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
)

// Lifetimes of what is handed out.
const (
	TokenLifetime   = time.Hour
	RefreshLifetime = 14 * 24 * time.Hour
	SessionLifetime = 12 * time.Hour
	LinkLifetime    = 15 * time.Minute
	DeviceLifetime  = 15 * time.Minute
)

// Options of New. Store is required; the others have working defaults.
type Options struct {
	Store *store.DB
	Now   func() time.Time
	Rand  io.Reader // source of every secret; crypto/rand if nil
	Log   *slog.Logger
}

// Access answers who calls and what they may do. All methods are safe for
// concurrent use; state is in the store, but for the counters of failed
// sign-ins.
type Access struct {
	store   *store.DB
	now     func() time.Time
	rand    io.Reader
	log     *slog.Logger
	limiter limiter
}

// New returns an Access over a store. It reads nothing yet.
func New(o Options) *Access {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Access{store: o.Store, now: o.Now, rand: o.Rand, log: o.Log}
}

// Authenticate returns the principal of a request's bearer token. Every failure
// is an *arm.Error with status 401 that does not say which part was wrong.
func (a *Access) Authenticate(ctx context.Context, r *http.Request) (Principal, error) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return Principal{}, unauthenticated("The request has no bearer token.")
	}
	p, err := a.bearer(ctx, credentialToken, strings.TrimSpace(token))
	if arm.IsNotFound(err) {
		return Principal{}, unauthenticated("The token is not known here, has expired or was revoked.")
	}
	return p, err
}

// bearer finds the principal behind a credential that is presented as it was
// handed out. Unknown, expired and disabled are all one not-found error.
func (a *Access) bearer(ctx context.Context, kind, secret string) (Principal, error) {
	if secret == "" || len(secret) > maxPassword {
		return Principal{}, arm.NotFound("credential")
	}
	var p Principal
	err := a.store.View(ctx, func(tx *store.Tx) error {
		c, err := tx.Credential(ctx, kind, digest(secret))
		if err != nil {
			return err
		}
		p, err = a.holder(ctx, tx, c)
		return err
	})
	return p, err
}

// holder is the principal of a credential, not found if that has expired.
func (a *Access) holder(ctx context.Context, tx *store.Tx, c *store.Credential) (Principal, error) {
	if !c.ExpiresAt.After(a.now()) {
		return Principal{}, arm.NotFound("credential")
	}
	return load(ctx, tx, c.Principal)
}

// load reads a principal that is not disabled, with its grants. The grants of
// another tenant can never be among them: both reads name the principal's own.
func load(ctx context.Context, tx *store.Tx, id string) (Principal, error) {
	row, err := tx.Principal(ctx, id)
	if err != nil {
		return Principal{}, err
	}
	if row.Disabled {
		return Principal{}, arm.NotFound("principal")
	}
	assignments, err := tx.RoleAssignments(ctx, row.Tenant, row.ID)
	if err != nil {
		return Principal{}, err
	}
	p := Principal{ID: row.ID, Tenant: row.Tenant, Kind: row.Kind, Name: row.Name}
	for _, assignment := range assignments {
		// A role that a newer version added and this one does not know grants nothing.
		if role := FindRole(assignment.Role); role != nil {
			p.grants = append(p.grants, grant{role: role, scope: foldScope(assignment.Scope)})
		}
	}
	return p, nil
}

// newID draws a random GUID.
func (a *Access) newID() (string, error) {
	id, err := uuid.NewRandomFromReader(a.rand)
	return id.String(), err
}

func unauthenticated(message string) *arm.Error {
	return &arm.Error{Status: http.StatusUnauthorized, Code: "AuthenticationFailed", Message: message}
}
