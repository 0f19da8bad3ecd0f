package web

import (
	"fmt"
	"slices"
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/governance"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/ownership"
	"github.com/rampart-sec/rampart/internal/posture/planning"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// affectedRows is how many affected resources a page explains: each row's
// evidence is evaluated anew from its document.
const affectedRows = 25

// recommendationPage is one recommendation: what is wrong where, why it
// matters, and what to do.
type recommendationPage struct {
	*frame
	R         index.RecommendationRow
	Rows      []evidenceRow
	Pager     pager
	States    []filterChip
	State     record.State
	Fix       *planning.Fix
	FixOn     record.Assessment // where the fix was tried
	Standards []standardRef
	Findings  *findingGroup // of the only resource that is affected
	Sums      []findingSum  // else what the resources have in common
	MoreSums  int
	Requests  []exemptionRow // that wait for approval
	CanExempt bool
	CanAssign bool
	CanSwitch bool
	Tasks     []filterChip // by status
	MinDate   string
}

// FixBeside reports whether the fix stands beside the affected resources: below
// a long list nobody would find it.
func (p *recommendationPage) FixBeside() bool { return len(p.Rows) > 6 }

// standardRef is a standard with the control numbers that are served.
type standardRef struct {
	*content.Standard
	Numbers []string
}

func recommendation(v *visit) (page, error) {
	id, err := v.one("id")
	if err == nil {
		err = v.allowScope()
	}
	if err != nil {
		return page{}, err
	}
	known := v.view.Recommendation(id)
	if known == nil {
		return page{}, arm.NotFound(clip(id, 100))
	}
	p := &recommendationPage{frame: v.newFrame(known.Title, "summary", "affected", "why", "fix"), MinDate: v.now.AddDate(0, 0, 1).Format(time.DateOnly)}
	if p.R, err = v.recommendationRow(known); err != nil {
		return page{}, err
	}
	if err := p.readRows(v); err != nil {
		return page{}, err
	}
	if p.Standards, err = v.standardRefs(known); err != nil {
		return page{}, err
	}
	if p.Requests, err = v.requests(known); err != nil {
		return page{}, err
	}
	// A form acts on a scope by id; it could not keep to a tag.
	if v.server.opt.Objects != nil && v.scope.Tag == "" {
		p.CanExempt, p.CanAssign = v.may(actionExempt, v.scope.ID), v.server.opt.Owners != nil && v.may(ownership.Write, v.scope.ID)
		_, err := v.switchScopes()
		p.CanSwitch = err == nil && known.Content != nil && v.may(actionAssign, v.scope.ID)
	}
	return page{name: "recommendation", data: p}, nil
}

// recommendationRow reads one row of the list. The query narrows by the words
// of the title, so it stays small however many recommendations there are.
func (v *visit) recommendationRow(r *record.Recommendation) (index.RecommendationRow, error) {
	q := index.RecommendationQuery{Scope: v.scope, Text: r.Title, Limit: 1000}
	for {
		rows, err := v.view.Recommendations(q)
		if err != nil {
			return index.RecommendationRow{}, err
		}
		if i := slices.IndexFunc(rows.Rows, func(row index.RecommendationRow) bool { return row.ID == r.ID }); i >= 0 {
			return rows.Rows[i], nil
		}
		if rows.Next == "" {
			return index.RecommendationRow{Recommendation: r}, nil
		}
		q.After = rows.Next
	}
}

// readRows reads a page of assessments in the chosen state with evidence, and
// the first proven fix among them.
func (p *recommendationPage) readRows(v *visit) error {
	counts := map[record.State]int{record.Unhealthy: p.R.Unhealthy, record.Unknown: p.R.Unknown, record.Healthy: p.R.Healthy, record.Exempt: p.R.Exempt}
	p.State = record.Unhealthy
	for _, s := range []record.State{record.Exempt, record.Healthy, record.Unknown, record.Unhealthy} {
		if counts[s] > 0 {
			p.State = s // the last one that has rows: unhealthy before unknown before the rest
		}
	}
	if chosen, err := v.states(); err != nil {
		return err
	} else if len(chosen) > 0 {
		p.State = chosen[0]
	}
	statuses, err := v.statuses()
	if err != nil {
		return err
	}
	if len(statuses) > 0 {
		p.State = stateOfTask(statuses[0])
	}
	tasks := index.TaskCounts{Unassigned: p.R.Unassigned, OnTime: p.R.OnTime, Overdue: p.R.Overdue, Completed: p.R.Completed}
	if p.Tasks = v.taskChips(tasks); !tasks.Managed() {
		p.Tasks = nil
	}
	for _, s := range []record.State{record.Unhealthy, record.Unknown, record.Healthy, record.Exempt} {
		p.States = append(p.States, filterChip{Key: "state", Value: s.String(), Word: stateMark(s).Word, Mark: stateMark(s), N: counts[s],
			On: s == p.State && len(statuses) == 0, URL: v.With("state", s.String(), "task", "")})
	}
	rows, err := v.view.Assessments(index.AssessmentQuery{Scope: v.scope, Recommendation: p.R.ID, State: []record.State{p.State}, Status: statuses,
		Text: v.Get("q"), Sort: v.Get("sort"), Desc: v.Get("desc") != "", After: v.Get("after"), Limit: affectedRows})
	if err != nil {
		return err
	}
	p.Pager = v.newPager(len(rows.Rows), rows.Total, rows.Next)
	for _, a := range rows.Rows {
		row, fix, err := v.explain(a)
		if err != nil {
			return err
		}
		p.Rows = append(p.Rows, row)
		if p.Fix == nil && fix != nil {
			p.Fix, p.FixOn = fix, a
		}
	}
	return p.readFindings(v)
}

// readFindings lists the findings below the recommendation: those of the one
// resource that is affected, else what several have in common.
func (p *recommendationPage) readFindings(v *visit) error {
	if p.R.Content == nil || p.R.Content.FindingsOf == "" {
		return nil
	}
	if len(p.Rows) != 1 {
		p.Sums, p.MoreSums = v.sumFindings(p.R.Recommendation)
		return nil
	}
	g, err := v.findings(p.Rows[0].ResourceID, p.R.Recommendation)
	if err == nil && !g.Empty() {
		p.Findings = &g
	}
	return err
}

// standardRefs are the standards that a recommendation serves, users' own among
// them.
func (v *visit) standardRefs(r *record.Recommendation) ([]standardRef, error) {
	all, err := v.server.opt.Compliance.Standards(v.Context(), v.tenant, v.view)
	if err != nil {
		return nil, fmt.Errorf("read standards: %w", err)
	}
	var refs []standardRef
	for _, std := range all {
		if numbers := std.Numbers(r.ID); len(numbers) > 0 {
			refs = append(refs, standardRef{std.Standard, numbers})
		}
	}
	return refs, nil
}

// ShowTasks reports whether the rows have owners to tell of.
func (p *recommendationPage) ShowTasks() bool {
	return p.State == record.Unhealthy || len(p.Rows) > 0 && p.Rows[0].Status == governance.Completed
}
