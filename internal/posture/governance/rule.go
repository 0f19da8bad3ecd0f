package governance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
)

// Kinds of store objects.
const (
	// RuleKind are rules.
	RuleKind = "governanceRule"
	// RetiredKind are deleted rules: what they had assigned stays.
	RetiredKind = "retiredGovernanceRule"
)

// Limits of one rule.
const (
	maxConditions = 100
	maxExcluded   = 400
	maxTimeframe  = 365 * 24 * time.Hour
)

// Rule gives every unhealthy assessment that it selects an owner and a due
// date. Rules are immutable once they are on a Board.
type Rule struct {
	ID       string // ARM id
	Name     string // display name
	Priority int    // the lowest wins among rules of one scope
	Disabled bool
	// Grace keeps an assessment out of the score until it is overdue.
	Grace     bool
	Timeframe time.Duration // from the assessment's becoming unhealthy
	// Created is when the rule began to assign; whoever parses it sets it, from
	// the store. Zero: it always did.
	Created time.Time
	// Retired is when the rule was deleted: it keeps what was open then. Zero:
	// it is in force.
	Retired time.Time
	// Overrode is when the rule was last told to replace what had been assigned
	// before. Zero: it only fills what nobody has.
	Overrode time.Time

	scope    arm.ID
	excluded []arm.ID
	// conditions are joined by and inside a set, by or between sets.
	sets  [][]condition
	owner owner
}

// condition selects by one property of the assessment.
type condition struct {
	severity bool // property: severity, else the assessment's key
	values   []string
}

type owner struct {
	byTag bool
	value string // the tag's name, or the address
}

// wireRule is the ARM shape (GovernanceRuleProperties).
type wireRule struct {
	Properties struct {
		DisplayName          string          `json:"displayName"`
		RulePriority         *int            `json:"rulePriority"`
		IsDisabled           bool            `json:"isDisabled"`
		IsGracePeriod        bool            `json:"isGracePeriod"`
		RemediationTimeframe string          `json:"remediationTimeframe"`
		ExcludedScopes       []string        `json:"excludedScopes"`
		ConditionSets        json.RawMessage `json:"conditionSets"`
		OwnerSource          struct{ Type, Value string }
		// Set by the server.
		OverrideAppliedOn time.Time `json:"overrideAppliedOn"`
		CreatedOn         time.Time `json:"createdOn"`
		RetiredOn         time.Time `json:"retiredOn"`
	} `json:"properties"`
}

type wireCondition struct {
	Property string `json:"property"`
	Value    string `json:"value"` // a JSON list of strings, as text
	Operator string `json:"operator"`
}

// ParseRule reads a rule from its ARM body. The scope is what the rule's id
// depends on. The error is an *arm.Error that a client may be shown.
func ParseRule(id string, body []byte) (*Rule, error) {
	rid, err := arm.ParseID(id)
	if err != nil {
		return nil, arm.Invalid("rule id: %v", err)
	}
	var w wireRule
	if err := json.Unmarshal(body, &w); err != nil {
		return nil, arm.Invalid("the rule is not the JSON that is wanted: %v", err)
	}
	p := w.Properties
	scope, _ := rid.Parent()
	r := &Rule{ID: id, Name: p.DisplayName, Disabled: p.IsDisabled, Grace: p.IsGracePeriod, scope: scope,
		Created: p.CreatedOn, Retired: p.RetiredOn, Overrode: p.OverrideAppliedOn}
	if p.DisplayName == "" {
		return nil, arm.Invalid("properties.displayName is needed")
	}
	if p.RulePriority == nil || *p.RulePriority < 0 || *p.RulePriority > 1000 {
		return nil, arm.Invalid("properties.rulePriority: want 0 to 1000; the lowest wins")
	}
	r.Priority = *p.RulePriority
	if err := r.readTimeframe(p.RemediationTimeframe); err != nil {
		return nil, err
	}
	if err := r.readExcluded(p.ExcludedScopes); err != nil {
		return nil, err
	}
	if err := r.readOwner(p.OwnerSource.Type, p.OwnerSource.Value); err != nil {
		return nil, err
	}
	if err := r.readConditions(p.ConditionSets); err != nil {
		return nil, err
	}
	return r, nil
}

// readTimeframe reads days as clients send them: "7.00:00:00" or "7".
func (r *Rule) readTimeframe(s string) error {
	days, err := strconv.Atoi(strings.TrimSuffix(s, ".00:00:00"))
	d := time.Duration(days) * 24 * time.Hour
	if err != nil || days < 1 || d > maxTimeframe {
		return arm.Invalid(`properties.remediationTimeframe %q: want whole days from 1 to 365, as "7.00:00:00"`, s)
	}
	r.Timeframe = d
	return nil
}

func (r *Rule) readExcluded(scopes []string) error {
	if len(scopes) > maxExcluded {
		return arm.Invalid("properties.excludedScopes: more than %d", maxExcluded)
	}
	for _, s := range scopes {
		id, err := arm.ParseID(s)
		if err != nil {
			return arm.Invalid("properties.excludedScopes: %v", err)
		}
		r.excluded = append(r.excluded, id)
	}
	return nil
}

