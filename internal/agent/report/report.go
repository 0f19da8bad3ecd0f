package report

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/content/baselines"
	"github.com/rampart-sec/rampart/internal/agent/baseline"
)

// Report is one assessment of one machine. Its JSON is the output of
// "rampart scan host --format json": one document.
type Report struct {
	Machine    Machine   `json:"machine"`
	ObservedAt time.Time `json:"observedAt"`
	Version    string    `json:"version,omitempty"` // of the program
	Summary    Summary   `json:"summary"`
	Checks     []Check   `json:"checks"` // in the order of the baselines
}

// Machine names what was assessed.
type Machine struct {
	Name   string `json:"name"`
	OS     string `json:"os"`
	Kernel string `json:"kernel,omitempty"`
}

// Summary counts the checks by state. The older names of the counts stay beside
// the newer ones, which are those of the verdicts.
type Summary struct {
	Pass          int `json:"pass"`
	Fail          int `json:"fail"`
	Invalid       int `json:"invalid"` // rules that cannot be read
	Total         int `json:"total"`
	Passed        int `json:"passed"`
	Failed        int `json:"failed"`
	Unknown       int `json:"unknown"`
	NotApplicable int `json:"notApplicable"`

	Seconds float64 `json:"seconds"` // the assessment took
}

// Check is the outcome of one check with what to do about it.
type Check struct {
	ID          string              `json:"id"`
	Title       string              `json:"title"`
	Section     string              `json:"section"`
	Severity    baselines.Severity  `json:"severity"`
	Verdict     baseline.State      `json:"verdict"`
	State       baseline.State      `json:"state"`  // the verdict under its older name
	Reason      string              `json:"reason"` // of the verdict, in one line
	Evidence    baseline.Evidence   `json:"evidence"`
	Rationale   string              `json:"rationale"`
	Remediation string              `json:"remediation"`
	References  map[string][]string `json:"references,omitempty"`
}

// Add appends the results of a baseline's checks.
func (r *Report) Add(b *baselines.Baseline, results []baseline.Result) {
	for _, res := range results {
		if !slices.Contains(b.Checks, res.Check) {
			continue
		}
		r.AddCheck(Check{
			ID: res.Check.ID, Title: res.Check.Title, Section: b.Title, Severity: res.Check.Severity, State: res.State,
			Evidence: res.Evidence, Rationale: res.Check.Rationale, Remediation: res.Check.Remediation, References: res.Check.References,
		})
	}
}

// AddCheck appends one result; verdict and reason follow from state and
// evidence.
func (r *Report) AddCheck(c Check) {
	c.Verdict, c.Reason = c.State, c.Found()
	if c.Reason == "" {
		c.Reason = c.Evidence.Wanted
	}
	r.count(c.State)
	r.Checks = append(r.Checks, c)
}

func (r *Report) count(s baseline.State) {
	r.Summary.Total++
	switch s {
	case baseline.Pass:
		r.Summary.Passed++
		r.Summary.Pass++
	case baseline.Fail:
		r.Summary.Failed++
		r.Summary.Fail++
	case baseline.Unknown:
		r.Summary.Unknown++
	case baseline.NotApplicable:
		r.Summary.NotApplicable++
	case baseline.Invalid:
		r.Summary.Invalid++
	}
}

// severities in the order of reports, worst first.
var severities = []baselines.Severity{baselines.Critical, baselines.High, baselines.Medium, baselines.Low}

// FailedAtLeast reports whether a check of the severity, or a worse one, failed:
// exit status 1.
func (r *Report) FailedAtLeast(s baselines.Severity) bool {
	limit := slices.Index(severities, s)
	return slices.ContainsFunc(r.Checks, func(c Check) bool {
		return c.State == baseline.Fail && slices.Index(severities, c.Severity) <= limit
	})
}

// WriteJSON writes the report as one indented document.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		return fmt.Errorf("writing report: %w", err)
	}
	return nil
}

// byState are the checks in a state, worst severity first, else in order.
func (r *Report) byState(s baseline.State) []Check {
	var list []Check
	for _, c := range r.Checks {
		if c.State == s {
			list = append(list, c)
		}
	}
	slices.SortStableFunc(list, func(a, b Check) int {
		return slices.Index(severities, a.Severity) - slices.Index(severities, b.Severity)
	})
	return list
}

// Found says in one line what was seen and where.
func (c Check) Found() string {
	e := c.Evidence
	place := e.Path
	if e.Line > 0 {
		place = fmt.Sprintf("%s:%d", e.Path, e.Line)
	}
	var parts []string
	for _, p := range []string{place, e.Found} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	text := strings.Join(parts, ": ")
	if e.Note != "" && (c.State != baseline.Fail || text == "") {
		text = strings.Join(append(parts, e.Note), ": ")
	}
	return text
}
