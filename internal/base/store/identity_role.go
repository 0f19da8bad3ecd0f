package store

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// RoleAssignment gives a principal a role at a scope and below it.
type RoleAssignment struct {
	ID        string // GUID, lower case
	Tenant    string
	Principal string
	Role      string // GUID of the role
	Scope     string // ARM id as written; "/" is the whole tenant
	CreatedAt time.Time
	CreatedBy string
}

// PutRoleAssignment creates or replaces an assignment by id. An id that
// another tenant has is an *arm.Error with status 409.
func (tx *Tx) PutRoleAssignment(ctx context.Context, r RoleAssignment) error {
	n, err := tx.exec(ctx, `INSERT INTO role_assignments (id, tenant, principal, role, scope, created_at, created_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (id) DO UPDATE SET principal = excluded.principal, role = excluded.role, scope = excluded.scope
			WHERE role_assignments.tenant = excluded.tenant`,
		r.ID, r.Tenant, r.Principal, r.Role, r.Scope, micros(tx.Now()), r.CreatedBy)
	if err != nil {
		return fmt.Errorf("put role assignment: %w", err)
	}
	if n == 0 {
		return &arm.Error{Status: http.StatusConflict, Code: "RoleAssignmentExists", Message: fmt.Sprintf("Role assignment %q exists; choose another name.", r.ID)}
	}
	return nil
}

// RoleAssignments lists a tenant's assignments by id, those of one principal
// or, with "", all.
func (tx *Tx) RoleAssignments(ctx context.Context, tenant, principal string) ([]RoleAssignment, error) {
	all, err := collect(ctx, tx, scanRoleAssignment, `SELECT id, tenant, principal, role, scope, created_at, created_by FROM role_assignments
		WHERE tenant = $1 AND ($2 = '' OR principal = $2) ORDER BY id`, tenant, principal)
	if err != nil {
		return nil, fmt.Errorf("read role assignments: %w", err)
	}
	return all, nil
}

func scanRoleAssignment(rows *sql.Rows) (RoleAssignment, error) {
	var r RoleAssignment
	var created int64
	err := rows.Scan(&r.ID, &r.Tenant, &r.Principal, &r.Role, &r.Scope, &created, &r.CreatedBy)
	r.CreatedAt = fromMicros(created)
	return r, err
}

// DeleteRoleAssignment removes an assignment of a tenant; removing what is not
// there is an *arm.Error with status 404.
func (tx *Tx) DeleteRoleAssignment(ctx context.Context, tenant, id string) error {
	n, err := tx.exec(ctx, `DELETE FROM role_assignments WHERE tenant = $1 AND id = $2`, tenant, id)
	if err != nil {
		return fmt.Errorf("delete role assignment: %w", err)
	}
	if n == 0 {
		return arm.NotFound(id)
	}
	return nil
}
