package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/arm"
	"github.com/rampart-sec/rampart/internal/policy"
	"github.com/rampart-sec/rampart/internal/store"
)

// The policy objects that clients write. Definitions and assignments answer 201
// to every PUT: clients take nothing else.
var (
	definitionKind = &objectKind{kind: kindDefinition, typ: typeDefinition,
		created: http.StatusCreated, updated: http.StatusCreated, deleted: http.StatusNoContent, check: checkDefinition, used: definitionUsed}
	setKind = &objectKind{kind: kindSet, typ: typeSet,
		created: http.StatusCreated, updated: http.StatusOK, deleted: http.StatusNoContent, check: checkSet, used: assigned}
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
	_, err = policy.ParseDefinition(body)
	return err
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
	for _, member := range initiative.Members {
		if _, err := initiative.MemberValues(member, given); err != nil {
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

// checkExemption demands an assignment that exists, members that it has, a
// category, and an expiry that has not passed.
func checkExemption(ctx context.Context, c *change) error {
	p := c.after.Properties
	id, _ := p["policyAssignmentId"].(string)
	if id == "" {
		return invalidAt("properties.policyAssignmentId", "It is required.")
	}
	stored, err := c.tx.Object(ctx, c.req.tenant(), kindAssignment, id)
	if isStatus(err, http.StatusNotFound) {
		e := invalidAt("properties.policyAssignmentId", "There is no %s.", clip(id))
		e.Code = notFoundCode(kindAssignment)
		return e
	}
	if err != nil {
		return err
	}
	if p["exemptionCategory"] == nil {
		return invalidAt("properties.exemptionCategory", "It is required: Waiver or Mitigated.")
	}
	if err := oneOf(p, "exemptionCategory", "Waiver", "Mitigated"); err != nil {
		return err
	}
	if err := c.references(ctx, stored); err != nil {
		return err
	}
	return c.expiry()
}

// references checks that the assigned initiative has the members named.
func (c *change) references(ctx context.Context, assignment *store.Object) error {
	const property = "properties.policyDefinitionReferenceIds"
	items, ok := c.after.Properties["policyDefinitionReferenceIds"].([]any)
	if !ok && c.after.Properties["policyDefinitionReferenceIds"] != nil {
		return invalidAt(property, "It must be a list.")
	}
	if len(items) == 0 {
		return nil
	}
	o, err := decodeObject(assignment)
	if err != nil {
		return err
	}
	definitionID, _ := o.Properties["policyDefinitionId"].(string)
	_, initiative, err := c.policyDocument(ctx, definitionID, "properties.policyAssignmentId")
	if err != nil {
		return err
	}
	if initiative == nil {
		return invalidAt(property, "The assignment is of a single definition, which has no members.")
	}
	for i, item := range items {
		name, _ := item.(string)
		if initiative.Member(name) == nil {
			return invalidAt(fmt.Sprintf("%s[%d]", property, i), "The initiative has no member %q.", clip(name))
		}
	}
	return nil
}

// expiry refuses an end that has passed, unless it was there before: it would
// exempt nothing, and whoever wrote it expects it to.
func (c *change) expiry() error {
	const property = "properties.expiresOn"
	given := c.after.Properties["expiresOn"]
	if given == nil {
		return nil
	}
	text, _ := given.(string)
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return invalidAt(property, "%q is not a time like 2027-01-31T00:00:00Z.", clip(text))
	}
	if c.before != nil && c.before.Properties["expiresOn"] == given {
		return nil
	}
	if !at.After(c.api.Now()) {
		return invalidAt(property, "%s has passed; the exemption would exempt nothing.", text)
	}
	return nil
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

// definitionUsed refuses to delete a definition that an assignment or an
// initiative needs.
func definitionUsed(ctx context.Context, c *change) error {
	sets, err := c.tx.Objects(ctx, objectQuery(c.req, kindSet, ""))
	if err != nil {
		return err
	}
	for _, s := range sets {
		initiative, err := policy.ParseInitiative(s.Body)
		if err != nil {
			return err
		}
		for _, member := range initiative.Members {
			if strings.EqualFold(member.DefinitionID, c.before.ID) {
				return inUse(c.before.ID, s.ID)
			}
		}
	}
	return assigned(ctx, c)
}

// assigned refuses to delete what an assignment needs.
func assigned(ctx context.Context, c *change) error {
	all, err := readObjects(ctx, c, kindAssignment, "")
	if err != nil {
		return err
	}
	for _, o := range all {
		if id, _ := o.Properties["policyDefinitionId"].(string); strings.EqualFold(id, c.before.ID) {
			return inUse(c.before.ID, o.ID)
		}
	}
	return nil
}

func inUse(id, by string) error {
	return &arm.Error{Status: http.StatusConflict, Code: "PolicyInUse", Target: id, Message: fmt.Sprintf("%s needs it; delete that first.", by)}
}
