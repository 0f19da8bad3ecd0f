package web

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/exemption"
	"github.com/rampart-sec/rampart/internal/posture/policy"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// exemptionRow is one exemption in a list.
type exemptionRow struct {
	store.Object
	exemption.Record
	Title, Category, Note string
	Scope                 string
	Expires               time.Time
	Ended                 bool
	Recommendations       []*record.Recommendation
	Everything            bool   // it covers too many recommendations to name
	Narrowed              string // types and locations in words, "" if it is not
	Reopened              int    // resources that it is re-opened for
	CanDecide, CanEnd     bool
	Back                  string
}

// Rejected reports whether its request was turned down.
func (r exemptionRow) Rejected() bool { return r.State == policy.ExemptionRejected }

// exemptScopes are the ids to act on: the target, or every subscription when
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

// unexempt ends an exemption, or takes back the request for one.
func unexempt(v *visit) (string, error) {
	id := v.PostForm.Get("id")
	if err := v.who.Allow(actionExempt, scopeOf(id)); err != nil {
		return "", err
	}
	err := v.server.opt.Objects.DeleteObject(v.Context(), v.who, store.Object{Tenant: v.tenant, Kind: exemption.Kind, ID: id, ETag: v.PostForm.Get("etag")})
	return firstOf(v.PostForm.Get("back"), v.To("/policies")+"#exemptions"), err
}

// decide approves, rejects or renews an exemption as the reader saw it.
func decide(v *visit) (string, error) {
	if v.server.opt.Exemptions == nil {
		return "", arm.Invalid("Nothing can be decided here.")
	}
	form := v.PostForm
	_, err := v.server.opt.Exemptions.Decide(v.Context(), v.who, exemption.Decision{
		Verb: exemption.Verb(form.Get("verb")), Tenant: v.tenant, ID: form.Get("id"), IfMatch: form.Get("etag")})
	return firstOf(form.Get("back"), v.To("/policies")+"#exemptions"), err
}

// setExemptionRules changes what the tenant demands of new exemptions.
func setExemptionRules(v *visit) (string, error) {
	if v.server.opt.Exemptions == nil {
		return "", arm.Invalid("Nothing can be changed here.")
	}
	rules := exemption.Rules{ApprovalRequired: v.PostForm.Get("approval") != "", FourEyes: v.PostForm.Get("eyes") != ""}
	return v.To("/settings") + "#exemption-rules", v.server.opt.Exemptions.SetRules(v.Context(), v.who, v.tenant, rules)
}

// exemptions reads all exemptions within the scope: requests first, then those
// that end first.
func (v *visit) exemptions(back string) ([]exemptionRow, error) {
	objects, err := v.exemptionObjects()
	if err != nil {
		return nil, err
	}
	reopened := v.estate.Reopened()
	rows := make([]exemptionRow, 0, len(objects))
	for _, o := range objects {
		row := v.exemptionRow(o, back)
		if row.Reopened = reopened[arm.Fold(o.ID)]; row.Ended || row.State == policy.ExemptionRequested || row.Rejected() {
			row.Reopened = 0
		}
		rows = append(rows, row)
	}
	slices.SortStableFunc(rows, func(a, b exemptionRow) int {
		return cmp.Or(compareTrue(a.Waiting(), b.Waiting()), compareEnd(a.Expires, b.Expires))
	})
	return rows, nil
}

// The states by which the list of exemptions is filtered.
const (
	showWaiting  = "waiting"
	showInForce  = "in force"
	showReopened = "re-opened"
	showOver     = "over"
)

// ExemptStates are the filters to choose from.
func (p *policiesPage) ExemptStates() []string {
	return []string{showWaiting, showInForce, showReopened, showOver}
}

