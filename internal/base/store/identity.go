package store

import (
	"context"
	"database/sql"
	_ "embed" // migration
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

//go:embed migrations/0002_identity.sql
var identity string

// Principal is who can sign in: a program, a person or an agent. It belongs to
// one tenant for good.
type Principal struct {
	ID        string // GUID, lower case
	Tenant    string
	Kind      string
	Name      string // unique per kind, without case
	Secret    []byte // hash in the caller's format; empty: cannot sign in with a secret
	Disabled  bool
	CreatedAt time.Time
}

const principalColumns = `id, tenant, kind, name, secret, disabled, created_at`

func scanPrincipal(rows *sql.Rows) (Principal, error) {
	var p Principal
	var disabled int
	var created int64
	err := rows.Scan(&p.ID, &p.Tenant, &p.Kind, &p.Name, &p.Secret, &disabled, &created)
	p.Disabled, p.CreatedAt = disabled != 0, fromMicros(created)
	return p, err
}

// PutPrincipal creates or replaces a principal by id. A name that another
// principal of the kind has is an *arm.Error with status 409; so is an id that
// another tenant has.
func (tx *Tx) PutPrincipal(ctx context.Context, p Principal) error {
	taken, err := tx.principals(ctx, `(kind = $1 AND name_key = $2 AND id <> $3) OR (id = $3 AND tenant <> $4)`, p.Kind, arm.Fold(p.Name), p.ID, p.Tenant)
	if err != nil {
		return fmt.Errorf("put principal: %w", err)
	}
	if len(taken) > 0 {
		return &arm.Error{Status: http.StatusConflict, Code: "NameTaken", Message: fmt.Sprintf("There is already a %s named %q.", p.Kind, p.Name)}
	}
	disabled := 0
	if p.Disabled {
		disabled = 1
	}
	_, err = tx.exec(ctx, `INSERT INTO principals (id, tenant, kind, name, name_key, secret, disabled, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, name = excluded.name, name_key = excluded.name_key,
			secret = excluded.secret, disabled = excluded.disabled`,
		p.ID, p.Tenant, p.Kind, p.Name, arm.Fold(p.Name), orEmpty(p.Secret), disabled, micros(tx.Now()))
	if err != nil {
		return fmt.Errorf("put principal: %w", err)
	}
	return nil
}

// Principal returns a principal by id, or an *arm.Error with status 404.
func (tx *Tx) Principal(ctx context.Context, id string) (*Principal, error) {
	return tx.principal(ctx, id, `id = $1`, id)
}

// PrincipalByName is Principal by kind and name; the name is taken without case.
func (tx *Tx) PrincipalByName(ctx context.Context, kind, name string) (*Principal, error) {
	return tx.principal(ctx, name, `kind = $1 AND name_key = $2`, kind, arm.Fold(name))
}

// Principals lists a tenant's principals by id.
func (tx *Tx) Principals(ctx context.Context, tenant string) ([]Principal, error) {
	return tx.principals(ctx, `tenant = $1 ORDER BY id`, tenant)
}

func (tx *Tx) principal(ctx context.Context, what, where string, args ...any) (*Principal, error) {
	found, err := tx.principals(ctx, where, args...)
	if err != nil {
		return nil, fmt.Errorf("read principal: %w", err)
	}
	if len(found) == 0 {
		return nil, arm.NotFound(what)
	}
	return &found[0], nil
}

func (tx *Tx) principals(ctx context.Context, where string, args ...any) ([]Principal, error) {
	return collect(ctx, tx, scanPrincipal, `SELECT `+principalColumns+` FROM principals WHERE `+where, args...)
}

// DeletePrincipal removes a principal of a tenant with its role assignments and
// everything that was handed out to it.
func (tx *Tx) DeletePrincipal(ctx context.Context, tenant, id string) error {
	for _, q := range []string{
		`DELETE FROM credentials WHERE principal IN (SELECT id FROM principals WHERE tenant = $1 AND id = $2)`,
		`DELETE FROM role_assignments WHERE tenant = $1 AND principal = $2`,
		`DELETE FROM principals WHERE tenant = $1 AND id = $2`,
	} {
		if _, err := tx.exec(ctx, q, tenant, id); err != nil {
			return fmt.Errorf("delete principal: %w", err)
		}
	}
	return nil
}

// Credential is something that was handed out to prove a principal: found by
// kind and hash, never by the secret itself.
type Credential struct {
	Kind      string
	Hash      []byte
	Principal string // "" while nobody has claimed it
	Data      []byte // what else the kind needs
	CreatedAt time.Time
	ExpiresAt time.Time
}

// PutCredential creates or replaces a credential by kind and hash.
func (tx *Tx) PutCredential(ctx context.Context, c Credential) error {
	_, err := tx.exec(ctx, `INSERT INTO credentials (kind, hash, principal, data, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (kind, hash) DO UPDATE SET principal = excluded.principal, data = excluded.data, expires_at = excluded.expires_at`,
		c.Kind, c.Hash, c.Principal, orEmpty(c.Data), micros(c.CreatedAt), micros(c.ExpiresAt))
	if err != nil {
		return fmt.Errorf("put credential: %w", err)
	}
	return nil
}

// Credential returns a credential, expired or not, or an *arm.Error with
// status 404 that does not name it.
func (tx *Tx) Credential(ctx context.Context, kind string, hash []byte) (*Credential, error) {
	c := Credential{Kind: kind, Hash: hash}
	var created, expires int64
	err := tx.row(ctx, []any{&c.Principal, &c.Data, &created, &expires},
		`SELECT principal, data, created_at, expires_at FROM credentials WHERE kind = $1 AND hash = $2`, kind, hash)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, arm.NotFound(kind)
	}
	if err != nil {
		return nil, fmt.Errorf("read credential: %w", err)
	}
	c.CreatedAt, c.ExpiresAt = fromMicros(created), fromMicros(expires)
	return &c, nil
}

