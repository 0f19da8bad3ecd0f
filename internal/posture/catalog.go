package posture

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/arm"
	"github.com/rampart-sec/rampart/internal/plan"
	"github.com/rampart-sec/rampart/internal/policy"
	"github.com/rampart-sec/rampart/internal/store"
)

// Problem is a policy object that cannot be used. It fails alone: everything
// else is judged without it.
type Problem struct {
	ID     string // of the object
	Reason string
}

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
	definitions, initiatives, assignments, exemptions, rules map[string]store.Object
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
	case "governanceRule":
		return &p.rules
	}
	return nil
}

// objectKinds are the kinds that policyObjects holds.
var objectKinds = []string{"policyDefinition", "policySetDefinition", "policyAssignment", "policyExemption", "governanceRule"}

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
	if o == nil {
		delete(*m, arm.Fold(id))
	} else {
		(*m)[arm.Fold(id)] = *o
	}
	return true
}

// catalog is what is assigned: the distinct bound definitions, what each means
// for which assignment, and the recommendations that come of it. It is
// immutable.
type catalog struct {
	bounds      []*policy.Bound
	assignments []*assignment
	recs        []*Recommendation // sorted by id
	problems    []Problem
}

// cataloger builds a catalog. Assignments of one initiative with the same
// parameters share their bound definitions: a thousand subscriptions cost no
// more evaluation than one.
type cataloger struct {
	catalog
	builtIn     *builtIn
	objects     *policyObjects
	opt         policy.Options
	definitions map[string]*policy.Definition
	initiatives map[string]*policy.Initiative
	shared      map[string][]member // by definition, parameters and overrides
	bound       map[string]uint32
	byID        map[string]*Recommendation // folded
	slot        func(id string) uint16
}

// member is one definition of an assignment.
type member struct {
	bound uint32
	use   use
}

// newCatalog reads all policy objects. slot numbers a recommendation for good.
func newCatalog(b *builtIn, objects *policyObjects, opt policy.Options, slot func(id string) uint16) *catalog {
	c := &cataloger{
		builtIn: b, objects: objects, opt: opt, slot: slot,
		definitions: map[string]*policy.Definition{}, initiatives: map[string]*policy.Initiative{},
		shared: map[string][]member{}, bound: map[string]uint32{}, byID: map[string]*Recommendation{},
	}
	for _, id := range slices.Sorted(maps.Keys(objects.assignments)) {
		o := objects.assignments[id]
		if err := c.assign(&o); err != nil {
			c.problem(o.ID, err)
		}
	}
	for _, r := range c.byID {
		c.recs = append(c.recs, r)
	}
	slices.SortFunc(c.recs, func(a, b *Recommendation) int { return strings.Compare(a.ID, b.ID) })
	return &c.catalog
}

func (c *cataloger) problem(id string, err error) {
	p := Problem{ID: id, Reason: err.Error()}
	if !slices.Contains(c.problems, p) {
		c.problems = append(c.problems, p)
	}
}

func (c *cataloger) assign(o *store.Object) error {
	doc, err := parseAssignment(o.ID, o.Body)
	if err != nil {
		return err
	}
	key := doc.key()
	members, ok := c.shared[key]
	if !ok {
		if members, err = c.members(doc); err != nil {
			return err
		}
		c.shared[key] = members
	}
	a := &assignment{id: arm.Fold(o.ID), scope: doc.scope, notScopes: doc.notScopes, meaning: key}
	for _, m := range members {
		for int(m.bound) >= len(a.uses) {
			a.uses = append(a.uses, nil)
		}
		a.uses[m.bound] = append(a.uses[m.bound], m.use)
	}
	c.assignments = append(c.assignments, a)
	return nil
}

// members binds what is assigned: one definition, or all of an initiative, of
// which each may fail alone.
func (c *cataloger) members(doc *assignmentDoc) ([]member, error) {
	if d, err := c.definition(doc.definition); d != nil || err != nil {
		if err != nil {
			return nil, err
		}
		m, err := c.member(d, doc.parameters, doc.effectOf(""), "")
		if err != nil {
			return nil, err
		}
		return []member{m}, nil
	}
	in, err := c.initiative(doc.definition)
	if err != nil {
		return nil, err
	}
	var all []member
	for _, ref := range in.Members {
		m, err := c.reference(in, ref, doc)
		if err != nil {
			c.problem(doc.id+" member "+ref.ID, err)
			continue
		}
		m.use.reference = arm.Fold(ref.ID)
		all = append(all, m)
	}
	return all, nil
}

