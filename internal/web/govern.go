package web

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/rampart-sec/rampart/internal/arm"
	"github.com/rampart-sec/rampart/internal/posture"
	"github.com/rampart-sec/rampart/internal/store"
)

// timeframes are the days that an owner may be given.
var timeframes = map[string]string{"7": "7.00:00:00", "14": "14.00:00:00", "30": "30.00:00:00", "90": "90.00:00:00"}

// assign gives a recommendation an owner and a time in a subscription or the
// whole estate, as a governance rule of its own.
func assign(v *visit) (string, error) {
	form := v.PostForm
	r := v.view.Recommendation(form.Get("recommendation"))
	if r == nil {
		return "", arm.NotFound(clip(form.Get("recommendation"), 100))
	}
	owner := strings.TrimSpace(form.Get("owner"))
	if owner == "" || len(owner) > 200 {
		return "", arm.Invalid("An owner is a name or an address of at most 200 characters.")
	}
	timeframe, ok := timeframes[form.Get("days")]
	if !ok {
		return "", arm.Invalid("An owner is given 7, 14, 30 or 90 days, not %q.", clip(form.Get("days"), 20))
	}
	scopes, err := v.exemptScopes(form.Get("target"))
	if err != nil {
		return "", err
	}
	if err := v.allowAll(actionGovern, scopes); err != nil {
		return "", err
	}
	for _, scope := range scopes {
		if err := v.putRule(r, scope, owner, timeframe); err != nil {
			return "", err
		}
	}
	return v.To("/recommendation", "id", r.ID), nil
}

func (v *visit) putRule(r *posture.Recommendation, scope, owner, timeframe string) error {
	name := uuid.NewSHA1(uuid.NameSpaceURL, []byte("owner "+arm.Fold(scope)+" "+r.ID)).String()
	id := scope + "/providers/Microsoft.Security/governanceRules/" + name
	keys, err := json.Marshal([]string{r.ID})
	if err != nil {
		return fmt.Errorf("encode recommendation id: %w", err)
	}
	return v.put("governanceRule", id, map[string]any{"id": id, "name": name, "type": "Microsoft.Security/governanceRules",
		"properties": map[string]any{
			"displayName": clip("Owner of: "+r.Title, 128), "ruleType": "Integrated", "sourceResourceType": "Assessments", "rulePriority": 100,
			"isDisabled": false, "isGracePeriod": v.PostForm.Get("grace") != "", "remediationTimeframe": timeframe,
			"ownerSource":   map[string]string{"type": "Manually", "value": owner},
			"conditionSets": []any{map[string]any{"conditions": []any{map[string]string{"property": "$.AssessmentKey", "value": string(keys), "operator": "In"}}}},
		}})
}

// setEffect switches a member of the built-in initiative on or off, through
// the parameter of its assignment in the scope's subscriptions.
func setEffect(v *visit) (string, error) {
	r := v.view.Recommendation(v.PostForm.Get("recommendation"))
	if r == nil || r.Content == nil {
		return "", arm.NotFound(clip(v.PostForm.Get("recommendation"), 100))
	}
	scopes, err := v.switchScopes()
	if err == nil {
		err = v.allowAll(actionAssign, scopes)
	}
	if err != nil {
		return "", err
	}
	for _, scope := range scopes {
		if err := v.setParameter(scope, effectParameter(r), v.PostForm.Get("effect")); err != nil {
			return "", err
		}
	}
	return safe(firstOf(v.PostForm.Get("back"), v.To("/policies"))), nil
}

// switchScopes are the subscriptions of the scope. An assignment belongs to a
// whole subscription, so nothing smaller can be switched.
func (v *visit) switchScopes() ([]string, error) {
	var scopes []string
	for _, s := range v.view.Subscriptions() {
		if v.scope.ID == "" || strings.EqualFold(s.ID, v.scope.ID) {
			scopes = append(scopes, s.ID)
		}
	}
	if len(scopes) == 0 {
		return nil, arm.Invalid("A recommendation is switched for a whole subscription or for all; choose one as the scope.")
	}
	return scopes, nil
}

// effectParameter is the initiative's parameter that holds a member's effect.
func effectParameter(r *posture.Recommendation) string { return r.Content.Name + "-effect" }

// setParameter changes one parameter of a subscription's built-in assignment;
// an effect of "" goes back to the initiative's own.
func (v *visit) setParameter(subscription, parameter, effect string) error {
	id := subscription + "/providers/Microsoft.Authorization/policyAssignments/SecurityCenterBuiltIn"
	found, err := v.server.opt.Objects.Objects(v.Context(), store.ObjectQuery{Tenant: v.tenant, Kind: "policyAssignment", Prefix: arm.Fold(id), Limit: 1})
	if err != nil {
		return fmt.Errorf("read assignment: %w", err)
	}
	if len(found) == 0 {
		return arm.NotFound(id)
	}
	var body map[string]any
	if err := json.Unmarshal(found[0].Body, &body); err != nil {
		return fmt.Errorf("decode assignment %s: %w", id, err)
	}
	properties := member(body, "properties")
	parameters := member(properties, "parameters")
	switch effect {
	case "":
		delete(parameters, parameter)
	case "Disabled":
		parameters[parameter] = map[string]any{"value": effect}
	default:
		return arm.Invalid("A recommendation is switched off with the effect Disabled, not %q.", clip(effect, 40))
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode assignment %s: %w", id, err)
	}
	o := found[0]
	o.Body, o.UpdatedBy = raw, v.who.Name
	return v.server.opt.Objects.PutObject(v.Context(), v.who, o, o.ETag)
}

// member is an object inside an object, made when it is missing.
func member(of map[string]any, name string) map[string]any {
	inner, ok := of[name].(map[string]any)
	if !ok {
		inner = map[string]any{}
		of[name] = inner
	}
	return inner
}