// TakeCredential reads a credential and removes it: of several takers one gets
// it and the others a 404.
func (tx *Tx) TakeCredential(ctx context.Context, kind string, hash []byte) (*Credential, error) {
	c, err := tx.Credential(ctx, kind, hash)
	if err != nil {
		return nil, err
	}
	n, err := tx.exec(ctx, `DELETE FROM credentials WHERE kind = $1 AND hash = $2`, kind, hash)
	if err != nil {
		return nil, fmt.Errorf("take credential: %w", err)
	}
	if n == 0 { // another transaction was first
		return nil, arm.NotFound(kind)
	}
	return c, nil
}

// RevokeCredentials removes everything that was handed out to a principal.
func (tx *Tx) RevokeCredentials(ctx context.Context, principal string) error {
	if _, err := tx.exec(ctx, `DELETE FROM credentials WHERE principal = $1`, principal); err != nil {
		return fmt.Errorf("revoke credentials: %w", err)
	}
	return nil
}

// PurgeCredentials removes what expired before now and returns how many.
func (tx *Tx) PurgeCredentials(ctx context.Context, now time.Time) (int64, error) {
	n, err := tx.exec(ctx, `DELETE FROM credentials WHERE expires_at < $1`, micros(now))
	if err != nil {
		return 0, fmt.Errorf("purge credentials: %w", err)
	}
	return n, nil
}

// dropIdentities removes who could sign in to a tenant, and everything that was
// handed out to them.
func (tx *Tx) dropIdentities(ctx context.Context, tenant string) error {
	for _, q := range []string{
		`DELETE FROM credentials WHERE principal IN (SELECT id FROM principals WHERE tenant = $1)`,
		`DELETE FROM role_assignments WHERE tenant = $1`,
		`DELETE FROM principals WHERE tenant = $1`,
	} {
		if _, err := tx.exec(ctx, q, tenant); err != nil {
			return fmt.Errorf("drop identities of tenant %q: %w", tenant, err)
		}
	}
	return nil
}

func orEmpty(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
