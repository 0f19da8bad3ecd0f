package web

import (
	"fmt"
	"strings"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
	"github.com/rampart-sec/rampart/internal/posture/risk"
)

// need is one thing that should be looked at today.
type need struct {
	Title, Detail, URL string
	Mark               mark
}

// needs finds what should be looked at today: dangers that are open, what got
// worse since yesterday, and what is overdue; start is what to begin with when
// there is none.
func (v *visit) needs(changes []change) (needs, start []need, err error) {
	top, err := v.view.Recommendations(index.RecommendationQuery{Scope: v.scope, State: []record.State{record.Unhealthy}, Sort: "risk", Limit: 50})
	if err != nil {
		return nil, nil, err
	}
	listed := map[string]bool{}
	for _, c := range changes {
		if c.To != record.Unhealthy || c.Recommendation.Severity != content.High && c.Recommendation.Severity != content.Critical {
			continue
		}
		listed[c.Recommendation.ID] = true
		needs = append(needs, need{Title: c.Recommendation.Title, Mark: severityMark(c.Recommendation.Severity), URL: v.To("/recommendation", "id", c.Recommendation.ID),
			Detail: fmt.Sprintf("new since %s on %s", v.ago(c.At), c.Where())})
	}
	for _, r := range top.Rows {
		n := need{Title: r.Title, Mark: riskMark(r.Risk), URL: v.To("/recommendation", "id", r.ID), Detail: openDetail(r)}
		switch {
		case listed[r.ID]:
		case r.Overdue > 0 || r.Risk == risk.Critical:
			needs = append(needs, n)
		case len(start) < overviewStart && r.Counted:
			start = append(start, n)
		}
	}
	return needs[:min(len(needs), overviewNeeds)], start, nil
}

func openDetail(r index.RecommendationRow) string {
	parts := []string{count(r.Unhealthy, "resource", "resources") + " affected"}
	if r.Overdue > 0 {
		parts = append(parts, number(r.Overdue)+" overdue")
	}
	if r.Unassigned > 0 {
		parts = append(parts, number(r.Unassigned)+" without owner")
	}
	return strings.Join(parts, " · ")
}

// headline is the page's answer in one sentence.
func headline(p *overviewPage) string {
	switch {
	case p.Resources == 0:
		return "Nothing is connected yet"
	case len(p.Needs) == 1:
		return "One thing needs you today"
	case len(p.Needs) > 1:
		return inWords(len(p.Needs)) + " things need you today"
	case p.Open == 0 && p.Unknown > 0:
		return "Nothing is known to be wrong, but not everything is known"
	case p.Open == 0:
		return "Everything that is assessed is in order"
	}
	return "Nothing urgent; " + count(p.Open, "recommendation is", "recommendations are") + " open"
}
