package compliance

import (
	"embed"
	"encoding/csv"
	"encoding/json"
	"html/template"
	"io"
	"strconv"
	"time"
)

// WriteCSV writes one line per control and assessment; a control without
// assessments has one line.
func (r Report) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	_ = out.Write([]string{"standard", "control", "domain", "title", "state", "assessment", "assessmentState", "healthy", "unhealthy", "unknown", "exempt", "attestation"})
	for _, c := range r.Controls {
		head := []string{cell(r.Standard.Title), cell(c.Number), cell(c.Domain), cell(c.Title), string(c.State)}
		attested := ""
		if c.Attestation != nil {
			attested = cell(c.Attestation.String())
		}
		if len(c.Assessments) == 0 {
			_ = out.Write(append(head, "", "", "", "", "", "", attested))
		}
		for _, a := range c.Assessments {
			_ = out.Write(append(head[:len(head):len(head)], cell(a.Recommendation.Title), string(a.State), strconv.Itoa(a.Healthy),
				strconv.Itoa(a.Unhealthy), strconv.Itoa(a.Unknown), strconv.Itoa(a.Exempt), attested))
		}
	}
	out.Flush()
	return out.Error() // csv.Writer keeps the first error of all writes
}

// cell keeps a spreadsheet from reading text as a formula.
func cell(s string) string {
	if s != "" && (s[0] == '=' || s[0] == '+' || s[0] == '-' || s[0] == '@' || s[0] == '\t' || s[0] == '\r') {
		return "'" + s
	}
	return s
}

// jsonReport is the report's JSON form.
type jsonReport struct {
	Standard    string        `json:"standard"`
	Version     string        `json:"version,omitempty"`
	Scope       string        `json:"scope"`
	At          time.Time     `json:"at"`
	Passed      int           `json:"passedControls"`
	Failed      int           `json:"failedControls"`
	Skipped     int           `json:"skippedControls"`
	Unsupported int           `json:"unsupportedControls"`
	Controls    []jsonControl `json:"controls"`
}

type jsonControl struct {
	Number      string           `json:"number"`
	Domain      string           `json:"domain,omitempty"`
	Title       string           `json:"title"`
	State       State            `json:"state"`
	Attestation string           `json:"attestation,omitempty"`
	Assessments []jsonAssessment `json:"assessments"`
}

type jsonAssessment struct {
	ID        string `json:"id"`
	Title     string `json:"title"`
	State     State  `json:"state"`
	Healthy   int    `json:"healthy"`
	Unhealthy int    `json:"unhealthy"`
	Unknown   int    `json:"unknown"`
	Exempt    int    `json:"exempt"`
}

// WriteJSON writes the report as one JSON document.
func (r Report) WriteJSON(w io.Writer) error {
	out := jsonReport{Standard: r.Standard.Title, Version: r.Standard.Version, Scope: r.ScopeWord(), At: r.At,
		Passed: r.Passed, Failed: r.Failed, Skipped: r.Skipped, Unsupported: r.Unsupported, Controls: []jsonControl{}}
	for _, c := range r.Controls {
		j := jsonControl{Number: c.Number, Domain: c.Domain, Title: c.Title, State: c.State, Assessments: []jsonAssessment{}}
		if c.Attestation != nil {
			j.Attestation = c.Attestation.String()
		}
		for _, a := range c.Assessments {
			j.Assessments = append(j.Assessments, jsonAssessment{a.Recommendation.ID, a.Recommendation.Title, a.State, a.Healthy, a.Unhealthy, a.Unknown, a.Exempt})
		}
		out.Controls = append(out.Controls, j)
	}
	return json.NewEncoder(w).Encode(out)
}

// WriteHistoryCSV writes one line per change; the last column is the state of
// the control that was asked for.
func WriteHistoryCSV(w io.Writer, std *Standard, control string, points []Point) error {
	out := csv.NewWriter(w)
	head := []string{"standard", "at", "passed", "failed", "skipped", "unsupported"}
	if control != "" {
		head = append(head, "control", "controlState")
	}
	_ = out.Write(head)
	for _, p := range points {
		line := []string{cell(std.Title), p.At.UTC().Format(time.RFC3339), strconv.Itoa(p.Passed), strconv.Itoa(p.Failed), strconv.Itoa(p.Skipped), strconv.Itoa(p.Unsupported)}
		if control != "" {
			line = append(line, cell(control), string(p.Control))
		}
		_ = out.Write(line)
	}
	out.Flush()
	return out.Error()
}

//go:embed report.html
var files embed.FS

var page = template.Must(template.New("report.html").ParseFS(files, "report.html"))

// WriteHTML writes a page that stands alone and prints well.
func (r Report) WriteHTML(w io.Writer) error { return page.Execute(w, r) }

// ScopeWord is how the report names its scope.
func (r Report) ScopeWord() string {
	s := r.Scope.ID
	if r.Scope.Tag != "" {
		s += " tag " + r.Scope.Tag + "=" + r.Scope.TagValue
	}
	if s == "" {
		return "the whole estate"
	}
	return s
}
