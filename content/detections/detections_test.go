package detections_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"go.yaml.in/yaml/v3"

	"github.com/rampart-sec/rampart/content/detections"
	"github.com/rampart-sec/rampart/internal/threat/detect"
	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/sigma"
)

func program(t testing.TB, dir string) *detect.Program {
	t.Helper()
	p := detect.New(sigma.Load(dir))
	for _, f := range p.Failed() {
		t.Errorf("%s:%d: %s", f.File, f.Line, f.Reason)
	}
	return p
}

// hits runs events and gives the ids of rules and correlations that matched.
func hits(t testing.TB, p *detect.Program, source, name string, in io.Reader) (map[string]bool, detect.FileStats) {
	t.Helper()
	ids := map[string]bool{}
	f := detect.Files{Program: p, Source: source}
	err := f.Read(context.Background(), name, in, func(h detect.FileHit) error {
		switch {
		case h.Rule != nil:
			ids[h.Rule.ID] = true
		case h.Correlation != nil:
			ids[h.Correlation.Rule.ID] = true
		}
		return nil
	})
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	return ids, f.Stats
}

func TestRulesMatchTheirExamples(t *testing.T) {
	rules, err := detections.Read(detections.FS)
	if err != nil {
		t.Fatal(err)
	}
	p := program(t, ".")
	for _, r := range rules {
		for i, test := range r.Tests {
			ids, stats := hits(t, p, test.Source, r.File, strings.NewReader(test.Events))
			if ids[r.ID] != test.Match {
				t.Errorf("%s: test %d: match is %v", r.File, i+1, !test.Match)
			}
			if stats.Skipped > 0 {
				t.Errorf("%s: test %d: skipped %s", r.File, i+1, stats.FirstSkipped)
			}
		}
	}
	t.Logf("%d documents, %d run", len(rules), p.Count())
}

