package api

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/compliance"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/judge"
	"github.com/rampart-sec/rampart/internal/posture/planning"
	"github.com/rampart-sec/rampart/internal/posture/record"
	"github.com/rampart-sec/rampart/internal/posture/whatif"
)

// hypothesis is one change of a what-if question.
type hypothesis struct {
	ResourceID string          `json:"resourceId"`
	Patch      json.RawMessage `json:"patch"`
	Body       json.RawMessage `json:"body"`
	Exempt     string          `json:"exempt"` // id of a recommendation
	Fixed      string          `json:"fixed"`  // id of a recommendation
}

// maxQuestion bounds the body of a what-if question.
const maxQuestion = 32 << 20

// actionWhatIf is what a caller needs at the scope of the question.
const actionWhatIf = "Rampart/posture/whatIf/read"

// whatIf answers what hypothetical changes would do to the score. The body is
// {"changes": [...]}, or resources as an import takes them, or an ARM template.
func (a *API) whatIf(r *request) (response, error) {
	scope, err := r.questionScope()
	if err == nil {
		err = r.principal.Allow(actionWhatIf, scope.ID)
	}
	if err != nil {
		return response{}, err
	}
	estate, view, err := a.estate(r)
	if err != nil {
		return response{}, err
	}
	q := whatif.Question{Tenant: r.tenant(), Scope: scope, At: a.Now()}
	if err := r.suppose(&q); err != nil {
		return response{}, err
	}
	query := r.URL.Query()
	if err := q.Fix(view, query["fix"], scope); err != nil {
		return response{}, err
	}
	if err := q.Exempt(view, query["exempt"], scope); err != nil {
		return response{}, err
	}
	report, err := whatif.Ask(r.Context(), estate, a.Compliance, q)
	if err != nil {
		return response{}, err
	}
	return ok(a.whatIfBody(r, report))
}

// suppose reads the body of a question; it may be empty if the address says
// what to try.
func (r *request) suppose(q *whatif.Question) error {
	text, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxQuestion))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return &arm.Error{Status: http.StatusRequestEntityTooLarge, Code: "RequestContentTooLarge",
			Message: fmt.Sprintf("The body is larger than %d bytes.", maxQuestion)}
	}
	if err != nil {
		return arm.Invalid("The body could not be read: %v.", err)
	}
	var list struct {
		Changes json.RawMessage `json:"changes"`
	}
	if json.Unmarshal(text, &list) != nil || list.Changes == nil {
		return q.Read(r.Context(), text, whatif.Place{Subscription: r.deployTo(q.Scope.ID), ResourceGroup: cmp.Or(r.option("resourceGroup"), groupOf(q.Scope.ID))}, q.At)
	}
	var body struct {
		Changes []hypothesis `json:"changes"`
	}
	if err := decodeJSON(text, &body); err != nil {
		return err
	}
	if len(body.Changes) == 0 || len(body.Changes) > judge.MaxHypotheses {
		return invalidAt("changes", "It must hold between 1 and %d changes.", judge.MaxHypotheses)
	}
	for _, h := range body.Changes {
		q.Changes = append(q.Changes, planning.Hypothetical{ResourceID: h.ResourceID, Patch: h.Patch, Body: h.Body, Exempt: h.Exempt, Fixed: h.Fixed})
	}
	return nil
}

// deployTo is the subscription that a template is deployed to, a GUID: the one
// that is named, else that of the scope.
func (r *request) deployTo(scope string) string {
	if name := r.option("subscription"); name != "" {
		return name[strings.LastIndexByte(name, '/')+1:]
	}
	id, err := arm.ParseID(cmp.Or(scope, "/"))
	if err != nil {
		return ""
	}
	return id.Subscription()
}

func groupOf(scope string) string {
	id, err := arm.ParseID(cmp.Or(scope, "/"))
	if err != nil {
		return ""
	}
	return id.ResourceGroup()
}

// maxFlips bounds the assessments of an answer; flipsTotal counts all.
const maxFlips = 10_000

func (a *API) whatIfBody(r *request, report *whatif.Report) map[string]any {
	flips := []any{}
	for i := range report.Flips[:min(len(report.Flips), maxFlips)] {
		flips = append(flips, a.assessmentBody(r, &report.Flips[i]))
	}
	return map[string]any{"before": scoreOnly(report.Before), "after": scoreOnly(report.After), "controls": controlsIf(report), "flips": flips, "flipsTotal": len(report.Flips),
		"recommendations": recommendationsIf(report), "compliance": complianceIf(report), "unhealthy": unhealthyIf(report), "unhealthyTotal": len(report.Unhealthy),
		"tried": report.Tried, "rejected": rejectedIf(report), "rejectedTotal": report.RejectedTotal}
}

func controlsIf(report *whatif.Report) []any {
	items := []any{}
	for _, c := range report.Controls {
		items = append(items, map[string]any{"control": c.Before.Control.ID, "displayName": c.Before.Control.Title,
			"before": controlOnly(&c.Before), "after": controlOnly(&c.After)})
	}
	return items
}

func controlOnly(c *index.ControlScore) map[string]any {
	return map[string]any{"score": pointsOf(c.Current, c.Max), "healthy": c.Healthy, "unhealthy": c.Unhealthy, "unknown": c.Unknown}
}

func recommendationsIf(report *whatif.Report) []any {
	items := []any{}
	for _, x := range report.Recommendations {
		items = append(items, map[string]any{"recommendation": x.ID, "displayName": x.Title, "severity": severityName(x.Severity),
			"before": countsOnly(x.Before), "after": countsOnly(x.After)})
	}
	return items
}

func countsOnly(n record.Counts) map[string]any {
	return map[string]any{"healthy": n.Healthy, "unhealthy": n.Unhealthy, "unknown": n.Unknown, "exempt": n.Exempt}
}

// complianceIf is what each standard says before and after, with the controls
// that change.
func complianceIf(report *whatif.Report) []any {
	items := []any{}
	for _, s := range report.Standards {
		changed := []any{}
		for _, c := range s.Controls {
			changed = append(changed, map[string]any{"control": c.Number, "from": c.From, "to": c.To})
		}
		items = append(items, map[string]any{"standard": s.ID, "displayName": s.Title, "version": s.Version, "before": controlCounts(s.Before), "after": controlCounts(s.After), "controls": changed})
	}
	return items
}

func unhealthyIf(report *whatif.Report) []any {
	items := []any{}
	for _, u := range report.Unhealthy[:min(len(report.Unhealthy), maxFlips)] {
		open := []any{}
		for _, x := range u.Open {
			open = append(open, map[string]any{"recommendation": x.Recommendation.ID, "displayName": x.Recommendation.Title, "severity": severityName(x.Recommendation.Severity)})
		}
		items = append(items, map[string]any{"resourceId": u.ID, "new": u.New, "recommendations": open})
	}
	return items
}

func rejectedIf(report *whatif.Report) []rejection {
	items := []rejection{}
	for _, x := range report.Rejected {
		items = append(items, rejection{Line: x.Line, ID: x.ID, Reason: x.Reason})
	}
	return items
}

func controlCounts(n compliance.Counts) map[string]any {
	return map[string]any{"passed": n.Passed, "failed": n.Failed, "skipped": n.Skipped, "unsupported": n.Unsupported}
}

// scoreOnly is a score without the envelope of a resource.
func scoreOnly(s index.Score) map[string]any {
	return map[string]any{"score": pointsOf(s.Current, s.Max), "low": round(s.Low/100, 10000), "high": round(s.High/100, 10000),
		"known": s.Known, "applicable": s.Applicable}
}
