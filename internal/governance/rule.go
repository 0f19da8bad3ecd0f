package governance

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/arm"
)

// RuleKind is the kind of store objects that hold rules.
const RuleKind = "governanceRule"

// Limits of one rule.
const (
	maxConditions = 100
	maxExcluded   = 400
	maxTimeframe  = 365 * 24 * time.Hour
)

// Rule gives every unhealthy assessment that it selects an owner and a due
// date. Rules are immutable.
type Rule struct {
	ID       string // ARM id
	Name     string // display name
	Priority int    // the lowest wins among rules of one scope
	Disabled bool
	// Grace keeps an assessment out of the score until it is overdue.
	Grace     bool
	Timeframe time.Duration // from the assessment's becoming unhealthy

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
	} `json:"properties"`
}

type wireCondition struct {
	Property string `json:"property"`
	Value    string `json:"value"` // a JSON list of strings, as text
	Operator string `json:"operator"`
}

// ParseRule reads a rule from its ARM body. The scope is what the rule's id
// hangs on. The error is an *arm.Error that a client may be shown.
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
	r := &Rule{ID: id, Name: p.DisplayName, Disabled: p.IsDisabled, Grace: p.IsGracePeriod, scope: scope}
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

// Subject is an unhealthy assessment that rules look at.
type Subject struct {
	Resource       arm.ID
	Recommendation string // id
	Severity       content.Severity
	Since          time.Time // when it became unhealthy
	// Tag looks a tag up on the resource, its group, then its subscription.
	Tag func(name string) string
}

// Assignment says who should fix an assessment by when.
type Assignment struct {
	Rule  string // display name of the rule; "" when a person assigned it
	Owner string // "" unassigned
	Due   time.Time
	Grace bool
}

// OutOfScore reports whether the assessment is in its grace period at a time:
// it leaves the score until it is overdue.
func (a Assignment) OutOfScore(at time.Time) bool { return a.Grace && at.Before(a.Due) }

// Overdue reports whether the due date has passed.
func (a Assignment) Overdue(at time.Time) bool { return !a.Due.IsZero() && !at.Before(a.Due) }

// Rules are a tenant's rules in the order in which they are asked. The zero
// value has none.
type Rules struct{ all []*Rule }

// NewRules orders rules: a wider scope first (a management group's rule beats a
// subscription's), then the lower priority, then the id so that ties are stable.
func NewRules(rules []*Rule) Rules {
	all := slices.Clone(rules)
	slices.SortFunc(all, func(a, b *Rule) int {
		return cmp.Or(cmp.Compare(rank(a.scope), rank(b.scope)), cmp.Compare(a.Priority, b.Priority), cmp.Compare(arm.Fold(a.ID), arm.Fold(b.ID)))
	})
	return Rules{all}
}

// rank orders scopes from wide to narrow.
func rank(scope arm.ID) int {
	switch scope.Type() {
	case arm.TypeTenant:
		return 0
	case arm.TypeManagementGroup:
		return 1
	case arm.TypeSubscription:
		return 2
	}
	return 3
}

// Assign gives the assignment of the first rule that selects the subject.
func (rs Rules) Assign(s Subject) (Assignment, bool) {
	for _, r := range rs.all {
		if r.selects(s) {
			return Assignment{Rule: r.Name, Owner: r.owner.of(s), Due: s.Since.Add(r.Timeframe), Grace: r.Grace}, true
		}
	}
	return Assignment{}, false
}

func (r *Rule) selects(s Subject) bool {
	// A rule below a management group reaches what the caller puts under it:
	// membership isn't in a resource's id, so such rules select by condition only.
	if r.Disabled || r.scope.Type() != arm.TypeManagementGroup && !s.Resource.Within(r.scope) {
		return false
	}
	if slices.ContainsFunc(r.excluded, s.Resource.Within) {
		return false
	}
	return slices.ContainsFunc(r.sets, func(set []condition) bool {
		return !slices.ContainsFunc(set, func(c condition) bool { return !c.holds(s) })
	})
}

func (c condition) holds(s Subject) bool {
	if c.severity {
		return slices.Contains(c.values, string(s.Severity))
	}
	return slices.Contains(c.values, arm.Fold(s.Recommendation))
}

func (o owner) of(s Subject) string {
	if !o.byTag {
		return o.value
	}
	if s.Tag == nil {
		return ""
	}
	return s.Tag(o.value)
}
