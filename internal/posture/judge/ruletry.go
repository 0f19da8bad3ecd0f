package judge

import (
	"context"
	"fmt"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/finding"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// CheckFindingRule refuses a rule that could not do what its author expects: at
// a scope that is not there, for a recommendation without findings, or with an
// end that has passed. The error is an *arm.Error. before is the rule that it
// replaces, nil if there is none: an end that stays may have passed.
func (e *Estate) CheckFindingRule(r, before *finding.Rule) error {
	if err := e.judge.sources.Check(r); err != nil {
		return err
	}
	if (before == nil || !before.Expires.Equal(r.Expires)) && !r.InForce(e.now()) {
		err := arm.Invalid("properties.expiresOn: %s has passed; the rule would disable nothing", r.Expires.Format("2006-01-02T15:04:05Z07:00"))
		err.Target = "properties.expiresOn"
		return err
	}
	if before == nil && !e.View().Holds(r.Scope.String()) {
		return arm.Invalid("there is nothing in %s; a rule there would disable nothing", r.Scope)
	}
	return nil
}

// RuleEffect is what a rule would do.
type RuleEffect struct {
	Findings  int // that it would disable
	Resources int // that have them
	// Tried is whether the score was worked out; of more than MaxHypotheses
	// reports it is not.
	Tried         bool
	Before, After index.Score
	Changes       []record.Assessment // in their new state
}

// TryFindingRule finds out what a rule would do, beside the rules in force, to
// the score of a scope, and changes nothing. The judge waits meanwhile.
func (e *Estate) TryFindingRule(ctx context.Context, r *finding.Rule, scope index.Scope) (RuleEffect, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	v := e.View()
	rules := []*finding.Rule{r}
	for _, other := range e.current.DisableRules.Rules() {
		if !index.EqualIDs(other.ID, r.ID) {
			rules = append(rules, other)
		}
	}
	next := e.ruleSet(rules)
	effect, handles := e.reports.try(next)
	if len(handles) == 0 || len(handles) > MaxHypotheses {
		effect.Before = v.Score(scope)
		effect.After = effect.Before
		effect.Tried = len(handles) == 0
		return effect, nil
	}
	t := e.newTrial(v)
	err := e.judge.opt.Store.View(ctx, func(tx *store.Tx) error {
		docs, err := tx.ResourcesByHandle(ctx, handles)
		for i := range docs {
			t.now[docs[i].Handle], t.before[docs[i].Handle] = &docs[i].Doc, &docs[i].Doc
		}
		return err
	})
	if err != nil {
		return effect, fmt.Errorf("read the reports that a rule reaches: %w", err)
	}
	known := e.reports.use(next)
	would, flips, _, err := t.Run()
	e.reports.use(known)
	t.revert() // again, now under the rules that are in force
	if err != nil {
		return effect, err
	}
	effect.Tried, effect.Before, effect.After = true, v.Score(scope), would.Score(scope)
	for _, f := range flips {
		a := would.AssessmentOf(would.Row(f.Handle), f.Slot)
		a.State = f.To
		effect.Changes = append(effect.Changes, a)
	}
	return effect, nil
}

// try counts what other rules would disable beyond those in force, and names
// the reports.
func (s *reports) try(rules *finding.RuleSet) (effect RuleEffect, handles []uint32) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	parents := map[string]bool{}
	for handle, n := range s.byHandle {
		if more := len(s.disabled(n, rules)) - len(n.off); more > 0 {
			effect.Findings += more
			handles = append(handles, handle)
			parents[n.parent] = true
		}
	}
	effect.Resources = len(parents)
	return effect, handles
}

// use puts rules in place of others and returns those.
func (s *reports) use(rules *finding.RuleSet) *finding.RuleSet {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.rules
	s.rules = rules
	return known
}
