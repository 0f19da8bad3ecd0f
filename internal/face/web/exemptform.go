package web

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/exemption"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/judge"
	"github.com/rampart-sec/rampart/internal/posture/planning"
	"github.com/rampart-sec/rampart/internal/posture/policy"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// Bounds of what the form takes; the policy language has the same.
const (
	maxReason    = 512
	maxTicket    = 200
	maxNarrowing = 50 // types, and locations
)

// exemptPage asks for the terms of an exemption and shows what it would do.
type exemptPage struct {
	*frame
	R           *record.Recommendation
	Target      string // ARM id that is exempted, "" is everything
	Given       []judge.AssignmentSource
	Narrow      narrowing
	Narrowable  bool     // the target may hold several resources
	Types       []string // to choose from
	Preview     planning.ExemptPreview
	MustAsk     bool // the reader's exemptions wait for approval
	MinDate     string
	DefaultDate string
}

// Change is what the exemption does to the score, in percent points.
func (p *exemptPage) Change() float64 { return p.Preview.After.Percent - p.Preview.Before.Percent }

// Chosen reports whether the exemption is narrowed to a type.
func (p *exemptPage) Chosen(typ string) bool { return slices.Contains(p.Narrow.Types, typ) }

// narrowing restricts an exemption to resource types and locations.
type narrowing struct{ Types, Locations []string }

// Any reports whether something is left out.
func (n narrowing) Any() bool { return len(n.Types)+len(n.Locations) > 0 }

func readNarrowing(types []string, locations string) (narrowing, error) {
	var n narrowing
	for _, t := range types {
		if t = strings.TrimSpace(t); t != "" && !slices.Contains(n.Types, t) {
			n.Types = append(n.Types, t)
		}
	}
	for l := range strings.SplitSeq(locations, ",") {
		if l = strings.TrimSpace(l); l != "" && !slices.Contains(n.Locations, l) {
			n.Locations = append(n.Locations, l)
		}
	}
	if len(n.Types) > maxNarrowing || len(n.Locations) > maxNarrowing {
		return n, arm.Invalid("An exemption is narrowed to at most %d types and %d locations.", maxNarrowing, maxNarrowing)
	}
	return n, nil
}

// selectors are the narrowing as the policy language has it.
func (n narrowing) selectors() []policy.Selector {
	s := policy.Selector{Name: "form"}
	if len(n.Types) > 0 {
		s.Conditions = append(s.Conditions, policy.SelectorCondition{Kind: "resourceType", Values: n.Types})
	}
	if len(n.Locations) > 0 {
		s.Conditions = append(s.Conditions, policy.SelectorCondition{Kind: "resourceLocation", Values: n.Locations})
	}
	if len(s.Conditions) == 0 {
		return nil
	}
	return []policy.Selector{s}
}

// wire is the narrowing as exemptions carry it.
func (n narrowing) wire() []any {
	var out []any
	for _, s := range n.selectors() {
		var conditions []any
		for _, c := range s.Conditions {
			conditions = append(conditions, map[string]any{"kind": c.Kind, "in": c.Values})
		}
		out = append(out, map[string]any{"name": s.Name, "selectors": conditions})
	}
	return out
}

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
	if !v.view.Holds(target) {
		return page{}, nothingThere(target)
	}
	p := &exemptPage{frame: v.newFrame("Exempt: " + r.Title), R: r, Target: target, Given: v.estate.AssignedBy(r.ID, target),
		MinDate: v.now.Format(time.DateOnly), DefaultDate: v.now.AddDate(0, 0, 90).Format(time.DateOnly)}
	if p.Narrowable = v.Get("resource") == ""; p.Narrowable && len(r.Types) > 1 {
		p.Types = r.Types
	}
	if p.Narrow, err = readNarrowing(v.query["type"], v.Get("location")); err != nil {
		return page{}, err
	}
	if p.Preview, err = v.previewExemption(r.ID, target, p.Narrow); err != nil {
		return page{}, fmt.Errorf("preview exemption: %w", err)
	}
	p.MustAsk, err = v.mustAsk(target)
	return page{name: "exempt", data: p}, err
}

// exemptionOf names a preview of an exemption.
type exemptionOf struct{ tenant, recommendation, target, narrow string }

// previewExemption tries an exemption, once for all who look at it.
func (v *visit) previewExemption(recommendation, target string, narrow narrowing) (planning.ExemptPreview, error) {
	key := exemptionOf{v.tenant, recommendation, target, fmt.Sprint(narrow)}
	return v.server.previews.Get(v.Context(), key, v.view, time.Now, func(context.Context) (planning.ExemptPreview, error) {
		return planning.PreviewExemption(v.view, recommendation, index.Scope{ID: target}, narrow.selectors())
	})
}

// nothingThere refuses a target that no source has delivered. The API takes one,
// as the reference's does: there an exemption may be written ahead.
func nothingThere(target string) error {
	return arm.Invalid("There is no %q in this estate, so there is nothing to exempt. Check the id, or choose a scope that is listed.", clip(target, 300))
}

