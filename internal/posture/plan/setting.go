package plan

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
)

// Kind is the store's object kind of a plan's setting.
const Kind = "pricing"

// SettingType is the resource type of a plan's setting.
const SettingType = "Microsoft.Security/pricings"

// Setting is a plan at a scope: its own state, or the one it inherits.
type Setting struct {
	Plan  *Plan
	Scope arm.ID
	State State
	// InheritedFrom is the subscription whose state this is, "" if the scope has
	// a state of its own.
	InheritedFrom string
	// Coverage tells for a subscription how far resources differ from it:
	// FullyCovered, PartiallyCovered or NotCovered.
	Coverage string
	ETag     string // of the scope's own object, "" if there is none
}

// Values of Setting.Coverage.
const (
	FullyCovered     = "FullyCovered"
	PartiallyCovered = "PartiallyCovered"
	NotCovered       = "NotCovered"
)

// objectID is the ARM id of a plan's setting at a scope.
func objectID(scope arm.ID, p *Plan) string {
	return scope.String() + "/providers/" + SettingType + "/" + p.Name
}

// document is a setting as it is stored: the ARM object, and beside it what ARM
// has no name for.
type document struct {
	ID         string             `json:"id"`
	Name       string             `json:"name"`
	Type       string             `json:"type"`
	Properties documentProperties `json:"properties"`
	Rampart    *documentExtra     `json:"rampart,omitempty"`
}

type documentProperties struct {
	PricingTier    Tier                `json:"pricingTier"`
	SubPlan        string              `json:"subPlan,omitempty"`
	Extensions     []documentExtension `json:"extensions,omitempty"`
	Enforce        string              `json:"enforce,omitempty"`
	EnablementTime *time.Time          `json:"enablementTime,omitempty"`
	// Coverage is in the inventory's document only: it is computed.
	Coverage string `json:"resourcesCoverageStatus,omitempty"`
}

type documentExtension struct {
	Name                          string          `json:"name"`
	IsEnabled                     string          `json:"isEnabled"`
	AdditionalExtensionProperties json.RawMessage `json:"additionalExtensionProperties,omitempty"`
}

type documentExtra struct {
	TrialStarted *time.Time `json:"trialStarted,omitempty"`
}

// encode makes the object of a state at a scope.
func encode(tenant string, scope arm.ID, p *Plan, s State) (store.Object, error) {
	d := document{ID: objectID(scope, p), Name: p.Name, Type: SettingType, Properties: propertiesOf(s)}
	d.Rampart = &documentExtra{TrialStarted: known(s.TrialStarted)}
	body, err := json.Marshal(d)
	if err != nil {
		return store.Object{}, fmt.Errorf("encode plan %s: %w", p.Name, err)
	}
	return store.Object{Tenant: tenant, Kind: Kind, ID: d.ID, Body: body}, nil
}

func propertiesOf(s State) documentProperties {
	props := documentProperties{PricingTier: s.Tier, SubPlan: s.SubPlan, EnablementTime: known(s.EnabledAt)}
	if s.Enforce {
		props.Enforce = "True"
	}
	for _, e := range s.Extensions {
		props.Extensions = append(props.Extensions, documentExtension{e.Name, Switch(e.Enabled), e.Properties})
	}
	return props
}

// decode reads a state back.
func decode(o *store.Object) (State, error) {
	var d document
	if err := json.Unmarshal(o.Body, &d); err != nil {
		return State{}, fmt.Errorf("decode plan %s: %w", o.ID, err)
	}
	s := State{Tier: d.Properties.PricingTier, SubPlan: d.Properties.SubPlan, Enforce: d.Properties.Enforce == "True"}
	for _, e := range d.Properties.Extensions {
		s.Extensions = append(s.Extensions, Extension{Name: e.Name, Enabled: e.IsEnabled == "True", Properties: e.AdditionalExtensionProperties})
	}
	if d.Properties.EnablementTime != nil {
		s.EnabledAt = *d.Properties.EnablementTime
	}
	if d.Rampart != nil && d.Rampart.TrialStarted != nil {
		s.TrialStarted = *d.Rampart.TrialStarted
	}
	return s, nil
}

// Switch is a truth value as the API writes it in pricings: "True" or "False".
func Switch(on bool) string {
	if on {
		return "True"
	}
	return "False"
}

func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// checkScope refuses scopes that cannot carry a plan.
func (p *Plan) checkScope(scope arm.ID) error {
	if scope.Type() == arm.TypeSubscription {
		return nil
	}
	for _, t := range p.ResourceTypes {
		if strings.EqualFold(t, scope.Type()) {
			return nil
		}
	}
	return invalid("", "Plan %q cannot be set on a %s.", p.Name, scope.Type())
}
