package posture

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/finding"
	"github.com/rampart-sec/rampart/internal/posture/plan"
	"github.com/rampart-sec/rampart/internal/posture/policy"
	"github.com/rampart-sec/rampart/internal/posture/policy/engine"
)

// builtIn is the library's policies, parsed once.
type builtIn struct {
	lib         *content.Library
	definitions map[string]*policy.Definition // by folded id
	initiative  *policy.Initiative
}

func newBuiltIn(lib *content.Library) (*builtIn, error) {
	b := &builtIn{lib: lib, definitions: make(map[string]*policy.Definition, len(lib.Recommendations))}
	for _, r := range lib.Recommendations {
		d, err := policy.ParseDefinition(r.Definition())
		if err != nil {
			return nil, fmt.Errorf("built-in definition %s: %w", r.Name, err)
		}
		b.definitions[arm.Fold(d.ID)] = d
	}
	var err error
	if b.initiative, err = policy.ParseInitiative(lib.Initiative()); err != nil {
		return nil, fmt.Errorf("built-in initiative: %w", err)
	}
	return b, nil
}

// policyObjects are a tenant's stored policy objects by folded id.
type policyObjects struct {
	definitions, initiatives, assignments, exemptions, findingRules map[string]store.Object
	// parsed are policy documents by kind and folded id: the evaluator takes
	// over what it made of the same ones.
	parsed map[[2]string]any
}

// of is the map that holds objects of a kind, nil for other kinds.
func (p *policyObjects) of(kind string) *map[string]store.Object {
	switch kind {
	case "policyDefinition":
		return &p.definitions
	case "policySetDefinition":
		return &p.initiatives
	case "policyAssignment":
		return &p.assignments
	case "policyExemption":
		return &p.exemptions
	case finding.Kind:
		return &p.findingRules
	}
	return nil
}

// judges reports whether objects of a kind decide verdicts.
func (p *policyObjects) judges(kind string) bool {
	return kind == "policyDefinition" || kind == "policySetDefinition" || kind == "policyAssignment"
}

// objectKinds are the kinds that policyObjects holds.
var objectKinds = []string{"policyDefinition", "policySetDefinition", "policyAssignment", "policyExemption", finding.Kind}

// put stores an object or removes it (nil), and reports whether it is of
// interest.
func (p *policyObjects) put(kind, id string, o *store.Object) bool {
	m := p.of(kind)
	if m == nil {
		return false
	}
	if *m == nil {
		*m = map[string]store.Object{}
	}
	delete(p.parsed, [2]string{kind, arm.Fold(id)})
	if o == nil {
		delete(*m, arm.Fold(id))
	} else {
		(*m)[arm.Fold(id)] = *o
	}
	return true
}

// catalog is what is assigned: the input of the evaluator, and what its members
// mean. It is immutable once described.
type catalog struct {
	input engine.Input
	// key is the same for inputs that mean the same.
	key        string
	shared     standIn
	exemptions []*policy.Exemption
	problems   []Problem
	// policyProblems are those without what is laid over: exemptions and rules.
	policyProblems []Problem

	members []engine.Member
	failed  []engine.Failure
	slots   []uint16          // by member: slot of its recommendation
	alone   []bool            // by member: no other gives its recommendation
	recs    []*Recommendation // sorted by id
}

