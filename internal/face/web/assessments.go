package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// assessmentsPage lists what each recommendation says of each resource.
type assessmentsPage struct {
	*frame
	Rows     []record.Assessment
	Pager    pager
	States   []filterChip
	Severity []filterChip
	Tasks    []filterChip
	Controls []*content.Control
	Types    []index.TypeCount
	About    *record.Recommendation // the recommendation filtered by
	Party    string                 // whose tasks are listed, in words; "" is anybody's
	Filtered bool
	CSV      string
	Views    viewMenu
}

func assessments(v *visit) (page, error) {
	if err := v.allowScope(); err != nil {
		return page{}, err
	}
	q, err := v.assessmentQuery()
	if err != nil {
		return page{}, err
	}
	q.Limit = listRows
	rows, err := v.view.Assessments(q)
	if err != nil {
		return page{}, err
	}
	p := &assessmentsPage{frame: v.newFrame("Assessments", "summary", "rows"), Rows: rows.Rows, Pager: v.newPager(len(rows.Rows), rows.Total, rows.Next),
		States: v.stateChips(), Severity: v.severityChips(), Tasks: v.taskChips(v.view.Tasks(v.scope)), Controls: v.server.opt.Library.Controls, Types: v.types(), CSV: v.join("/assessments.csv", v.query),
		Filtered: q.Text != "" || q.Type != "" || len(q.State)+len(q.Severity)+len(q.Control)+len(q.Status) > 0 || q.Owner != nil || q.Recommendation != "" || q.Scope.Tag != ""}
	if q.Recommendation != "" {
		p.About = v.view.Recommendation(q.Recommendation)
	}
	if q.Owner != nil {
		p.Party = v.partyWord(*q.Owner)
	}
	p.Views, err = v.viewMenu()
	return page{name: "assessments", data: p}, err
}

// assessmentQuery reads the list's filter from the address.
func (v *visit) assessmentQuery() (index.AssessmentQuery, error) {
	q := index.AssessmentQuery{Scope: v.scope, Recommendation: v.Get("recommendation"), Type: v.Get("type"), Text: v.Get("q"),
		Control: slices.DeleteFunc(slices.Clone(v.query["control"]), func(s string) bool { return s == "" }),
		Sort:    v.Get("sort"), Desc: v.Get("desc") != "", After: v.Get("after")}
	var err error
	if q.Owner, err = v.party(); err != nil {
		return q, err
	}
	if q.State, err = v.states(); err != nil {
		return q, err
	}
	if q.Status, err = v.statuses(); err != nil {
		return q, err
	}
	q.Severity, err = v.severities()
	return q, err
}

// assessmentsCSV writes every assessment of the list's filter, in one pass.
func assessmentsCSV(v *visit, w http.ResponseWriter) error {
	if err := v.allowScope(); err != nil {
		return err
	}
	q, err := v.assessmentQuery()
	if err != nil {
		return err
	}
	rows, err := v.view.EachMatch(q)
	if err != nil {
		return err
	}
	out := startCSV(w, "assessments.csv")
	writeLine(out, "resourceId", "resourceType", "recommendation", "title", "severity", "state", "reason", "since", "observedAt", "stale", "risk", "riskFactors", "owner", "due", "status", "eta", "completed")
	for a := range rows {
		writeLine(out, a.ResourceID, a.ResourceType, a.Recommendation.ID, a.Recommendation.Title, string(a.Recommendation.Severity), a.State.String(), a.Reason,
			stamp(a.Since), stamp(a.ObservedAt), strconv.FormatBool(a.Stale), riskMark(a.Risk).Word, strings.Join(a.RiskFactors, "; "), a.Assigned.Owner, stamp(a.Assigned.Due),
			a.Status.String(), stamp(a.Assigned.ETA), stamp(a.Completed))
		if out.Error() != nil {
			break // the reader is gone
		}
	}
	out.Flush()
	return out.Error()
}
