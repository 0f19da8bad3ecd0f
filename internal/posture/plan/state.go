package plan

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// Tier is what a plan is on.
type Tier string

// The tiers.
const (
	Free     Tier = "Free"
	Standard Tier = "Standard"
)

// TrialLength is how long a plan's one trial lasts from the first time that the
// plan is turned to Standard.
const TrialLength = 30 * 24 * time.Hour

// State is what is kept of one plan at one scope. The zero State is Free with
// the trial unused.
type State struct {
	Tier       Tier // "" means Free
	SubPlan    string
	Extensions []Extension // every extension of the plan, in the table's order; nil on Free
	// Enforce forbids other settings below a subscription.
	Enforce bool
	// EnabledAt is when Standard was last turned on; zero on Free.
	EnabledAt time.Time
	// TrialStarted is when Standard was first turned on. It is never reset: the
	// trial runs by the calendar, also while the plan is back on Free, so that
	// turning it off and on does not give a second one.
	TrialStarted time.Time
}

// Extension is one switch of a plan on Standard.
type Extension struct {
	Name       string
	Enabled    bool
	Properties json.RawMessage // the client's additional properties, kept as given
}

// Change is what a client asks of a plan. Tier is taken without case. A nil
// Extensions keeps what is set; those not named in a non-nil one are turned off.
type Change struct {
	Tier       string
	SubPlan    string // "": the current one, or the plan's first
	Extensions []Extension
	Enforce    *bool
}

// Apply gives the state after a change at an instant. Errors are *arm.Error
// and name the property.
func (p *Plan) Apply(s State, c Change, now time.Time) (State, error) {
	switch {
	case strings.EqualFold(c.Tier, string(Free)):
		return p.turnFree(s, c)
	case strings.EqualFold(c.Tier, string(Standard)):
		return p.turnStandard(s, c, now)
	case c.Tier == "":
		return s, invalid("properties.pricingTier", "properties.pricingTier is required: Free or Standard.")
	}
	return s, invalid("properties.pricingTier", "properties.pricingTier: %q is not a tier; use Free or Standard.", c.Tier)
}

func (p *Plan) turnFree(s State, c Change) (State, error) {
	if c.SubPlan != "" {
		return s, invalid("properties.subPlan", "properties.subPlan: a plan on Free has no sub-plan.")
	}
	for _, e := range c.Extensions {
		if e.Enabled {
			return s, invalid("properties.extensions", "properties.extensions: %q cannot be on while the plan is on Free.", e.Name)
		}
	}
	next := State{Tier: Free, TrialStarted: s.TrialStarted, Enforce: s.Enforce}
	if c.Enforce != nil {
		next.Enforce = *c.Enforce
	}
	return next, nil
}

func (p *Plan) turnStandard(s State, c Change, now time.Time) (State, error) {
	if p.AlwaysFree {
		return s, invalid("properties.pricingTier", "properties.pricingTier: plan %q is always Free.", p.Name)
	}
	was := s.Tier == Standard
	if p.Deprecated() && !was {
		return s, invalid("properties.pricingTier", "Plan %q is deprecated and cannot be turned on; use %s.", p.Name, strings.Join(p.ReplacedBy, ", "))
	}
	next := s
	var err error
	if next.SubPlan, err = p.subPlan(s, c.SubPlan); err != nil {
		return s, err
	}
	if next.Extensions, err = p.extensions(s, c.Extensions); err != nil {
		return s, err
	}
	if c.Enforce != nil {
		next.Enforce = *c.Enforce
	}
	next.Tier = Standard
	if !was {
		next.EnabledAt = now
	}
	if next.TrialStarted.IsZero() {
		next.TrialStarted = now
	}
	return next, nil
}

func (p *Plan) subPlan(s State, name string) (string, error) {
	switch {
	case name == "" && s.SubPlan != "":
		return s.SubPlan, nil
	case name == "" && len(p.SubPlans) > 0:
		return p.SubPlans[0], nil
	case name == "":
		return "", nil
	}
	if known := canonical(p.SubPlans, name); known != "" {
		return known, nil
	}
	if len(p.SubPlans) == 0 {
		return "", invalid("properties.subPlan", "properties.subPlan: plan %q has no sub-plans.", p.Name)
	}
	return "", invalid("properties.subPlan", "properties.subPlan: %q is not a sub-plan of %q; use %s.", name, p.Name, strings.Join(p.SubPlans, ", "))
}

// extensions gives the full list in the table's order. Whatever is not asked
// for is off, except that asking for nothing at all keeps what is set.
func (p *Plan) extensions(s State, asked []Extension) ([]Extension, error) {
	if asked == nil {
		asked = s.Extensions
	}
	for i, e := range asked {
		if canonical(p.Extensions, e.Name) == "" {
			return nil, invalid("properties.extensions", "properties.extensions[%d].name: %q is not an extension of %q.", i, e.Name, p.Name)
		}
	}
	var all []Extension
	for _, name := range p.Extensions {
		next := Extension{Name: name}
		// The last of several entries of one name wins, as in a JSON object.
		for _, e := range slices.Backward(asked) {
			if strings.EqualFold(e.Name, name) {
				next.Enabled, next.Properties = e.Enabled, e.Properties
				break
			}
		}
		all = append(all, next)
	}
	return all, nil
}

// TrialRemaining is what is left of the plan's trial: all of it while it was
// never started, nothing for plans that have none.
func (p *Plan) TrialRemaining(s State, now time.Time) time.Duration {
	if p.AlwaysFree || p.Deprecated() && s.TrialStarted.IsZero() {
		return 0
	}
	if s.TrialStarted.IsZero() {
		return TrialLength
	}
	// A clock that was set back must not lengthen the trial.
	return min(TrialLength, max(0, s.TrialStarted.Add(TrialLength).Sub(now)))
}

// InTrial reports whether the plan is on Standard within its trial.
func (p *Plan) InTrial(s State, now time.Time) bool {
	return s.Tier == Standard && p.TrialRemaining(s, now) > 0
}

func invalid(target, format string, args ...any) error {
	err := arm.Invalid(format, args...)
	err.Target = target
	return err
}
