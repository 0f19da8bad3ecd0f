package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// DefaultTenant is the id of the tenant that always exists.
const DefaultTenant = ""

// TenantKind separates real numbers from sample ones.
type TenantKind string

// Kinds of tenants.
const (
	TenantReal TenantKind = "real"
	TenantDemo TenantKind = "demo"
)

// Tenant is a directory: the outermost key of everything.
type Tenant struct {
	ID        string
	Name      string
	Kind      TenantKind
	CreatedAt time.Time
}

// PutTenant makes the tenant known or renames it; documents and objects of an
// unknown tenant are refused. It appends a change of KindTenant to partition 0
// of the default tenant if anything changed.
func (tx *Tx) PutTenant(ctx context.Context, t Tenant) (Tenant, error) {
	old, err := tx.Tenant(ctx, t.ID)
	switch {
	case err == nil:
		t.CreatedAt = old.CreatedAt
		if t == *old {
			return t, nil
		}
		_, err = tx.exec(ctx, `UPDATE tenants SET name = $2, kind = $3 WHERE id = $1`, t.ID, t.Name, string(t.Kind))
	case arm.IsNotFound(err):
		t.CreatedAt = fromMicros(micros(tx.at))
		err = tx.addTenant(ctx, t)
	}
	if err != nil {
		return t, fmt.Errorf("put tenant %q: %w", t.ID, err)
	}
	_, err = tx.AppendChange(ctx, Change{Tenant: DefaultTenant, Kind: KindTenant, Key: t.ID})
	return t, err
}

func (tx *Tx) addTenant(ctx context.Context, t Tenant) error {
	var no int64
	err := tx.row(ctx, []any{&no}, `UPDATE counters SET value = value + 1 WHERE name = 'tenant' RETURNING value`)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `INSERT INTO tenants (no, id, name, kind, created_at) VALUES ($1, $2, $3, $4, $5)`,
		no, t.ID, t.Name, string(t.Kind), micros(t.CreatedAt))
	return err
}

// Tenant reads one tenant; an unknown one is arm.NotFound.
func (tx *Tx) Tenant(ctx context.Context, id string) (*Tenant, error) {
	t := Tenant{ID: id}
	var kind string
	var created int64
	err := tx.row(ctx, []any{&t.Name, &kind, &created}, `SELECT name, kind, created_at FROM tenants WHERE id = $1`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, noTenant(id)
	}
	t.Kind, t.CreatedAt = TenantKind(kind), fromMicros(created)
	return &t, err
}

// Tenants lists all tenants, the default one first.
func (tx *Tx) Tenants(ctx context.Context) ([]Tenant, error) {
	return collect(ctx, tx, func(r *sql.Rows) (Tenant, error) {
		var t Tenant
		var kind string
		var created int64
		err := r.Scan(&t.ID, &t.Name, &kind, &created)
		t.Kind, t.CreatedAt = TenantKind(kind), fromMicros(created)
		return t, err
	}, `SELECT id, name, kind, created_at FROM tenants ORDER BY no`)
}

// DropTenant removes a tenant with all it holds, at once and for good. The
// audit trail stays. It appends a change of KindTenantDeleted to partition 0
// of the default tenant, which itself cannot be dropped.
func (tx *Tx) DropTenant(ctx context.Context, id string) error {
	if id == DefaultTenant {
		return arm.Invalid("The default tenant cannot be removed.")
	}
	no, err := tx.tenantNo(ctx, id)
	if err != nil {
		return err
	}
	tx.db.tenants.Delete(id)
	for _, q := range []string{
		`DELETE FROM marks WHERE handle IN (SELECT handle FROM resources WHERE tenant = $1)`,
		`DELETE FROM resources WHERE tenant = $1`,
		`DELETE FROM changes WHERE tenant = $1`,
		`DELETE FROM partitions WHERE tenant = $1`,
		`DELETE FROM positions WHERE tenant = $1`,
		`DELETE FROM objects WHERE tenant = $1`,
		`DELETE FROM scores WHERE tenant = $1`,
		`DELETE FROM compliance WHERE tenant = $1`,
		`DELETE FROM compliance_outlines WHERE tenant = $1`,
		`DELETE FROM alerts WHERE tenant = $1`,
		`DELETE FROM images WHERE tenant = $1`,
		`DELETE FROM moves WHERE tenant = $1`,
		`DELETE FROM frame_blocks WHERE tenant = $1`,
		`DELETE FROM frames WHERE tenant = $1`,
		`DELETE FROM settings WHERE tenant = $1`,
		`DELETE FROM tenants WHERE no = $1`,
	} {
		if _, err := tx.exec(ctx, q, no); err != nil {
			return fmt.Errorf("drop tenant %q: %w", id, err)
		}
	}
	if err := tx.dropIdentities(ctx, id); err != nil {
		return err
	}
	_, err = tx.AppendChange(ctx, Change{Tenant: DefaultTenant, Kind: KindTenantDeleted, Key: id})
	return err
}

// tenantNo is the number that stands for the tenant in keys. Numbers are never
// reused, so one read after the tenant was committed holds.
func (tx *Tx) tenantNo(ctx context.Context, id string) (int64, error) {
	if no, ok := tx.db.tenants.Load(id); ok {
		return no.(int64), nil
	}
	var no, created int64
	err := tx.row(ctx, []any{&no, &created}, `SELECT no, created_at FROM tenants WHERE id = $1`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, noTenant(id)
	}
	if err != nil {
		return 0, fmt.Errorf("read tenant %q: %w", id, err)
	}
	return no, nil
}

const codeNoTenant = "TenantNotFound"

// IsNoTenant reports whether an error says that there is no such tenant, as it
// does to whoever works on one while it is dropped.
func IsNoTenant(err error) bool {
	var e *arm.Error
	return errors.As(err, &e) && e.Code == codeNoTenant
}

func noTenant(id string) error {
	e := arm.NotFound("/tenants/" + id)
	e.Code, e.Message = codeNoTenant, fmt.Sprintf("There is no tenant %q.", id)
	return e
}
