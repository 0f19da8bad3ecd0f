package plan

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
)

// allowOverride refuses a resource's own setting where the subscription
// enforces its own.
func allowOverride(ctx context.Context, tx *store.Tx, t target, u Update) error {
	if u.Enforce != nil {
		return invalid("properties.enforce", "properties.enforce: only a subscription can enforce its setting.")
	}
	subscription, err := arm.ParseID(t.scope.SubscriptionID())
	if err != nil {
		return err
	}
	above, err := get(ctx, tx, t.tenant, subscription, t.plan)
	if err != nil {
		return err
	}
	if above.State.Enforce {
		return &arm.Error{Status: http.StatusConflict, Code: "PricingEnforced",
			Message: fmt.Sprintf("The subscription enforces its setting of plan %q on every resource.", t.plan.Name)}
	}
	return nil
}

func dropOverrides(ctx context.Context, tx *store.Tx, t target) error {
	own, err := overrides(ctx, tx, t.tenant, t.scope, t.plan)
	if err != nil {
		return err
	}
	for _, o := range own {
		if err := tx.DeleteObject(ctx, t.tenant, Kind, o.ID, ""); err != nil {
			return fmt.Errorf("drop plan %s of a resource: %w", t.plan.Name, err)
		}
	}
	return nil
}

// coverage compares the resources' own settings with the subscription's.
func coverage(ctx context.Context, tx *store.Tx, tenant string, setting *Setting) (string, error) {
	own, err := overrides(ctx, tx, tenant, setting.Scope, setting.Plan)
	if err != nil {
		return "", err
	}
	for i := range own {
		state, err := decode(&own[i])
		if err != nil {
			return "", err
		}
		if state.Tier != setting.State.Tier {
			return PartiallyCovered, nil
		}
	}
	if setting.State.Tier == Standard {
		return FullyCovered, nil
	}
	return NotCovered, nil
}

// overrides lists the resources' own settings of a plan below a subscription.
func overrides(ctx context.Context, tx *store.Tx, tenant string, subscription arm.ID, p *Plan) ([]store.Object, error) {
	if len(p.ResourceTypes) == 0 {
		return nil, nil
	}
	objects, err := tx.Objects(ctx, store.ObjectQuery{Tenant: tenant, Kind: Kind, Prefix: subscription.String() + "/resourceGroups/"})
	if err != nil {
		return nil, fmt.Errorf("list plans of resources: %w", err)
	}
	suffix := arm.Fold("/providers/" + SettingType + "/" + p.Name)
	return slices.DeleteFunc(objects, func(o store.Object) bool { return !strings.HasSuffix(arm.Fold(o.ID), suffix) }), nil
}
