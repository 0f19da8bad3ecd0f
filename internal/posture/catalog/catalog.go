package catalog

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
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// BuiltIn is the library's policies, parsed once.
type BuiltIn struct {
	lib         *content.Library
	definitions map[string]*policy.Definition // by folded id
	Initiative  *policy.Initiative
}

// NewBuiltIn parses the built-in definitions and the built-in initiative.
func NewBuiltIn(lib *content.Library) (*BuiltIn, error) {
	b := &BuiltIn{lib: lib, definitions: make(map[string]*policy.Definition, len(lib.Recommendations))}
	for _, r := range lib.Recommendations {
		d, err := policy.ParseDefinition(r.Definition())
		if err != nil {
			return nil, fmt.Errorf("built-in definition %s: %w", r.Name, err)
		}
		b.definitions[arm.Fold(d.ID)] = d
	}
	var err error
	if b.Initiative, err = policy.ParseInitiative(lib.Initiative()); err != nil {
		return nil, fmt.Errorf("built-in initiative: %w", err)
	}
	return b, nil
}

// Objects are a tenant's stored policy objects by folded id.
type Objects struct {
	definitions, initiatives, assignments, Exemptions, FindingRules map[string]store.Object
	// parsed are policy documents by kind and folded id: the evaluator takes
	// over what it made of the same ones.
	parsed map[[2]string]any
}

// of is the map that holds objects of a kind, nil for other kinds.
func (p *Objects) of(kind string) *map[string]store.Object {
	switch kind {
	case "policyDefinition":
		return &p.definitions
	case "policySetDefinition":
		return &p.initiatives
	case "policyAssignment":
		return &p.assignments
	case "policyExemption":
		return &p.Exemptions
	case finding.Kind:
		return &p.FindingRules
	}
	return nil
}

// Judges reports whether objects of a kind decide verdicts.
func (p *Objects) Judges(kind string) bool {
	return kind == "policyDefinition" || kind == "policySetDefinition" || kind == "policyAssignment"
}

// ObjectKinds are the kinds that policyObjects holds.
var ObjectKinds = []string{"policyDefinition", "policySetDefinition", "policyAssignment", "policyExemption", finding.Kind}

