package web

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/finding"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/judge"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// disablePage asks for the terms of a rule that disables one finding, and shows
// what it would do.
type disablePage struct {
	*frame
	R           *record.Recommendation
	Finding     string // key
	What        string // its title
	Resource    string // where the reader came from, "" for the list
	Where       string // scope of the rule
	Places      []scopeChoice
	Effect      judge.RuleEffect
	MinDate     string
	DefaultDate string
}

// scopeChoice is a scope that the rule could have.
type scopeChoice struct {
	Word, URL string
	On        bool
}

// Change is what the rule does to the score, in percent points.
func (p *disablePage) Change() float64 { return p.Effect.After.Percent - p.Effect.Before.Percent }

// Back is the page that the reader came from.
func (p *disablePage) Back() string {
	if p.Resource != "" {
		return p.ResourceURL(p.Resource)
	}
	return p.RecommendationURL(p.R.ID)
}

// disableForm previews a rule that disables one finding at a scope.
func disableForm(v *visit) (page, error) {
	key, err := v.one("finding")
	if err != nil {
		return page{}, err
	}
	r := v.view.Recommendation(v.Get("id"))
	if r == nil {
		return page{}, arm.NotFound(clip(v.Get("id"), 100))
	}
	p := &disablePage{frame: v.newFrame("Disable a finding"), R: r, Finding: key, What: v.findingTitle(r, key), Resource: v.Get("resource"),
		MinDate: v.now.Format(time.DateOnly), DefaultDate: v.now.AddDate(0, 0, 90).Format(time.DateOnly)}
	p.Where = firstOf(v.Get("at"), p.Resource, v.scope.ID)
	if v.Get("at") == "/" {
		p.Where = ""
	}
	if err := v.who.Allow(actionDisable, p.Where); err != nil {
		return page{}, err
	}
	if p.Places, err = v.scopeChoices(p.Resource, p.Where); err != nil {
		return page{}, err
	}
	rule, _, err := v.findingRule(terms{at: p.Where, recommendation: r, finding: key, reason: "preview"})
	if err != nil {
		return page{}, err
	}
	if err := v.estate.CheckFindingRule(rule, nil); err != nil {
		return page{}, err
	}
	scored := v.scope
	if !v.may(actionRead, scored.ID) {
		scored = index.Scope{ID: p.Where}
	}
	if p.Effect, err = v.estate.TryFindingRule(v.Context(), rule, scored); err != nil {
		return page{}, fmt.Errorf("preview rule: %w", err)
	}
	return page{name: "disable", data: p}, nil
}

// scopeChoices are the scopes around a resource, or around the scope of the
// page, at which the reader may write a rule.
func (v *visit) scopeChoices(resource, at string) ([]scopeChoice, error) {
	id, err := arm.ParseID(firstOf(resource, at, "/"))
	if err != nil {
		return nil, arm.Invalid("%v.", err)
	}
	ids := []string{resource, id.ResourceGroupID(), id.SubscriptionID()}
	if resource == "" {
		for _, s := range v.scopes() {
			ids = append(ids, s.ID)
		}
	}
	ids = append(ids, at)
	var choices []scopeChoice
	for i, scope := range ids {
		if scope == "" || slices.Contains(ids[:i], scope) || !v.may(actionDisable, scope) {
			continue
		}
		choices = append(choices, scopeChoice{v.scopeWord(scope), v.With("at", scope), strings.EqualFold(scope, at)})
	}
	if v.may(actionDisable, "") {
		choices = append(choices, scopeChoice{"Everything", v.With("at", "/"), at == ""})
	}
	return choices, nil
}

// scopeWord says what a scope is and how it is called.
func (v *visit) scopeWord(scope string) string {
	id, err := arm.ParseID(scope)
	if err != nil {
		return scope
	}
	switch id.Type() {
	case arm.TypeSubscription:
		for _, s := range v.view.Subscriptions() {
			if strings.EqualFold(s.ID, scope) {
				return "Subscription " + s.Name
			}
		}
		return "Subscription " + id.Name()
	case arm.TypeResourceGroup:
		return "Resource group " + id.Name()
	case arm.TypeManagementGroup:
		return "Management group " + id.Name()
	}
	return id.Name()
}

// terms are what a form says about a rule.
type terms struct {
	at, finding, reason string
	recommendation      *record.Recommendation
	expires             time.Time
}

