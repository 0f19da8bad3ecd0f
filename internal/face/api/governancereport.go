package api

import (
	"encoding/csv"
	"io"
	"net/http"
	"strconv"

	"github.com/rampart-sec/rampart/internal/posture/index"
)

// reportColumns are the columns of the governance report as CSV.
var reportColumns = []string{"rule", "ruleId", "assignedBy", "owner", "ownerIsGone", "completed", "onTime", "overdue", "unassigned"}

// governanceReport counts the tasks of every rule and owner in a scope.
func (a *API) governanceReport(r *request) (response, error) {
	scope, err := r.questionScope()
	if err != nil {
		return response{}, err
	}
	_, view, err := a.estate(r)
	if err != nil {
		return response{}, err
	}
	rows := view.Workloads(scope)
	switch format := r.option("format"); format {
	case "csv":
		return response{status: http.StatusOK, contentType: "text/csv; charset=utf-8", stream: func(w io.Writer) error { return writeReport(w, rows) }}, nil
	case "", "json":
		items := make([]any, len(rows))
		for i := range rows {
			items[i] = workloadBody(&rows[i])
		}
		return ok(list{Value: items})
	default:
		return response{}, invalidAt("format", "%q is neither csv nor json.", clip(format))
	}
}

func workloadBody(w *index.Workload) map[string]any {
	body := map[string]any{"assignedBy": assignedBy(w), "completed": w.Completed, "onTime": w.OnTime, "overdue": w.Overdue, "unassigned": w.Unassigned}
	if w.RuleID != "" {
		body["ruleId"], body["rule"], body["ruleIsDeleted"] = w.RuleID, w.Rule, w.Deleted
	}
	if w.Owner != "" {
		body["owner"], body["ownerIsGone"] = w.Owner, w.Gone
	}
	return body
}

// assignedBy is who gave the tasks of a row to their owner.
func assignedBy(w *index.Workload) string {
	switch {
	case w.ByHand:
		return "person"
	case w.RuleID != "":
		return "rule"
	}
	return "nobody"
}

func writeReport(w io.Writer, rows []index.Workload) error {
	out := csv.NewWriter(w)
	_ = out.Write(reportColumns) // the writer keeps its first error
	for i := range rows {
		l := &rows[i]
		_ = out.Write([]string{harmless(l.Rule), l.RuleID, assignedBy(l), harmless(l.Owner), strconv.FormatBool(l.Gone),
			strconv.Itoa(l.Completed), strconv.Itoa(l.OnTime), strconv.Itoa(l.Overdue), strconv.Itoa(l.Unassigned)})
	}
	out.Flush()
	return out.Error()
}
