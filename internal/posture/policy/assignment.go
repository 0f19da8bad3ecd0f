package policy

import (
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// Documented limits of assignments.
const (
	maxNotScopes = 400
	maxOverrides = 10
	maxMessages  = 50
)

// Assignment gives a definition or initiative to a scope and all below it.
type Assignment struct {
	ID          string
	Name        string
	DisplayName string
	Description string
	Metadata    Value
	Scope       arm.ID
	NotScopes   []arm.ID // nothing below them has a state from this assignment
	// DefinitionID is of a definition or an initiative; Version is its pin.
	DefinitionID string
	Version      string
	Parameters   map[string]Value // by folded name
	// Enforce is false for enforcementMode DoNotEnforce; states are reported
	// all the same.
	Enforce   bool
	Messages  []Message
	Selectors []Selector // resourceSelectors; empty selects everything
	Overrides []Override
	Identity  Value
}

// Message is a non-compliance message, of one member if ReferenceID is set.
type Message struct {
	Text        string
	ReferenceID string
}

// ParseAssignment reads a policy assignment. Errors are *DocumentError.
func ParseAssignment(data []byte) (*Assignment, error) {
	props, id, name, err := envelope(data)
	if err != nil {
		return nil, err
	}
	a := &Assignment{ID: id, Name: name}
	a.DisplayName, a.Description, a.Metadata = headline(props, "")
	a.DefinitionID = props.required("policyDefinitionId")
	a.Version = props.text("definitionVersion")
	a.Enforce = props.oneOf("enforcementMode", "Default", "DoNotEnforce") == "Default"
	a.Identity = props.kind("identity", Object)
	a.scopes(props)
	a.Parameters = parameterValues(props)
	props.each("nonComplianceMessages", maxMessages, func(s section) {
		a.Messages = append(a.Messages, Message{Text: s.required("message"), ReferenceID: s.text("policyDefinitionReferenceId")})
	})
	a.Selectors = parseSelectors(props)
	props.each("overrides", maxOverrides, func(s section) { a.Overrides = append(a.Overrides, parseOverride(s)) })
	return a, *props.err
}

// scopes reads scope and notScopes; without scope the assignment's own id says
// where it lies.
func (a *Assignment) scopes(s section) {
	text := s.text("scope")
	if text == "" {
		text, _, _ = strings.Cut(folded(a.ID), "/providers/microsoft.authorization/policyassignments/")
		text = a.ID[:len(text)]
	}
	var err error
	if a.Scope, err = arm.ParseID(text); err != nil || text == "" {
		s.fail("scope", "is missing or no resource id: %q", clip(text))
	}
	for i, not := range s.texts("notScopes", maxNotScopes) {
		id, err := arm.ParseID(not)
		if err != nil {
			s.fail(indexPath("notScopes", i), "%v", err)
			return
		}
		a.NotScopes = append(a.NotScopes, id)
	}
}

// parameterValues reads {"name": {"value": ...}}.
func parameterValues(s section) map[string]Value {
	out := map[string]Value{}
	for _, m := range s.kind("parameters", Object).Fields {
		v := m.Value.Get("value")
		if v.Kind == Missing {
			s.fail("parameters", "parameter %q has no value", clip(m.Key))
			return nil
		}
		out[folded(m.Key)] = v
	}
	return out
}

// Target is what selectors and scopes ask about a resource.
type Target struct {
	ID       arm.ID
	Type     string
	Location string // "" for a resource without location
	// Parents are the management groups above the subscription: they are not
	// part of the resource's id.
	Parents []arm.ID
}

// Covers reports whether a resource has a state from this assignment: it lies
// in the scope, in no excluded scope, and the selectors select it.
func (a *Assignment) Covers(t Target) bool {
	if !t.within(a.Scope) {
		return false
	}
	for _, not := range a.NotScopes {
		if t.within(not) {
			return false
		}
	}
	return Selected(a.Selectors, t)
}

func (t Target) within(scope arm.ID) bool {
	if t.ID.Within(scope) {
		return true
	}
	for _, p := range t.Parents {
		if p.Equal(scope) {
			return true
		}
	}
	return false
}

// Message returns the non-compliance message for a member ("" outside an
// initiative): its own before the general one, "" if there is none.
func (a *Assignment) Message(referenceID string) string {
	general := ""
	for _, m := range a.Messages {
		switch {
		case m.ReferenceID == "":
			general = m.Text
		case equalFold(m.ReferenceID, referenceID):
			return m.Text
		}
	}
	return general
}
