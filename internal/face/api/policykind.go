package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// The policy objects that clients write. Definitions and assignments answer 201
// to every PUT: clients take nothing else.
var (
	definitionKind = &objectKind{kind: kindDefinition, typ: typeDefinition,
		created: http.StatusCreated, updated: http.StatusCreated, deleted: http.StatusNoContent, check: checkDefinition, used: definitionUsed}
	setKind = &objectKind{kind: kindSet, typ: typeSet,
		created: http.StatusCreated, updated: http.StatusOK, deleted: http.StatusNoContent, check: checkSet, used: assigned, gone: forgetSet}
	assignmentKind = &objectKind{kind: kindAssignment, typ: typeAssignment,
		created: http.StatusCreated, updated: http.StatusCreated, deleted: http.StatusNoContent, check: checkAssignment}
	exemptionKind = &objectKind{kind: kindExemption, typ: typeExemption,
		created: http.StatusCreated, updated: http.StatusOK, deleted: http.StatusNoContent, check: checkExemption}
)

// document is the object as JSON, for the parsers of the policy language.
func (c *change) document() (json.RawMessage, error) {
	b, err := json.Marshal(c.after)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", c.after.ID, err)
	}
	return b, nil
}

func checkDefinition(_ context.Context, c *change) error {
	if err := c.custom("policyType"); err != nil {
		return err
	}
	if _, ok := c.after.Properties["mode"]; !ok {
		c.after.Properties["mode"] = policy.ModeIndexed
	}
	body, err := c.document()
	if err != nil {
		return err
	}
	d, err := policy.ParseDefinition(body)
	if err != nil {
		return err
	}
	c.warnings = d.AliasWarnings(c.api.Judge.Aliases())
	return nil
}

// custom fills in the type that documents of clients have; they cannot claim
// to come with the product.
func (c *change) custom(property string) error {
	switch given, _ := c.after.Properties[property].(string); {
	case given == "" || strings.EqualFold(given, "NotSpecified"):
		c.after.Properties[property] = "Custom"
	case strings.EqualFold(given, "Custom"):
	default:
		return invalidAt("properties."+property, "%q is not one that a client can write; use Custom.", clip(given))
	}
	return nil
}

// checkSet also looks at every member: that its definition exists and takes
// the parameters that the set passes.
func checkSet(ctx context.Context, c *change) error {
	if err := c.custom("policyType"); err != nil {
		return err
	}
	body, err := c.document()
	if err != nil {
		return err
	}
	initiative, err := policy.ParseInitiative(body)
	if err != nil {
		return err
	}
	for i, member := range initiative.Members {
		property := fmt.Sprintf("properties.policyDefinitions[%d].policyDefinitionId", i)
		definition, nested, err := c.policyDocument(ctx, member.DefinitionID, property)
		if err != nil {
			return err
		}
		if nested != nil {
			return invalidAt(property, "An initiative cannot hold another initiative.")
		}
		for name := range member.Parameters {
			if definition.Parameter(name) == nil {
				return invalidAt(fmt.Sprintf("properties.policyDefinitions[%d].parameters.%s", i, name), "The definition %q has no such parameter.", definition.Name)
			}
		}
	}
	c.fillReferences(initiative)
	return nil
}

// fillReferences writes the reference ids that members have when none is given,
// so that exemptions can name them.
func (c *change) fillReferences(initiative *policy.Initiative) {
	members, _ := c.after.Properties["policyDefinitions"].([]any)
	for i, member := range members {
		if m, ok := member.(map[string]any); ok && i < len(initiative.Members) {
			m["policyDefinitionReferenceId"] = initiative.Members[i].ID
		}
	}
}

// oneOf puts a value into the spelling that the wire has, or refuses it.
func oneOf(properties map[string]any, name string, allowed ...string) error {
	text, _ := properties[name].(string)
	i := slices.IndexFunc(allowed, func(s string) bool { return strings.EqualFold(s, text) })
	if i < 0 {
		return invalidAt("properties."+name, "%v is not one of %s.", properties[name], strings.Join(allowed, ", "))
	}
	properties[name] = allowed[i]
	return nil
}
