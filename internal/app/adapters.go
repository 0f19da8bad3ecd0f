package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/rampart-sec/rampart/internal/base/access"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/inventory"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/face/web"
	"github.com/rampart-sec/rampart/internal/posture/plan"
)

// objects is the store as the dashboard's forms write to it: each write with
// its audit row, in one transaction.
type objects struct{ db *store.DB }

var _ web.Objects = objects{}

// Objects implements web.Objects.
func (o objects) Objects(ctx context.Context, q store.ObjectQuery) (all []store.Object, err error) {
	err = o.db.View(ctx, func(tx *store.Tx) error {
		all, err = tx.Objects(ctx, q)
		return err
	})
	return all, err
}

// PutObject implements web.Objects.
func (o objects) PutObject(ctx context.Context, by access.Principal, obj store.Object, ifMatch string) error {
	obj.UpdatedBy = by.Name
	return o.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := tx.PutObject(ctx, obj, ifMatch); err != nil {
			return err
		}
		return tx.AppendAudit(ctx, store.AuditRow{Tenant: obj.Tenant, Actor: by.Name, Action: obj.Kind + "/write", Target: obj.ID, Outcome: "done", Detail: obj.Body})
	})
}

// DeleteObject implements web.Objects.
func (o objects) DeleteObject(ctx context.Context, by access.Principal, obj store.Object) error {
	return o.db.Update(ctx, func(tx *store.Tx) error {
		if err := tx.DeleteObject(ctx, obj.Tenant, obj.Kind, obj.ID, obj.ETag); err != nil {
			return err
		}
		return tx.AppendAudit(ctx, store.AuditRow{Tenant: obj.Tenant, Actor: by.Name, Action: obj.Kind + "/delete", Target: obj.ID, Outcome: "done"})
	})
}

// tenants removes a tenant for the dashboard.
type tenants struct {
	db  *store.DB
	inv *inventory.Inventory
}

var _ web.Tenants = tenants{}

// DropTenant implements web.Tenants.
func (t tenants) DropTenant(ctx context.Context, by access.Principal, tenant string) error {
	if err := t.inv.DropTenant(ctx, tenant); err != nil {
		return err
	}
	return t.db.Update(ctx, func(tx *store.Tx) error {
		return tx.AppendAudit(ctx, store.AuditRow{Tenant: by.Tenant, Actor: by.Name, Action: "tenants/delete", Target: tenant, Outcome: "done"})
	})
}

// plans shows and changes plans for the dashboard.
type plans struct {
	keep *plan.Plans
	now  func() time.Time
}

var _ web.Plans = plans{}

// Plans implements web.Plans.
func (p plans) Plans(ctx context.Context, tenant, subscription string) ([]web.PlanState, error) {
	scope, err := arm.ParseID(subscription)
	if err != nil {
		return nil, arm.Invalid("%v", err)
	}
	settings, err := p.keep.List(ctx, tenant, scope)
	if err != nil {
		return nil, err
	}
	var all []web.PlanState
	for _, s := range settings {
		if s.Plan.Deprecated() {
			continue
		}
		all = append(all, p.state(s))
	}
	return all, nil
}

func (p plans) state(s *plan.Setting) web.PlanState {
	tier := s.State.Tier
	if tier == "" {
		tier = plan.Free
	}
	now := p.now()
	return web.PlanState{Name: s.Plan.Name, Title: s.Plan.Title, AlwaysFree: s.Plan.AlwaysFree, Untried: s.State.TrialStarted.IsZero(), Tier: string(tier),
		TrialRemaining: s.Plan.TrialRemaining(s.State, now), InTrial: s.Plan.InTrial(s.State, now)}
}

// SetPlan implements web.Plans.
func (p plans) SetPlan(ctx context.Context, by access.Principal, c web.PlanChange) error {
	scope, err := arm.ParseID(c.Subscription)
	if err != nil {
		return arm.Invalid("%v", err)
	}
	_, err = p.keep.Set(ctx, plan.Caller{Tenant: c.Tenant, Name: by.Name}, scope, plan.Update{Plan: c.Plan, Change: plan.Change{Tier: c.Tier}})
	return err
}

// deliver hands documents of the product's own sources to the inventory. A
// refusal of one is a defect of ours: it is logged, and the others land.
func deliver(inv *inventory.Inventory, log *slog.Logger) func(context.Context, string, []wire.Document) error {
	return func(ctx context.Context, tenant string, docs []wire.Document) error {
		res, err := inv.Put(ctx, tenant, docs)
		for _, r := range res.Rejected {
			log.Error("a document of this server was refused", "id", r.ID, "reason", r.Reason)
		}
		return err
	}
}
