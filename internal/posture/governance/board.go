package governance

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
)

// Board is everything that assigns: rules in the order in which they are asked,
// what people assigned by hand, and which owners are gone. It is immutable; nil
// is an empty one.
//
// Who owns a task is a function of the board and of the time for which the task
// has been open, so nothing is stored per assessment:
//
//   - When a task opens, the first rule that selects it assigns it.
//   - A rule that is made later fills it if nobody did; one that is told to
//     override replaces what was there at that moment.
//   - A person's word replaces what was there at that moment, and is replaced
//     only by another's or by an override after it.
//   - A deleted rule keeps the tasks that were open when it was deleted.
type Board struct {
	rules   []*Rule
	records map[string]map[string][]*Record // by recommendation and scope, folded
	gone    map[string]bool                 // folded names and ids of principals
	byTag   bool
	// naming are the rules that name a recommendation, by ruleKey: a task is
	// asked about by the million, and most rules are about others.
	naming *sync.Map
}

type ruleKey struct {
	recommendation string
	severity       content.Severity
}

// NewBoard makes a board. Rules are put in order: a wider scope first (a
// management group's rule beats a subscription's), then the lower priority, then
// the id so that ties are stable. gone are names or ids of principals that
// cannot sign in any more.
func NewBoard(rules []*Rule, records []*Record, gone []string) *Board {
	b := &Board{rules: slices.Clone(rules), gone: map[string]bool{}, naming: &sync.Map{}}
	slices.SortFunc(b.rules, func(x, y *Rule) int {
		return cmp.Or(cmp.Compare(rank(x.scope), rank(y.scope)), cmp.Compare(x.Priority, y.Priority),
			cmp.Compare(arm.Fold(x.ID), arm.Fold(y.ID)), x.Retired.Compare(y.Retired))
	})
	for _, r := range b.rules {
		b.byTag = b.byTag || r.owner.byTag
	}
	for _, name := range gone {
		b.gone[arm.Fold(name)] = true
	}
	return b.With(records...)
}

// With is the board with some records more. Those with an id that is there
// already replace it.
func (b *Board) With(records ...*Record) *Board {
	next := b.clone()
	owned := map[string]bool{}
	for _, r := range records {
		next.own(r.recommendation, owned)
		at := next.records[r.recommendation]
		kept := slices.DeleteFunc(slices.Clone(at[r.scope.Key()]), r.sameID)
		at[r.scope.Key()] = append(kept, r)
	}
	return next
}

// Without is the board without some records.
func (b *Board) Without(records ...*Record) *Board {
	next := b.clone()
	owned := map[string]bool{}
	for _, r := range records {
		next.own(r.recommendation, owned)
		at := next.records[r.recommendation]
		kept := slices.DeleteFunc(slices.Clone(at[r.scope.Key()]), r.sameID)
		if at[r.scope.Key()] = kept; len(kept) == 0 {
			delete(at, r.scope.Key())
		}
		if len(at) == 0 {
			delete(next.records, r.recommendation)
			delete(owned, r.recommendation)
		}
	}
	return next
}

func (r *Record) sameID(other *Record) bool { return strings.EqualFold(r.ID, other.ID) }

// clone shares everything but the outer map of records.
func (b *Board) clone() *Board {
	next := *b
	if next.records = maps.Clone(b.records); next.records == nil {
		next.records = map[string]map[string][]*Record{}
	}
	return &next
}

// own makes the records of a recommendation ones that this board may write.
func (b *Board) own(recommendation string, owned map[string]bool) {
	if owned[recommendation] {
		return
	}
	owned[recommendation] = true
	if b.records[recommendation] = maps.Clone(b.records[recommendation]); b.records[recommendation] == nil {
		b.records[recommendation] = map[string][]*Record{}
	}
}

// Empty reports whether nothing assigns anything.
func (b *Board) Empty() bool { return b == nil || len(b.rules) == 0 && len(b.records) == 0 }

// ByTag reports whether some owner is looked up in a tag.
func (b *Board) ByTag() bool { return b != nil && b.byTag }

// Gone reports whether an owner is a principal that cannot sign in any more. An
// address that belongs to no principal is never gone.
func (b *Board) Gone(owner string) bool { return b != nil && b.gone[arm.Fold(owner)] }

// Rule is the rule with an id, the one in force before those deleted; nil if
// there is none.
func (b *Board) Rule(id string) *Rule {
	if b == nil {
		return nil
	}
	var found *Rule
	for _, r := range b.rules {
		if strings.EqualFold(r.ID, id) && (found == nil || r.Retired.IsZero()) {
			found = r
		}
	}
	return found
}

