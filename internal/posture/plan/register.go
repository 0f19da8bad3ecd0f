package plan

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
)

// The built-in initiative and its assignment to every registered subscription.
const (
	BuiltInInitiative = "/providers/Microsoft.Authorization/policySetDefinitions/1f3afdf9-d0c9-4c3d-847f-89da613e70a8"
	BuiltInAssignment = "SecurityCenterBuiltIn"
)

// registeredBy is the name in the record of what registration writes.
const registeredBy = "registration"

// marker is the plan whose stored setting says that a subscription is
// registered: it cannot be removed, so that an assignment that a user deleted
// on purpose does not come back.
const marker = "FoundationalCspm"

// registered remembers what is known to be registered, so that the check costs
// nothing from the second request on. Registration is never undone.
type registered struct{ m sync.Map }

// Register registers a subscription (an ARM id): every plan on Free, and the
// built-in initiative assigned. It does nothing for one that is registered.
func (s *Plans) Register(ctx context.Context, tenant, subscription string) error {
	key := tenant + " " + arm.Fold(subscription)
	if _, ok := s.done.m.Load(key); ok {
		return nil
	}
	scope, err := arm.ParseID(subscription)
	if err != nil || scope.Type() != arm.TypeSubscription {
		return invalid("", "%q is not a subscription.", subscription)
	}
	already, err := s.Registered(ctx, tenant, scope)
	if err != nil {
		return err
	}
	if !already {
		err = s.store.Update(ctx, func(tx *store.Tx) error { return register(ctx, tx, tenant, scope) })
	}
	if err != nil {
		return fmt.Errorf("register %s: %w", subscription, err)
	}
	s.done.m.Store(key, true)
	return nil
}

// Registered reports whether a subscription was registered.
func (s *Plans) Registered(ctx context.Context, tenant string, subscription arm.ID) (bool, error) {
	var yes bool
	err := s.store.View(ctx, func(tx *store.Tx) error {
		var err error
		yes, err = isRegistered(ctx, tx, tenant, subscription)
		return err
	})
	return yes, err
}

func isRegistered(ctx context.Context, tx *store.Tx, tenant string, subscription arm.ID) (bool, error) {
	_, err := tx.Object(ctx, tenant, Kind, objectID(subscription, Find(marker)))
	if arm.IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

// register writes what is missing; what a client set before stays.
func register(ctx context.Context, tx *store.Tx, tenant string, subscription arm.ID) error {
	if err := lock(ctx, tx, tenant, subscription); err != nil {
		return err
	}
	if yes, err := isRegistered(ctx, tx, tenant, subscription); yes || err != nil {
		return err
	}
	for i := range Table {
		object, err := encode(tenant, subscription, &Table[i], State{Tier: Free})
		if err != nil {
			return err
		}
		if err := putMissing(ctx, tx, object); err != nil {
			return err
		}
	}
	object, err := assignment(tenant, subscription)
	if err != nil {
		return err
	}
	return putMissing(ctx, tx, object)
}

func putMissing(ctx context.Context, tx *store.Tx, o store.Object) error {
	_, err := tx.Object(ctx, o.Tenant, o.Kind, o.ID)
	if !arm.IsNotFound(err) {
		return err
	}
	o.UpdatedBy = registeredBy
	_, err = tx.PutObject(ctx, o, "")
	return err
}

// assignment is the object that assigns the built-in initiative to a
// subscription.
func assignment(tenant string, subscription arm.ID) (store.Object, error) {
	const kind = "Microsoft.Authorization/policyAssignments"
	id := subscription.String() + "/providers/" + kind + "/" + BuiltInAssignment
	body, err := json.Marshal(map[string]any{
		"id": id, "name": BuiltInAssignment, "type": kind,
		"properties": map[string]any{
			"displayName":        "Built-in security initiative: " + subscription.Name(),
			"description":        "Assigned when the subscription was registered. Its recommendations make the secure score.",
			"policyDefinitionId": BuiltInInitiative,
			"scope":              subscription.String(),
			"notScopes":          []string{},
			"enforcementMode":    "Default",
			"parameters":         map[string]any{},
			"metadata":           map[string]any{"category": "Security Center", "assignedBy": "Security Center"},
		},
	})
	if err != nil {
		return store.Object{}, fmt.Errorf("encode assignment: %w", err)
	}
	return store.Object{Tenant: tenant, Kind: "policyAssignment", ID: id, Body: body}, nil
}
