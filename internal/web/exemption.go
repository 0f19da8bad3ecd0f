package web

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rampart-sec/rampart/internal/arm"
	"github.com/rampart-sec/rampart/internal/posture"
	"github.com/rampart-sec/rampart/internal/store"
)

// previewed bounds the resources whose exemption is tried before it is offered.
const previewed = 1000

// exemptionRow is one exemption in a list.
type exemptionRow struct {
	store.Object
	Title, Category, Note string
	Scope                 string
	Expires               time.Time
	Recommendations       []*posture.Recommendation
}

// exemptPage asks for the terms of an exemption and shows what it would do.
type exemptPage struct {
	*frame
	R             *posture.Recommendation
	Target        string // ARM id that is exempted
	Count         int    // unhealthy resources below it
	Before, After posture.Score
	Previewed     bool
	MinDate       string
	DefaultDate   string
}

// Change is what the exemption does to the score, in percent points.
func (p *exemptPage) Change() float64 { return p.After.Percent - p.Before.Percent }

// exemptForm previews an exemption of one resource, a scope or all of the
// estate.
func exemptForm(v *visit) (page, error) {
	id, err := v.one("id")
	if err != nil {
		return page{}, err
	}
	target := firstOf(v.Get("resource"), v.scope.ID)
	if err := v.who.Allow(actionExempt, target); err != nil {
		return page{}, err
	}
	r := v.view.Recommendation(id)
	if r == nil {
		return page{}, arm.NotFound(clip(id, 100))
	}
	p := &exemptPage{frame: v.newFrame("Exempt: " + r.Title), R: r, Target: target,
		MinDate: v.now.Format(time.DateOnly), DefaultDate: v.now.AddDate(0, 0, 90).Format(time.DateOnly)}
	rows, err := v.view.Assessments(posture.AssessmentQuery{Scope: posture.Scope{ID: target}, Recommendation: r.ID,
		State: []posture.State{posture.Unhealthy}, Limit: previewed})
	if err != nil {
		return page{}, err
	}
	p.Count = rows.Total
	var tries []posture.Hypothetical
	for _, a := range rows.Rows {
		tries = append(tries, posture.Hypothetical{ResourceID: a.ResourceID, Exempt: r.ID})
	}
	if len(tries) > 0 && rows.Next == "" {
		result, err := v.estate.WhatIf(v.Context(), tries)
		if err != nil {
			return page{}, fmt.Errorf("preview exemption: %w", err)
		}
		p.Before, p.After, p.Previewed = result.Before, result.After, true
	}
	return page{name: "exempt", data: p}, nil
}

// exempt writes the exemption that the form describes: one per subscription,
// as an exemption belongs to one assignment.
func exempt(v *visit) (string, error) {
	form := v.PostForm
	r := v.view.Recommendation(form.Get("recommendation"))
	if r == nil {
		return "", arm.NotFound(clip(form.Get("recommendation"), 100))
	}
	category := form.Get("category")
	if category != "Waiver" && category != "Mitigated" {
		return "", arm.Invalid("An exemption is a waiver or a mitigation, not %q.", clip(category, 40))
	}
	reason := strings.TrimSpace(form.Get("reason"))
	if reason == "" || len(reason) > 2000 {
		return "", arm.Invalid("An exemption needs a reason of at most 2,000 characters.")
	}
	expires, err := v.expiry(form.Get("expires"))
	if err != nil {
		return "", err
	}
	scopes, err := v.exemptScopes(form.Get("target"))
	if err != nil {
		return "", err
	}
	if err := v.allowAll(actionExempt, scopes); err != nil {
		return "", err
	}
	for _, scope := range scopes {
		if err := v.putExemption(r, scope, expires); err != nil {
			return "", err
		}
	}
	return firstOf(form.Get("back"), v.To("/recommendation", "id", r.ID)), nil
}

// expiry reads the day on whose end an exemption ends; "" means never.
func (v *visit) expiry(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	day, err := time.ParseInLocation(time.DateOnly, text, v.zone)
	if err != nil {
		return time.Time{}, arm.Invalid("The end date %q is not of the form 2026-01-31.", clip(text, 40))
	}
	end := day.AddDate(0, 0, 1)
	if !end.After(v.now) {
		return time.Time{}, arm.Invalid("The end date has passed.")
	}
	return end, nil
}

