package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/content/baselines"
	"github.com/rampart-sec/rampart/internal/agent/baseline"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sample has one check of each state.
func sample() *Report {
	check := func(id string, s baselines.Severity) *baselines.Check {
		return &baselines.Check{
			ID: id, Title: "The thing called " + id + " should be as it should be", Severity: s, Rationale: "Because.",
			Remediation: "Open the file with an editor that you like, change the one line that the evidence names, write it back, and have the service read it again.",
			References:  map[string][]string{"nist-800-53-r5": {"AC-6", "IA-2"}},
		}
	}
	b := &baselines.Baseline{Title: "Sample", Checks: []*baselines.Check{
		check("minor", baselines.Low), check("root-login", baselines.High), check("fine", baselines.Medium), check("other", baselines.Low), check("hidden", baselines.High),
	}}
	results := []baseline.Result{
		{Check: b.Checks[0], State: baseline.Fail, Evidence: baseline.Evidence{Found: "not installed", Wanted: "it"}},
		{Check: b.Checks[1], State: baseline.Fail, Evidence: baseline.Evidence{Path: "/etc/a b", Line: 3, Found: "yes", Wanted: "no"}},
		{Check: b.Checks[2], State: baseline.Pass, Evidence: baseline.Evidence{Path: "/etc/c", Found: "1"}},
		{Check: b.Checks[3], State: baseline.NotApplicable, Evidence: baseline.Evidence{Note: "there is none"}},
		{Check: b.Checks[4], State: baseline.Unknown, Evidence: baseline.Evidence{Path: "/etc/shadow", Note: "permission denied"}},
	}
	r := &Report{Machine: Machine{Name: "web01", OS: "Debian 12", Kernel: "6.1"}, ObservedAt: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC), Version: "1.2.3"}
	r.Add(b, results)
	return r
}

func TestFormats(t *testing.T) {
	r := sample()
	formats := map[string]func(*bytes.Buffer) error{
		"table.txt":    func(w *bytes.Buffer) error { return r.WriteTable(w) },
		"report.json":  func(w *bytes.Buffer) error { return r.WriteJSON(w) },
		"report.sarif": func(w *bytes.Buffer) error { return r.WriteSARIF(w) },
	}
	for name, render := range formats {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			if err := render(&got); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("run with -update if this is meant:\n%s", diff)
			}
		})
	}
}

func TestTableFitsATerminal(t *testing.T) {
	var got bytes.Buffer
	if err := sample().WriteTable(&got); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(got.String()) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > width {
			t.Errorf("%d columns: %q", n, line)
		}
	}
}

// TestSARIFShape checks what the format requires beyond being JSON: every
// result names its rule, a message, and a level only when it fails.
func TestSARIFShape(t *testing.T) {
	var out bytes.Buffer
	if err := sample().WriteSARIF(&out); err != nil {
		t.Fatal(err)
	}
	var log sarifLog
	if err := json.Unmarshal(out.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	if log.Version != "2.1.0" || len(run.Results) != 5 || len(run.Tool.Driver.Rules) != 5 {
		t.Fatalf("version %s, %d results, %d rules", log.Version, len(run.Results), len(run.Tool.Driver.Rules))
	}
	for _, r := range run.Results {
		if run.Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID || r.Message.Text == "" || (r.Kind == "fail") == (r.Level == "none") {
			t.Errorf("result %+v", r)
		}
	}
}

func TestFailedAtLeast(t *testing.T) {
	r := sample()
	for severity, want := range map[baselines.Severity]bool{baselines.Critical: false, baselines.High: true, baselines.Medium: true, baselines.Low: true} {
		if got := r.FailedAtLeast(severity); got != want {
			t.Errorf("%s: %v; want %v", severity, got, want)
		}
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestWriteErrorsAreReturned(t *testing.T) {
	r := sample()
	if r.WriteTable(fullDisk{}) == nil || r.WriteJSON(fullDisk{}) == nil || r.WriteSARIF(fullDisk{}) == nil {
		t.Error("a full disk went unnoticed")
	}
}
