package web

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/arm"
	"github.com/rampart-sec/rampart/internal/posture"
)

// affectedRows is how many affected resources a page explains: each row's
// evidence is evaluated anew from its document.
const affectedRows = 25

// recommendationPage is one recommendation: what is wrong where, why it
// matters, and what to do.
type recommendationPage struct {
	*frame
	R         posture.RecommendationRow
	Rows      []evidenceRow
	Pager     pager
	States    []filterChip
	State     posture.State
	Fix       *posture.Fix
	FixOn     posture.Assessment // where the fix was tried
	Standards []standardRef
	Findings  []posture.Finding
	CanExempt bool
	CanAssign bool
	CanSwitch bool
}

// FixBeside reports whether the fix stands beside the affected resources: below
// a long list nobody would find it.
func (p *recommendationPage) FixBeside() bool { return len(p.Rows) > 6 }

// evidenceRow is one assessment with what decided it.
type evidenceRow struct {
	posture.Assessment
	Found  []posture.EvidenceLine
	Checks []posture.Finding // of a machine, when checks on it decided
}

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
	p := &recommendationPage{frame: v.newFrame(known.Title, "summary", "affected", "why", "fix")}
	if p.R, err = v.recommendationRow(known); err != nil {
		return page{}, err
	}
	if err := p.readRows(v); err != nil {
		return page{}, err
	}
	p.Standards = v.standardRefs(known)
	p.CanExempt = v.may(actionExempt, v.scope.ID) && v.server.opt.Objects != nil
	p.CanAssign = v.may(actionGovern, v.scope.ID) && v.server.opt.Objects != nil
	p.CanSwitch = v.may(actionAssign, v.scope.ID) && v.server.opt.Objects != nil && known.Content != nil
	return page{name: "recommendation", data: p}, nil
}

// recommendationRow reads one row of the list. The query narrows by the words
// of the title, so it stays small however many recommendations there are.
func (v *visit) recommendationRow(r *posture.Recommendation) (posture.RecommendationRow, error) {
	q := posture.RecommendationQuery{Scope: v.scope, Text: r.Title, Limit: 1000}
	for {
		rows, err := v.view.Recommendations(q)
		if err != nil {
			return posture.RecommendationRow{}, err
		}
		if i := slices.IndexFunc(rows.Rows, func(row posture.RecommendationRow) bool { return row.ID == r.ID }); i >= 0 {
			return rows.Rows[i], nil
		}
		if rows.Next == "" {
			return posture.RecommendationRow{Recommendation: r}, nil
		}
		q.After = rows.Next
	}
}

// readRows reads a page of assessments in the chosen state with evidence, and
// the first proven fix among them.
func (p *recommendationPage) readRows(v *visit) error {
	counts := map[posture.State]int{posture.Unhealthy: p.R.Unhealthy, posture.Unknown: p.R.Unknown, posture.Healthy: p.R.Healthy, posture.Exempt: p.R.Exempt}
	p.State = posture.Unhealthy
	for _, s := range []posture.State{posture.Exempt, posture.Healthy, posture.Unknown, posture.Unhealthy} {
		if counts[s] > 0 {
			p.State = s // the last one that has rows: unhealthy before unknown before the rest
		}
	}
	if chosen, err := v.states(); err != nil {
		return err
	} else if len(chosen) > 0 {
		p.State = chosen[0]
	}
	for _, s := range []posture.State{posture.Unhealthy, posture.Unknown, posture.Healthy, posture.Exempt} {
		p.States = append(p.States, filterChip{Key: "state", Value: s.String(), Word: stateMark(s).Word, Mark: stateMark(s), N: counts[s], Counted: true,
			On: s == p.State, URL: v.With("state", s.String())})
	}
	rows, err := v.view.Assessments(posture.AssessmentQuery{Scope: v.scope, Recommendation: p.R.ID, State: []posture.State{p.State},
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

// readFindings lists the findings below the recommendation when one resource
// alone is affected; else each resource's page does.
func (p *recommendationPage) readFindings(v *visit) error {
	if p.R.Content == nil || p.R.Content.FindingsOf == "" || len(p.Rows) != 1 {
		return nil
	}
	var err error
	p.Findings, err = v.estate.Findings(v.Context(), p.Rows[0].ResourceID, p.R.ID)
	if err != nil {
		return fmt.Errorf("read findings: %w", err)
	}
	return nil
}

// explain recomputes an assessment's evidence. A document that went away
// between the index and the store is shown without evidence.
func (v *visit) explain(a posture.Assessment) (evidenceRow, *posture.Fix, error) {
	row := evidenceRow{Assessment: a}
	evidence, err := v.estate.Evidence(v.Context(), a.ResourceID, a.Recommendation.ID)
	switch {
	case isNotFound(err):
		return row, nil, nil
	case err != nil:
		return row, nil, fmt.Errorf("explain %s: %w", a.ResourceID, err)
	case evidence == nil:
		return row, nil, nil
	}
	row.Found = deciding(evidence.Found)
	if len(row.Found) == 0 && a.Reason == "" {
		row.Found = evidence.Found[:min(len(evidence.Found), maxEvidence)]
	}
	row.Checks, err = v.checksBehind(a, row.Found)
	return row, evidence.Fix, err
}

// checksBehind are the failed checks that a machine's assessment stands on:
// they say in words what was found where, which the path in their report does
// not.
func (v *visit) checksBehind(a posture.Assessment, found []posture.EvidenceLine) ([]posture.Finding, error) {
	byCheck := func(l posture.EvidenceLine) bool { return strings.HasPrefix(l.Path, "properties.checks.") }
	if !slices.ContainsFunc(found, byCheck) {
		return nil, nil
	}
	checks, err := v.estate.Findings(v.Context(), a.ResourceID, a.Recommendation.ID)
	if err != nil && !isNotFound(err) {
		return nil, fmt.Errorf("read checks of %s: %w", a.ResourceID, err)
	}
	checks = slices.DeleteFunc(checks, func(f posture.Finding) bool { return f.Evidence == "" || f.State != a.State })
	return checks[:min(len(checks), maxEvidence)], nil
}

// maxEvidence bounds the conditions shown per row; the rest repeats.
const maxEvidence = 5

// deciding leaves out what goes without saying, that a storage account is a
// storage account, and joins conditions on one value: wanted this or that.
func deciding(found []posture.EvidenceLine) []posture.EvidenceLine {
	var lines []posture.EvidenceLine
	for _, l := range found {
		if l.Path == "type" {
			continue
		}
		// The reason names the resource, which the row does already.
		if i := len(l.Note) - len(" in "+l.ResourceID); i > 0 && strings.EqualFold(l.Note[i:], " in "+l.ResourceID) {
			l.Note = l.Note[:i]
		}
		last := len(lines) - 1
		if last >= 0 && lines[last].Path == l.Path && lines[last].ResourceID == l.ResourceID && lines[last].Found == l.Found && l.Wanted != "" {
			lines[last].Wanted += " or " + l.Wanted
			continue
		}
		if len(lines) < maxEvidence {
			lines = append(lines, l)
		}
	}
	return lines
}

func (v *visit) standardRefs(r *posture.Recommendation) []standardRef {
	if r.Content == nil {
		return nil
	}
	var refs []standardRef
	for _, std := range v.server.opt.Library.Standards {
		if numbers := r.Content.Standards[std.ID]; len(numbers) > 0 {
			refs = append(refs, standardRef{std, numbers})
		}
	}
	return refs
}