// readExemptions reads those that the filters leave.
func (p *policiesPage) readExemptions(v *visit) error {
	rows, err := v.exemptions(v.Self() + "#exemptions")
	if err != nil {
		return err
	}
	if len(rows) == objectRows {
		p.Cut = objectRows
	}
	p.Ticket, p.ExemptState = strings.TrimSpace(v.Get("ticket")), v.Get("exempt")
	for i := range rows {
		if rows[i].Waiting() {
			p.Waiting++
		}
		if rows[i].shown(p.ExemptState) && strings.Contains(strings.ToLower(rows[i].Ticket), strings.ToLower(p.Ticket)) {
			p.Exemptions = append(p.Exemptions, rows[i])
		}
	}
	return nil
}

// shown reports whether a filter leaves an exemption; "" leaves all.
func (r exemptionRow) shown(state string) bool {
	over := r.Ended || r.Rejected()
	switch state {
	case showWaiting:
		return r.Waiting()
	case showInForce:
		return !over && !r.Waiting()
	case showReopened:
		return r.Reopened > 0
	case showOver:
		return over
	}
	return true
}

// requests are the exemptions from a recommendation that wait for approval.
func (v *visit) requests(r *record.Recommendation) ([]exemptionRow, error) {
	if v.server.opt.Objects == nil || v.server.opt.Exemptions == nil {
		return nil, nil
	}
	objects, err := v.exemptionObjects()
	if err != nil {
		return nil, err
	}
	var rows []exemptionRow
	for _, o := range objects {
		if !bytes.Contains(o.Body, []byte(`"`+policy.ExemptionRequested+`"`)) {
			continue // nearly all: they need not be read
		}
		if row := v.exemptionRow(o, v.Self()); row.Waiting() && row.covers(r.ID) {
			rows = append(rows, row)
		}
	}
	return rows, nil
}

func (v *visit) exemptionObjects() ([]store.Object, error) {
	return v.server.opt.Objects.Objects(v.Context(), store.ObjectQuery{Tenant: v.tenant, Kind: exemption.Kind, Prefix: arm.Fold(v.scope.ID), Limit: objectRows})
}

func (v *visit) exemptionRow(o store.Object, back string) exemptionRow {
	body := readBody(o)
	row := exemptionRow{Object: o, Title: firstOf(body.Properties.DisplayName, body.Name), Note: body.Properties.Description,
		Category: body.Properties.Category, Scope: scopeOf(o.ID), Back: back}
	var raw struct {
		Properties map[string]any `json:"properties"`
	}
	if json.Unmarshal(o.Body, &raw) == nil { // else it shows as its id alone
		row.Record = exemption.ReadRecord(raw.Properties)
	}
	row.Expires, _ = time.Parse(time.RFC3339, body.Properties.ExpiresOn) // none or not a time: never
	row.Ended = !row.Expires.IsZero() && !v.now.Before(row.Expires)
	row.Recommendations, row.Everything = v.estate.CoveredBy(body.Properties.AssignmentID, body.Properties.References)
	if x, err := policy.ParseExemption(o.Body); err == nil {
		row.Narrowed = selectorWords(x.Selectors)
	}
	row.CanDecide = row.Waiting() && v.may(exemption.ActionApprove, row.Scope)
	row.CanEnd = v.may(actionExempt, row.Scope)
	return row
}

// selectorWords say which resources selectors leave in.
func selectorWords(list []policy.Selector) string {
	var alternatives []string
	for _, s := range list {
		var parts []string
		for _, c := range s.Conditions {
			names := make([]string, len(c.Values))
			for i, value := range c.Values {
				if names[i] = value; c.Kind == "resourceType" {
					names[i] = typePlural(value)
				}
			}
			word := map[bool]string{false: "", true: "all but "}[c.Not] + strings.Join(names, ", ")
			if c.Kind == "resourceLocation" {
				word = "in " + word
			}
			parts = append(parts, word)
		}
		alternatives = append(alternatives, strings.Join(parts, " "))
	}
	return strings.Join(alternatives, " or ")
}

// covers reports whether an exemption covers a recommendation.
func (r exemptionRow) covers(recommendation string) bool {
	return slices.ContainsFunc(r.Recommendations, func(c *record.Recommendation) bool { return strings.EqualFold(c.ID, recommendation) })
}

// compareTrue sorts what is true first.
func compareTrue(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
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
