package api

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"github.com/rampart-sec/rampart/internal/arm"
	"github.com/rampart-sec/rampart/internal/governance"
)

// governanceKind are the rules that give unhealthy assessments an owner and a
// due date.
var governanceKind = &objectKind{kind: governance.RuleKind, typ: "Microsoft.Security/governanceRules",
	created: http.StatusCreated, updated: http.StatusOK, deleted: http.StatusNoContent, check: checkGovernanceRule}

func checkGovernanceRule(_ context.Context, c *change) error {
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
	_, err = governance.ParseRule(c.after.ID, body)
	return err
}

// executeRule answers as a long-running operation, because clients poll for
// its end. The rule was applied when it was written, so it ends at once.
func (a *API) executeRule(r *request) (response, error) {
	if _, err := governanceKind.get(a, r); err != nil {
		return response{}, err
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
