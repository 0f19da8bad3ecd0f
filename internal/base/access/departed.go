package access

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
)

// DepartedKind is the kind of store objects that remember principals who were
// deleted or revoked and have not been let in since: whoever named them as an
// owner must hear of it. The object's id is the principal's name.
const DepartedKind = "departedPrincipal"

// Departed is the body of such an object.
type Departed struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// depart remembers that a principal cannot come in any more.
func depart(ctx context.Context, tx *store.Tx, p *store.Principal) error {
	body, err := json.Marshal(Departed{ID: p.ID, Name: p.Name})
	if err != nil {
		return fmt.Errorf("encode departed principal: %w", err)
	}
	_, err = tx.PutObject(ctx, store.Object{Tenant: p.Tenant, Kind: DepartedKind, ID: p.Name, Body: body}, "")
	return err
}

// arrive forgets that a principal of this name was gone.
func arrive(ctx context.Context, tx *store.Tx, tenant, name string) error {
	if err := tx.DeleteObject(ctx, tenant, DepartedKind, name, ""); err != nil && !arm.IsNotFound(err) {
		return err
	}
	return nil
}

// Delete removes a principal of the caller's tenant with its roles and ends
// everything that it was handed out. The last owner of the tenant stays.
func (a *Access) Delete(ctx context.Context, by Principal, id string) error {
	return a.store.Update(ctx, func(tx *store.Tx) error {
		p, err := tx.Principal(ctx, arm.Fold(id))
		if err != nil || p.Tenant != by.Tenant {
			return arm.NotFound(id)
		}
		if err := keepOwner(ctx, tx, by.Tenant, func(r store.RoleAssignment) bool { return r.Principal == p.ID }); err != nil {
			return err
		}
		if err := depart(ctx, tx, p); err != nil {
			return err
		}
		if err := tx.DeletePrincipal(ctx, p.Tenant, p.ID); err != nil {
			return err
		}
		return audit(ctx, tx, by, "Rampart/principals/delete", p.ID)
	})
}

// keepOwner refuses to take away the last owner of a tenant: nobody could ever
// undo it.
func keepOwner(ctx context.Context, tx *store.Tx, tenant string, goes func(store.RoleAssignment) bool) error {
	all, err := tx.RoleAssignments(ctx, tenant, "")
	if err != nil {
		return err
	}
	stay, some := 0, false
	for _, r := range all {
		switch {
		case r.Role != FindRole("Owner").ID || r.Scope != "/":
		case goes(r):
			some = true
		default:
			stay++
		}
	}
	if some && stay == 0 {
		return &arm.Error{Status: http.StatusConflict, Code: "LastOwner", Message: "This is the last owner of the tenant; make another one first."}
	}
	return nil
}
