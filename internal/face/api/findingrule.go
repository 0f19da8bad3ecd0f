package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/finding"
	"github.com/rampart-sec/rampart/internal/posture/judge"
)

// findingRuleKind are the rules that disable findings. The reference has them on
// its pages only, so the type and its shape are our own.
var findingRuleKind = &objectKind{kind: finding.Kind, typ: finding.Type,
	created: http.StatusCreated, updated: http.StatusOK, deleted: http.StatusNoContent, check: checkFindingRule}

// checkFindingRule demands a rule that is right, can do something at its scope,
// and is not one too many.
func checkFindingRule(ctx context.Context, c *change) error {
	after, err := parseFindingRule(c)
	if err != nil {
		return err
	}
	estate := c.api.Judge.Estate(c.req.tenant())
	if estate == nil || estate.View() == nil {
		return notReady()
	}
	var before *finding.Rule
	if c.before != nil {
		// What was written before rules were as strict is replaced like any other.
		before, _ = parseFindingRule(&change{after: c.before})
	}
	if err := estate.CheckFindingRule(after, before); err != nil {
		return err
	}
	if c.before != nil {
		return nil
	}
	all, err := c.tx.Objects(ctx, objectQuery(c.req, finding.Kind, ""))
	if err != nil {
		return fmt.Errorf("count rules: %w", err)
	}
	if len(all) >= finding.MaxRules {
		return &arm.Error{Status: http.StatusConflict, Code: "TooManyFindingRules", Target: c.after.ID,
			Message: fmt.Sprintf("There are %d rules, which is the most; delete one first, or let one rule name several findings.", len(all))}
	}
	return nil
}

func parseFindingRule(c *change) (*finding.Rule, error) {
	body, err := c.document()
	if err != nil {
		return nil, err
	}
	return finding.ParseRule(c.after.ID, body)
}

// previewFindingRule answers what a rule would do at its scope, without writing
// it.
func (a *API) previewFindingRule(r *request) (response, error) {
	estate, _, err := a.estate(r)
	if err != nil {
		return response{}, err
	}
	after, err := findingRuleKind.read(a, r)
	if err != nil {
		return response{}, err
	}
	rule, err := parseFindingRule(&change{after: after})
	if err != nil {
		return response{}, err
	}
	if err := estate.CheckFindingRule(rule, nil); err != nil {
		return response{}, err
	}
	effect, err := estate.TryFindingRule(r.Context(), rule, r.postureScope())
	if err != nil {
		return response{}, err
	}
	return ok(a.effectBody(r, &effect))
}

func (a *API) effectBody(r *request, effect *judge.RuleEffect) map[string]any {
	body := map[string]any{"findings": effect.Findings, "resources": effect.Resources, "tried": effect.Tried}
	if effect.Tried {
		flips := []any{}
		for i := range effect.Changes {
			flips = append(flips, a.assessmentBody(r, &effect.Changes[i]))
		}
		body["before"], body["after"], body["flips"] = scoreOnly(effect.Before), scoreOnly(effect.After), flips
	}
	return body
}
