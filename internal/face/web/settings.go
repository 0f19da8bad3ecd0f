package web

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/exemption"
	"github.com/rampart-sec/rampart/internal/posture/index"
)

// Bounds of the settings page.
const (
	settingsSubscriptions = 200
	settingsAgents        = 100
)

// serverType is the resource type of the machines that agents report.
const serverType = "Microsoft.HybridCompute/machines"

// settingsPage shows what is connected, which plans protect it and which
// agents report.
type settingsPage struct {
	*frame
	Subscriptions []subscriptionRow
	More          int
	Chosen        *subscriptionRow // the one whose plans are shown
	Plans         []PlanState
	PlansHere     bool // plans can be read here
	CanPlan       bool
	Agents        []index.ResourceRow
	AgentTotal    int
	Rules         *exemption.Rules // on exemptions; nil: there are none here
	CanRule       bool
}

// subscriptionRow is one subscription.
type subscriptionRow struct {
	index.SubscriptionScore
	Registered bool
	Resources  int
}

func settings(v *visit) (page, error) {
	if err := v.allowScope(); err != nil {
		return page{}, err
	}
	p := &settingsPage{frame: v.newFrame("Environment settings", "subscriptions", "plans", "agents"), PlansHere: v.server.opt.Plans != nil}
	all := v.scopes()
	p.More = max(0, len(all)-settingsSubscriptions)
	for _, s := range all[:min(len(all), settingsSubscriptions)] {
		inside, err := v.view.Inventory(index.InventoryQuery{Scope: index.Scope{ID: s.ID}, Limit: 1})
		if err != nil {
			return page{}, err
		}
		p.Subscriptions = append(p.Subscriptions, subscriptionRow{s, v.estate.Registered(s.ID), inside.Total})
	}
	if err := p.readPlans(v); err != nil {
		return page{}, err
	}
	agents, err := v.view.Inventory(index.InventoryQuery{Scope: v.scope, Type: serverType, Sort: "seen", Desc: true, Limit: settingsAgents})
	if err != nil {
		return page{}, err
	}
	p.Agents = slices.DeleteFunc(agents.Rows, func(r index.ResourceRow) bool { return r.Source != "agent" })
	p.AgentTotal = agents.Total
	if v.server.opt.Exemptions != nil {
		rules, err := v.server.opt.Exemptions.Rules(v.Context(), v.tenant)
		if err != nil {
			return page{}, err
		}
		p.Rules, p.CanRule = &rules, v.may(exemption.ActionRules, "/")
	}
	return page{name: "settings", data: p}, nil
}

// readPlans reads the plans of the chosen subscription, the scope's or the
// first.
func (p *settingsPage) readPlans(v *visit) error {
	if len(p.Subscriptions) == 0 {
		return nil
	}
	p.Chosen = &p.Subscriptions[0]
	for i := range p.Subscriptions {
		if strings.EqualFold(p.Subscriptions[i].ID, v.scope.ID) {
			p.Chosen = &p.Subscriptions[i]
		}
	}
	p.CanPlan = v.may(actionPricing, p.Chosen.ID)
	if !p.PlansHere {
		return nil
	}
	var err error
	if p.Plans, err = v.server.opt.Plans.Plans(v.Context(), v.tenant, p.Chosen.ID); err != nil {
		return fmt.Errorf("read plans of %s: %w", p.Chosen.ID, err)
	}
	return nil
}

// setPlan turns a plan of a subscription to Free or Standard.
func setPlan(v *visit) (string, error) {
	subscription := v.PostForm.Get("subscription")
	if v.server.opt.Plans == nil {
		return "", arm.Invalid("Plans cannot be changed here.")
	}
	if err := v.who.Allow(actionPricing, subscription); err != nil {
		return "", err
	}
	err := v.server.opt.Plans.SetPlan(v.Context(), v.who, PlanChange{Tenant: v.tenant, Subscription: subscription,
		Plan: v.PostForm.Get("plan"), Tier: v.PostForm.Get("tier")})
	return v.To("/settings", "scope", v.scope.ID) + "#plans", err
}

// removeSample takes the sample tenant away, whole.
func removeSample(v *visit) (string, error) {
	if v.server.opt.Tenants == nil {
		return "", arm.Invalid("The sample data cannot be removed here.")
	}
	if err := v.who.Allow(actionTenant, ""); err != nil {
		return "", err
	}
	return "/", v.server.opt.Tenants.DropTenant(v.Context(), v.who, Sample)
}
