package api

import (
	"bytes"
	"context"
	"net/http"

	"github.com/google/uuid"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/governance"
)

// governanceKind are the rules that give unhealthy assessments an owner and a
// due date.
var governanceKind = &objectKind{kind: governance.RuleKind, typ: "Microsoft.Security/governanceRules",
	created: http.StatusCreated, updated: http.StatusOK, deleted: http.StatusNoContent, check: checkGovernanceRule, leaves: retireRule}

func checkGovernanceRule(ctx context.Context, c *change) error {
	for _, name := range serverSet {
		delete(c.after.Properties, name)
		if c.before != nil && c.before.Properties[name] != nil {
			c.after.Properties[name] = c.before.Properties[name]
		}
	}
	for name, only := range map[string]string{"ruleType": "Integrated", "sourceResourceType": "Assessments"} {
		if c.after.Properties[name] == nil {
			c.after.Properties[name] = only
		}
		if err := oneOf(c.after.Properties, name, only); err != nil {
			return err
		}
	}
	body, err := c.document()
	if err != nil {
		return err
	}
	return c.api.owners.CheckRule(ctx, c.tx, c.req.tenant(), c.after.ID, body)
}

// serverSet are the properties of rules that the server alone writes.
var serverSet = []string{"overrideAppliedOn", "createdOn", "retiredOn"}

// retireRule keeps what a rule had assigned.
func retireRule(ctx context.Context, c *change) error {
	return c.api.owners.Retire(ctx, c.tx, c.req.tenant(), c.before.ID)
}

// executeRule answers as a long-running operation, because clients poll for
// its end, but ends at once. A rule fills what nobody has from the moment it is
// written; with override it replaces what was assigned until now.
func (a *API) executeRule(r *request) (response, error) {
	if _, err := governanceKind.get(a, r); err != nil {
		return response{}, err
	}
	var params struct {
		Override bool `json:"override"`
	}
	if body, err := r.body(); err != nil {
		return response{}, err
	} else if len(bytes.TrimSpace(body)) > 0 {
		if err := decodeJSON(body, &params); err != nil {
			return response{}, err
		}
	}
	if params.Override {
		if err := a.owners.Override(r.Context(), r.principal, r.tenant(), governanceKind.idOf(a, r)); err != nil {
			return response{}, err
		}
	}
	location := a.base(r.Request) + governanceKind.idOf(a, r) + "/operationResults/" + uuid.NewString() + "?api-version=" + r.version()
	return response{status: http.StatusAccepted, location: location}, nil
}

// ruleResult is the end of that operation.
func (a *API) ruleResult(r *request) (response, error) {
	if _, err := uuid.Parse(r.vars["operation"]); err != nil {
		return response{}, arm.NotFound(r.URL.Path)
	}
	if _, err := governanceKind.get(a, r); err != nil {
		return response{}, err
	}
	return ok(map[string]any{"status": "Succeeded"})
}
