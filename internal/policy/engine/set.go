package engine

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rampart-sec/rampart/internal/arm"
	"github.com/rampart-sec/rampart/internal/policy"
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
	assignments []assigned
	byScope     map[string][]int // assignments by the folded id of their scope
	members     []Member
	rules       []*rule
	watches     map[string][]*watch
	watchOf     map[*rule]*watch
	reasons     *reasons
	// byLocation is set when an assignment selects resources by location,
	// readsContainers when a rule reads resourceGroup() or subscription().
	byLocation, readsContainers bool
	// now is set when a rule calls utcNow().
	now bool

	lookups lookups

	mu       sync.Mutex // guards what is made at first use
	types    map[string]*typeProgram
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
func Compile(in Input, opt Options) (*Set, *Report, error) {
	s := &Set{
		opt: opt, aliases: in.Aliases, groups: in.ManagementGroups, reasons: newReasons(),
		oracle:  &policy.Evaluator{Aliases: in.Aliases, Options: opt.Language},
		watches: map[string][]*watch{}, watchOf: map[*rule]*watch{},
		types: map[string]*typeProgram{}, versions: map[string]bool{}, byScope: map[string][]int{},
		watching: map[*watch][]string{}, watched: map[string]bool{},
	}
	c, err := newCompiler(s, in)
	if err != nil {
		return nil, nil, err
	}
	for _, a := range in.Assignments {
		c.assignment(a)
	}
	for _, r := range s.rules {
		s.prepare(r)
	}
	c.report.Members, c.report.Rules = len(s.members), len(s.rules)
	return s, &c.report, nil
}

// prepare notes what a rule needs of the set as a whole.
func (s *Set) prepare(r *rule) {
	reads := r.reads
	if r.exists() {
		w := newWatch(r)
		w.index = len(s.watches[w.typ])
		s.watches[w.typ] = append(s.watches[w.typ], w)
		s.watchOf[r] = w
		s.search(w)
		reads.add(readsOf(r.bound.Details.ExistenceCondition))
		reads.add(readsOf(r.bound.ApplicableWhen))
	}
	s.now = s.now || reads.now
	s.readsContainers = s.readsContainers || reads.group || reads.subscription
}

// Members are all members, by number. The slice must not be changed.
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
	t := s.compileType(typ, apiVersion)
	s.types[key] = t
	return t, nil
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
	if rp.reach >= policy.ReachGroup {
		t.listed = true
		if !slices.Contains(s.watching[rp.watch], t.typ) {
			s.watching[rp.watch] = append(s.watching[rp.watch], t.typ)
		}
	}
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

// compiler binds the definitions of the assignments.
type compiler struct {
	set         *Set
	initiatives map[string]*policy.Initiative
	definitions map[string][]*policy.Definition
	rules       map[string]*rule
	lists       map[string][]Member
	report      Report
}

func newCompiler(s *Set, in Input) (*compiler, error) {
	c := &compiler{
		set: s, initiatives: map[string]*policy.Initiative{}, definitions: map[string][]*policy.Definition{},
		rules: map[string]*rule{}, lists: map[string][]Member{},
	}
	for _, i := range in.Initiatives {
		if i == nil || i.ID == "" {
			return nil, fmt.Errorf("compile policies: an initiative has no id")
		}
		c.initiatives[arm.Fold(i.ID)] = i
	}
	for _, d := range in.Definitions {
		if d == nil || d.ID == "" {
			return nil, fmt.Errorf("compile policies: a definition has no id")
		}
		c.definitions[arm.Fold(d.ID)] = append(c.definitions[arm.Fold(d.ID)], d)
	}
	return c, nil
}

// assignment adds one assignment and its members.
func (c *compiler) assignment(a *policy.Assignment) {
	number := len(c.set.assignments)
	out := assigned{Assignment: a}
	for _, m := range c.list(a) {
		m.assignment, m.Assignment = number, a.ID
		if asksAssignment(m.Bound) {
			m.rule = c.rule(m.Bound, fmt.Sprintf("%p|%d", m.Bound, number), policy.Environment{Assigned: policy.Assigned{
				AssignmentID: a.ID, DefinitionID: m.DefinitionID, SetDefinitionID: m.Initiative, ReferenceID: m.ReferenceID,
			}})
		}
		c.variants(a, &m)
		out.members = append(out.members, len(c.set.members))
		c.set.members = append(c.set.members, m)
	}
	c.set.assignments = append(c.set.assignments, out)
	c.set.byScope[a.Scope.Key()] = append(c.set.byScope[a.Scope.Key()], number)
	c.set.byLocation = c.set.byLocation || len(a.Selectors) > 0 || len(a.Overrides) > 0
}