// findingRule makes the rule of some terms, and its body. The same terms at the
// same place are the same rule.
func (v *visit) findingRule(t terms) (*finding.Rule, json.RawMessage, error) {
	at, err := arm.ParseID(cmp.Or(t.at, "/"))
	if err != nil {
		return nil, nil, arm.Invalid("%v.", err)
	}
	name := uuid.NewSHA1(uuid.NameSpaceURL, []byte(at.Key()+" "+t.recommendation.ID+" "+arm.Fold(t.finding))).String()
	id := strings.TrimSuffix(at.String(), "/") + "/providers/" + finding.Type + "/" + name
	properties := map[string]any{
		"displayName": clip(v.findingTitle(t.recommendation, t.finding), 60), "reason": t.reason, "recommendationId": t.recommendation.ID,
		"conditions": map[string]any{"findingIds": []string{t.finding}},
	}
	if !t.expires.IsZero() {
		properties["expiresOn"] = t.expires.UTC().Format(time.RFC3339)
	}
	body, err := json.Marshal(map[string]any{"id": id, "name": name, "type": finding.Type, "properties": properties})
	if err != nil {
		return nil, nil, fmt.Errorf("encode %s: %w", id, err)
	}
	r, err := finding.ParseRule(id, body)
	return r, body, err
}

// disable writes the rule that the form describes.
func disable(v *visit) (string, error) {
	form := v.PostForm
	expires, err := v.expiry(form.Get("expires"))
	if err != nil {
		return "", err
	}
	t := terms{at: form.Get("at"), finding: form.Get("finding"), reason: form.Get("reason"), expires: expires}
	if t.recommendation = v.view.Recommendation(form.Get("recommendation")); t.recommendation == nil {
		return "", arm.NotFound(clip(form.Get("recommendation"), 100))
	}
	if err := v.who.Allow(actionDisable, t.at); err != nil {
		return "", err
	}
	r, body, err := v.findingRule(t)
	if err != nil {
		return "", err
	}
	all, err := v.server.opt.Objects.Objects(v.Context(), store.ObjectQuery{Tenant: v.tenant, Kind: finding.Kind})
	if err != nil {
		return "", err
	}
	var before *finding.Rule
	var etag string
	if i := slices.IndexFunc(all, func(o store.Object) bool { return strings.EqualFold(o.ID, r.ID) }); i >= 0 {
		before, _ = finding.ParseRule(all[i].ID, all[i].Body) // one that cannot be read is replaced
		etag = all[i].ETag
	} else if len(all) >= finding.MaxRules {
		return "", arm.Invalid("There are %d rules, which is the most. End one first.", len(all))
	}
	if err := v.estate.CheckFindingRule(r, before); err != nil {
		return "", err
	}
	o := store.Object{Tenant: v.tenant, Kind: finding.Kind, ID: r.ID, Body: body, UpdatedBy: v.who.Name}
	if err := v.server.opt.Objects.PutObject(v.Context(), v.who, o, etag); err != nil {
		return "", err
	}
	return firstOf(form.Get("back"), v.To("/policies")+"#finding-rules"), nil
}

// enable ends a rule; a rule that somebody has changed since is left, and said.
func enable(v *visit) (string, error) {
	id := v.PostForm.Get("id")
	if err := v.who.Allow(finding.Type+"/delete", scopeOf(id)); err != nil {
		return "", err
	}
	err := v.server.opt.Objects.DeleteObject(v.Context(), v.who, store.Object{Tenant: v.tenant, Kind: finding.Kind, ID: id, ETag: v.PostForm.Get("etag")})
	return v.To("/policies") + "#finding-rules", err
}

// ruleRow is one rule in a list.
type ruleRow struct {
	store.Object
	*finding.Rule
	Scope          string
	Recommendation *record.Recommendation // nil: the rule is for all
	Broken         string                 // why it cannot be used
	Gone           bool                   // nothing is in its scope
	CanEnd         bool
}

// findingRules reads the rules within the scope, those that end first first.
func (v *visit) findingRules() ([]ruleRow, error) {
	objects, err := v.server.opt.Objects.Objects(v.Context(), store.ObjectQuery{Tenant: v.tenant, Kind: finding.Kind, Prefix: arm.Fold(v.scope.ID), Limit: objectRows})
	if err != nil {
		return nil, err
	}
	rows := make([]ruleRow, 0, len(objects))
	for _, o := range objects {
		row := ruleRow{Object: o, Scope: scopeOf(o.ID), CanEnd: v.may(finding.Type+"/delete", scopeOf(o.ID))}
		if row.Rule, err = finding.ParseRule(o.ID, o.Body); err != nil {
			row.Rule, row.Broken = &finding.Rule{Name: resourceName(o.ID)}, err.Error()
		}
		row.Recommendation = v.view.Recommendation(row.Rule.Recommendation)
		row.Gone = !v.view.Holds(row.Scope)
		rows = append(rows, row)
	}
	slices.SortStableFunc(rows, func(a, b ruleRow) int { return compareEnd(a.Expires, b.Expires) })
	return rows, nil
}
