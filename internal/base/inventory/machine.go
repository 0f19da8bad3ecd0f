package inventory

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
)

// Machine is a host that asks for a resource id.
type Machine struct {
	Group string // id of the resource group
	Type  string // "Microsoft.HybridCompute/machines"
	Name  string // what the host calls itself
	// MachineID tells hosts of one name apart and must survive a restart;
	// /etc/machine-id for instance. At least eight hex digits, dashes aside.
	MachineID string
}

// kindMachine is the kind of the objects that remember whose an id is.
const kindMachine = "machineClaim"

// ClaimMachine gives the id under which the machine's documents belong: its
// name if no other machine has it, else the name with eight hex digits of its
// machine id behind it. The same machine always gets the same id; the claim
// ends when the machine's document is deleted.
func (v *Inventory) ClaimMachine(ctx context.Context, tenant string, m Machine) (id string, err error) {
	suffix := strings.ToLower(strings.ReplaceAll(m.MachineID, "-", ""))
	if len(suffix) < 8 || strings.Trim(suffix, "0123456789abcdef") != "" {
		return "", arm.Invalid("Machine id %q is not at least eight hex digits.", clip(m.MachineID))
	}
	plain := m.Group + "/providers/" + m.Type + "/" + m.Name
	err = v.store.Update(ctx, func(tx *store.Tx) error {
		for _, candidate := range []string{plain, plain + "-" + suffix[:8]} {
			parsed, err := arm.ParseID(candidate)
			if err != nil {
				return arm.Invalid("%v.", err)
			}
			got, err := claim(ctx, tx, tenant, parsed.String(), suffix)
			if got || err != nil {
				id = parsed.String()
				return err
			}
		}
		return &arm.Error{Status: 409, Code: "NameTaken", Target: plain,
			Message: fmt.Sprintf("Two other machines are called %q and %q; rename this one.", m.Name, m.Name+"-"+suffix[:8])}
	})
	return id, err
}

// claim takes the id for the machine unless another one has it. An id whose
// document came without a claim (a cloud connector's, an import's) is taken.
func claim(ctx context.Context, tx *store.Tx, tenant, id, machine string) (bool, error) {
	owner, err := json.Marshal(machine)
	if err != nil {
		return false, err
	}
	have, err := tx.Object(ctx, tenant, kindMachine, id)
	if err == nil {
		return string(have.Body) == string(owner), nil
	}
	if !arm.IsNotFound(err) {
		return false, err
	}
	_, err = tx.Resource(ctx, tenant, id)
	if !arm.IsNotFound(err) {
		return false, err
	}
	_, err = tx.PutObject(ctx, store.Object{Tenant: tenant, Kind: kindMachine, ID: id, Body: owner, UpdatedBy: store.SourceInventory}, "")
	return err == nil, err
}

// unclaim frees the id of a machine whose document is gone.
func unclaim(ctx context.Context, tx *store.Tx, tenant, id string) error {
	err := tx.DeleteObject(ctx, tenant, kindMachine, id, "")
	if arm.IsNotFound(err) {
		return nil
	}
	return err
}
