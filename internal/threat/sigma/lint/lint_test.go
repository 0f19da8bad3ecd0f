package lint_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/threat/sigma/lint"
)

const good = `title: Shadow copies removed
id: 0d1c1f1e-5d3b-4a7d-9a53-6a3f4a1f6b11
status: test
description: Removes what a restore would need.
references:
    - https://example.com/a
author: Someone
date: 2025-01-02
modified: 2025-02-03
tags:
    - attack.impact
    - attack.t1490
logsource:
    category: process_creation
    product: windows
detection:
    selection:
        Image|endswith: '\vssadmin.exe'
        CommandLine|contains|all:
            - delete
            - shadows
    filter_main_backup:
        ParentImage|endswith: '\backup.exe'
    condition: selection and not 1 of filter_main_*
falsepositives:
    - Backup software
level: high
`

func TestCleanRuleHasNoFinding(t *testing.T) {
	for _, f := range lint.CheckText("proc_creation_win_shadow.yml", []byte(good)).Findings {
		t.Errorf("%d: %s (%s)", f.Line, f.Message, f.Demand.ID)
	}
}

// TestDemands breaks one demand at a time.
func TestDemands(t *testing.T) {
	for want, change := range map[string][2]string{
		"title":             {"title: Shadow copies removed\n", ""},
		"title-length":      {"Shadow copies removed", strings.Repeat("x", 300)},
		"id":                {"0d1c1f1e-5d3b", "0d1c1f1e5d3b"},
		"id-missing":        {"id: 0d1c1f1e-5d3b-4a7d-9a53-6a3f4a1f6b11\n", ""},
		"status":            {"status: test", "status: Test"},
		"level":             {"level: high", "level: severe"},
		"date":              {"2025-01-02", "2025/01/02"},
		"date-order":        {"2025-02-03", "2024-02-03"},
		"related":           {"status: test", "related:\n    - id: 0d1c1f1e-5d3b-4a7d-9a53-6a3f4a1f6b12\n      type: obsoletes\nstatus: test"},
		"tags":              {"attack.impact", "Attack.impact"},
		"tags-attack":       {"attack.impact", "attack.t14"},
		"list":              {"    - Backup software", "    - x\n    - x"},
		"text":              {"author: Someone", "author: [a, b]"},
		"member-unknown":    {"author: Someone", "autor: Someone"},
		"logsource":         {"category: process_creation\n    product: windows", "definition: none"},
		"logsource-member":  {"product: windows", "products: windows"},
		"detection":         {"    condition: selection and not 1 of filter_main_*\n", ""},
		"selection-unused":  {" and not 1 of filter_main_*", ""},
		"condition-case":    {"selection and not", "selection AND not"},
		"of-nothing":        {"1 of filter_main_*", "1 of filter_opt_* and not filter_main_backup"},
		"null-in-list":      {"'\\backup.exe'", "[x.exe, null]"},
		"value-repeated":    {"'\\backup.exe'", "[x.exe, X.exe]"},
		"value-covered":     {"ParentImage|endswith: '\\backup.exe'", "ParentImage|contains: [ack, backup]"},
		"wildcard-modifier": {"'\\backup.exe'", "'*\\backup.exe'"},
		"all-single":        {"            - shadows\n", ""},
		"all-equal":         {"CommandLine|contains|all", "CommandLine|all"},
		"regexp-plain":      {"ParentImage|endswith: '\\backup.exe'", "ParentImage|re: backup"},
		"duplicate-key":     {"level: high", "level: high\nlevel: low"},
		"evaluable":         {"ParentImage|endswith", "ParentImage|ends"},
		"placeholder":       {"ParentImage|endswith: '\\backup.exe'", "ParentImage|expand: '%backup%'"},
		"yaml":              {"detection:", "detection: ]"},
	} {
		text := strings.Replace(good, change[0], change[1], 1)
		if text == good {
			t.Fatalf("%s: nothing changed", want)
		}
		r := lint.CheckText("proc_creation_win_shadow.yml", []byte(text))
		if !slices.ContainsFunc(r.Findings, func(f lint.Finding) bool { return f.Demand.ID == want }) {
			t.Errorf("%s is not found in %v", want, ids(r))
		}
		if len(r.Findings) > 3 {
			t.Errorf("%s: one mistake has %d findings: %v", want, len(r.Findings), ids(r))
		}
	}
}

func ids(r *lint.Report) (out []string) {
	for _, f := range r.Findings {
		out = append(out, fmt.Sprintf("%s@%d", f.Demand.ID, f.Line))
	}
	return out
}