// newCatalog parses a tenant's policy objects beside the built-in ones. What
// cannot be parsed becomes a problem and is left out.
func newCatalog(b *builtIn, objects *policyObjects) *catalog {
	c := &catalog{shared: standIn{bySubscription: map[string]string{}}}
	c.input.Initiatives = append(c.input.Initiatives, b.initiative)
	for _, id := range slices.Sorted(maps.Keys(b.definitions)) {
		c.input.Definitions = append(c.input.Definitions, b.definitions[id])
	}
	c.input.Definitions = append(c.input.Definitions, parseAll(c, objects.definitions, once(objects, policy.ParseDefinition))...)
	c.input.Initiatives = append(c.input.Initiatives, parseAll(c, objects.initiatives, once(objects, policy.ParseInitiative))...)
	c.input.Assignments = []*policy.Assignment{c.shared.assignment()}
	var key strings.Builder
	objects.writeKey(&key)
	for _, a := range parseAll(c, objects.assignments, once(objects, policy.ParseAssignment)) {
		if !c.shared.take(a) {
			c.input.Assignments = append(c.input.Assignments, a)
			fmt.Fprintln(&key, a.ID, objects.assignments[arm.Fold(a.ID)].ETag)
		}
	}
	c.policyProblems, c.key = c.problems, key.String()
	return c
}

// writeKey writes what tells apart definitions and initiatives.
func (p *policyObjects) writeKey(b *strings.Builder) {
	for _, m := range []map[string]store.Object{p.definitions, p.initiatives} {
		for _, id := range slices.Sorted(maps.Keys(m)) {
			fmt.Fprintln(b, id, m[id].ETag)
		}
	}
}

// parseAll parses objects by id. Their bodies carry the id, as they were put.
func parseAll[T any](c *catalog, objects map[string]store.Object, parse func(store.Object) (T, error)) []T {
	var all []T
	for _, id := range slices.Sorted(maps.Keys(objects)) {
		o := objects[id]
		x, err := parse(o)
		if err != nil {
			c.problem(o.ID, err)
			continue
		}
		all = append(all, x)
	}
	return all
}

// body makes a parser of objects out of one of bodies.
func body[T any](parse func([]byte) (T, error)) func(store.Object) (T, error) {
	return func(o store.Object) (T, error) { return parse(o.Body) }
}

// once is body for objects that are parsed once as long as they stay the same.
func once[T any](p *policyObjects, parse func([]byte) (T, error)) func(store.Object) (T, error) {
	return func(o store.Object) (T, error) {
		key := [2]string{o.Kind, arm.Fold(o.ID)}
		if x, ok := p.parsed[key].(T); ok {
			return x, nil
		}
		x, err := parse(o.Body)
		if err != nil {
			return x, err
		}
		if p.parsed == nil {
			p.parsed = map[[2]string]any{}
		}
		p.parsed[key] = x
		return x, nil
	}
}

func (c *catalog) problem(id string, err error) {
	c.problems = append(c.problems, Problem{ID: id, Reason: err.Error()})
}

// describe takes the members that the evaluator made of the input, and numbers
// their recommendations.
func (c *catalog) describe(lib *content.Library, members []engine.Member, failed []engine.Failure, slots *slotTable) {
	for _, f := range failed {
		id := f.Assignment
		if f.ReferenceID != "" {
			id += " member " + f.ReferenceID
		}
		c.problem(id, f.Err)
	}
	c.policyProblems = c.problems
	byID := map[string]*Recommendation{}
	c.members, c.failed, c.slots, c.alone = members, failed, make([]uint16, len(members)), make([]bool, len(members))
	givers := map[uint16]int{} // members by slot
	for i := range members {
		m := &members[i]
		if m.Bound == nil {
			continue // a number that is not in use
		}
		id := RecommendationID(m.DefinitionID)
		r := byID[id]
		if r == nil {
			r = recommendationOf(lib, id, m.Bound)
			r.Disabled = true
			byID[id] = r
			c.recs = append(c.recs, r)
		}
		if m.Assignment != sharedAssignment || !c.shared.none() {
			r.Disabled = r.Disabled && m.Effect == "disabled"
		}
		if r.Content != nil && strings.EqualFold(m.Initiative, plan.BuiltInInitiative) {
			r.Counted = !r.Preview && !r.Content.Uncounted && r.Control != nil
		}
		c.slots[i] = slots.of(r.ID)
		givers[c.slots[i]]++
	}
	for i := range members {
		c.alone[i] = members[i].Bound != nil && givers[c.slots[i]] == 1
	}
	slices.SortFunc(c.recs, func(a, b *Recommendation) int { return strings.Compare(a.ID, b.ID) })
}

