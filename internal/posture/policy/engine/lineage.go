package engine

import (
	"cmp"
	"maps"
	"reflect"
	"slices"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// Recompile compiles other policies for the estates of s. It takes over all
// that is the same, so that a small edit is small work however many resources
// there are: the numbers of assignments and members, the rules of definitions
// (the same pointers) that are bound to the same values, the programs of types
// that no changed rule is about, and the layouts of rows. Estate.Swap puts the
// result in place of s. Where nothing can be taken over it is Compile.
func (s *Set) Recompile(in Input, opt Options) (*Set, *Report, error) {
	if in.Aliases != s.aliases || opt.Language != s.opt.Language {
		return Compile(in, opt)
	}
	return compile(in, opt, s)
}

// lineage is what a set takes over from the one before, until the estate is
// swapped. A nil lineage has nothing.
type lineage struct {
	from     *Set
	programs map[string]*typeProgram
	plans    map[*typeProgram]plans // those of assignments that are the same
	rules    map[*rule]bool         // of the new set
	added    []*rule                // that from does not have
	// scopes are the folded ids at which assignments came, went or changed; fine
	// is set when one of them tells resources of a subscription apart.
	scopes []string
	fine   bool
}

// Added are the ids of the definitions that have rules which the set before had
// not, until the estate is swapped.
func (s *Set) Added() []string {
	if s.lineage == nil {
		return nil
	}
	var ids []string
	for _, r := range s.lineage.added {
		if id := r.bound.Definition.ID; !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// program is the type's program in the set before, nil if there is none.
func (l *lineage) program(key string) *typeProgram {
	if l == nil {
		return nil
	}
	return l.programs[key]
}

// plan is what the set before made of the same assignments, which may be
// others by now; nil if it made nothing.
func (l *lineage) plan(t *typeProgram, key string) *plan {
	if l == nil {
		return nil
	}
	return l.from.plans[t][key]
}

// follow puts the rules that the set before has first, in its order, so that
// what is numbered by them keeps its number, and takes over its lookups and
// watches.
func (s *Set) follow(from *Set) {
	order := make(map[*rule]int, len(from.rules))
	for i, r := range from.rules {
		order[r] = i - len(from.rules)
	}
	slices.SortStableFunc(s.rules, func(a, b *rule) int { return cmp.Compare(order[a], order[b]) })
	s.lookups.all = slices.Clone(from.lookups.all)
	s.lookups.byType = make(map[string][]uint32, len(from.lookups.byType))
	for typ, ids := range from.lookups.byType {
		s.lookups.byType[typ] = slices.Clone(ids)
	}
	for _, r := range s.rules {
		if w := from.watchOf[r]; w != nil {
			s.watchOf[r] = w
		}
	}
}

func newLineage(from, s *Set) *lineage {
	from.mu.Lock()
	defer from.mu.Unlock()
	l := &lineage{from: from, programs: maps.Clone(from.types), plans: map[*typeProgram]plans{}, rules: make(map[*rule]bool, len(s.rules))}
	old := make(map[*rule]bool, len(from.rules))
	for _, r := range from.rules {
		old[r] = true
	}
	for _, r := range s.rules {
		l.rules[r] = true
		if !old[r] {
			l.added = append(l.added, r)
		}
	}
	same := l.compare(s)
	for t, known := range from.plans {
		kept := plans{}
		for key, p := range known {
			if !slices.ContainsFunc(p.by, func(n int) bool { return !same[n] }) {
				kept[key] = p
			}
		}
		l.plans[t] = kept
	}
	return l
}

// compare finds the assignments of the set before that are the same in s, by
// number, and the scopes of all others.
func (l *lineage) compare(s *Set) (same []bool) {
	same = make([]bool, len(l.from.assignments))
	for n := range s.assignments {
		now := &s.assignments[n]
		var was *assigned
		if n < len(same) && l.from.assignments[n].Assignment != nil {
			was = &l.from.assignments[n]
		}
		if was != nil && now.Assignment != nil && l.from.sameAssigned(was, s, now) {
			same[n] = true
			continue
		}
		for _, a := range []*assigned{was, now} {
			if a != nil && a.Assignment != nil {
				l.scopes = append(l.scopes, a.Scope.Key())
				l.fine = l.fine || !a.coarse()
			}
		}
	}
	return same
}

// coarse reports whether the assignment covers whole subscriptions alike.
func (a *assigned) coarse() bool {
	subscription := a.Scope.Subscription() == "" || len(a.Scope.String()) == len(a.Scope.SubscriptionID())
	return subscription && len(a.NotScopes)+len(a.Selectors)+len(a.Overrides) == 0
}

// sameAssigned reports whether two assignments cover the same and give the
// same members with the same rules.
func (s *Set) sameAssigned(a *assigned, other *Set, b *assigned) bool {
	if !slices.Equal(a.members, b.members) || !reflect.DeepEqual(a.Assignment, b.Assignment) {
		return false
	}
	for _, n := range a.members {
		x, y := &s.members[n], &other.members[n]
		if x.rule != y.rule || !maps.Equal(x.variants, y.variants) {
			return false
		}
	}
	return true
}

// inherited is the program of the set before if it is good as it is: no rule
// that is gone or new is about the type, and what it is asked for is the same.
func (s *Set) inherited(key string) *typeProgram {
	t := s.lineage.program(key)
	if t == nil || s.byLocation && t.location < 0 || s.readsContainers && isContainerType(t.typ) && !t.whole {
		return nil
	}
	watches := s.watches[t.typ]
	if len(watches) != len(t.watches) {
		return nil
	}
	for i, w := range watches {
		if t.watches[i].watch != w {
			return nil
		}
	}
	for i := range t.rules {
		rp := &t.rules[i]
		if !s.lineage.rules[rp.rule] || rp.watch != nil && rp.watch != s.watchOf[rp.rule] {
			return nil
		}
	}
	if slices.ContainsFunc(s.lineage.added, func(r *rule) bool { return s.mayJudge(r, t.typ) }) {
		return nil
	}
	if known := s.lineage.plans[t]; known != nil {
		s.plans[t] = known
	}
	return t
}

// touched tells which resources other assignments cover than before.
type touched struct {
	*lineage
	to   *Set
	subs []touchedSubscription // by number; 0 is what lies above them
	// coarse is set when what changed covers whole subscriptions alike.
	coarse bool
}

// touchedSubscription is what changed over one subscription: everything, or
// what lies at or below some scopes.
type touchedSubscription struct {
	all    bool
	scopes []string
	// alike is set when nothing changed but, perhaps, at the tenant's root: the same
	// as in every subscription that has it set.
	alike bool
}

// newTouched compares what covers each subscription of an estate. What lies
// above subscriptions is always looked at.
func newTouched(e *Estate, to *Set) touched {
	t := touched{lineage: to.lineage, to: to, subs: make([]touchedSubscription, len(e.subs)+1), coarse: !to.lineage.fine}
	t.subs[0].all = true
	for id, n := range e.subs {
		t.subs[n] = t.over(id)
	}
	return t
}

// at reports whether other assignments may cover a resource.
func (t *touched) at(x *entry) bool {
	s := &t.subs[x.sub]
	return s.all || len(s.scopes) > 0 && slices.ContainsFunc(s.scopes, func(scope string) bool { return within(x.id, scope) })
}

// over finds what changed over a subscription, given by its folded id.
func (t *touched) over(id string) touchedSubscription {
	name := id[len("/subscriptions/"):]
	before, after := groupsOf(t.from, name), groupsOf(t.to, name)
	s := touchedSubscription{all: !slices.EqualFunc(before, after, arm.ID.Equal)}
	s.alike = !s.all
	for _, scope := range t.scopes {
		switch {
		case scope == "/":
			s.all = true
		case slices.ContainsFunc(after, func(g arm.ID) bool { return g.Key() == scope }):
			s.all, s.alike = true, false
		case within(scope, id):
			s.scopes, s.alike = append(s.scopes, scope), false
		}
	}
	return s
}

func groupsOf(s *Set, subscription string) []arm.ID {
	if s.groups == nil {
		return nil
	}
	return s.groups(subscription)
}

// within reports whether a folded id is scope or lies below it.
func within(id, scope string) bool {
	return len(id) >= len(scope) && id[:len(scope)] == scope && (len(id) == len(scope) || id[len(scope)] == '/')
}
