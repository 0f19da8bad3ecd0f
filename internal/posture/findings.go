package posture

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/arm"
)

// baselineChild is where an agent puts the results of host checks, below the
// machine.
const baselineChild = "/providers/Microsoft.GuestConfiguration/guestConfigurationAssignments/RampartBaseline"

// hostChecks are the results as the agent delivers them.
type hostChecks struct {
	Properties struct {
		Checks map[string]hostCheck `json:"checks"`
	} `json:"properties"`
}

type hostCheck struct {
	State    string           `json:"state"` // pass, fail, unknown, notApplicable
	Title    string           `json:"title"`
	Severity content.Severity `json:"severity"`
	Evidence struct {
		Path   string `json:"path"`
		Line   int    `json:"line"`
		Found  string `json:"found"`
		Wanted string `json:"wanted"`
		Note   string `json:"note"`
	} `json:"evidence"`
}

// Findings are the sub-assessments below one assessment, failed ones first,
// then by severity. A recommendation without findings has none.
func (e *Estate) Findings(ctx context.Context, resourceID, recommendationID string) ([]Finding, error) {
	v := e.View()
	a, ok := v.Assessment(resourceID, recommendationID)
	if !ok {
		return nil, arm.NotFound(resourceID + "/providers/Microsoft.Security/assessments/" + recommendationID)
	}
	selects := e.judge.findingsOf(a.Recommendation.Content)
	if selects == nil {
		return nil, nil
	}
	child, err := e.Document(ctx, a.ResourceID+baselineChild)
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var doc hostChecks
	if err := json.Unmarshal(child.Doc.Body, &doc); err != nil {
		return nil, fmt.Errorf("results of host checks on %s: %w", a.ResourceID, err)
	}
	var all []Finding
	for id, result := range doc.Properties.Checks {
		if check := e.judge.checks[id]; selects(id, check) {
			all = append(all, findingOf(a.ResourceID, id, result, check, child.Doc.ObservedAt))
		}
	}
	slices.SortFunc(all, func(x, y Finding) int {
		return cmp.Or(cmp.Compare(badness[y.State], badness[x.State]),
			cmp.Compare(severityRank(y.Severity), severityRank(x.Severity)), cmp.Compare(x.Title, y.Title))
	})
	return all, nil
}

// findingsOf says which checks are findings of a recommendation, nil if it has
// none: of the baseline those that are no recommendations of their own, else
// the checks that its policy names.
func (j *Judge) findingsOf(k *content.Recommendation) func(id string, check *content.Check) bool {
	if k == nil {
		return nil
	}
	if k.FindingsOf == "baseline" {
		return func(_ string, check *content.Check) bool { return check == nil || !check.Recommended }
	}
	text := string(k.Details)
	if !strings.Contains(text, "checks.") {
		return nil
	}
	return func(id string, _ *content.Check) bool { return strings.Contains(text, "checks."+id+".") }
}

// findingSpace is the namespace of the ids of findings.
var findingSpace = uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://rampart.dev/finding"))

func findingOf(resource, id string, r hostCheck, check *content.Check, at time.Time) Finding {
	f := Finding{
		ID: uuid.NewSHA1(findingSpace, []byte(id)).String(), ResourceID: resource, Title: r.Title,
		Severity: r.Severity, Category: "baseline", Observed: at, State: checkState(r.State), Evidence: r.evidence(),
	}
	if check != nil {
		f.Title, f.Severity, f.Description, f.Remediation = check.Title, check.Severity, check.Rationale, check.Remediation
	}
	return f
}

func checkState(s string) State {
	switch s {
	case "pass":
		return Healthy
	case "fail":
		return Unhealthy
	case "notApplicable":
		return NotApplicable
	}
	return Unknown
}

// evidence words what a check found.
func (r hostCheck) evidence() string {
	var parts []string
	if r.Evidence.Found != "" {
		parts = append(parts, "found "+r.Evidence.Found)
	}
	if r.Evidence.Wanted != "" {
		parts = append(parts, "wanted "+r.Evidence.Wanted)
	}
	if r.Evidence.Path != "" {
		where := r.Evidence.Path
		if r.Evidence.Line > 0 {
			where += fmt.Sprintf(" line %d", r.Evidence.Line)
		}
		parts = append(parts, where)
	}
	if r.Evidence.Note != "" {
		parts = append(parts, r.Evidence.Note)
	}
	return strings.Join(parts, ", ")
}
