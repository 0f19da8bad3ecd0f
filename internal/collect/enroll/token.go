package enroll

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
)

const tokenKind = "enrolmentToken"

// Bounds of tokens.
const (
	MaxTokenLife = 90 * 24 * time.Hour
	MaxTokenUses = 100_000
)

// Token lets hosts enrol. The secret is not kept, only its hash.
type Token struct {
	ID        string            `json:"id"` // GUID
	Hash      string            `json:"hash"`
	Group     string            `json:"group"` // ARM id of the resource group of its hosts
	Tags      map[string]string `json:"tags,omitempty"`
	Uses      int               `json:"uses"` // left
	Expires   time.Time         `json:"expires"`
	Approve   bool              `json:"approve,omitempty"` // somebody must approve each host
	CreatedBy string            `json:"createdBy"`
	CreatedAt time.Time         `json:"createdAt"`
	Revoked   bool              `json:"revoked,omitempty"`
}

// usable says why a token cannot be used, "" if it can.
func (t *Token) usable(now time.Time) string {
	switch {
	case t.Revoked:
		return "it was revoked"
	case !now.Before(t.Expires):
		return "it expired on " + t.Expires.UTC().Format(time.DateTime)
	case t.Uses <= 0:
		return "it was used as often as it may be"
	}
	return ""
}

// TokenSpec is what somebody wants of a new token.
type TokenSpec struct {
	Group   string
	Tags    map[string]string
	Uses    int           // 0 is 1
	Life    time.Duration // 0 is an hour
	Approve bool
}

var secretText = base32.StdEncoding.WithPadding(base32.NoPadding)

// NewToken makes a token and gives its secret, which is never shown again.
func (r *Registry) NewToken(ctx context.Context, tenant string, spec TokenSpec, by string) (secret string, t *Token, err error) {
	if spec.Uses == 0 {
		spec.Uses = 1
	}
	if spec.Life == 0 {
		spec.Life = time.Hour
	}
	group, err := arm.ParseID(spec.Group)
	switch {
	case err != nil || group.Subscription() == "" || group.ResourceGroup() == "":
		return "", nil, arm.Invalid("enrolment token: group %q is no id of a resource group", spec.Group)
	case spec.Uses < 0 || spec.Uses > MaxTokenUses:
		return "", nil, arm.Invalid("enrolment token: uses must be from 1 to %d", MaxTokenUses)
	case spec.Life < 0 || spec.Life > MaxTokenLife:
		return "", nil, arm.Invalid("enrolment token: it may live for at most %d days", MaxTokenLife/(24*time.Hour))
	case len(spec.Tags) > 50:
		return "", nil, arm.Invalid("enrolment token: at most 50 tags are possible")
	}
	var b [20]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", nil, fmt.Errorf("draw a token: %w", err)
	}
	t = &Token{ID: uuid.NewString(), Group: spec.Group, Tags: spec.Tags, Uses: spec.Uses, Expires: r.now().Add(spec.Life).UTC(),
		Approve: spec.Approve, CreatedBy: by, CreatedAt: r.now().UTC()}
	secret = "ra." + strings.ReplaceAll(t.ID, "-", "") + "." + strings.ToLower(secretText.EncodeToString(b[:]))
	t.Hash = hashOf(secret)
	err = r.store.Update(ctx, func(tx *store.Tx) error {
		if err := putJSON(ctx, tx, tenant, tokenKind, t.ID, t, by); err != nil {
			return err
		}
		return tx.AppendAudit(ctx, store.AuditRow{Tenant: tenant, Actor: by, Action: "enrolment token created", Target: t.ID, Outcome: "done"})
	})
	return secret, t, err
}

func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// Tokens lists the tokens of a tenant.
func (r *Registry) Tokens(ctx context.Context, tenant string) (tokens []*Token, err error) {
	err = r.store.View(ctx, func(tx *store.Tx) error {
		tokens, err = readAll[Token](ctx, tx, tenant, tokenKind)
		return err
	})
	return tokens, err
}

// RevokeToken ends a token; hosts that enrolled with it stay.
func (r *Registry) RevokeToken(ctx context.Context, tenant, id, by string) error {
	return r.store.Update(ctx, func(tx *store.Tx) error {
		t, err := readOne[Token](ctx, tx, tenant, tokenKind, id)
		if err != nil {
			return err
		}
		t.Revoked = true
		if err := putJSON(ctx, tx, tenant, tokenKind, id, t, by); err != nil {
			return err
		}
		return tx.AppendAudit(ctx, store.AuditRow{Tenant: tenant, Actor: by, Action: "enrolment token revoked", Target: id, Outcome: "done"})
	})
}

// errToken hides from the caller what is wrong with a secret.
func errToken() error { return arm.Forbidden("enrol", "this token") }

// findToken reads the token of a secret; what cannot be used is refused.
func (r *Registry) findToken(ctx context.Context, tx *store.Tx, tenant, secret string) (*Token, error) {
	parts := strings.Split(secret, ".")
	if len(parts) != 3 || parts[0] != "ra" || len(parts[1]) != 32 {
		return nil, errToken()
	}
	id, err := uuid.Parse(parts[1])
	if err != nil {
		return nil, errToken()
	}
	t, err := readOne[Token](ctx, tx, tenant, tokenKind, id.String())
	if arm.IsNotFound(err) {
		return nil, errToken()
	}
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare([]byte(t.Hash), []byte(hashOf(secret))) != 1 {
		return nil, errToken()
	}
	return t, nil
}

func putJSON(ctx context.Context, tx *store.Tx, tenant, kind, id string, v any, by string) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", kind, err)
	}
	_, err = tx.PutObject(ctx, store.Object{Tenant: tenant, Kind: kind, ID: id, Body: body, UpdatedBy: by}, "")
	return err
}

func readOne[T any](ctx context.Context, tx *store.Tx, tenant, kind, id string) (*T, error) {
	o, err := tx.Object(ctx, tenant, kind, id)
	if err != nil {
		return nil, err
	}
	v := new(T)
	if err := json.Unmarshal(o.Body, v); err != nil {
		return nil, fmt.Errorf("read %s %s: %w", kind, id, err)
	}
	return v, nil
}

func readAll[T any](ctx context.Context, tx *store.Tx, tenant, kind string) ([]*T, error) {
	objects, err := tx.Objects(ctx, store.ObjectQuery{Tenant: tenant, Kind: kind})
	if err != nil {
		return nil, err
	}
	all := make([]*T, len(objects))
	for i, o := range objects {
		all[i] = new(T)
		if err := json.Unmarshal(o.Body, all[i]); err != nil {
			return nil, fmt.Errorf("read %s %s: %w", kind, o.ID, err)
		}
	}
	return all, nil
}