// mustAsk reports whether an exemption that the reader writes waits for
// somebody else.
func (v *visit) mustAsk(target string) (bool, error) {
	if !v.may(exemption.ActionApprove, target) {
		return true, nil
	}
	if v.server.opt.Exemptions == nil {
		return false, nil
	}
	rules, err := v.server.opt.Exemptions.Rules(v.Context(), v.tenant)
	return rules.ApprovalRequired && rules.FourEyes, err
}

// exempt writes the exemption that the form describes: one for every assignment
// that gives the recommendation, as it is exempt only if it is in all.
func exempt(v *visit) (string, error) {
	form := v.PostForm
	r := v.view.Recommendation(form.Get("recommendation"))
	if r == nil {
		return "", arm.NotFound(clip(form.Get("recommendation"), 100))
	}
	if v.server.opt.Exemptions == nil {
		return "", arm.Invalid("Nothing can be exempted here.")
	}
	terms, err := v.exemptTerms()
	if err != nil {
		return "", err
	}
	target := form.Get("target")
	if _, err := arm.ParseID("/" + target); err != nil {
		return "", arm.Invalid("%v.", err)
	}
	if !v.view.Holds(target) {
		return "", nothingThere(target)
	}
	given := v.estate.AssignedBy(r.ID, target)
	if len(given) == 0 {
		return "", arm.Invalid("No assignment gives this recommendation there.")
	}
	var all []store.Object
	for _, g := range given {
		o, err := v.exemptionOf(r, g, terms)
		if err != nil {
			return "", err
		}
		all = append(all, o)
	}
	if err := v.server.opt.Exemptions.Put(v.Context(), v.who, all); err != nil {
		return "", err
	}
	return firstOf(form.Get("back"), v.To("/recommendation", "id", r.ID)), nil
}

// exemptTerms reads the properties that all exemptions of one form share.
func (v *visit) exemptTerms() (map[string]any, error) {
	form := v.PostForm
	category := form.Get("category")
	if category != "Waiver" && category != "Mitigated" {
		return nil, arm.Invalid("An exemption is a waiver or a mitigation, not %q.", clip(category, 40))
	}
	reason, ticket := strings.TrimSpace(form.Get("reason")), strings.TrimSpace(form.Get("ticket"))
	if reason == "" || len([]rune(reason)) > maxReason {
		return nil, arm.Invalid("An exemption needs a reason of at most %d characters.", maxReason)
	}
	if len(ticket) > maxTicket {
		return nil, arm.Invalid("A ticket has at most %d characters.", maxTicket)
	}
	expires, err := v.expiry(form.Get("expires"))
	if err != nil {
		return nil, err
	}
	narrow, err := readNarrowing(form["type"], form.Get("location"))
	if err != nil {
		return nil, err
	}
	ask, err := v.mustAsk(form.Get("target"))
	if err != nil {
		return nil, err
	}
	own := map[string]any{"reopenOnChange": form.Get("reopen") == "always" || form.Get("reopen") != "never" && category == "Waiver"}
	if ticket != "" {
		own["ticket"] = ticket
	}
	if ask || form.Get("ask") != "" {
		own["state"] = policy.ExemptionRequested
	}
	terms := map[string]any{"exemptionCategory": category, "displayName": clip(strings.Join(strings.Fields(reason), " "), 80), "description": reason,
		"metadata": map[string]any{"rampart": own}}
	if !expires.IsZero() {
		terms["expiresOn"] = expires.UTC().Format(time.RFC3339)
	}
	if narrow.Any() {
		terms["resourceSelectors"] = narrow.wire()
	}
	return terms, nil
}

// exemptionOf is the exemption from one assignment. The same request twice is
// the same exemption.
func (v *visit) exemptionOf(r *record.Recommendation, g judge.AssignmentSource, terms map[string]any) (store.Object, error) {
	name := uuid.NewSHA1(uuid.NameSpaceURL, []byte(arm.Fold(g.Scope+" "+r.ID+" "+g.AssignmentID))).String()
	id := strings.TrimSuffix(g.Scope, "/") + "/providers/Microsoft.Authorization/policyExemptions/" + name
	properties := map[string]any{"policyAssignmentId": g.AssignmentID}
	if len(g.References) > 0 {
		properties["policyDefinitionReferenceIds"] = g.References
	}
	for key, value := range terms {
		properties[key] = value
	}
	body, err := json.Marshal(map[string]any{"id": id, "name": name, "type": "Microsoft.Authorization/policyExemptions", "properties": properties})
	if err != nil {
		return store.Object{}, fmt.Errorf("encode exemption: %w", err)
	}
	return store.Object{Tenant: v.tenant, Kind: exemption.Kind, ID: id, Body: body}, nil
}

// expiry reads the day on whose end something ends, its last second, so that the
// day that is shown is the one that was chosen; "" means never.
func (v *visit) expiry(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	day, err := time.ParseInLocation(time.DateOnly, text, v.zone)
	if err != nil {
		return time.Time{}, arm.Invalid("The end date %q is not of the form 2026-01-31.", clip(text, 40))
	}
	end := day.AddDate(0, 0, 1).Add(-time.Second)
	if !end.After(v.now) {
		return time.Time{}, arm.Invalid("The end date has passed.")
	}
	return end, nil
}