func TestCorrelationsAndFilters(t *testing.T) {
	const correlation = "title: Many\nid: 0d1c1f1e-5d3b-4a7d-9a53-6a3f4a1f6b13\ncorrelation:\n  type: value_count\n  rules: [0d1c1f1e-5d3b-4a7d-9a53-6a3f4a1f6b11]\n  group-by: [User]\n  timespan: 5m\n  condition: {gte: 3, field: Host}\n"
	const filter = "title: Not those\nid: 0d1c1f1e-5d3b-4a7d-9a53-6a3f4a1f6b14\nlogsource: {product: windows}\nfilter:\n  rules: [0d1c1f1e-5d3b-4a7d-9a53-6a3f4a1f6b11]\n  selection: {User: admin}\n  condition: selection\n"
	check := func(text string) *lint.Report { return lint.CheckText("rules_of_all_kinds.yml", []byte(text)) }
	if r := check(good + "---\n" + correlation + "---\n" + filter); len(r.Findings) > 0 {
		t.Errorf("clean documents have findings: %v", ids(r))
	}
	for want, change := range map[string][2]string{
		"correlation-type":      {"value_count", "value_counts"},
		"correlation-rules":     {"rules: [0d1c1f1e-5d3b-4a7d-9a53-6a3f4a1f6b11]\n  group", "group"},
		"correlation-timespan":  {"5m", "5 minutes"},
		"correlation-condition": {"gte: 3", "above: 3"},
		"correlation-field":     {", field: Host", ""},
		"correlation-reference": {"6b11]\n  group", "6b99]\n  group"},
		"filter-rules":          {"  rules: [0d1c1f1e-5d3b-4a7d-9a53-6a3f4a1f6b11]\n  selection", "  selection"},
		"filter-condition":      {"  condition: selection\n", ""},
		"id-unique":             {"6b14", "6b13"},
	} {
		both := correlation + "---\n" + filter
		text := strings.Replace(both, change[0], change[1], 1)
		if r := check(good + "---\n" + text); text == both || !slices.ContainsFunc(r.Findings, func(f lint.Finding) bool { return f.Demand.ID == want }) {
			t.Errorf("%s is not found in %v", want, ids(r))
		}
	}
}

func TestMendsHeal(t *testing.T) {
	bad := strings.NewReplacer("status: test", "status: 'Test'", "2025-01-02", "2025/01/02", "attack.impact", "attack.Impact").Replace(good)
	r := lint.CheckText("proc_creation_win_shadow.yml", []byte(bad))
	healed, n := lint.Apply([]byte(bad), r.Findings)
	if n != 3 || len(lint.CheckText("proc_creation_win_shadow.yml", healed).Findings) != 0 {
		t.Errorf("%d mends leave:\n%s", n, healed)
	}
}

// TestPublicRules holds the linter to rules that their project checks itself: it
// must find next to nothing that is more than a note.
func TestPublicRules(t *testing.T) {
	dir := os.Getenv("SIGMA_RULES")
	if dir == "" {
		t.Skip("SIGMA_RULES names no folder of public rules")
	}
	r, err := lint.Check(dir)
	if err != nil {
		t.Fatal(err)
	}
	grave := 0
	for _, f := range r.Findings {
		if f.Demand.Severity != lint.Note && f.Demand.ID != "placeholder" {
			grave++
			t.Logf("%s:%d: %s (%s)", f.File, f.Line, f.Message, f.Demand.ID)
		}
	}
	if grave*200 > r.Documents {
		t.Errorf("%d findings in %d documents", grave, r.Documents)
	}
}

func TestFormats(t *testing.T) {
	r := lint.CheckText("x.yml", []byte("title: \x1b[31m\nstatus: TEST\n"))
	var table, plain, sarif strings.Builder
	for _, err := range []error{r.WriteTable(&table), r.WriteJSON(&plain), r.WriteSARIF(&sarif, "1")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(table.String(), "\x1b") || !json.Valid([]byte(plain.String())) || !json.Valid([]byte(sarif.String())) {
		t.Errorf("%s\n%s\n%s", &table, &plain, &sarif)
	}
}

func TestFolderWithoutRules(t *testing.T) {
	if _, err := lint.Check(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a folder that is not there is no error")
	}
}

func FuzzCheck(f *testing.F) {
	f.Add([]byte(good))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := lint.CheckText("proc_creation_win_shadow.yml", b)
		lint.Apply(b, r.Findings)
	})
}
