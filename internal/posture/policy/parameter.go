package policy

import (
	"strings"
)

// maxParameters bounds the parameters of one document. The documented number
// for initiatives is 400; the built-in one passes it, because every member has
// an effect parameter of its own, so the bound is twice the documented one and
// a little more.
const maxParameters = 1000

// Parameter is the declaration of a parameter of a definition or initiative.
type Parameter struct {
	Name     string
	Type     string // lower-case: string, array, object, boolean, integer, float, datetime
	Default  Value  // Missing if there is none
	Allowed  []Value
	Metadata Value
}

var parameterKinds = map[string][]Kind{
	"string": {String}, "array": {Array}, "object": {Object}, "boolean": {Bool},
	"integer": {Int}, "float": {Int, Float}, "datetime": {String},
	// Names that some authors write for the same types.
	"bool": {Bool}, "int": {Int}, "number": {Int, Float},
}

// parseParameters reads the declarations. A lax reading, for documents that come
// with the product, does not limit their number (the built-in initiative has
// one for every parameter of every member) and does not check default
// values against the declaration: two curated initiatives contradict
// themselves there.
func parseParameters(s section, lax bool) ([]*Parameter, error) {
	v := s.kind("parameters", Object)
	if len(v.Fields) > maxParameters && !lax {
		s.fail("parameters", "declares more than %d parameters", maxParameters)
	}
	if *s.err != nil {
		return nil, *s.err
	}
	if _, err := foldKeys(v, s.at("parameters")); err != nil {
		return nil, err
	}
	var out []*Parameter
	for _, m := range v.Fields {
		p, err := parseParameter(m, joinPath(s.at("parameters"), m.Key), lax)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

func parseParameter(m Member, path string, lax bool) (*Parameter, error) {
	s := newSection(m.Value, path)
	p := &Parameter{Name: m.Key, Type: folded(s.text("type")), Metadata: s.kind("metadata", Object)}
	p.Default = s.value.Get("defaultValue")
	if *s.err == nil && parameterKinds[p.Type] == nil {
		s.fail("type", "%q is no parameter type", clip(s.text("type")))
	}
	p.Allowed = s.kind("allowedValues", Array).Items
	if *s.err != nil {
		return nil, *s.err
	}
	if p.Default.Kind == Missing || lax {
		return p, nil
	}
	if err := p.Accepts(p.Default); err != nil {
		return nil, under(joinPath(path, "defaultValue"), err)
	}
	return p, nil
}

// Accepts says why a value cannot be given for the parameter: its type, or it
// is not among the allowed values. Letter case of strings does not count.
func (p *Parameter) Accepts(v Value) error {
	if !p.acceptsKind(v.Kind) {
		return faultAt("", "parameter %q is of type %s, the value is %s", p.Name, p.Type, v.Kind)
	}
	if len(p.Allowed) == 0 || p.allows(v) {
		return nil
	}
	if v.Kind == Array && p.allowsEach(v.Items) {
		return nil
	}
	return faultAt("", "parameter %q does not allow %s", p.Name, clip(v.String()))
}

func (p *Parameter) acceptsKind(k Kind) bool {
	for _, want := range parameterKinds[p.Type] {
		if want == k {
			return true
		}
	}
	return false
}

func (p *Parameter) allows(v Value) bool {
	for _, a := range p.Allowed {
		if strings.EqualFold(a.String(), v.String()) {
			return true
		}
	}
	return false
}

// allowsEach is how allowedValues of an array parameter may be meant: for its
// members.
func (p *Parameter) allowsEach(items []Value) bool {
	for _, item := range items {
		if !p.allows(item) {
			return false
		}
	}
	return true
}

func findParameter(list []*Parameter, name string) *Parameter {
	for _, p := range list {
		if equalFold(p.Name, name) {
			return p
		}
	}
	return nil
}
