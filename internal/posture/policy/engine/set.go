package engine

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// Input is what a Set is compiled from. Nothing in it is changed or kept open;
// it must not be changed afterwards.
type Input struct {
	Assignments []*policy.Assignment
	Initiatives []*policy.Initiative
	// Definitions may hold several versions of one id; pins choose.
	Definitions []*policy.Definition
	Aliases     *policy.Aliases // nil: every dotted field is a path of the body
	// ManagementGroups are the groups above a subscription (its name), nearest
	// first; nil if there are none.
	ManagementGroups func(subscription string) []arm.ID
}

// Options change what a Set means and how an Estate works.
type Options struct {
	// Language decides the disputed points of the language.
	Language policy.Options
	// Now is the evaluation instant until the first Tick.
	Now time.Time
}

// Member is one definition as one assignment gives it: what has a verdict for
// every resource. Its number is its index in Set.Members.
type Member struct {
	Assignment   string // id
	Initiative   string // id, "" if the definition is assigned alone
	ReferenceID  string // of the initiative's member, "" if there is none
	DefinitionID string
	Effect       string // lower-case, as bound; overrides may change it for some resources
	Bound        *policy.Bound

	rule       *rule
	assignment int
	variants   map[string]*rule // by effect and version of an override
}

// Overridden reports whether overrides of its assignment change the member for
// some resources.
func (m *Member) Overridden() bool { return len(m.variants) > 0 }

// Report says what became of the input.
type Report struct {
	Members int
	Rules   int // distinct bound definitions
	// Failed are the members that could not be bound; they have no verdicts.
	Failed []Failure
}

// Failure is a member or assignment that could not be used.
type Failure struct {
	Assignment, ReferenceID, DefinitionID string
	Err                                   error
}

// Set is a compiled set of policies. It is immutable for its callers and may
// be shared by estates; programs are made for a resource type when the first
// resource of the type comes.
type Set struct {
	opt         Options
	aliases     *policy.Aliases
	groups      func(string) []arm.ID
	oracle      *policy.Evaluator
	assignments []assigned       // by number; numbers not in use have no Assignment
	numbers     map[string]int   // of assignments, by folded id
	byScope     map[string][]int // assignments by the folded id of their scope
	members     []Member
	memberOf    map[[3]string]int // numbers of members by identity
	rules       []*rule
	bound       map[string]*rule // by definition and values
	watches     map[string][]*watch
	watchOf     map[*rule]*watch
	reasons     *reasons
	lineage     *lineage // what it takes over from the set before; nil: nothing
	// byLocation is set when an assignment selects resources by location,
	// readsContainers when a rule reads resourceGroup() or subscription().
	byLocation, readsContainers bool
	// now is set when a rule calls utcNow(), fine when an assignment tells
	// resources of a subscription apart.
	now, fine bool

	lookups lookups

	mu       sync.Mutex // guards what is made at first use
	types    map[string]*typeProgram
	plans    map[*typeProgram]plans
	bySub    map[inSub]*plan
	versions map[string]bool
	watching map[*watch][]string
	watched  map[string]bool // related types that any rule looks for, folded
}

// assigned is one assignment with the members that it gives.
type assigned struct {
	*policy.Assignment
	members []int
}

// maxPrograms bounds the types (with API versions, where aliases have them)
// that documents may make a set compile.
const maxPrograms = 1 << 16

// Compile binds and compiles. Members that cannot be bound are reported and
// left out; the error is for input that makes no set at all.
func Compile(in Input, opt Options) (*Set, *Report, error) { return compile(in, opt, nil) }

func compile(in Input, opt Options, from *Set) (*Set, *Report, error) {
	s := &Set{
		opt: opt, aliases: in.Aliases, groups: in.ManagementGroups, reasons: newReasons(),
		oracle:  &policy.Evaluator{Aliases: in.Aliases, Options: opt.Language},
		watches: map[string][]*watch{}, watchOf: map[*rule]*watch{},
		numbers: map[string]int{}, memberOf: map[[3]string]int{},
		types: map[string]*typeProgram{}, plans: map[*typeProgram]plans{}, bySub: map[inSub]*plan{}, versions: map[string]bool{}, byScope: map[string][]int{},
		watching: map[*watch][]string{}, watched: map[string]bool{},
	}
	c, err := newCompiler(s, in, from)
	if err != nil {
		return nil, nil, err
	}
	for _, a := range in.Assignments {
		c.assignment(a)
	}
	s.bound = c.rules
	if from != nil {
		s.follow(from)
	}
	for _, r := range s.rules {
		s.prepare(r)
	}
	if from != nil {
		s.lineage = newLineage(from, s)
	}
	c.report.Members, c.report.Rules = len(s.memberOf), len(s.rules)
	return s, &c.report, nil
}