// exemptScopes are the ids to exempt: the target, or every subscription when
// the whole estate is meant.
func (v *visit) exemptScopes(target string) ([]string, error) {
	if target == "" {
		var scopes []string
		for _, s := range v.view.Subscriptions() {
			scopes = append(scopes, s.ID)
		}
		return scopes, nil
	}
	id, err := arm.ParseID(target)
	if err != nil {
		return nil, arm.Invalid("%v.", err)
	}
	if id.Subscription() == "" {
		return nil, arm.Invalid("%q is in no subscription.", clip(target, 200))
	}
	return []string{id.String()}, nil
}

func (v *visit) putExemption(r *posture.Recommendation, scope string, expires time.Time) error {
	parsed, err := arm.ParseID(scope)
	if err != nil {
		return arm.Invalid("%v.", err)
	}
	// The same request twice is the same exemption.
	name := uuid.NewSHA1(uuid.NameSpaceURL, []byte(parsed.Key()+" "+r.ID)).String()
	id := parsed.String() + "/providers/Microsoft.Authorization/policyExemptions/" + name
	properties := map[string]any{
		"policyAssignmentId":           parsed.SubscriptionID() + "/providers/Microsoft.Authorization/policyAssignments/SecurityCenterBuiltIn",
		"policyDefinitionReferenceIds": []string{r.ID},
		"exemptionCategory":            v.PostForm.Get("category"),
		"displayName":                  clip("Exempt: "+r.Title, 128),
		"description":                  strings.TrimSpace(v.PostForm.Get("reason")),
		"metadata": map[string]any{"rampart": map[string]string{
			"ticket": clip(strings.TrimSpace(v.PostForm.Get("ticket")), 200), "requestedBy": v.who.Name}},
	}
	if !expires.IsZero() {
		properties["expiresOn"] = expires.UTC().Format(time.RFC3339)
	}
	return v.put("policyExemption", id, map[string]any{"id": id, "name": name,
		"type": "Microsoft.Authorization/policyExemptions", "properties": properties})
}

// unexempt ends an exemption.
func unexempt(v *visit) (string, error) {
	id := v.PostForm.Get("id")
	if err := v.who.Allow(actionExempt, scopeOf(id)); err != nil {
		return "", err
	}
	err := v.server.opt.Objects.DeleteObject(v.Context(), v.who, store.Object{Tenant: v.tenant, Kind: "policyExemption", ID: id})
	return v.To("/policies") + "#exemptions", err
}

// exemptions reads all exemptions within the scope, those that end first first.
func (v *visit) exemptions() ([]exemptionRow, error) {
	objects, err := v.server.opt.Objects.Objects(v.Context(), store.ObjectQuery{Tenant: v.tenant, Kind: "policyExemption", Prefix: arm.Fold(v.scope.ID), Limit: objectRows})
	if err != nil {
		return nil, err
	}
	rows := make([]exemptionRow, 0, len(objects))
	for _, o := range objects {
		body := readBody(o)
		row := exemptionRow{Object: o, Title: firstOf(body.Properties.DisplayName, body.Name), Note: body.Properties.Description,
			Category: body.Properties.Category, Scope: scopeOf(o.ID)}
		row.Expires, _ = time.Parse(time.RFC3339, body.Properties.ExpiresOn) // none or not a time: never
		for _, ref := range body.Properties.References {
			if r := v.view.Recommendation(ref); r != nil {
				row.Recommendations = append(row.Recommendations, r)
			}
		}
		rows = append(rows, row)
	}
	slices.SortStableFunc(rows, func(a, b exemptionRow) int { return compareEnd(a.Expires, b.Expires) })
	return rows, nil
}

// compareEnd sorts by end, those without an end last.
func compareEnd(a, b time.Time) int {
	switch {
	case a.IsZero() && b.IsZero():
		return 0
	case a.IsZero():
		return 1
	case b.IsZero():
		return -1
	}
	return a.Compare(b)
}