// recommendationOf describes a definition's recommendation: built-in content,
// or made of a user's own definition. Whether it counts is found out by who
// assigns it.
func recommendationOf(lib *content.Library, id string, b *policy.Bound) *Recommendation {
	d := b.Definition
	if k := lib.Recommendation(id); k != nil {
		r := fromContent(lib, k)
		r.DefinitionID = d.ID
		return r
	}
	title := d.DisplayName
	if title == "" {
		title = d.Name
	}
	return &Recommendation{
		ID: id, Title: title, Description: d.Description, Severity: severityOf(d.Metadata), DefinitionID: d.ID,
		Types: typesOf(b.If),
	}
}

// fromContent is a recommendation as the content describes it.
func fromContent(lib *content.Library, k *content.Recommendation) *Recommendation {
	return &Recommendation{
		ID: k.ID, Title: k.Title, Description: k.Description, Severity: k.Severity,
		Control: lib.Control(k.Control), Preview: k.Preview, Content: k, Types: k.Types,
	}
}

// typesOf are the resource types that a rule names, as written.
func typesOf(rule policy.Condition) []string {
	var types []string
	policy.Walk(rule, func(c policy.Condition) {
		leaf, ok := c.(*policy.Leaf)
		if !ok || leaf.Field == nil || leaf.Field.Kind != policy.FieldType || leaf.Op != policy.OpEquals && leaf.Op != policy.OpIn {
			return
		}
		named, _ := policy.Constant(leaf.Right) // an expression names none
		for _, v := range append(named.Items, named) {
			if v.Kind == policy.String && !slices.Contains(types, v.Str) {
				types = append(types, v.Str)
			}
		}
	})
	return types
}

// severityOf reads a user's definition's severity from its metadata, where the
// reference's clients put it; medium if it says none.
func severityOf(metadata policy.Value) content.Severity {
	for _, v := range []policy.Value{metadata.Get("severity"), metadata.Get("securityCenter").Get("severity")} {
		switch s := content.Severity(strings.ToLower(v.Str)); s {
		case content.Critical, content.High, content.Medium, content.Low:
			return s
		}
	}
	return content.Medium
}

// recommendationSpace is the namespace of ids of users' own recommendations.
var recommendationSpace = uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://rampart.dev/recommendation"))

// RecommendationID is the id of the recommendation that a definition gives: the
// name of a built-in definition, else a UUIDv5 of the definition's id.
func RecommendationID(definitionID string) string {
	const builtIns = "/providers/microsoft.authorization/policydefinitions/"
	folded := arm.Fold(definitionID)
	if name, ok := strings.CutPrefix(folded, builtIns); ok && len(name) == 36 && strings.Count(name, "-") == 4 {
		return name // shaped like a GUID; some public ones are not hexadecimal
	}
	return uuid.NewSHA1(recommendationSpace, []byte(folded)).String()
}

// assigned pairs the own initiatives of a catalog with their assignments.
func (c *catalog) assigned(builtIn *policy.Initiative) []Assigned {
	byID := map[string][]*policy.Assignment{}
	for _, a := range c.input.Assignments {
		byID[arm.Fold(a.DefinitionID)] = append(byID[arm.Fold(a.DefinitionID)], a)
	}
	var all []Assigned
	for _, in := range c.input.Initiatives {
		if as := byID[arm.Fold(in.ID)]; in != builtIn && len(as) > 0 {
			all = append(all, Assigned{in, as})
		}
	}
	return all
}

// retired is a recommendation that no policy is assigned for, as the content
// has it; nil if it is a user's own.
func retired(lib *content.Library, id string) *Recommendation {
	k := lib.Recommendation(id)
	if k == nil {
		return nil
	}
	r := fromContent(lib, k)
	r.Counted = !r.Preview && !k.Uncounted && r.Control != nil
	return r
}
