package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/governance"
	"github.com/rampart-sec/rampart/internal/posture/ownership"
)

// reportRows bounds the report on the page: a tag may name thousands of owners.
const reportRows = 300

// governanceData is who has to do what: the report by rule and owner, and the
// rules.
type governanceData struct {
	*frame
	Tasks      []filterChip // the totals, each leading to its assessments
	Rows       []workRow
	More       int // rows that only the CSV has
	Rules      []governanceRow
	Severities []content.Severity
	CSV        string
	CanWrite   bool // rules, in the scope
	Readable   bool
}

// governanceRow is one rule in the list.
type governanceRow struct {
	*governance.Rule
	UpdatedBy string
	CanWrite  bool
}

// Days is the time that the rule gives.
func (r governanceRow) Days() int { return int(r.Timeframe.Hours() / 24) }

// ScopeID is what the rule is about.
func (r governanceRow) ScopeID() string { return r.Scope().String() }

func governancePage(v *visit) (page, error) {
	if err := v.allowScope(); err != nil {
		return page{}, err
	}
	p := &governanceData{frame: v.newFrame("Governance", "report", "rules"), Tasks: v.taskTotals(),
		Severities: severities, CSV: v.join("/governance.csv", v.query), Readable: v.server.opt.Objects != nil && v.server.opt.Owners != nil}
	work := v.view.Workloads(v.scope)
	p.More = max(0, len(work)-reportRows)
	for _, w := range work[:len(work)-p.More] {
		p.Rows = append(p.Rows, workRow{w, v.address})
	}
	if !p.Readable {
		return page{name: "governance", data: p}, nil
	}
	p.CanWrite = v.scope.Tag == "" && v.may(ownership.WriteRules, v.scope.ID)
	objects, err := v.server.opt.Objects.Objects(v.Context(), store.ObjectQuery{Tenant: v.tenant, Kind: governance.RuleKind, Prefix: arm.Fold(v.scope.ID), Limit: objectRows})
	if err != nil {
		return page{}, err
	}
	for _, o := range objects {
		r, err := governance.ParseRule(o.ID, o.Body)
		if err != nil {
			continue // listed among the estate's problems
		}
		p.Rules = append(p.Rules, governanceRow{r, o.UpdatedBy, v.may(ownership.WriteRules, scopeOf(o.ID))})
	}
	slices.SortFunc(p.Rules, func(a, b governanceRow) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	return page{name: "governance", data: p}, nil
}

// governanceCSV writes the report.
func governanceCSV(v *visit, w http.ResponseWriter) error {
	if err := v.allowScope(); err != nil {
		return err
	}
	out := startCSV(w, "governance.csv")
	writeLine(out, "rule", "ruleId", "byHand", "owner", "ownerIsGone", "completed", "onTime", "overdue", "unassigned")
	for _, l := range v.view.Workloads(v.scope) {
		writeLine(out, l.Rule, l.RuleID, strconv.FormatBool(l.ByHand), l.Owner, strconv.FormatBool(l.Gone),
			strconv.Itoa(l.Completed), strconv.Itoa(l.OnTime), strconv.Itoa(l.Overdue), strconv.Itoa(l.Unassigned))
	}
	out.Flush()
	return out.Error()
}

// putRule makes a rule for the scope, or for every subscription of the estate in
// one at the tenant's root.
func putRule(v *visit) (string, error) {
	form := v.PostForm
	timeframe, ok := timeframes[form.Get("days")]
	if !ok {
		return "", arm.Invalid("An owner is given 7, 14, 30 or 90 days, not %q.", clip(form.Get("days"), 20))
	}
	priority, err := strconv.Atoi(form.Get("priority"))
	if err != nil {
		return "", arm.Invalid("A priority is a number from 0 to 1000; the lowest wins.")
	}
	chosen := slices.DeleteFunc(slices.Clone(form["severity"]), func(s string) bool { return !slices.Contains(severities, content.Severity(s)) })
	if len(chosen) == 0 {
		return "", arm.Invalid("Choose at least one severity.")
	}
	values, err := json.Marshal(chosen)
	if err != nil {
		return "", fmt.Errorf("encode severities: %w", err)
	}
	id := form.Get("target") + "/providers/Microsoft.Security/governanceRules/" + uuid.NewString()
	err = v.server.opt.Owners.PutRule(v.Context(), v.who, v.tenant, id, map[string]any{
		"displayName": strings.TrimSpace(clip(form.Get("name"), 128)), "ruleType": "Integrated", "sourceResourceType": "Assessments",
		"rulePriority": priority, "isDisabled": false, "isGracePeriod": form.Get("grace") != "", "remediationTimeframe": timeframe,
		"ownerSource":   map[string]string{"type": form.Get("source"), "value": strings.TrimSpace(form.Get("owner"))},
		"conditionSets": []any{map[string]any{"conditions": []any{map[string]string{"property": "$.Metadata.severity", "operator": "In", "value": string(values)}}}},
	}, "")
	if err == nil && form.Get("override") != "" {
		err = v.server.opt.Owners.Override(v.Context(), v.who, v.tenant, id)
	}
	return v.To("/governance") + "#rules", err
}

// overrideRule lets a rule replace what was assigned until now.
func overrideRule(v *visit) (string, error) {
	return v.To("/governance"), v.server.opt.Owners.Override(v.Context(), v.who, v.tenant, v.PostForm.Get("id"))
}

// deleteRule deletes a rule; what it had assigned stays.
func deleteRule(v *visit) (string, error) {
	return v.To("/governance"), v.server.opt.Owners.DeleteRule(v.Context(), v.who, v.tenant, v.PostForm.Get("id"))
}
