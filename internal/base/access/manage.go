package access

import (
	"context"
	"fmt"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
)

// NewPrincipal asks for a principal. It gets no role: without an assignment it
// may do nothing.
type NewPrincipal struct {
	Tenant   string
	Kind     string // KindService or KindUser
	Name     string
	Password string // users only; "" leaves sign-in links as the only way in
}

// Create makes a principal and returns it with its secret: drawn for a
// program, "" for a person. by is the caller's name for the audit trail.
func (a *Access) Create(ctx context.Context, by Principal, n NewPrincipal) (*store.Principal, string, error) {
	p, secret, err := a.prepare(n)
	if err != nil {
		return nil, "", err
	}
	err = a.store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.PutPrincipal(ctx, *p); err != nil {
			return err
		}
		if err := arrive(ctx, tx, p.Tenant, p.Name); err != nil {
			return err
		}
		return audit(ctx, tx, by, "Rampart/principals/write", p.ID)
	})
	if err != nil {
		return nil, "", fmt.Errorf("create principal: %w", err)
	}
	return p, secret, nil
}

func (a *Access) prepare(n NewPrincipal) (p *store.Principal, secret string, err error) {
	if n.Name == "" || len(n.Name) > 128 {
		return nil, "", arm.Invalid("name: a principal needs a name of at most 128 characters.")
	}
	id, err := a.newID()
	if err != nil {
		return nil, "", err
	}
	p = &store.Principal{ID: id, Tenant: n.Tenant, Kind: n.Kind, Name: n.Name}
	switch {
	case n.Kind == KindService:
		secret, err = newSecret(a.rand)
		p.Secret = hashDrawn(secret)
	case n.Kind != KindUser:
		err = arm.Invalid("kind: %q is neither %q nor %q.", n.Kind, KindService, KindUser)
	case n.Password == "":
	case len(n.Password) < minPassword || len(n.Password) > maxPassword:
		err = arm.Invalid("password: it must have between %d and %d characters.", minPassword, maxPassword)
	default:
		p.Secret, err = hashChosen(a.rand, n.Password)
	}
	return p, secret, err
}

// Assign gives a principal of the caller's own tenant a role at a scope.
func (a *Access) Assign(ctx context.Context, by Principal, r store.RoleAssignment) error {
	role := FindRole(r.Role)
	if role == nil {
		return arm.Invalid("roleDefinitionId: %q is not a role here.", r.Role)
	}
	r.Tenant, r.Role, r.CreatedBy = by.Tenant, role.ID, by.Name
	return a.store.Update(ctx, func(tx *store.Tx) error {
		p, err := tx.Principal(ctx, arm.Fold(r.Principal))
		if err != nil || p.Tenant != by.Tenant {
			return arm.Invalid("principalId: there is no principal %q.", r.Principal)
		}
		r.Principal = p.ID
		if err := tx.PutRoleAssignment(ctx, r); err != nil {
			return err
		}
		return audit(ctx, tx, by, "Microsoft.Authorization/roleAssignments/write", r.ID)
	})
}

// Unassign takes a role assignment back, unless it makes the tenant's last owner.
func (a *Access) Unassign(ctx context.Context, by Principal, id string) error {
	return a.store.Update(ctx, func(tx *store.Tx) error {
		if err := keepOwner(ctx, tx, by.Tenant, func(r store.RoleAssignment) bool { return r.ID == id }); err != nil {
			return err
		}
		if err := tx.DeleteRoleAssignment(ctx, by.Tenant, id); err != nil {
			return err
		}
		return audit(ctx, tx, by, "Microsoft.Authorization/roleAssignments/delete", id)
	})
}

// Assignments lists the role assignments of the caller's tenant.
func (a *Access) Assignments(ctx context.Context, by Principal) ([]store.RoleAssignment, error) {
	var all []store.RoleAssignment
	err := a.store.View(ctx, func(tx *store.Tx) error {
		var err error
		all, err = tx.RoleAssignments(ctx, by.Tenant, "")
		return err
	})
	return all, err
}

// Revoke ends every token, session and link of a principal of the caller's
// tenant at once. Until it is handed out another it counts as gone.
func (a *Access) Revoke(ctx context.Context, by Principal, id string) error {
	return a.store.Update(ctx, func(tx *store.Tx) error {
		p, err := tx.Principal(ctx, arm.Fold(id))
		if err != nil || p.Tenant != by.Tenant {
			return arm.NotFound(id)
		}
		if err := tx.RevokeCredentials(ctx, p.ID); err != nil {
			return err
		}
		if err := depart(ctx, tx, p); err != nil {
			return err
		}
		return audit(ctx, tx, by, "Rampart/principals/revoke/action", p.ID)
	})
}

// audit appends a row for something that is being done in the transaction.
func audit(ctx context.Context, tx *store.Tx, by Principal, action, target string) error {
	return tx.AppendAudit(ctx, store.AuditRow{Tenant: by.Tenant, Actor: by.Name, Action: action, Target: target, Outcome: "ok"})
}
