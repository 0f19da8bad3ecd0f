package planning

import (
	"context"
	"time"

	"github.com/rampart-sec/rampart/internal/posture/index"
)

// Plans makes plans of an estate's views and keeps them: one view's plan of a scope
// is made once, whoever asks. Where making it takes long, an asker gets the plan of
// the latest view that there is one of, while the next is made. It may be used from
// any goroutine. The zero Plans is ready.
type Plans struct {
	made index.Latest[planOf, []PlanStep]
}

// planOf names a plan.
type planOf struct {
	tenant string
	scope  index.Scope
	steps  int
}

// Plan proposes the n fixes that bring the most points per effort, one after
// the other: each is chosen as if those before it were done. Where a control
// is only won by several fixes on one resource, each of them counts for its
// share when fixes are compared; Gain is what really happens.
func (p *Plans) Plan(ctx context.Context, tenant string, v *index.View, scope index.Scope, n int) ([]PlanStep, error) {
	n = min(n, maxPlanSteps)
	return p.made.Get(ctx, planOf{tenant, scope, n}, v, time.Now, func(ctx context.Context) ([]PlanStep, error) {
		return plan(ctx, v, scope, n)
	})
}