// Put stores an object or removes it (nil), and reports whether it is of
// interest.
func (p *Objects) Put(kind, id string, o *store.Object) bool {
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

// Catalog is what is assigned: the input of the evaluator, and what its members
// mean. It is immutable once described.
type Catalog struct {
	Input engine.Input
	// Key is the same for inputs that mean the same.
	Key        string
	Shared     SharedAssignments
	Exemptions []*policy.Exemption
	Problems   []record.Problem
	// PolicyProblems are those without what is laid over: exemptions and rules.
	PolicyProblems []record.Problem

	Members []engine.Member
	Failed  []engine.Failure
	Slots   []uint16                 // by member: slot of its recommendation
	Sole    []bool                   // by member: no other gives its recommendation
	soles   map[uint16]int           // members that are sole, by their slot
	Recs    []*record.Recommendation // sorted by id
}

// New parses a tenant's policy objects beside the built-in ones. What
// cannot be parsed becomes a problem and is left out.
func New(b *BuiltIn, objects *Objects) *Catalog {
	c := &Catalog{Shared: SharedAssignments{bySubscription: map[string]string{}}}
	c.Input.Initiatives = append(c.Input.Initiatives, b.Initiative)
	for _, id := range slices.Sorted(maps.Keys(b.definitions)) {
		c.Input.Definitions = append(c.Input.Definitions, b.definitions[id])
	}
	c.Input.Definitions = append(c.Input.Definitions, ParseAll(c, objects.definitions, once(objects, policy.ParseDefinition))...)
	c.Input.Initiatives = append(c.Input.Initiatives, ParseAll(c, objects.initiatives, once(objects, policy.ParseInitiative))...)
	c.Input.Assignments = []*policy.Assignment{c.Shared.assignment()}
	var key strings.Builder
	objects.writeKey(&key)
	for _, a := range ParseAll(c, objects.assignments, once(objects, policy.ParseAssignment)) {
		if !c.Shared.take(a) {
			c.Input.Assignments = append(c.Input.Assignments, a)
			fmt.Fprintln(&key, a.ID, objects.assignments[arm.Fold(a.ID)].ETag)
		}
	}
	c.PolicyProblems, c.Key = c.Problems, key.String()
	return c
}

// writeKey writes what tells apart definitions and initiatives.
func (p *Objects) writeKey(b *strings.Builder) {
	for _, m := range []map[string]store.Object{p.definitions, p.initiatives} {
		for _, id := range slices.Sorted(maps.Keys(m)) {
			fmt.Fprintln(b, id, m[id].ETag)
		}
	}
}

// ParseAll parses objects by id. Their bodies carry the id, as they were put.
func ParseAll[T any](c *Catalog, objects map[string]store.Object, parse func(store.Object) (T, error)) []T {
	var all []T
	for _, id := range slices.Sorted(maps.Keys(objects)) {
		o := objects[id]
		x, err := parse(o)
		if err != nil {
			c.AddProblem(o.ID, err)
			continue
		}
		all = append(all, x)
	}
	return all
}

// ParseBody makes a parser of objects out of one of bodies.
func ParseBody[T any](parse func([]byte) (T, error)) func(store.Object) (T, error) {
	return func(o store.Object) (T, error) { return parse(o.Body) }
}

// once is body for objects that are parsed once as long as they stay the same.
func once[T any](p *Objects, parse func([]byte) (T, error)) func(store.Object) (T, error) {
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

// AddProblem notes why an object cannot be used.
func (c *Catalog) AddProblem(id string, err error) {
	c.Problems = append(c.Problems, record.Problem{ID: id, Reason: err.Error()})
}

// Describe takes the members that the evaluator made of the input, and numbers
// their recommendations.
func (c *Catalog) Describe(lib *content.Library, members []engine.Member, failed []engine.Failure, slots *SlotTable) {
	for _, f := range failed {
		id := f.Assignment
		if f.ReferenceID != "" {
			id += " member " + f.ReferenceID
		}
		c.AddProblem(id, f.Err)
	}
	c.PolicyProblems = c.Problems
	byID := map[string]*record.Recommendation{}
	c.Members, c.Failed, c.Slots, c.Sole = members, failed, make([]uint16, len(members)), make([]bool, len(members))
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
			c.Recs = append(c.Recs, r)
		}
		if m.Assignment != SharedAssignment || !c.Shared.none() {
			r.Disabled = r.Disabled && m.Effect == "disabled"
		}
		if r.Content != nil && strings.EqualFold(m.Initiative, plan.BuiltInInitiative) {
			r.Counted = !r.Preview && !r.Content.Uncounted && r.Control != nil
		}
		c.Slots[i] = slots.Of(r.ID)
		givers[c.Slots[i]]++
	}
	c.soles = map[uint16]int{}
	for i := range members {
		if c.Sole[i] = members[i].Bound != nil && givers[c.Slots[i]] == 1; c.Sole[i] {
			c.soles[c.Slots[i]] = i
		}
	}
	slices.SortFunc(c.Recs, func(a, b *record.Recommendation) int { return strings.Compare(a.ID, b.ID) })
}

// recommendationOf describes a definition's recommendation: built-in content,
// or made of a user's own definition. Whether it counts is found out by who
// assigns it.
func recommendationOf(lib *content.Library, id string, b *policy.Bound) *record.Recommendation {
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
	return &record.Recommendation{
		ID: id, Title: title, Description: d.Description, Severity: severityOf(d.Metadata), DefinitionID: d.ID,
		Types: typesOf(b.If),
	}
}

// fromContent is a recommendation as the content describes it.
func fromContent(lib *content.Library, k *content.Recommendation) *record.Recommendation {
	return &record.Recommendation{
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

// Assigned pairs the own initiatives of a catalog with their assignments.
func (c *Catalog) Assigned(builtIn *policy.Initiative) []record.Assigned {
	byID := map[string][]*policy.Assignment{}
	for _, a := range c.Input.Assignments {
		byID[arm.Fold(a.DefinitionID)] = append(byID[arm.Fold(a.DefinitionID)], a)
	}
	var all []record.Assigned
	for _, in := range c.Input.Initiatives {
		if as := byID[arm.Fold(in.ID)]; in != builtIn && len(as) > 0 {
			all = append(all, record.Assigned{Initiative: in, Assignments: as})
		}
	}
	return all
}

// Retired is a recommendation that no policy is assigned for, as the content
// has it; nil if it is a user's own.
func Retired(lib *content.Library, id string) *record.Recommendation {
	k := lib.Recommendation(id)
	if k == nil {
		return nil
	}
	r := fromContent(lib, k)
	r.Counted = !r.Preview && !k.Uncounted && r.Control != nil
	return r
}
