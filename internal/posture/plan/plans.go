package plan

import (
	"context"
	"fmt"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
)

// Plans keeps the settings of every subscription in the store. It is safe for
// concurrent use.
type Plans struct {
	store *store.DB
	now   func() time.Time
	done  registered
}

// New returns the Plans of a store; a nil now is time.Now.
func New(db *store.DB, now func() time.Time) *Plans {
	if now == nil {
		now = time.Now
	}
	return &Plans{store: db, now: now}
}

// Update is a change of one plan.
type Update struct {
	Plan string
	Change
	IfMatch string // ETag that the setting must have, "" for any
}

// Get returns a plan's setting at a subscription or a resource. Unknown plans
// are an *arm.Error with status 404.
func (s *Plans) Get(ctx context.Context, tenant string, scope arm.ID, name string) (*Setting, error) {
	p, err := s.at(scope, name)
	if err != nil {
		return nil, err
	}
	var setting *Setting
	err = s.store.View(ctx, func(tx *store.Tx) error {
		setting, err = get(ctx, tx, tenant, scope, p)
		return err
	})
	return setting, err
}

// List returns the settings of every plan that a scope can carry, in the
// table's order.
func (s *Plans) List(ctx context.Context, tenant string, scope arm.ID) ([]*Setting, error) {
	var all []*Setting
	err := s.store.View(ctx, func(tx *store.Tx) error {
		for i := range Table {
			if Table[i].checkScope(scope) != nil {
				continue
			}
			setting, err := get(ctx, tx, tenant, scope, &Table[i])
			if err != nil {
				return err
			}
			all = append(all, setting)
		}
		return nil
	})
	return all, err
}

// Caller is who changes a plan, and in which tenant.
type Caller struct {
	Tenant string
	Name   string // for the audit trail
}

// Set changes several plans at a scope in one transaction: all or none.
func (s *Plans) Set(ctx context.Context, c Caller, scope arm.ID, updates ...Update) ([]*Setting, error) {
	var all []*Setting
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		all = all[:0]
		if err := lock(ctx, tx, c.Tenant, scope); err != nil {
			return err
		}
		for _, u := range updates {
			p, err := s.at(scope, u.Plan)
			if err != nil {
				return err
			}
			setting, err := s.set(ctx, tx, target{c.Tenant, c.Name, scope, p}, u)
			if err != nil {
				return err
			}
			all = append(all, setting)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// Delete removes a resource's own setting, so that it inherits again. A
// subscription's settings cannot be removed, only turned to Free.
func (s *Plans) Delete(ctx context.Context, c Caller, scope arm.ID, name string) error {
	p, err := s.at(scope, name)
	if err != nil {
		return err
	}
	if scope.Type() == arm.TypeSubscription {
		return invalid("", "A subscription's plan cannot be deleted; set its pricingTier to Free.")
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		if err := lock(ctx, tx, c.Tenant, scope); err != nil {
			return err
		}
		object := store.Object{Tenant: c.Tenant, Kind: Kind, ID: objectID(scope, p)}
		if err := tx.DeleteObject(ctx, c.Tenant, Kind, object.ID, ""); err != nil {
			return err
		}
		if err := audit(ctx, tx, c.Name, object); err != nil {
			return err
		}
		return show(ctx, tx, c.Tenant, scope, p)
	})
}

// lock lets one transaction at a time change the plans of a subscription: a new
// setting depends on the one before, on the subscription's and on those of the
// resources below.
func lock(ctx context.Context, tx *store.Tx, tenant string, scope arm.ID) error {
	return tx.LockPartition(ctx, tenant, store.Partition(scope))
}

// audit appends a row for a setting that is being written or, without a body,
// deleted.
func audit(ctx context.Context, tx *store.Tx, by string, o store.Object) error {
	action := SettingType + "/write"
	if o.Body == nil {
		action = SettingType + "/delete"
	}
	return tx.AppendAudit(ctx, store.AuditRow{Tenant: o.Tenant, Actor: by, Action: action, Target: o.ID, Outcome: "ok", Detail: o.Body})
}

// at finds a plan and checks that the scope can carry it.
func (s *Plans) at(scope arm.ID, name string) (*Plan, error) {
	p := Find(name)
	if p == nil {
		return nil, arm.NotFound(scope.String() + "/providers/" + SettingType + "/" + name)
	}
	return p, p.checkScope(scope)
}

// target is what an update hits.
type target struct {
	tenant, by string
	scope      arm.ID
	plan       *Plan
}

func (s *Plans) set(ctx context.Context, tx *store.Tx, t target, u Update) (*Setting, error) {
	before, err := get(ctx, tx, t.tenant, t.scope, t.plan)
	if err != nil {
		return nil, err
	}
	if t.scope.Type() != arm.TypeSubscription {
		if err := allowOverride(ctx, tx, t, u); err != nil {
			return nil, err
		}
	}
	after, err := t.plan.Apply(before.State, u.Change, s.now())
	if err != nil {
		return nil, err
	}
	object, err := encode(t.tenant, t.scope, t.plan, after)
	if err != nil {
		return nil, err
	}
	object.UpdatedBy = t.by
	stored, err := tx.PutObject(ctx, object, u.IfMatch)
	if err != nil {
		return nil, fmt.Errorf("set plan %s: %w", t.plan.Name, err)
	}
	if before.ETag == stored.ETag {
		return before, nil // it was so already: nothing is written
	}
	if after.Enforce {
		if err := dropOverrides(ctx, tx, t); err != nil {
			return nil, err
		}
	}
	if err := audit(ctx, tx, t.by, object); err != nil {
		return nil, err
	}
	if err := show(ctx, tx, t.tenant, t.scope, t.plan); err != nil {
		return nil, err
	}
	return get(ctx, tx, t.tenant, t.scope, t.plan)
}

// get reads a setting: the scope's own, else its subscription's, else Free.
func get(ctx context.Context, tx *store.Tx, tenant string, scope arm.ID, p *Plan) (*Setting, error) {
	setting := &Setting{Plan: p, Scope: scope, State: State{Tier: Free}}
	object, err := tx.Object(ctx, tenant, Kind, objectID(scope, p))
	switch {
	case err == nil:
		setting.ETag = object.ETag
		setting.State, err = decode(object)
		if err != nil {
			return nil, err
		}
	case !arm.IsNotFound(err):
		return nil, fmt.Errorf("read plan %s: %w", p.Name, err)
	}
	if scope.Type() == arm.TypeSubscription {
		setting.Coverage, err = coverage(ctx, tx, tenant, setting)
		return setting, err
	}
	if setting.ETag != "" {
		return setting, nil
	}
	return inherit(ctx, tx, tenant, setting)
}

func inherit(ctx context.Context, tx *store.Tx, tenant string, setting *Setting) (*Setting, error) {
	subscription, err := arm.ParseID(setting.Scope.SubscriptionID())
	if err != nil {
		return nil, err
	}
	above, err := get(ctx, tx, tenant, subscription, setting.Plan)
	if err != nil {
		return nil, err
	}
	setting.State, setting.InheritedFrom = above.State, subscription.String()
	setting.State.Enforce = false
	return setting, nil
}