// list binds what an assignment assigns. Assignments of the same thing with
// the same parameters share the result.
func (c *compiler) list(a *policy.Assignment) []Member {
	key := arm.Fold(a.DefinitionID) + "|" + a.Version + "|" + parameterKey(a.Parameters)
	if list, ok := c.lists[key]; ok {
		return list
	}
	var list []Member
	if in := c.initiatives[arm.Fold(a.DefinitionID)]; in != nil {
		for _, ref := range in.Members {
			m := Member{Initiative: in.ID, ReferenceID: ref.ID, DefinitionID: ref.DefinitionID}
			values, err := in.MemberValues(ref, a.Parameters)
			if err == nil {
				err = c.bind(&m, values, ref.Version)
			}
			list = c.keep(list, a, m, err)
		}
	} else {
		m := Member{DefinitionID: a.DefinitionID}
		list = c.keep(list, a, m, c.bind(&m, a.Parameters, a.Version))
	}
	c.lists[key] = list
	return list
}

func (c *compiler) keep(list []Member, a *policy.Assignment, m Member, err error) []Member {
	if err != nil {
		c.report.Failed = append(c.report.Failed, Failure{a.ID, m.ReferenceID, m.DefinitionID, err})
		return list
	}
	return append(list, m)
}

// bind finds a member's definition, binds it and finds or makes its rule.
func (c *compiler) bind(m *Member, values map[string]policy.Value, pin string) error {
	d, err := c.definition(m.DefinitionID, pin)
	if err != nil {
		return err
	}
	if d.Rule == nil {
		return fmt.Errorf("definition %q has no rule to evaluate", d.ID)
	}
	key := fmt.Sprintf("%p|%s", d, parameterKey(values))
	if r := c.rules[key]; r != nil {
		m.Bound, m.rule, m.Effect = r.bound, r, r.bound.Effect
		return nil
	}
	b, err := policy.Bind(d, values, c.set.opt.Language)
	if err != nil {
		return err
	}
	m.Bound, m.Effect = b, b.Effect
	m.rule = c.rule(b, key, policy.Environment{})
	return nil
}

func (c *compiler) rule(b *policy.Bound, key string, env policy.Environment) *rule {
	if r := c.rules[key]; r != nil {
		return r
	}
	r := newRule(c.set.oracle, b, env)
	c.rules[key] = r
	c.set.rules = append(c.set.rules, r)
	return r
}

// definition is the newest version of a definition that a pin allows.
func (c *compiler) definition(id, pin string) (*policy.Definition, error) {
	list := c.definitions[arm.Fold(id)]
	if len(list) == 0 {
		return nil, fmt.Errorf("there is no definition %q", clip(id))
	}
	var best *policy.Definition
	for _, d := range list {
		if (d.Version == "" || policy.MatchesVersion(d.Version, pin)) && (best == nil || newer(d.Version, best.Version)) {
			best = d
		}
	}
	if best == nil {
		if len(list) == 1 {
			// The only version there is stands for the pinned one: catalogues
			// carry one version of each definition.
			return list[0], nil
		}
		return nil, fmt.Errorf("definition %q has no version %s", clip(id), pin)
	}
	return best, nil
}

// newer compares versions "1.2.3" number by number.
func newer(a, b string) bool {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(x), len(y)) {
		if len(x[i]) != len(y[i]) {
			return len(x[i]) > len(y[i])
		}
		if x[i] != y[i] {
			return x[i] > y[i]
		}
	}
	return len(x) > len(y)
}

func parameterKey(values map[string]policy.Value) string {
	var out strings.Builder
	for _, name := range sortedKeys(values) {
		fmt.Fprintf(&out, "%s=%s;", arm.Fold(name), values[name])
	}
	return out.String()
}

func sortedKeys(m map[string]policy.Value) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// variants binds what overrides make of a member.
func (c *compiler) variants(a *policy.Assignment, m *Member) {
	for _, o := range a.Overrides {
		var b *policy.Bound
		var err error
		switch {
		case o.Effect != "":
			b, err = m.Bound.WithEffect(o.Effect)
		default:
			var d *policy.Definition
			if d, err = c.definition(m.DefinitionID, o.Version); err == nil && d != m.Bound.Definition {
				b, err = policy.Bind(d, m.Bound.Parameters, c.set.opt.Language)
			}
		}
		if err != nil || b == nil {
			continue // the override does not fit this member
		}
		key := fmt.Sprintf("%p|%s|%s", m.rule, o.Effect, o.Version)
		if m.variants == nil {
			m.variants = map[string]*rule{}
		}
		m.variants[o.Effect+"|"+o.Version] = c.rule(b, key, m.rule.env)
	}
}

// ruleFor is the rule of a member for one resource, overrides applied.
func (s *Set) ruleFor(m *Member, t policy.Target) *rule {
	if len(m.variants) == 0 {
		return m.rule
	}
	a := s.assignments[m.assignment].Assignment
	if r := m.variants["|"+a.VersionFor(t)]; r != nil {
		return r
	}
	if r := m.variants[a.Effect(m.ReferenceID, t)+"|"]; r != nil {
		return r
	}
	return m.rule
}