// TestOracle compares the engine with the slow interpreter on all example events.
func TestOracle(t *testing.T) {
	rules, err := detections.Read(detections.FS)
	if err != nil {
		t.Fatal(err)
	}
	p := program(t, ".")
	for _, r := range rules {
		for _, test := range r.Tests {
			f := detect.Files{Program: p, Source: test.Source}
			fired := map[int]map[string]bool{}
			if err := f.Read(context.Background(), r.File, strings.NewReader(test.Events), func(h detect.FileHit) error {
				if h.Rule != nil {
					if fired[h.Index] == nil {
						fired[h.Index] = map[string]bool{}
					}
					fired[h.Index][h.Rule.ID] = true
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			compare(t, p, test, fired, r.File)
		}
	}
}

func compare(t *testing.T, p *detect.Program, test detections.Test, fired map[int]map[string]bool, name string) {
	f := detect.Files{Program: p, Source: test.Source}
	err := f.Records(context.Background(), name, strings.NewReader(test.Events), func(at detect.Place, rec *event.Record) error {
		for _, rule := range p.Rules() {
			if rule.Name != "" || !rec.Kind.Fits(rule.LogSource.Product, rule.LogSource.Category, rule.LogSource.Service) {
				continue // bases of correlations give no hit of their own, and the interpreter takes any source
			}
			if want := rule.Evaluate(rec); want != fired[at.Index][rule.ID] {
				t.Errorf("%s: event %d: %s: the interpreter says %v", name, at.Index, rule.Title, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

var guid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func TestRulesAreComplete(t *testing.T) {
	seen := map[string]string{}
	err := fs.WalkDir(detections.FS, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := fs.ReadFile(detections.FS, name)
		if err != nil {
			return err
		}
		dec := yaml.NewDecoder(bytes.NewReader(text))
		for {
			var r struct {
				ID, Title, Description, Level string
				Tags, Falsepositives          []string
			}
			if err := dec.Decode(&r); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return err
			}
			if !guid.MatchString(r.ID) || seen[r.ID] != "" {
				t.Errorf("%s: id %q is no GUID or stands in %s too", name, r.ID, seen[r.ID])
			}
			seen[r.ID] = name
			if r.Title == "" || r.Description == "" || r.Level == "" || len(r.Falsepositives) == 0 {
				t.Errorf("%s: %q: title, description, level or falsepositives is missing", name, r.Title)
			}
			tags := strings.Join(r.Tags, " ")
			if !regexp.MustCompile(`attack\.[a-z-]+( |$)`).MatchString(tags) || !regexp.MustCompile(`attack\.t\d{4}`).MatchString(tags) {
				t.Errorf("%s: tags %q lack a tactic or a technique", name, tags)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestReadSaysWhatIsMissing(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"title: a\nid: b\n", "x.yml:1: rule \"a\" needs two to four nextSteps, a test with match: true, a test with match: false"},
		{"title: a\nrampart:\n  nextstep: []\n", "x.yml:3"},
		{"title: [\n", "x.yml: yaml"},
	} {
		_, err := detections.Read(fstest.MapFS{"x.yml": {Data: []byte(c.text)}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q gives %v, want %s", c.text, err, c.want)
		}
	}
}

const recorded = "../../../shared/data/detect/events/"

// TestJudgedEvents measures the cloud rules on single events that others judged.
func TestJudgedEvents(t *testing.T) {
	p := program(t, ".")
	for file, source := range map[string]string{"azure_activity": "azure-activity", "azure_signin_audit": "azure-signin", "cloudtrail": "cloudtrail", "k8s_audit": "k8s-audit", "gcp_audit": "gcp-audit"} {
		text, err := os.ReadFile(recorded + "panther-tests/" + file + ".jsonl")
		if err != nil {
			t.Skip(err)
		}
		var good, positives, bad, negatives int
		for line := range strings.Lines(string(text)) {
			var c struct {
				Rule, Name string
				Expected   bool
				Log        json.RawMessage
			}
			if err := json.Unmarshal([]byte(line), &c); err != nil {
				t.Fatal(err)
			}
			ids, _ := hits(t, p, source, c.Rule, bytes.NewReader(c.Log))
			flagged := len(ids) > 0
			if c.Expected {
				positives++
				if flagged {
					good++
				}
			} else {
				negatives++
				if flagged {
					bad++
				}
			}
			if c.Expected != flagged {
				t.Logf("%s: %s: %s: flagged %v %s", file, c.Rule, c.Name, flagged, titles(p, ids))
			}
		}
		t.Logf("%s: %d of %d positives, %d of %d negatives flagged", file, good, positives, bad, negatives)
		if source != "gcp-audit" && good*10 < positives*8 {
			t.Errorf("%s: too few positives are flagged", file)
		}
	}
}

func titles(p *detect.Program, ids map[string]bool) (out []string) {
	for _, r := range p.Rules() {
		if ids[r.ID] {
			out = append(out, r.Title)
		}
	}
	for _, r := range p.Correlations() {
		if ids[r.ID] {
			out = append(out, r.Title)
		}
	}
	return out
}

// TestRecordedAttacks measures which recordings of attacks are seen.
func TestRecordedAttacks(t *testing.T) {
	p := program(t, ".")
	var files []string
	_ = filepath.WalkDir(recorded, func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && (strings.HasSuffix(name, ".zip") || strings.Contains(name, "stratus-detonation/aws.")) {
			files = append(files, name)
		}
		return nil
	})
	if len(files) == 0 {
		t.Skip("no recordings here")
	}
	seen := 0
	for _, name := range files {
		source := "windows"
		switch {
		case strings.Contains(name, "/linux/"):
			source = "auditd"
		case strings.Contains(name, "aws"):
			source = "cloudtrail"
		}
		in, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		ids, stats := hits(t, p, source, name, in)
		in.Close()
		if len(ids) > 0 {
			seen++
		}
		t.Logf("%s: %d events: %q", strings.TrimPrefix(name, recorded), stats.Events, titles(p, ids))
	}
	t.Logf("%d of %d recordings are seen", seen, len(files))
	if seen*10 < len(files)*6 {
		t.Error("fewer than 60 % of the recordings are seen")
	}
}