func (r *Rule) readOwner(kind, value string) error {
	if value == "" || len(value) > 256 {
		return arm.Invalid("properties.ownerSource.value: want an address, or the name of the tag that holds it")
	}
	switch {
	case strings.EqualFold(kind, "ByTag"):
		r.owner = owner{byTag: true, value: value}
	case strings.EqualFold(kind, "Manually"):
		r.owner = owner{value: value}
	default:
		return arm.Invalid("properties.ownerSource.type %q: want ByTag or Manually", kind)
	}
	return nil
}

func (r *Rule) readConditions(raw json.RawMessage) error {
	var sets []struct {
		Conditions []wireCondition `json:"conditions"`
	}
	if len(bytes.TrimSpace(raw)) == 0 || json.Unmarshal(raw, &sets) != nil || len(sets) == 0 {
		return arm.Invalid("properties.conditionSets: want a list of {conditions: [...]}")
	}
	n := 0
	for _, s := range sets {
		var set []condition
		for _, w := range s.Conditions {
			if n++; n > maxConditions {
				return arm.Invalid("properties.conditionSets: more than %d conditions", maxConditions)
			}
			c, err := w.read()
			if err != nil {
				return err
			}
			set = append(set, c)
		}
		r.sets = append(r.sets, set)
	}
	return nil
}

func (w wireCondition) read() (condition, error) {
	var c condition
	switch {
	case strings.EqualFold(w.Property, "$.AssessmentKey"):
	case strings.EqualFold(w.Property, "$.Metadata.severity"):
		c.severity = true
	default:
		return c, arm.Invalid("condition property %q: want $.AssessmentKey or $.Metadata.severity", w.Property)
	}
	var list []string
	switch {
	case strings.EqualFold(w.Operator, "In"):
		if json.Unmarshal([]byte(w.Value), &list) != nil {
			return c, arm.Invalid("condition value %q: operator In wants a JSON list of strings", w.Value)
		}
	case strings.EqualFold(w.Operator, "Equals"):
		list = []string{w.Value}
	default:
		return c, arm.Invalid("condition operator %q: want In or Equals", w.Operator)
	}
	for _, v := range list {
		c.values = append(c.values, arm.Fold(v))
	}
	return c, nil
}

// Scope is what the rule's id depends on.
func (r *Rule) Scope() arm.ID { return r.scope }

// ByTag reports whether the owner is looked up in a tag.
func (r *Rule) ByTag() bool { return r.owner.byTag }

// OwnerSource is the address that owns what the rule selects, or the name of
// the tag that says so.
func (r *Rule) OwnerSource() string { return r.owner.value }

// rank orders scopes from wide to narrow. Below subscriptions the priority alone
// decides.
func rank(scope arm.ID) int { return min(scope.Depth(), 3) }

// reaches reports whether a subject lies where the rule is about.
func (r *Rule) reaches(s *Subject) bool {
	return s.within(r.scope) && !slices.ContainsFunc(r.excluded, s.within)
}

// Names reports whether the rule's conditions select a recommendation.
func (r *Rule) Names(recommendation string, severity content.Severity) bool {
	key := arm.Fold(recommendation)
	return slices.ContainsFunc(r.sets, func(set []condition) bool {
		return !slices.ContainsFunc(set, func(c condition) bool { return !c.holds(key, severity) })
	})
}

func (c condition) holds(key string, severity content.Severity) bool {
	if c.severity {
		return slices.Contains(c.values, string(severity))
	}
	return slices.Contains(c.values, key)
}

func (o owner) of(s *Subject) string {
	if !o.byTag {
		return o.value
	}
	if s.Tag == nil {
		return ""
	}
	return strings.TrimSpace(s.Tag(o.value))
}

// Clashes reports whether two rules of one scope and priority both select one
// of some recommendations: which of them should win is not said.
func (r *Rule) Clashes(other *Rule, recommendation string, severity content.Severity) bool {
	return !r.Disabled && !other.Disabled && r.Priority == other.Priority && r.scope.Equal(other.scope) &&
		r.Names(recommendation, severity) && other.Names(recommendation, severity)
}

const retiredSegment = "/retired/"

// RetiredID is the id of what is kept of a rule that was deleted at a time.
func RetiredID(rule string, at time.Time) string {
	return rule + retiredSegment + strconv.FormatInt(at.UnixMicro(), 36)
}

// RetiredRuleID is the id of the rule that RetiredID was given.
func RetiredRuleID(id string) string {
	if i := strings.LastIndex(id, retiredSegment); i > 0 {
		return id[:i]
	}
	return id
}

// Retire is the body to keep of a rule that was made and is deleted at two
// times.
func Retire(body []byte, created, at time.Time) ([]byte, error) {
	return amend(body, func(properties map[string]any) {
		properties["createdOn"], properties["retiredOn"] = created.UTC(), at.UTC()
	})
}

// Override is the body of a rule that from now on has replaced everything that
// was assigned before a time.
func Override(body []byte, at time.Time) ([]byte, error) {
	return amend(body, func(properties map[string]any) { properties["overrideAppliedOn"] = at.UTC() })
}

func amend(body []byte, change func(properties map[string]any)) ([]byte, error) {
	var object map[string]any
	if err := json.Unmarshal(body, &object); err != nil {
		return nil, fmt.Errorf("decode rule: %w", err)
	}
	properties, ok := object["properties"].(map[string]any)
	if !ok {
		return nil, errors.New("decode rule: it has no properties")
	}
	change(properties)
	return json.Marshal(object)
}
