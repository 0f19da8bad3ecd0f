package web

import (
	"context"
	"time"

	"github.com/rampart-sec/rampart/internal/base/access"
	"github.com/rampart-sec/rampart/internal/base/store"
)

// Objects keeps the control objects that pages show and forms write: policy
// definitions, assignments, exemptions, governance rules, saved views. Writes
// are audited in the principal's name; a write takes effect in the next epoch.
type Objects interface {
	Objects(ctx context.Context, q store.ObjectQuery) ([]store.Object, error)
	PutObject(ctx context.Context, by access.Principal, o store.Object, ifMatch string) error
	DeleteObject(ctx context.Context, by access.Principal, o store.Object) error
}

// Tenants removes a tenant with everything in it.
type Tenants interface {
	DropTenant(ctx context.Context, by access.Principal, tenant string) error
}

// Plans reads and changes the protection plans of one subscription.
type Plans interface {
	Plans(ctx context.Context, tenant, subscription string) ([]PlanState, error)
	// SetPlan turns a plan to "Free" or "Standard". What the plan's rules
	// forbid is an *arm.Error.
	SetPlan(ctx context.Context, by access.Principal, change PlanChange) error
}

// PlanState is one plan of a subscription.
type PlanState struct {
	Name, Title    string
	Tier           string        // "Free" or "Standard"
	TrialRemaining time.Duration // of the 30 days, 0 when over
	InTrial        bool
	Untried        bool // the trial begins with the first time on Standard
	AlwaysFree     bool // there is no Standard to turn to
}

// TrialDays is what remains of the trial in days, a begun one whole.
func (p PlanState) TrialDays() int {
	return int((p.TrialRemaining + 24*time.Hour - 1) / (24 * time.Hour))
}

// Begins reports whether turning the plan to Standard begins its one trial.
func (p PlanState) Begins() bool {
	return p.Untried && !p.AlwaysFree && p.Tier != "Standard"
}

// PlanChange asks for a tier.
type PlanChange struct{ Tenant, Subscription, Plan, Tier string }