// Rules are the rules in order, deleted ones included. The caller must not
// change the slice.
func (b *Board) Rules() []*Rule {
	if b == nil {
		return nil
	}
	return b.rules
}

// Records are those at exactly a scope about a recommendation, both in any case.
func (b *Board) Records(scope, recommendation string) []*Record {
	if b == nil {
		return nil
	}
	return b.records[arm.Fold(recommendation)][arm.Fold(scope)]
}

// Assign finds who has a task.
func (b *Board) Assign(s Subject) (Assignment, bool) {
	if b.Empty() {
		return Assignment{}, false
	}
	rule, made := b.rule(&s)
	word, records := b.word(&s)
	var a Assignment
	switch {
	case word != nil && (rule == nil || !rule.overrides(made) || !word.AssignedOn.Before(made)):
		a = Assignment{ID: word.ID, By: word.AssignedBy, Owner: word.Owner, Due: word.Due, Grace: word.Grace, Made: word.AssignedOn}
	case rule != nil:
		a = Assignment{ID: rule.ID, Rule: rule.Name, Owner: rule.owner.of(&s), Due: s.Since.Add(rule.Timeframe), Grace: rule.Grace, Made: made}
	default:
		return Assignment{}, false
	}
	a.Promise = promised(records, a.Made)
	return a, true
}

// rule is the rule that has a task, and when it took it.
func (b *Board) rule(s *Subject) (best *Rule, made time.Time) {
	for _, r := range b.about(s.Recommendation, s.Severity) {
		from, ok := r.takes(s)
		if !ok {
			continue
		}
		switch {
		case best == nil,
			r.overrides(from) && !(best.overrides(made) && !from.After(made)),
			!r.overrides(from) && !best.overrides(made) && from.Before(made):
			best, made = r, from
		}
	}
	return best, made
}

// about are the rules in force that name a recommendation, in order.
func (b *Board) about(recommendation string, severity content.Severity) []*Rule {
	key := ruleKey{recommendation, severity}
	if known, ok := b.naming.Load(key); ok {
		return known.([]*Rule)
	}
	var rules []*Rule
	for _, r := range b.rules {
		if !r.Disabled && r.Names(recommendation, severity) {
			rules = append(rules, r)
		}
	}
	b.naming.Store(key, rules)
	return rules
}

// takes is when the rule, which names the recommendation, takes a task if nothing stands in its way: when it
// opened, when the rule was made after that, or when it last overrode.
func (r *Rule) takes(s *Subject) (at time.Time, ok bool) {
	over := func(at time.Time) bool { return !s.Done.IsZero() && at.After(s.Done) }
	if !r.Retired.IsZero() && s.Since.After(r.Retired) || over(r.Created) || !r.reaches(s) {
		return at, false
	}
	if at = s.Since; r.Created.After(at) {
		at = r.Created
	}
	if r.Overrode.After(at) && !over(r.Overrode) {
		at = r.Overrode
	}
	return at, true
}

// overrides reports whether what the rule did at a time was to override.
func (r *Rule) overrides(at time.Time) bool { return !r.Overrode.IsZero() && r.Overrode.Equal(at) }

// word is the last word of a person on a task, nil if there is none, and all
// records that reach it.
func (b *Board) word(s *Subject) (last *Record, reach []*Record) {
	scopes := b.records[arm.Fold(s.Recommendation)]
	if len(scopes) == 0 {
		return nil, nil
	}
	each := func(scope string) {
		for _, r := range scopes[scope] {
			reach = append(reach, r)
			if r.AssignedOn.IsZero() || r.AssignedOn.Before(s.Since) || !s.Done.IsZero() && r.AssignedOn.After(s.Done) {
				continue
			}
			if last == nil || cmp.Or(r.AssignedOn.Compare(last.AssignedOn), strings.Compare(r.ID, last.ID)) > 0 {
				last = r
			}
		}
	}
	each("/")
	for _, group := range s.Above {
		each(group.Key())
	}
	id := s.Resource.Key()
	for i := 1; i <= len(id); i++ {
		if i == len(id) || id[i] == '/' {
			each(id[:i])
		}
	}
	return last, reach
}

// promised is the latest promise that was made for an assignment.
func promised(records []*Record, made time.Time) Promise {
	var last *Record
	for _, r := range records {
		if r.PromisedOn.IsZero() || r.PromisedOn.Before(made) {
			continue
		}
		if last == nil || cmp.Or(r.PromisedOn.Compare(last.PromisedOn), strings.Compare(r.ID, last.ID)) > 0 {
			last = r
		}
	}
	if last == nil {
		return Promise{}
	}
	return last.Promise
}
