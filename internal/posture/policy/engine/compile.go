package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// compiler binds the definitions of the assignments.
type compiler struct {
	set         *Set
	from        *Set  // whose rules and numbers are taken over, or nil
	free        []int // numbers of members that from does not use
	initiatives map[string]*policy.Initiative
	definitions map[string][]*policy.Definition
	rules       map[string]*rule
	lists       map[string][]Member
	report      Report
}

func newCompiler(s *Set, in Input, from *Set) (*compiler, error) {
	c := &compiler{
		set: s, from: from, initiatives: map[string]*policy.Initiative{}, definitions: map[string][]*policy.Definition{},
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
	if from != nil {
		s.reasons = from.reasons
		s.assignments = make([]assigned, len(from.assignments))
		s.members = make([]Member, len(from.members))
		for n := range from.members {
			if from.members[n].Bound == nil {
				c.free = append(c.free, n)
			}
		}
	}
	return c, nil
}

// assignment adds one assignment and its members.
func (c *compiler) assignment(a *policy.Assignment) {
	number := c.number(a)
	out := assigned{Assignment: a}
	for _, m := range c.list(a) {
		m.assignment, m.Assignment = number, a.ID
		if asksAssignment(m.Bound) {
			m.rule = c.rule(m.Bound, fmt.Sprintf("%p|%s|%s|%s", m.Bound, a.ID, m.Initiative, m.ReferenceID), policy.Environment{Assigned: policy.Assigned{
				AssignmentID: a.ID, DefinitionID: m.DefinitionID, SetDefinitionID: m.Initiative, ReferenceID: m.ReferenceID,
			}})
		}
		c.variants(a, &m)
		n := c.memberNumber(&m)
		c.set.members[n] = m
		out.members = append(out.members, n)
	}
	c.set.assignments[number] = out
	c.set.byScope[a.Scope.Key()] = append(c.set.byScope[a.Scope.Key()], number)
	c.set.fine = c.set.fine || !out.coarse()
	c.set.byLocation = c.set.byLocation || len(a.Selectors) > 0 || len(a.Overrides) > 0
}

// number is the number of an assignment: the one that it had, else a new one.
func (c *compiler) number(a *policy.Assignment) int {
	s, key := c.set, arm.Fold(a.ID)
	n, known := 0, false
	if c.from != nil {
		n, known = c.from.numbers[key]
	}
	if !known || s.assignments[n].Assignment != nil {
		n = len(s.assignments)
		s.assignments = append(s.assignments, assigned{})
	}
	s.numbers[key] = n
	return n
}

// memberNumber is the number of a member: the one that it had, else one that
// was free, else a new one.
func (c *compiler) memberNumber(m *Member) int {
	s, key := c.set, m.identity()
	n, known := 0, false
	if c.from != nil {
		n, known = c.from.memberOf[key]
	}
	switch {
	case known && s.members[n].Bound == nil:
	case len(c.free) > 0:
		n, c.free = c.free[0], c.free[1:]
	default:
		n = len(s.members)
		s.members = append(s.members, Member{})
	}
	s.memberOf[key] = n
	return n
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
		resolved, invalid := in.Values(a.Parameters)
		for _, ref := range in.Members {
			m := Member{Initiative: in.ID, ReferenceID: ref.ID, DefinitionID: ref.DefinitionID}
			err := invalid
			if err == nil {
				err = c.member(&m, ref, resolved)
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

// member binds a member of an initiative with these values.
func (c *compiler) member(m *Member, ref *policy.Reference, resolved map[string]policy.Value) error {
	values, err := ref.Values(resolved)
	if err != nil {
		return err
	}
	return c.bind(m, values, ref.Version)
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
	if r := c.known(key); r != nil {
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

// known is the rule with a key, of this set or the one before. A key holds
// addresses of what its rule keeps alive, so it names nothing else.
func (c *compiler) known(key string) *rule {
	r := c.rules[key]
	if r == nil && c.from != nil {
		if r = c.from.bound[key]; r != nil {
			c.rules[key] = r
			c.set.rules = append(c.set.rules, r)
		}
	}
	return r
}

func (c *compiler) rule(b *policy.Bound, key string, env policy.Environment) *rule {
	if r := c.known(key); r != nil {
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
