package web

import (
	"fmt"
	"slices"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/finding"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/judge"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// actionDisable is what a reader needs to disable findings and to end that.
const actionDisable = finding.Type + "/write"

// summedFindings is how many different findings a recommendation's page sums up.
const summedFindings = 10

// findingRow is one finding with what can be done about it.
type findingRow struct {
	judge.Finding
	Elsewhere string // address of the other resources that have it, "" where that says nothing
	Disable   string // address of the form that disables it, "" if it is none or not allowed
	Until     string // the day when a rule ends that disables it
}

// findingGroup is the findings of one recommendation by state.
type findingGroup struct {
	Recommendation *record.Recommendation
	Failed, Passed []findingRow
	Off            []findingRow // failed, and disabled by rule
	Dark, Aside    []findingRow // unknown; not applicable
}

// shownFindings is how many failed checks stand open; the others are one click
// away.
const shownFindings = 12

// Empty reports whether there are none.
func (g findingGroup) Empty() bool {
	return len(g.Failed)+len(g.Passed)+len(g.Off)+len(g.Dark)+len(g.Aside) == 0
}

// First are the failed findings that are shown, More those behind a click.
func (g findingGroup) First() []findingRow { return g.Failed[:min(len(g.Failed), shownFindings)] }

// More is what First leaves out.
func (g findingGroup) More() []findingRow { return g.Failed[len(g.First()):] }

// newFindingGroup sorts findings by state, at most resourceFindings of them.
func newFindingGroup(r *record.Recommendation, found []findingRow) findingGroup {
	g := findingGroup{Recommendation: r}
	for _, f := range found[:min(len(found), resourceFindings)] {
		switch {
		case f.Disabled != nil:
			g.Off = append(g.Off, f)
		case f.State == record.Unhealthy:
			g.Failed = append(g.Failed, f)
		case f.State == record.Healthy:
			g.Passed = append(g.Passed, f)
		case f.State == record.Unknown:
			g.Dark = append(g.Dark, f)
		default:
			g.Aside = append(g.Aside, f)
		}
	}
	slices.SortStableFunc(g.Failed, func(a, b findingRow) int {
		return slices.Index(severities, a.Severity) - slices.Index(severities, b.Severity)
	})
	return g
}

// findings reads the findings of one assessment.
func (v *visit) findings(resource string, r *record.Recommendation) (findingGroup, error) {
	found, err := v.estate.Findings(v.Context(), resource, r.ID)
	if err != nil && !arm.IsNotFound(err) {
		return findingGroup{}, fmt.Errorf("read findings of %s: %w", resource, err)
	}
	allowed := v.server.opt.Objects != nil && v.may(actionDisable, resource)
	rows := make([]findingRow, len(found))
	for i, f := range found {
		rows[i] = findingRow{Finding: f}
		if f.State != record.Unhealthy && f.Disabled == nil {
			continue
		}
		if f.Disabled == nil {
			rows[i].Elsewhere = v.To("/inventory", "scope", "", "finding", f.Key)
			if allowed {
				rows[i].Disable = v.To("/disable", "id", r.ID, "finding", f.Key, "resource", resource)
			}
		} else if !f.Disabled.Expires.IsZero() {
			rows[i].Until = v.day(f.Disabled.Expires)
		}
	}
	return newFindingGroup(r, rows), nil
}

// findingSum is one finding over the scope of a recommendation's page.
type findingSum struct {
	judge.FindingCount
	Open, Off string // addresses of the resources where it counts, and where it is disabled
	Disable   string
}

// sumFindings reads what the resources in the scope have in common.
func (v *visit) sumFindings(r *record.Recommendation) (sums []findingSum, more int) {
	rows, all := v.estate.FindingsOver(v.view, v.scope, r.ID, summedFindings)
	allowed := v.server.opt.Objects != nil && v.scope.Tag == "" && v.may(actionDisable, v.scope.ID)
	for _, row := range rows {
		sum := findingSum{FindingCount: row,
			Open: v.To("/inventory", "finding", row.ID), Off: v.To("/inventory", "finding", row.ID, "disabled", "1")}
		if allowed && row.Resources > 0 {
			sum.Disable = v.To("/disable", "id", r.ID, "finding", row.ID)
		}
		sums = append(sums, sum)
	}
	return sums, all - len(rows)
}

// findingTitle is the title of a finding in the reports that the index knows,
// else its key.
func (v *visit) findingTitle(r *record.Recommendation, key string) string {
	rows, _ := v.estate.FindingsOver(v.view, index.Scope{}, r.ID, allFindings)
	for _, row := range rows {
		if row.IsCalled(key) {
			return row.Title
		}
	}
	return key
}

// allFindings is beyond the number of findings that the index tells apart.
const allFindings = 1 << 30