// prepare notes what a rule needs of the set as a whole.
func (s *Set) prepare(r *rule) {
	reads := r.reads
	if r.exists() && r.never == "" {
		w := s.watchOf[r] // taken over, unless its place among the type's is another now
		if w == nil || w.index != len(s.watches[w.typ]) {
			w = newWatch(r)
			w.index = len(s.watches[w.typ])
			s.watchOf[r] = w
		}
		s.watches[w.typ] = append(s.watches[w.typ], w)
		s.search(w)
		reads.add(readsOf(r.bound.Details.ExistenceCondition))
		reads.add(readsOf(r.bound.ApplicableWhen))
	}
	s.now = s.now || reads.now
	s.readsContainers = s.readsContainers || reads.group || reads.subscription
}

// Members are all members, by number. A number that is not in use, which only
// sets that were recompiled have, has no Bound. The slice must not be changed.
func (s *Set) Members() []Member { return s.members }

// Reason is the text of a verdict's reason code: the path or related type that
// was not delivered, or the field that could not be evaluated. "" for code 0.
func (s *Set) Reason(code uint32) string { return s.reasons.text(code) }

// program returns the program of a type, compiling it at first use.
func (s *Set) program(typ, apiVersion string) (*typeProgram, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	versioned, known := s.versions[typ]
	if !known {
		versioned = s.aliases != nil && s.aliases.Versioned(typ)
		s.versions[typ] = versioned
	}
	key := typ
	if !versioned {
		apiVersion = ""
	} else {
		key += "@" + arm.Fold(apiVersion)
	}
	if t := s.types[key]; t != nil {
		return t, nil
	}
	if len(s.types) >= maxPrograms {
		return nil, fmt.Errorf("more than %d resource types", maxPrograms)
	}
	t := s.inherited(key)
	if t == nil {
		t = s.compileType(typ, apiVersion, s.lineage.program(key))
	}
	s.types[key] = t
	s.enlist(t)
	return t, nil
}

// enlist notes which watches a program asks about whole groups or
// subscriptions.
func (s *Set) enlist(t *typeProgram) {
	for i := range t.rules {
		rp := &t.rules[i]
		if rp.watch != nil && rp.reach >= policy.ReachGroup && !slices.Contains(s.watching[rp.watch], t.typ) {
			s.watching[rp.watch] = append(s.watching[rp.watch], t.typ)
		}
	}
}

// connect finds where a rule's related resources are looked for when the if is
// about this type.
func (s *Set) connect(t *typeProgram, rp *ruleProgram) {
	d := rp.rule.bound.Details
	rp.watch = s.watchOf[rp.rule]
	rp.reach = d.Reach(t.typ)
	group, ok := text(d.ResourceGroupName)
	rp.group, rp.dynamic = arm.Fold(group), !ok
	typ := rp.watch.typ
	switch rp.reach {
	case policy.ReachChildren:
		rp.lookup = s.lookups.find(lookup{kind: below, typ: typ, pairs: typePairs(typ) - typePairs(t.typ)})
	case policy.ReachExtensions:
		rp.lookup = s.lookups.find(lookup{kind: attached, typ: typ})
	case policy.ReachGroup:
		rp.lookup = s.lookups.find(lookup{kind: inGroup, typ: typ})
	}
	rp.outside = s.lookups.find(lookup{kind: inSubscription, typ: typ})
	if rp.reach == policy.ReachSubscription {
		rp.lookup = rp.outside
	}
	t.listed = t.listed || rp.reach >= policy.ReachGroup
}

// watchers are the types whose rules ask a watch about a whole group or
// subscription.
func (s *Set) watchers(w *watch) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.watching[w]
}

// search registers the lookups by which a watch may be asked.
func (s *Set) search(w *watch) {
	s.watched[w.typ] = true
	for pairs := 1; pairs < typePairs(w.typ); pairs++ {
		s.lookups.add(lookup{kind: below, typ: w.typ, pairs: pairs})
	}
	if policy.IsExtensionType(w.typ) {
		s.lookups.add(lookup{kind: attached, typ: w.typ})
	}
	s.lookups.add(lookup{kind: inGroup, typ: w.typ})
	s.lookups.add(lookup{kind: inSubscription, typ: w.typ})
}
