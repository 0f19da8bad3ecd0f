package report

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/content/baselines"
	"github.com/rampart-sec/rampart/internal/agent/baseline"
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
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string         `json:"id"`
		ShortDescription sarifText      `json:"shortDescription"`
		FullDescription  sarifText      `json:"fullDescription"`
		Help             sarifText      `json:"help"`
		Configuration    sarifLevel     `json:"defaultConfiguration"`
		Properties       map[string]any `json:"properties"`
	}
	sarifLevel struct {
		Level string `json:"level"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifInvocation struct {
		ExecutionSuccessful bool   `json:"executionSuccessful"`
		EndTimeUTC          string `json:"endTimeUtc"`
		Machine             string `json:"machine,omitempty"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Kind      string          `json:"kind"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations,omitempty"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine int `json:"startLine"`
	}
)

// sarifKinds are SARIF's words for the states; only "fail" has a level.
var sarifKinds = map[baseline.State]string{
	baseline.Pass: "pass", baseline.Fail: "fail", baseline.NotApplicable: "notApplicable", baseline.Unknown: "open",
}

// securitySeverity is the number that code scanning tools sort by.
var securitySeverity = map[baselines.Severity]string{baselines.Critical: "9.5", baselines.High: "8.0", baselines.Medium: "5.5", baselines.Low: "2.5"}

// WriteSARIF writes the report as SARIF 2.1.0: every check is a rule, every
// outcome a result; passed ones too, as SARIF has a kind for them.
func (r *Report) WriteSARIF(w io.Writer) error {
	run := sarifRun{
		Tool:        sarifTool{Driver: sarifDriver{Name: "Rampart", Version: r.Version, Rules: []sarifRule{}}},
		Invocations: []sarifInvocation{{ExecutionSuccessful: true, EndTimeUTC: r.ObservedAt.UTC().Format(time.RFC3339), Machine: r.Machine.Name}},
		Results:     []sarifResult{},
	}
	for i, c := range r.Checks {
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, rule(c))
		run.Results = append(run.Results, result(i, c))
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	err := e.Encode(sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run}})
	if err != nil {
		return fmt.Errorf("writing report: %w", err)
	}
	return nil
}

func rule(c Check) sarifRule {
	tags := []string{"security"}
	for framework, numbers := range c.References {
		for _, n := range numbers {
			tags = append(tags, framework+"/"+n)
		}
	}
	slices.Sort(tags)
	return sarifRule{
		ID: c.ID, ShortDescription: sarifText{c.Title}, FullDescription: sarifText{c.Rationale}, Help: sarifText{c.Remediation},
		Configuration: sarifLevel{level(c.Severity)},
		Properties:    map[string]any{"security-severity": securitySeverity[c.Severity], "tags": tags},
	}
}

func result(index int, c Check) sarifResult {
	res := sarifResult{RuleID: c.ID, RuleIndex: index, Kind: sarifKinds[c.State], Level: "none", Message: sarifText{message(c)}}
	if c.State == baseline.Fail {
		res.Level = level(c.Severity)
	}
	if path := c.Evidence.Path; strings.HasPrefix(path, "/") {
		at := sarifPhysical{Artifact: sarifArtifact{URI: (&url.URL{Scheme: "file", Path: path}).String()}}
		if c.Evidence.Line > 0 {
			at.Region = &sarifRegion{StartLine: c.Evidence.Line}
		}
		res.Locations = []sarifLocation{{at}}
	}
	return res
}

// message is never empty: SARIF requires a text.
func message(c Check) string {
	text := c.Title
	if found := c.Found(); found != "" {
		text += ". Found " + found
	}
	if c.Evidence.Wanted != "" && c.State == baseline.Fail {
		text += "; wanted " + c.Evidence.Wanted
	}
	return text + "."
}

func level(s baselines.Severity) string {
	switch s {
	case baselines.Critical, baselines.High:
		return "error"
	case baselines.Medium:
		return "warning"
	}
	return "note"
}
