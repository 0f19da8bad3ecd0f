package api

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// checkAssignment demands a definition that exists and parameters that it
// takes.
func checkAssignment(ctx context.Context, c *change) error {
	p := c.after.Properties
	id, _ := p["policyDefinitionId"].(string)
	if id == "" && c.before != nil {
		// Command line clients leave it out of updates.
		id, _ = c.before.Properties["policyDefinitionId"].(string)
	}
	if id == "" {
		return invalidAt("properties.policyDefinitionId", "It is required.")
	}
	definition, initiative, err := c.policyDocument(ctx, id, "properties.policyDefinitionId")
	if err != nil {
		return err
	}
	given, err := c.parameters()
	if err != nil {
		return err
	}
	if err := bindable(definition, initiative, given); err != nil {
		return prefixed("properties.parameters", err)
	}
	p["policyDefinitionId"] = id
	p["scope"] = scopeOf(c.after.ID)
	if p["enforcementMode"] == nil {
		p["enforcementMode"] = "Default"
	}
	if err := oneOf(p, "enforcementMode", "Default", "DoNotEnforce", "Enroll"); err != nil {
		return err
	}
	return notScopes(p)
}

// scopeOf is what an extension resource's id hangs on, "/" for the root.
func scopeOf(id string) string {
	i := strings.LastIndex(arm.Fold(id), "/providers/")
	if i <= 0 {
		return "/"
	}
	return id[:i]
}

// parameters are the values of properties.parameters: {name: {value: ...}}.
func (c *change) parameters() (map[string]policy.Value, error) {
	given := map[string]policy.Value{}
	members, ok := c.after.Properties["parameters"].(map[string]any)
	if !ok && c.after.Properties["parameters"] != nil {
		return nil, invalidAt("properties.parameters", "It must be an object.")
	}
	for name, member := range members {
		holder, ok := member.(map[string]any)
		value, has := holder["value"]
		if !ok || !has {
			return nil, invalidAt("properties.parameters."+name, "It must be an object with a value.")
		}
		b, err := json.Marshal(value)
		if err != nil {
			return nil, fmt.Errorf("encode parameter: %w", err)
		}
		if given[name], err = policy.ParseValue(b); err != nil {
			return nil, err
		}
	}
	return given, nil
}

// bindable reports why a definition or initiative cannot be assigned with the
// given values.
func bindable(definition *policy.Definition, initiative *policy.Initiative, given map[string]policy.Value) error {
	if definition != nil {
		_, err := policy.Bind(definition, given, policy.Options{})
		return err
	}
	values, err := initiative.Values(given)
	if err != nil {
		return err
	}
	for _, member := range initiative.Members {
		if _, err := member.Values(values); err != nil {
			return err
		}
	}
	return nil
}

// prefixed puts a path before that of a document's error.
func prefixed(path string, err error) error {
	if d, ok := err.(*policy.DocumentError); ok {
		return &policy.DocumentError{Path: strings.TrimSuffix(path+"."+d.Path, "."), Reason: d.Reason}
	}
	return err
}

// notScopes must be ids; they are what the assignment leaves out.
func notScopes(p map[string]any) error {
	if p["notScopes"] == nil {
		p["notScopes"] = []any{}
	}
	items, ok := p["notScopes"].([]any)
	if !ok {
		return invalidAt("properties.notScopes", "It must be a list of ids.")
	}
	for i, item := range items {
		text, _ := item.(string)
		if _, err := arm.ParseID(text); err != nil {
			return invalidAt(fmt.Sprintf("properties.notScopes[%d]", i), "%q is not a scope.", clip(text))
		}
	}
	return nil
}
