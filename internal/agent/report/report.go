package report

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/content"
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

// Summary counts the checks by state.
type Summary struct {
	Total         int `json:"total"`
	Passed        int `json:"passed"`
	Failed        int `json:"failed"`
	Unknown       int `json:"unknown"`
	NotApplicable int `json:"notApplicable"`
}

// Check is the outcome of one check with what to do about it.
type Check struct {
	ID          string              `json:"id"`
	Title       string              `json:"title"`
	Section     string              `json:"section"`
	Severity    content.Severity    `json:"severity"`
	State       baseline.State      `json:"state"`
	Evidence    baseline.Evidence   `json:"evidence"`
	Rationale   string              `json:"rationale"`
	Remediation string              `json:"remediation"`
	References  map[string][]string `json:"references,omitempty"`
}

// Add appends the results of a baseline's checks.
func (r *Report) Add(b *content.Baseline, results []baseline.Result) {
	for _, res := range results {
		if !slices.Contains(b.Checks, res.Check) {
			continue
		}
		r.count(res.State)
		r.Checks = append(r.Checks, Check{
			ID: res.Check.ID, Title: res.Check.Title, Section: b.Title, Severity: res.Check.Severity, State: res.State,
			Evidence: res.Evidence, Rationale: res.Check.Rationale, Remediation: res.Check.Remediation, References: res.Check.References,
		})
	}
}

func (r *Report) count(s baseline.State) {
	r.Summary.Total++
	switch s {
	case baseline.Pass:
		r.Summary.Passed++
	case baseline.Fail:
		r.Summary.Failed++
	case baseline.Unknown:
		r.Summary.Unknown++
	case baseline.NotApplicable:
		r.Summary.NotApplicable++
	}
}

// severities in the order of reports, worst first.
var severities = []content.Severity{content.Critical, content.High, content.Medium, content.Low}

// FailedAtLeast reports whether a check of the severity, or a worse one, failed:
// exit status 1.
func (r *Report) FailedAtLeast(s content.Severity) bool {
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
