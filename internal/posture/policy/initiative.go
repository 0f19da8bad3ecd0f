package policy

import (
	"fmt"
	"hash/fnv"
	"strings"
)

// maxMembers is the documented number of definitions in an initiative.
const maxMembers = 1000

// Initiative is a policy set definition.
type Initiative struct {
	ID          string
	Name        string
	DisplayName string
	Description string
	PolicyType  string
	Version     string
	Metadata    Value
	Parameters  []*Parameter
	Members     []*Reference
	Groups      []Group
}

// Reference is a member of an initiative. The same definition may be a member
// several times under different reference ids.
type Reference struct {
	ID           string // policyDefinitionReferenceId, unique in the initiative
	DefinitionID string
	Version      string // pin such as "1.*.*", "" for the latest major
	Groups       []string
	// Parameters feed the definition's parameters; expressions may use the
	// initiative's parameters.
	Parameters map[string]Expr
	path       string
	feeds      string // the parameters as they are written
}

// Group is a control that members may be mapped to.
type Group struct {
	Name                 string
	DisplayName          string
	Category             string
	Description          string
	AdditionalMetadataID string
}

// ParseInitiative reads an initiative, with its envelope or as bare
// properties. Errors are *DocumentError.
func ParseInitiative(data []byte) (*Initiative, error) {
	v, err := ParseValue(data)
	if err != nil {
		return nil, err
	}
	return InitiativeOf(v)
}

// InitiativeOf is ParseInitiative for JSON that is parsed already.
func InitiativeOf(v Value) (*Initiative, error) {
	props, id, name, err := envelopeOf(v)
	if err != nil {
		return nil, err
	}
	in := &Initiative{ID: id, Name: name, PolicyType: props.text("policyType"), Version: props.text("version")}
	in.DisplayName, in.Description, in.Metadata = headline(props, in.PolicyType)
	if *props.err == nil {
		in.Parameters, *props.err = parseParameters(props, curated(in.PolicyType))
	}
	if *props.err == nil && props.get("policyDefinitions").Kind == Missing {
		props.fail("policyDefinitions", "is missing: an initiative needs definitions")
	}
	props.each("policyDefinitionGroups", maxMembers, func(s section) { in.Groups = append(in.Groups, parseGroup(s)) })
	props.each("policyDefinitions", maxMembers, func(s section) { in.Members = append(in.Members, parseReference(s)) })
	if *props.err != nil {
		return nil, *props.err
	}
	return in, in.check()
}

func parseGroup(s section) Group {
	return Group{
		Name: s.required("name"), DisplayName: s.text("displayName"), Category: s.text("category"),
		Description: s.text("description"), AdditionalMetadataID: s.text("additionalMetadataId"),
	}
}

func parseReference(s section) *Reference {
	r := &Reference{
		ID: s.text("policyDefinitionReferenceId"), DefinitionID: s.required("policyDefinitionId"),
		Version: s.text("definitionVersion"), Groups: s.texts("groupNames", maxMembers), path: s.path,
		Parameters: map[string]Expr{}, feeds: s.kind("parameters", Object).String(),
	}
	for _, m := range s.kind("parameters", Object).Fields {
		at := joinPath(s.at("parameters"), m.Key)
		v := m.Value.Get("value")
		if v.Kind == Missing {
			s.fail("parameters", "parameter %q has no value", clip(m.Key))
			continue
		}
		e, err := newRuleParser(0).template(v, joinPath(at, "value"))
		if err != nil && *s.err == nil {
			*s.err = err
		}
		r.Parameters[folded(m.Key)] = e
	}
	return r
}

// check verifies what one member cannot know: unique reference ids, and groups
// that exist.
func (in *Initiative) check() error {
	groups := map[string]bool{}
	for _, g := range in.Groups {
		groups[folded(g.Name)] = true
	}
	if err := in.identify(); err != nil {
		return err
	}
	for _, m := range in.Members {
		for _, g := range m.Groups {
			if !groups[folded(g)] {
				return faultAt(m.path+".groupNames", "there is no group %q", clip(g))
			}
		}
	}
	return nil
}

// identify makes reference ids unique: one that is given twice is an error, one
// that is missing is generated.
func (in *Initiative) identify() error {
	seen := map[string]bool{}
	for _, m := range in.Members {
		if m.ID != "" && seen[folded(m.ID)] {
			return faultAt(m.path, "the reference id %q is there twice", clip(m.ID))
		}
		seen[folded(m.ID)] = true
	}
	for _, m := range in.Members {
		for n := 0; m.ID == ""; n++ {
			if id := m.generated(n); !seen[folded(id)] {
				m.ID, seen[folded(id)] = id, true
			}
		}
	}
	return nil
}

// generated is the nth choice for the reference id of a member: its
// definition's name, then that with a hash of what the member feeds, so that
// the id does not hang on the member's place in the list.
func (m *Reference) generated(n int) string {
	name := m.name()
	if n == 0 {
		return name
	}
	h := fnv.New32a()
	fmt.Fprintf(h, "%s|%s|%s|", folded(m.DefinitionID), m.Version, m.feeds)
	if n > 1 {
		fmt.Fprint(h, n)
	}
	return fmt.Sprintf("%s-%08x", name, h.Sum32())
}

// Member returns the member with a reference id (without case), or nil.
func (in *Initiative) Member(referenceID string) *Reference {
	for _, m := range in.Members {
		if equalFold(m.ID, referenceID) {
			return m
		}
	}
	return nil
}

// Values are the initiative's parameters: those given, checked, and defaults.
func (in *Initiative) Values(given map[string]Value) (map[string]Value, error) {
	return resolveParameters(in.Parameters, given, false)
}

// Values computes the parameter values that the member's definition is bound
// with from those of the initiative.
func (m *Reference) Values(resolved map[string]Value) (map[string]Value, error) {
	out := make(map[string]Value, len(m.Parameters))
	b := &binder{values: resolved}
	for name, e := range m.Parameters {
		bound, err := b.expr(e)
		if err != nil {
			return nil, faultAt(m.path+".parameters."+name, "%v", err)
		}
		v, ok := Constant(bound)
		if !ok {
			return nil, faultAt(m.path+".parameters."+name, "depends on more than the initiative's parameters")
		}
		out[name] = v
	}
	return out, nil
}

// MatchesVersion reports whether a version satisfies a pin: "1.*.*" and
// "1.2.*" fix the leading numbers, "" any. A "-preview" suffix must be the
// same on both.
func MatchesVersion(version, pin string) bool {
	if pin == "" {
		return true
	}
	v, vTag, _ := strings.Cut(version, "-")
	p, pTag, _ := strings.Cut(pin, "-")
	if !equalFold(vTag, pTag) {
		return false
	}
	have, want := strings.Split(v, "."), strings.Split(p, ".")
	for i, w := range want {
		if w == "*" {
			continue
		}
		if i >= len(have) || have[i] != w {
			return false
		}
	}
	return true
}

func (r *Reference) String() string { return fmt.Sprintf("%s (%s)", r.ID, r.DefinitionID) }
