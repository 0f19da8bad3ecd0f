package finding

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// Kind is the kind of store objects that hold rules, Type their type in ARM.
const (
	Kind = "findingRule"
	Type = "Microsoft.Security/findingRules"
)

// MaxRules bounds the rules of one tenant.
const MaxRules = 1000

// Limits of one rule.
const (
	maxName   = 128
	maxReason = 2000
	maxValues = 500
	maxValue  = 512
)

// Rule disables the findings that it selects, on the resources in its scope.
// Rules are immutable.
type Rule struct {
	ID     string // ARM id
	Name   string // display name
	Reason string
	// Expires is when the findings count again; zero: never.
	Expires time.Time
	// Recommendation narrows the rule to the findings of one; folded id, "" for
	// all.
	Recommendation string
	Scope          arm.ID
	conditions     conditions
}

// wireRule is the ARM shape.
type wireRule struct {
	DisplayName      string          `json:"displayName"`
	Reason           string          `json:"reason"`
	ExpiresOn        *string         `json:"expiresOn"`
	RecommendationID string          `json:"recommendationId"`
	Conditions       *wireConditions `json:"conditions"`
}

// ParseRule reads a rule from its ARM body. The scope is what the rule's id
// hangs on. A member that is not known is refused: a rule that ignored it would
// disable more than was asked for. The error is an *arm.Error that a client may
// be shown.
func ParseRule(id string, body []byte) (*Rule, error) {
	rid, err := arm.ParseID(id)
	if err != nil {
		return nil, arm.Invalid("rule id: %v", err)
	}
	scope, ok := rid.Parent()
	if !ok || !strings.EqualFold(rid.Type(), Type) {
		return nil, arm.Invalid("%q is not the id of a rule at a scope", id)
	}
	w, err := decode(body)
	if err != nil {
		return nil, err
	}
	r := &Rule{
		ID: id, Name: strings.TrimSpace(w.DisplayName), Reason: strings.TrimSpace(w.Reason),
		Recommendation: arm.Fold(w.RecommendationID), Scope: scope,
	}
	if r.Name == "" || len(r.Name) > maxName {
		return nil, invalidAt("displayName", "want a name of 1 to %d characters", maxName)
	}
	if r.Reason == "" || len(r.Reason) > maxReason {
		return nil, invalidAt("reason", "want a reason of 1 to %d characters", maxReason)
	}
	if w.ExpiresOn != nil {
		if r.Expires, err = time.Parse(time.RFC3339, *w.ExpiresOn); err != nil {
			return nil, invalidAt("expiresOn", "%q is not a time like 2027-01-31T00:00:00Z", clip(*w.ExpiresOn))
		}
	}
	if w.Conditions == nil {
		return nil, invalidAt("conditions", "at least one is needed: a rule for everything would hide what is yet to come")
	}
	r.conditions, err = w.Conditions.read()
	return r, err
}

func decode(body []byte) (wireRule, error) {
	var outer struct {
		Properties json.RawMessage `json:"properties"`
	}
	var w wireRule
	if err := json.Unmarshal(body, &outer); err != nil {
		return w, arm.Invalid("the rule is not the JSON that is wanted: %v", err)
	}
	if len(outer.Properties) == 0 {
		return w, invalidAt("", "they are needed")
	}
	d := json.NewDecoder(bytes.NewReader(outer.Properties))
	d.DisallowUnknownFields()
	if err := d.Decode(&w); err != nil {
		return w, arm.Invalid("properties: %s", fault(err))
	}
	return w, nil
}

// fault says what is wrong with a member in the client's words.
func fault(err error) string {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fmt.Sprintf("%s must not be a %s", wrong.Field, wrong.Value)
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}

// invalidAt is an error about one property.
func invalidAt(property, format string, args ...any) error {
	target := strings.TrimSuffix("properties."+property, ".")
	e := arm.Invalid("%s: %s", target, fmt.Sprintf(format, args...))
	e.Target = target
	return e
}

func clip(s string) string {
	if len(s) > 100 {
		return s[:100] + "..."
	}
	return s
}

// InForce reports whether the rule holds at a time.
func (r *Rule) InForce(at time.Time) bool { return r.Expires.IsZero() || at.Before(r.Expires) }

// Covers reports whether a resource is in the rule's scope; above are the
// management groups above its subscription.
func (r *Rule) Covers(resource arm.ID, above []arm.ID) bool {
	if r.Scope.Type() != arm.TypeManagementGroup {
		return resource.Within(r.Scope)
	}
	for _, group := range above {
		if group.Equal(r.Scope) {
			return true
		}
	}
	return false
}

// Selects reports whether every condition holds for a finding, that on the
// image apart: OnImage.
func (r *Rule) Selects(f *Finding) bool { return r.conditions.hold(f) }

// OnImage reports whether the condition on the image's digest holds, if there
// is one: digest is that of the resource, "" if it is no image.
func (r *Rule) OnImage(f *Finding, digest string) bool {
	want := r.conditions.digests
	return len(want) == 0 || want[f.Digest] || want[digest]
}

// Summary is the conditions in words.
func (r *Rule) Summary() string { return r.conditions.words }
