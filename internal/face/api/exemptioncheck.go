package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/exemption"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// checkExemption demands an assignment that exists, members that it has, a
// category, an expiry that has not passed and selectors that select something.
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
	if err := c.expiry(); err != nil {
		return err
	}
	return c.settleExemption(ctx)
}

// settleExemption refuses what the judge could not read, and completes the
// record of who asked and who approved.
func (c *change) settleExemption(ctx context.Context) error {
	body, err := c.document()
	if err != nil {
		return err
	}
	if _, err := policy.ParseExemption(body); err != nil {
		return err
	}
	rules, err := exemption.ReadRules(ctx, c.tx, c.req.tenant())
	if err != nil {
		return err
	}
	w := exemption.Write{By: c.req.principal, Scope: c.req.scope.String(), Rules: rules, At: c.api.Now(), After: c.after.Properties}
	if c.before != nil {
		w.Before = c.before.Properties
	}
	return w.Settle()
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
