package posture

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rampart-sec/rampart/internal/arm"
	"github.com/rampart-sec/rampart/internal/finding"
	"github.com/rampart-sec/rampart/internal/store"
)

// disabling is the rules that disable findings, as they are in force over some
// time. It is immutable but for what it remembers; nil holds no rule.
type disabling struct {
	rules   []*finding.Rule // widest scope first, so that ties are stable
	key     string          // the same for sets that do the same
	ends    time.Time       // when the first of them ends; zero: none does
	sources *sources

	mu sync.RWMutex
	// selected are the rules that select a finding, by its number, their scopes
	// and images apart.
	selected map[uint32][]*finding.Rule
}

// findingPlace is where a finding is: the resource that has it and what rules ask of
// that.
type findingPlace struct {
	resource arm.ID
	above    []arm.ID // management groups
	digest   string   // of the image that the resource is
}

// newDisabling makes a set of the rules that are in force at a time, nil if
// there are none.
func newDisabling(rules []*finding.Rule, objects map[string]store.Object, src *sources, at time.Time) *disabling {
	d := &disabling{sources: src, selected: map[uint32][]*finding.Rule{}}
	var key strings.Builder
	for _, r := range rules {
		if !r.InForce(at) {
			continue
		}
		d.rules = append(d.rules, r)
		key.WriteString(r.ID + " " + objects[arm.Fold(r.ID)].ETag + "\n")
		if !r.Expires.IsZero() && (d.ends.IsZero() || r.Expires.Before(d.ends)) {
			d.ends = r.Expires
		}
	}
	if len(d.rules) == 0 {
		return nil
	}
	d.key = key.String()
	slices.SortStableFunc(d.rules, func(a, b *finding.Rule) int {
		return cmp.Or(cmp.Compare(width(a.Scope), width(b.Scope)), cmp.Compare(arm.Fold(a.ID), arm.Fold(b.ID)))
	})
	return d
}

// width orders scopes from wide to narrow.
func width(scope arm.ID) int {
	switch scope.Type() {
	case arm.TypeTenant:
		return 0
	case arm.TypeManagementGroup:
		return 1
	case arm.TypeSubscription:
		return 2
	case arm.TypeResourceGroup:
		return 3
	}
	return 4
}

// same reports whether two sets do the same.
func (d *disabling) same(other *disabling) bool {
	if d == nil || other == nil {
		return d == other
	}
	return d.key == other.key
}

// ended reports whether a rule of the set has ended at a time.
func (d *disabling) ended(at time.Time) bool {
	return d != nil && !d.ends.IsZero() && !at.Before(d.ends)
}

// rule is the first rule that disables a finding at a place, nil if none does. n
// is the finding's number.
func (d *disabling) rule(n uint32, f *finding.Finding, at *findingPlace) *finding.Rule {
	if d == nil {
		return nil
	}
	for _, r := range d.selecting(n, f) {
		if r.OnImage(f, at.digest) && r.Covers(at.resource, at.above) {
			return r
		}
	}
	return nil
}

// selecting are the rules that select a finding wherever it is.
func (d *disabling) selecting(n uint32, f *finding.Finding) []*finding.Rule {
	if n == otherFinding {
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

func (d *disabling) find(f *finding.Finding) []*finding.Rule {
	if !d.sources.selectable(f.Report, f.ID) {
		return nil
	}
	var rules []*finding.Rule
	for _, r := range d.rules {
		if r.Selects(f) && d.concerns(r, f) {
			rules = append(rules, r)
		}
	}
	return rules
}

// concerns reports whether a finding is one of the recommendation that a rule
// names, if it names one.
func (d *disabling) concerns(r *finding.Rule, f *finding.Finding) bool {
	if r.Recommendation == "" {
		return true
	}
	src := d.sources.of(r.Recommendation)
	return src != nil && src.lists(f.Report, f.ID)
}