func (c *cataloger) reference(in *policy.Initiative, ref *policy.Reference, doc *assignmentDoc) (member, error) {
	d, err := c.definition(arm.Fold(ref.DefinitionID))
	if err != nil {
		return member{}, err
	}
	if d == nil {
		return member{}, fmt.Errorf("there is no definition %s", ref.DefinitionID)
	}
	values, err := in.MemberValues(ref, doc.parameters)
	if err != nil {
		return member{}, err
	}
	return c.member(d, values, doc.effectOf(arm.Fold(ref.ID)), in.ID)
}

// definition finds a definition by folded id; nil, nil if there is none.
func (c *cataloger) definition(id string) (*policy.Definition, error) {
	if d := c.builtIn.definitions[id]; d != nil {
		return d, nil
	}
	if d := c.definitions[id]; d != nil {
		return d, nil
	}
	o, ok := c.objects.definitions[id]
	if !ok {
		return nil, nil
	}
	d, err := policy.ParseDefinition(o.Body)
	if err != nil {
		return nil, fmt.Errorf("definition %s: %w", o.ID, err)
	}
	d.ID = o.ID
	c.definitions[id] = d
	return d, nil
}

func (c *cataloger) initiative(id string) (*policy.Initiative, error) {
	if id == arm.Fold(plan.BuiltInInitiative) {
		return c.builtIn.initiative, nil
	}
	if in := c.initiatives[id]; in != nil {
		return in, nil
	}
	o, ok := c.objects.initiatives[id]
	if !ok {
		return nil, fmt.Errorf("there is no definition or initiative %s", id)
	}
	in, err := policy.ParseInitiative(o.Body)
	if err != nil {
		return nil, fmt.Errorf("initiative %s: %w", o.ID, err)
	}
	in.ID = o.ID
	c.initiatives[id] = in
	return in, nil
}

// member binds a definition and numbers its recommendation.
func (c *cataloger) member(d *policy.Definition, values map[string]policy.Value, effect, initiative string) (member, error) {
	b, err := policy.Bind(d, values, c.opt)
	if err != nil {
		return member{}, fmt.Errorf("definition %s: %w", d.ID, err)
	}
	if effect != "" {
		other := *b
		other.Effect = effect
		b = &other
	}
	r := c.recommendation(d, b, initiative)
	return member{bound: c.number(b), use: use{slot: c.slot(r.ID)}}, nil
}

// number gives equal bound definitions one number.
func (c *cataloger) number(b *policy.Bound) uint32 {
	var key strings.Builder
	key.WriteString(arm.Fold(b.Definition.ID) + "\n" + b.Effect)
	for _, name := range slices.Sorted(maps.Keys(b.Parameters)) {
		fmt.Fprintf(&key, "\n%s=%s", name, b.Parameters[name])
	}
	n, ok := c.bound[key.String()]
	if !ok {
		n = uint32(len(c.bounds))
		c.bound[key.String()] = n
		c.bounds = append(c.bounds, b)
	}
	return n
}

// recommendation is that of a definition: built-in content, or made of a
// user's own. It counts in the score only as a member of the built-in
// initiative, and is disabled if it is in every assignment.
func (c *cataloger) recommendation(d *policy.Definition, b *policy.Bound, initiative string) *Recommendation {
	id := RecommendationID(d.ID)
	r := c.byID[arm.Fold(id)]
	if r == nil {
		r = c.describe(id, d)
		r.Disabled = true
		c.byID[arm.Fold(id)] = r
	}
	r.Disabled = r.Disabled && b.Effect == "disabled"
	if r.Content != nil && arm.Fold(initiative) == arm.Fold(plan.BuiltInInitiative) {
		r.Counted = !r.Preview && !r.Content.Uncounted && r.Control != nil
	}
	return r
}

func (c *cataloger) describe(id string, d *policy.Definition) *Recommendation {
	if k := c.builtIn.lib.Recommendation(id); k != nil && c.builtIn.definitions[arm.Fold(d.ID)] != nil {
		return &Recommendation{
			ID: k.ID, Title: k.Title, Description: k.Description, Severity: k.Severity,
			Control: c.builtIn.lib.Control(k.Control), Preview: k.Preview, Content: k,
			DefinitionID: d.ID, Types: k.Types,
		}
	}
	title := d.DisplayName
	if title == "" {
		title = d.Name
	}
	return &Recommendation{
		ID: id, Title: title, Description: d.Description, Severity: severityOf(d.Metadata), DefinitionID: d.ID,
	}
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
