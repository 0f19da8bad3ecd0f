package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/plan"
)

// pricingPlan is the wire form of a plan's setting.
type pricingPlan struct {
	PricingTier             plan.Tier          `json:"pricingTier"`
	SubPlan                 string             `json:"subPlan,omitempty"`
	FreeTrialRemainingTime  string             `json:"freeTrialRemainingTime"`
	EnablementTime          *time.Time         `json:"enablementTime,omitempty"`
	Enforce                 string             `json:"enforce,omitempty"`
	Inherited               string             `json:"inherited,omitempty"`
	InheritedFrom           string             `json:"inheritedFrom,omitempty"`
	ResourcesCoverageStatus string             `json:"resourcesCoverageStatus,omitempty"`
	Extensions              []pricingExtension `json:"extensions,omitempty"`
	Deprecated              bool               `json:"deprecated,omitempty"`
	ReplacedBy              []string           `json:"replacedBy,omitempty"`
}

type pricingExtension struct {
	Name                          string          `json:"name"`
	IsEnabled                     string          `json:"isEnabled"`
	AdditionalExtensionProperties json.RawMessage `json:"additionalExtensionProperties,omitempty"`
}

// pricings lists the plans of a subscription, or those that a resource can
// carry. $filter=name in (A,B) picks some.
func (a *API) pricings(r *request) (response, error) {
	keep, err := nameFilter(r.option("$filter"))
	if err != nil {
		return response{}, err
	}
	all, err := a.Plans.List(r.Context(), r.tenant(), r.scope)
	if err != nil {
		return response{}, err
	}
	items := []any{}
	for _, s := range all {
		if keep(s.Plan.Name) {
			items = append(items, a.pricingBody(s))
		}
	}
	return ok(list{Value: items})
}

// nameFilter reads "name in (A,B)" and "name eq 'A'"; "" keeps everything.
func nameFilter(filter string) (func(string) bool, error) {
	if filter == "" {
		return func(string) bool { return true }, nil
	}
	names := ""
	folded := strings.TrimSpace(filter)
	switch lower := arm.Fold(folded); {
	case strings.HasPrefix(lower, "name in (") && strings.HasSuffix(folded, ")"):
		names = folded[len("name in (") : len(folded)-1]
	case strings.HasPrefix(lower, "name eq "):
		names = folded[len("name eq "):]
	default:
		return nil, invalidFilter(filter)
	}
	wanted := map[string]bool{}
	for name := range strings.SplitSeq(names, ",") {
		wanted[arm.Fold(strings.Trim(strings.TrimSpace(name), "'"))] = true
	}
	return func(name string) bool { return wanted[arm.Fold(name)] }, nil
}

// pricing shows one plan.
func (a *API) pricing(r *request) (response, error) {
	s, err := a.Plans.Get(r.Context(), r.tenant(), r.scope, r.vars["plan"])
	if err != nil {
		return response{}, err
	}
	return response{status: http.StatusOK, body: a.pricingBody(s), etag: s.ETag}, nil
}

// pricingChange is what a client sends.
type pricingChange struct {
	Properties *struct {
		PricingTier string             `json:"pricingTier"`
		SubPlan     string             `json:"subPlan"`
		Enforce     string             `json:"enforce"`
		Extensions  []pricingExtension `json:"extensions"`
	} `json:"properties"`
}

// setPricing changes one plan.
func (a *API) setPricing(r *request) (response, error) {
	var body pricingChange
	if err := r.decode(&body); err != nil {
		return response{}, err
	}
	update, err := body.update(r.vars["plan"])
	if err != nil {
		return response{}, err
	}
	update.IfMatch = ifMatch(r.Header)
	all, err := a.Plans.Set(r.Context(), plan.Caller{Tenant: r.tenant(), Name: r.principal.Name}, r.scope, update)
	if err != nil {
		return response{}, err
	}
	return response{status: http.StatusOK, body: a.pricingBody(all[0]), etag: all[0].ETag}, nil
}

func (c *pricingChange) update(name string) (plan.Update, error) {
	u := plan.Update{Plan: name}
	if c.Properties == nil {
		return u, invalidAt("properties", "It is required.")
	}
	u.Tier, u.SubPlan = c.Properties.PricingTier, c.Properties.SubPlan
	if c.Properties.Enforce != "" {
		on, err := isTrue("properties.enforce", c.Properties.Enforce)
		if err != nil {
			return u, err
		}
		u.Enforce = &on
	}
	for i, e := range c.Properties.Extensions {
		on, err := isTrue(fmt.Sprintf("properties.extensions[%d].isEnabled", i), e.IsEnabled)
		if err != nil {
			return u, err
		}
		u.Extensions = append(u.Extensions, plan.Extension{Name: e.Name, Enabled: on, Properties: e.AdditionalExtensionProperties})
	}
	return u, nil
}

// isTrue reads the strings that stand for truth values in pricings.
func isTrue(property, text string) (bool, error) {
	switch arm.Fold(text) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, invalidAt(property, "%q is neither True nor False.", clip(text))
}

// deletePricing makes a resource inherit again.
func (a *API) deletePricing(r *request) (response, error) {
	err := a.Plans.Delete(r.Context(), plan.Caller{Tenant: r.tenant(), Name: r.principal.Name}, r.scope, r.vars["plan"])
	if err != nil && !isStatus(err, http.StatusNotFound) {
		return response{}, err
	}
	return noContent()
}

func (a *API) pricingBody(s *plan.Setting) map[string]any {
	p := pricingPlan{
		PricingTier: s.State.Tier, SubPlan: s.State.SubPlan,
		FreeTrialRemainingTime:  plan.FormatDuration(s.Plan.TrialRemaining(s.State, a.Now())),
		ResourcesCoverageStatus: s.Coverage,
		Deprecated:              s.Plan.Deprecated(), ReplacedBy: s.Plan.ReplacedBy,
	}
	if !s.State.EnabledAt.IsZero() {
		p.EnablementTime = &s.State.EnabledAt
	}
	if s.Scope.Type() == arm.TypeSubscription {
		p.Enforce = plan.Switch(s.State.Enforce)
	} else {
		p.Inherited, p.InheritedFrom = plan.Switch(s.InheritedFrom != ""), s.InheritedFrom
	}
	for _, e := range s.State.Extensions {
		p.Extensions = append(p.Extensions, pricingExtension{e.Name, plan.Switch(e.Enabled), e.Properties})
	}
	const kind = "Microsoft.Security/pricings"
	return resource(s.Scope.String()+"/providers/"+kind+"/"+s.Plan.Name, kind, p)
}

// register turns a subscription's free tier on and assigns the built-in
// initiative. By the time it runs, seeing the subscription has done both.
func (a *API) register(r *request) (response, error) {
	return ok(providerBody(r.scope, a.kinds(r)[arm.Fold(securityNamespace)]))
}
