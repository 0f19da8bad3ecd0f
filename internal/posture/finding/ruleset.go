package finding

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// RuleSet is the rules that disable findings, as they are in force over some
// time. Nil holds no rule. It is safe for use by several goroutines.
type RuleSet struct {
	rules   []*Rule   // widest scope first, so that ties are stable
	key     string    // the same for sets that do the same
	ends    time.Time // when the first of them ends; zero: none does
	sources *Sources

	mu sync.RWMutex
	// selected are the rules that select a finding, by its number, their scopes
	// and images apart.
	selected map[uint32][]*Rule
}

// Place is where a finding is: the resource that has it and what rules ask of
// that.
type Place struct {
	Resource arm.ID
	Above    []arm.ID // management groups
	Digest   string   // of the image that the resource is
}

// NewRuleSet makes a set of the rules that are in force at a time, nil if there
// are none. version tells a rule from what it was before it was edited.
func NewRuleSet(rules []*Rule, version func(*Rule) string, src *Sources, at time.Time) *RuleSet {
	d := &RuleSet{sources: src, selected: map[uint32][]*Rule{}}
	var key strings.Builder
	for _, r := range rules {
		if !r.InForce(at) {
			continue
		}
		d.rules = append(d.rules, r)
		key.WriteString(r.ID + " " + version(r) + "\n")
		if !r.Expires.IsZero() && (d.ends.IsZero() || r.Expires.Before(d.ends)) {
			d.ends = r.Expires
		}
	}
	if len(d.rules) == 0 {
		return nil
	}
	d.key = key.String()
	slices.SortStableFunc(d.rules, func(a, b *Rule) int {
		return cmp.Or(cmp.Compare(a.Scope.Depth(), b.Scope.Depth()), cmp.Compare(arm.Fold(a.ID), arm.Fold(b.ID)))
	})
	return d
}

// Rules are the rules of the set, widest scope first; the caller must not change
// the slice.
func (d *RuleSet) Rules() []*Rule {
	if d == nil {
		return nil
	}
	return d.rules
}

// Ends is when the first of the rules ends; zero: none does.
func (d *RuleSet) Ends() time.Time {
	if d == nil {
		return time.Time{}
	}
	return d.ends
}

// Same reports whether two sets do the same.
func (d *RuleSet) Same(other *RuleSet) bool {
	if d == nil || other == nil {
		return d == other
	}
	return d.key == other.key
}

// Ended reports whether a rule of the set has ended at a time.
func (d *RuleSet) Ended(at time.Time) bool {
	return d != nil && !d.ends.IsZero() && !at.Before(d.ends)
}

// Rule is the first rule that disables a finding at a place, nil if none does. n
// is the finding's number in the estate's Dict.
func (d *RuleSet) Rule(n uint32, f *Finding, at *Place) *Rule {
	if d == nil {
		return nil
	}
	for _, r := range d.selecting(n, f) {
		if r.OnImage(f, at.Digest) && r.Covers(at.Resource, at.Above) {
			return r
		}
	}
	return nil
}

// Selects reports whether any rule selects a finding, wherever it is. n is as for
// Rule.
func (d *RuleSet) Selects(n uint32, f *Finding) bool { return d != nil && len(d.selecting(n, f)) > 0 }

// selecting are the rules that select a finding wherever it is.
func (d *RuleSet) selecting(n uint32, f *Finding) []*Rule {
	if n == Other {
		return d.find(f)
	}
	d.mu.RLock()
	rules, known := d.selected[n]
	d.mu.RUnlock()
	if known {
		return rules
	}
	rules = d.find(f)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.selected[n] = rules
	return rules
}

func (d *RuleSet) find(f *Finding) []*Rule {
	if !d.sources.Selectable(f.Report, f.ID) {
		return nil
	}
	var rules []*Rule
	for _, r := range d.rules {
		if r.Selects(f) && d.concerns(r, f) {
			rules = append(rules, r)
		}
	}
	return rules
}

// concerns reports whether a finding is one of the recommendation that a rule
// names, if it names one.
func (d *RuleSet) concerns(r *Rule, f *Finding) bool {
	if r.Recommendation == "" {
		return true
	}
	src := d.sources.Of(r.Recommendation)
	return src != nil && src.Lists(f.Report, f.ID)
}
