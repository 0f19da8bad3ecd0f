package posture

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/arm"
	"github.com/rampart-sec/rampart/internal/policy"
)

// assignmentDoc is a policyAssignment object as it is read.
type assignmentDoc struct {
	id         string
	definition string // folded id of a definition or an initiative
	scope      string // folded
	notScopes  []string
	parameters map[string]policy.Value
	overrides  []effectOverride
}

// effectOverride gives members another effect; no references means all.
type effectOverride struct {
	effect     string // folded
	references []string
}

// parseAssignment reads an assignment; the scope is what its id hangs on.
func parseAssignment(id string, body []byte) (*assignmentDoc, error) {
	var doc struct {
		Properties struct {
			PolicyDefinitionID string                                `json:"policyDefinitionId"`
			NotScopes          []string                              `json:"notScopes"`
			Parameters         map[string]map[string]json.RawMessage `json:"parameters"`
			ResourceSelectors  []json.RawMessage                     `json:"resourceSelectors"`
			Overrides          []wireOverride                        `json:"overrides"`
		} `json:"properties"`
	}
	parsed, err := arm.ParseID(id)
	if err != nil {
		return nil, arm.Invalid("assignment id: %v", err)
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return nil, arm.Invalid("the assignment is not the JSON that is wanted: %v", err)
	}
	p := doc.Properties
	if len(p.ResourceSelectors) > 0 {
		return nil, arm.Invalid("properties.resourceSelectors are not supported; use notScopes")
	}
	scope, _ := parsed.Parent()
	a := &assignmentDoc{
		id: id, definition: arm.Fold(p.PolicyDefinitionID), scope: scope.Key(), parameters: map[string]policy.Value{},
	}
	for _, not := range p.NotScopes {
		a.notScopes = append(a.notScopes, arm.Fold(strings.TrimSuffix(not, "/")))
	}
	for name, holder := range p.Parameters {
		if a.parameters[name], err = policy.ParseValue(holder["value"]); err != nil {
			return nil, arm.Invalid("parameter %q: %v", name, err)
		}
	}
	for _, o := range p.Overrides {
		read, err := o.read()
		if err != nil {
			return nil, err
		}
		a.overrides = append(a.overrides, read)
	}
	return a, nil
}

type wireOverride struct {
	Kind      string `json:"kind"`
	Value     string `json:"value"`
	Selectors []struct {
		Kind string   `json:"kind"`
		In   []string `json:"in"`
	} `json:"selectors"`
}

func (w wireOverride) read() (effectOverride, error) {
	o := effectOverride{effect: arm.Fold(w.Value)}
	if !strings.EqualFold(w.Kind, "policyEffect") {
		return o, arm.Invalid("override of kind %q: only policyEffect is supported", w.Kind)
	}
	for _, s := range w.Selectors {
		if !strings.EqualFold(s.Kind, "policyDefinitionReferenceId") || len(s.In) == 0 {
			return o, arm.Invalid("override selector of kind %q: only policyDefinitionReferenceId with in is supported", s.Kind)
		}
		for _, ref := range s.In {
			o.references = append(o.references, arm.Fold(ref))
		}
	}
	return o, nil
}

// effectOf is the effect that overrides give a member, "" for its own.
func (a *assignmentDoc) effectOf(reference string) string {
	for _, o := range a.overrides {
		if len(o.references) == 0 || slices.Contains(o.references, reference) {
			return o.effect
		}
	}
	return ""
}

// key is the same for assignments whose members mean the same.
func (a *assignmentDoc) key() string {
	var b strings.Builder
	b.WriteString(a.definition)
	for _, name := range slices.Sorted(maps.Keys(a.parameters)) {
		fmt.Fprintf(&b, "\n%s=%s", name, a.parameters[name])
	}
	for _, o := range a.overrides {
		fmt.Fprintf(&b, "\n!%s %s", o.effect, strings.Join(o.references, " "))
	}
	return b.String()
}
