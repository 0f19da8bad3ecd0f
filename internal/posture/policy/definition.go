package policy

import (
	"strings"
)

// Documented limits of the texts around a rule. The public catalogue breaks
// them in a few built-in documents, so they hold for documents of other policy
// types only.
const (
	maxDisplayName = 128
	maxDescription = 512
	maxMetadata    = 1024 // characters of one property
)

// Modes of Resource Manager; a data-plane mode is kept as written.
const (
	ModeAll     = "All"
	ModeIndexed = "Indexed"
)

// Definition is a policy definition.
type Definition struct {
	ID          string
	Name        string
	DisplayName string
	Description string
	PolicyType  string // as written: BuiltIn, Custom, Static
	Mode        string // ModeAll, ModeIndexed or a data-plane mode as written
	Version     string
	Metadata    Value
	Parameters  []*Parameter
	Rule        *Rule
	// OwnDocuments is metadata.rampart.ownDocuments: the definition judges the
	// documents that the product itself hangs on resources.
	OwnDocuments bool
}

// ParseDefinition reads a policy definition, with its envelope or as bare
// properties. Errors are *DocumentError.
func ParseDefinition(data []byte) (*Definition, error) {
	v, err := ParseValue(data)
	if err != nil {
		return nil, err
	}
	return DefinitionOf(v)
}

// DefinitionOf is ParseDefinition for JSON that is parsed already.
func DefinitionOf(v Value) (*Definition, error) {
	props, id, name, err := envelopeOf(v)
	if err != nil {
		return nil, err
	}
	d := &Definition{ID: id, Name: name}
	d.PolicyType = props.text("policyType")
	d.DisplayName, d.Description, d.Metadata = headline(props, d.PolicyType)
	d.Version = props.text("version")
	own := d.Metadata.Get("rampart").Get("ownDocuments")
	d.OwnDocuments = own.Kind == Bool && own.Bool
	d.Mode = canonicalMode(props.text("mode"))
	if *props.err == nil {
		d.Parameters, *props.err = parseParameters(props, curated(d.PolicyType))
	}
	if *props.err != nil {
		return nil, *props.err
	}
	rule := props.get("policyRule")
	if rule.Kind == Missing {
		return nil, faultAt(props.at("policyRule"), "is missing: a definition needs a rule")
	}
	d.Rule, err = parseRule(rule, props.at("policyRule"))
	if err != nil {
		return nil, err
	}
	d.Rule.ApplicableWhen, err = parseApplicableWhen(d.Metadata, props.at("metadata"))
	return d, err
}

// DataPlane reports whether the mode is one of a resource provider, which
// judges objects inside a resource and not the resource.
func (d *Definition) DataPlane() bool { return strings.Contains(d.Mode, ".") }

// Parameter returns the declaration of a parameter, nil if there is none.
// Names compare without case.
func (d *Definition) Parameter(name string) *Parameter { return findParameter(d.Parameters, name) }

// curated reports whether documents of the type come from the public
// catalogue, which exceeds some limits.
func curated(policyType string) bool {
	return strings.EqualFold(policyType, "BuiltIn") || strings.EqualFold(policyType, "Static")
}

// headline reads the texts that definitions, initiatives and assignments share.
func headline(s section, policyType string) (display, description string, metadata Value) {
	metadata = s.kind("metadata", Object)
	if curated(policyType) {
		return s.text("displayName"), s.text("description"), metadata
	}
	for _, m := range metadata.Fields {
		if m.Value.Kind == String && len([]rune(m.Value.Str)) > maxMetadata {
			s.fail("metadata", "property %q is longer than %d characters", clip(m.Key), maxMetadata)
		}
	}
	return s.limited("displayName", maxDisplayName), s.limited("description", maxDescription), metadata
}

func canonicalMode(mode string) string {
	switch folded(mode) {
	case "", "indexed":
		return ModeIndexed
	case "all":
		return ModeAll
	}
	return mode
}

// parseApplicableWhen reads metadata.rampart.applicableWhen.
func parseApplicableWhen(metadata Value, path string) (Condition, error) {
	v := metadata.Get("rampart").Get("applicableWhen")
	if v.IsNothing() {
		return nil, nil
	}
	return newRuleParser(maxExistenceConditions).condition(v, path+".rampart.applicableWhen", 0)
}
