package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/cvss"
	"github.com/rampart-sec/rampart/internal/vuln/image"
)

// The parts of SARIF 2.1.0 that a report uses.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		Results     []sarifResult     `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID         string         `json:"id"`
		Short      sarifText      `json:"shortDescription"`
		Help       sarifText      `json:"help"`
		Properties map[string]any `json:"properties"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifInvocation struct {
		Successful bool   `json:"executionSuccessful"`
		End        string `json:"endTimeUtc"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
		Message  *sarifText    `json:"message,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine int `json:"startLine"`
	}
)

// sarif gathers rules and results; each rule is there once.
type sarif struct {
	run  sarifRun
	rule map[string]int
}

func (a About) writeSARIF(w io.Writer, r *image.Report) error {
	s := sarif{rule: map[string]int{}, run: sarifRun{
		Tool:        sarifTool{sarifDriver{Name: "Rampart", Version: a.Version, Rules: []sarifRule{}}},
		Invocations: []sarifInvocation{{true, r.Scanned.UTC().Format(time.RFC3339)}},
		Results:     []sarifResult{},
	}}
	for i := range r.Findings {
		s.vulnerability(&r.Findings[i])
	}
	for _, f := range r.Secrets {
		s.add(sarifRule{ID: f.Rule, Short: sarifText{f.Title}, Help: sarifText{"Change the secret, then build the image without it."}}, f.Severity, f.Title+" "+f.Match, f.Path, f.Line)
	}
	for _, c := range r.Configuration {
		s.add(sarifRule{ID: c.ID, Short: sarifText{c.Title}, Help: sarifText{c.Fix}}, c.Severity, strings.TrimSpace(c.Title+" "+c.Evidence), "Dockerfile", 1)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{s.run}})
}

func (s *sarif) vulnerability(f *image.Finding) {
	score := f.CVSS
	if score == 0 {
		score = map[cvss.Severity]float64{cvss.Critical: 9, cvss.High: 7, cvss.Medium: 4, cvss.Low: 1}[f.Severity]
	}
	help := "No fixed version is known."
	if f.FixedVersion != "" {
		help = "Update to " + f.FixedVersion + " or later."
	}
	rule := sarifRule{ID: f.ID, Short: sarifText{cmp.Or(f.Summary, f.ID)}, Help: sarifText{help}, Properties: map[string]any{"tags": []string{"security", "vulnerability"}}}
	if score > 0 {
		rule.Properties["security-severity"] = strconv.FormatFloat(score, 'f', 1, 64)
	}
	s.add(rule, f.Severity.String(), fmt.Sprintf("%s %s has %s. %s", f.Package, f.Version, f.ID, help), f.Path, 1)
}

func (s *sarif) add(rule sarifRule, severity, message, path string, line int) {
	at, ok := s.rule[rule.ID]
	if !ok {
		at = len(s.run.Tool.Driver.Rules)
		s.rule[rule.ID] = at
		if rule.Properties == nil {
			rule.Properties = map[string]any{"tags": []string{"security"}}
		}
		s.run.Tool.Driver.Rules = append(s.run.Tool.Driver.Rules, rule)
	}
	level := map[string]string{"critical": "error", "high": "error", "medium": "warning"}[severity]
	s.run.Results = append(s.run.Results, sarifResult{RuleID: rule.ID, RuleIndex: at, Level: cmp.Or(level, "note"), Message: sarifText{message},
		Locations: []sarifLocation{{Physical: sarifPhysical{sarifArtifact{uri(path)}, sarifRegion{line}}}}})
}

// uri is a path as a relative reference; what would read as a scheme or an
// authority is escaped.
func uri(path string) string {
	var b strings.Builder
	for i := range len(path) {
		switch c := path[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~/!@+", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return cmp.Or(b.String(), "image")
}
