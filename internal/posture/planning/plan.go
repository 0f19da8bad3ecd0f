package planning

import (
	"context"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// PlanStep is one step of a plan: fix one recommendation on these resources.
type PlanStep struct {
	index.RecommendationRow
	Resources []string // ids of the unhealthy ones, at most maxNamed
	Gain      float64  // percent points of the scope's score, after the steps before it
	Effort    string   // low, moderate, high
}

const (
	maxNamed     = 100
	maxPlanSteps = 100
)

// effortWeight is how much work a recommendation is per step of a plan, by the
// content's word.
var effortWeight = map[string]float64{"low": 1, "moderate": 3, "high": 8}

// plan proposes the n fixes that bring the most points per effort, one after
// the other: each is chosen as if those before it were done. Where a control
// is only won by several fixes on one resource, each of them counts for its
// share when fixes are compared; Gain is what really happens.
func plan(ctx context.Context, v *index.View, scope index.Scope, n int) ([]PlanStep, error) {
	p := newPlanner(v, scope)
	var steps []PlanStep
	for range min(n, maxPlanSteps) {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		slot, ok := p.best()
		if !ok {
			break
		}
		steps = append(steps, p.take(slot))
	}
	return steps, nil
}

// shared is the largest number of open fixes in one control that a resource's
// points are divided among; beyond it they are taken as that many.
const shared = 6

// planner fixes recommendations one by one on paper.
type planner struct {
	v        *index.View
	scope    index.Scope
	sel      index.Selection
	totals   *index.Totals
	controls []plannedControl
	score    *index.Pools
}

// plannedControl is what is left to do in one control.
type plannedControl struct {
	open    map[uint16]*roaring.Bitmap // rows to fix, by slot
	exactly [shared + 1]*roaring.Bitmap
	unknown *roaring.Bitmap
	worth   map[uint16]float64 // by slot: resources that fixing it wins, shares counted
}

func newPlanner(v *index.View, scope index.Scope) *planner {
	sel := v.Resolve(scope)
	p := &planner{v: v, scope: scope, sel: sel, totals: v.TotalsOf(scope, sel), score: index.NewPools(v, sel)}
	p.controls = make([]plannedControl, len(v.Schema().Controls))
	for i := range p.controls {
		p.controls[i] = plannedControl{open: map[uint16]*roaring.Bitmap{}, unknown: roaring.New()}
	}
	for _, slot := range v.Schema().SlotOf {
		control := v.Schema().Control(slot)
		if control == record.NotCounted || v.Schema().Controls[control].Max == 0 {
			continue
		}
		c := &p.controls[control]
		c.unknown.Or(sel.And(v.StateSet(slot, record.Unknown)))
		bad := sel.And(v.StateSet(slot, record.Unhealthy))
		if grace := v.InGrace(slot); grace.Len() > 0 {
			bad = roaring.AndNot(bad, grace.Bits())
		}
		if !bad.IsEmpty() {
			c.open[slot] = bad
		}
	}
	for i := range p.controls {
		p.controls[i].count()
	}
	return p
}

// count finds the rows with exactly k open fixes, adding set to set: a row of
// the next set moves up by one. exactly[shared] also holds those with more.
func (c *plannedControl) count() {
	for k := range c.exactly {
		c.exactly[k] = roaring.New()
	}
	for _, rows := range c.open {
		fresh := roaring.AndNot(rows, roaring.FastOr(c.exactly[1:]...))
		for k := shared - 1; k > 0; k-- {
			up := roaring.And(rows, c.exactly[k])
			c.exactly[k].AndNot(up)
			c.exactly[k+1].Or(up)
		}
		c.exactly[1].Or(fresh)
	}
	c.worth = make(map[uint16]float64, len(c.open))
	for slot, rows := range c.open {
		for k := 1; k <= shared; k++ {
			c.worth[slot] += float64(rows.AndCardinality(c.exactly[k])) / float64(k)
		}
	}
}

// best is the open recommendation that brings the most points per effort.
func (p *planner) best() (best uint16, ok bool) {
	most := 0.0
	for i := range p.controls {
		t := p.tally(i)
		for slot, worth := range p.controls[i].worth {
			worth *= index.Share(p.v.Schema().Controls[i].Max, 1, t.Known())
			worth /= p.effort(slot)
			if worth > most || worth == most && worth > 0 && slot < best {
				best, most, ok = slot, worth, true
			}
		}
	}
	return best, ok
}

func (p *planner) effort(slot uint16) float64 {
	if k := p.v.Schema().Slots[slot].Content; k != nil && effortWeight[k.Effort] > 0 {
		return effortWeight[k.Effort]
	}
	return effortWeight["moderate"]
}

// tally is the whole scope's standing in a control, as planned so far.
func (p *planner) tally(control int) index.ControlCounts {
	var sum index.ControlCounts
	for _, pool := range p.score.Pools {
		sum.Healthy += pool.Controls[control].Healthy
		sum.Unhealthy += pool.Controls[control].Unhealthy
	}
	return sum
}

// take fixes a recommendation everywhere in the scope.
func (p *planner) take(slot uint16) PlanStep {
	control := p.v.Schema().Control(slot)
	c := &p.controls[control]
	rows := c.open[slot]
	won := roaring.And(rows, c.exactly[1])
	before := p.score.Score().Percent
	softened := roaring.And(won, c.unknown)
	p.move(control, roaring.AndNot(won, softened), softened)
	delete(c.open, slot)
	c.count()
	step := PlanStep{
		RecommendationRow: p.v.RecommendationRow(p.sel, p.totals, slot, p.v.ScoreOf(p.sel).Max),
		Gain:              p.score.Score().Percent - before, Effort: "moderate",
	}
	if k := step.Content; k != nil && k.Effort != "" {
		step.Effort = k.Effort
	}
	it := rows.Iterator()
	for it.HasNext() && len(step.Resources) < maxNamed {
		step.Resources = append(step.Resources, p.v.Row(it.Next()).ID)
	}
	return step
}

// move books fixed and softened rows in their pools.
func (p *planner) move(control int, fixed, softened *roaring.Bitmap) {
	for n, pool := range p.score.Pools {
		f, s := fixed.GetCardinality(), softened.GetCardinality()
		if p.score.Weighted {
			members := p.v.SubscriptionMembers(n)
			f, s = fixed.AndCardinality(members), softened.AndCardinality(members)
		}
		pool.Controls[control] = pool.Controls[control].AfterFix(int32(f), int32(s))
		p.score.Pending[n] = true
	}
}
