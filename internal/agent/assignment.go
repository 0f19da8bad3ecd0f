package agent

import (
	"fmt"

	"github.com/rampart-sec/rampart/content/baselines"
	"github.com/rampart-sec/rampart/internal/agent/baseline"
)

// AssignmentName is the name of the child document that holds the results of
// the baselines.
const AssignmentName = "RampartBaseline"

// assignmentProperties are those of a guest configuration assignment, and the
// results by check.
type assignmentProperties struct {
	ComplianceStatus   string                 `json:"complianceStatus"`
	ProvisioningState  string                 `json:"provisioningState"`
	TargetResourceID   string                 `json:"targetResourceId"`
	GuestConfiguration guestConfiguration     `json:"guestConfiguration"`
	Baseline           baselineSummary        `json:"baseline"`
	Checks             map[string]checkResult `json:"checks"`
}

type guestConfiguration struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Kind    string `json:"kind"`
}

// baselineSummary is what the recommendation "Machines should meet the
// baseline" reads: State is over the checks of high or medium severity that
// are not recommendations of their own; the counts are over all checks.
type baselineSummary struct {
	State         string `json:"state"` // pass, fail, unknown
	Passed        int    `json:"passed"`
	Failed        int    `json:"failed"`
	Unknown       int    `json:"unknown"`
	NotApplicable int    `json:"notApplicable"`
	Total         int    `json:"total"`
}

type checkResult struct {
	State    baseline.State     `json:"state"`
	Title    string             `json:"title"`
	Severity baselines.Severity `json:"severity"`
	Evidence baseline.Evidence  `json:"evidence"`
}

// assignment is the document of the baseline results. The state of a check
// that could not be read is declared unavailable with path and reason, so that
// policies over it are unknown.
func (a *Agent) assignment(results []baseline.Result) document {
	d := childDocument("Microsoft.GuestConfiguration", "guestConfigurationAssignments", AssignmentName, "2022-01-25")
	d.location = "global"
	p := assignmentProperties{
		ProvisioningState: "Succeeded", TargetResourceID: a.id.String(),
		GuestConfiguration: guestConfiguration{Name: AssignmentName, Version: baselineVersion(a.opts.Baselines), Kind: "Rampart"},
		Checks:             make(map[string]checkResult, len(results)),
	}
	for _, r := range results {
		p.Checks[r.Check.ID] = checkResult{State: r.State, Title: r.Check.Title, Severity: r.Check.Severity, Evidence: r.Evidence}
		if r.State == baseline.Unknown {
			d.unavailable = append(d.unavailable, fmt.Sprintf("properties.checks.%s.state %s", r.Check.ID, reason(r.Evidence)))
		}
	}
	p.Baseline = summarize(results)
	p.ComplianceStatus = compliance(p.Baseline)
	if p.Baseline.State == string(baseline.Unknown) {
		d.unavailable = append([]string{fmt.Sprintf("properties.baseline.state %d checks could not be made", p.Baseline.Unknown)}, d.unavailable...)
	}
	d.properties = p
	return d
}

// reason says in one line why a check is unknown.
func reason(e baseline.Evidence) string {
	switch {
	case e.Path != "" && e.Note != "":
		return e.Path + ": " + e.Note
	case e.Note != "":
		return e.Note
	}
	return "it could not be read"
}

func summarize(results []baseline.Result) baselineSummary {
	s := baselineSummary{Total: len(results)}
	state := baseline.Pass
	for _, r := range results {
		switch r.State {
		case baseline.Pass:
			s.Passed++
		case baseline.Fail:
			s.Failed++
		case baseline.Unknown:
			s.Unknown++
		case baseline.NotApplicable:
			s.NotApplicable++
		}
		if r.Check.Recommended || r.Check.Severity == baselines.Low {
			continue
		}
		switch {
		case r.State == baseline.Fail:
			state = baseline.Fail
		case r.State == baseline.Unknown && state == baseline.Pass:
			state = baseline.Unknown
		}
	}
	s.State = string(state)
	return s
}

// compliance is the reference's word for the whole: pending while something is
// not known and nothing has failed.
func compliance(s baselineSummary) string {
	switch {
	case s.Failed > 0:
		return "NonCompliant"
	case s.Unknown > 0 || s.Total == 0:
		return "Pending"
	}
	return "Compliant"
}

// baselineVersion is the highest version of the set: the embedded baselines
// move together.
func baselineVersion(all []*baselines.Baseline) string {
	version := ""
	for _, b := range all {
		version = max(version, b.Version)
	}
	return version
}
