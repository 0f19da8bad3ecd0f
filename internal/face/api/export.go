package api

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// exportColumns are the columns of the CSV export.
var exportColumns = []string{"resourceId", "resourceType", "recommendation", "title", "severity", "state", "reason", "since", "observedAt", "risk", "owner", "due", "status", "eta", "completed"}

// export streams every assessment of a scope, without a cap: as CSV, or as JSON
// Lines in the form of the assessments list.
func (a *API) export(r *request) (response, error) {
	scope, err := r.questionScope()
	if err != nil {
		return response{}, err
	}
	_, view, err := a.estate(r)
	if err != nil {
		return response{}, err
	}
	each := func(use func(*record.Assessment) error) error { return everyAssessment(view, scope, use) }
	switch format := r.option("format"); format {
	case "csv":
		return response{status: http.StatusOK, contentType: "text/csv; charset=utf-8", stream: func(w io.Writer) error { return writeCSV(w, each) }}, nil
	case "", "jsonl":
		return response{status: http.StatusOK, contentType: "application/x-ndjson", stream: func(w io.Writer) error {
			encoder := json.NewEncoder(w)
			return each(func(x *record.Assessment) error { return encoder.Encode(a.assessmentBody(r, x)) })
		}}, nil
	default:
		return response{}, invalidAt("format", "%q is neither csv nor jsonl.", clip(format))
	}
}

// everyAssessment walks one epoch, so what is exported is one moment: all rows,
// or through the index where only that knows what lies in the scope: a tag, a
// management group.
func everyAssessment(view *index.View, scope index.Scope, use func(*record.Assessment) error) error {
	within, err := arm.ParseID("/" + scope.ID)
	if err != nil {
		return err
	}
	if scope.Tag == "" && within.Type() != arm.TypeManagementGroup {
		for x := range view.EachAssessment() {
			if id, err := arm.ParseID(x.ResourceID); err != nil || !id.Within(within) {
				continue
			}
			if err := use(&x); err != nil {
				return err
			}
		}
		return nil
	}
	found, err := view.EachMatch(index.AssessmentQuery{Scope: scope, Sort: listOrder})
	if err != nil {
		return err
	}
	for x := range found {
		if err := use(&x); err != nil {
			return err
		}
	}
	return nil
}

func writeCSV(w io.Writer, each func(func(*record.Assessment) error) error) error {
	out := csv.NewWriter(w)
	if err := out.Write(exportColumns); err != nil {
		return err
	}
	err := each(func(x *record.Assessment) error {
		return out.Write([]string{x.ResourceID, x.ResourceType, x.Recommendation.ID, harmless(x.Recommendation.Title), string(x.Recommendation.Severity),
			x.State.String(), harmless(x.Reason), stamp(x.Since), stamp(x.ObservedAt), riskName(x.Risk), harmless(x.Assigned.Owner), stamp(x.Assigned.Due),
			x.Status.String(), stamp(x.Assigned.ETA), stamp(x.Completed)})
	})
	if err != nil {
		return err
	}
	out.Flush()
	return out.Error()
}

// harmless keeps a spreadsheet from taking a text for a formula.
func harmless(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
