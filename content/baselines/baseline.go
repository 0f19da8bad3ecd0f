// Package baselines is what the agent knows, as data: the hardening checks of
// the systems that it protects, embedded, and the strict reader of such files.
//
// It must never import another package of this module but strictyaml: an agent
// links it, so neither policies nor recommendations may come with it.
package baselines

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/rampart-sec/rampart/internal/base/strictyaml"
)

// FS holds every baseline file as it is in the repository.
//
//go:embed *.yaml
var FS embed.FS

// Severity is how much a failed check matters.
type Severity string

// The severities, worst first.
const (
	Critical Severity = "critical"
	High     Severity = "high"
	Medium   Severity = "medium"
	Low      Severity = "low"
)

// Severities lists all, worst first.
var Severities = []Severity{Critical, High, Medium, Low}

// maxBaselineChecks bounds one baseline file.
const maxBaselineChecks = 1000

var (
	checkIDForm   = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	parameterUse  = regexp.MustCompile(`^\$[a-zA-Z][a-zA-Z0-9]*$`)
	parameterForm = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9]*$`)
)

// Baseline is one file: hardening checks of one topic,
// evaluated on the host itself. It is immutable once read.
type Baseline struct {
	ID      string   `yaml:"id"`
	Version string   `yaml:"version"`
	Title   string   `yaml:"title"`
	OS      string   `yaml:"os"` // "linux" or "windows"
	Checks  []*Check `yaml:"checks"`

	File string `yaml:"-"` // path of the file, for messages
}

// Check is one hardening check: a rule over typed procedures, no commands.
type Check struct {
	ID       string   `yaml:"id"` // unique over all baselines; a key of properties.checks
	Title    string   `yaml:"title"`
	Severity Severity `yaml:"severity"`
	// Recommended checks are recommendations of their own
	// (content/policies/machines); the others are findings of one.
	Recommended bool     `yaml:"recommended"`
	Platform    Platform `yaml:"platform"`
	// When, if set, must pass for the check to apply; if it fails the check is
	// notApplicable, if it is unknown so is the check.
	When       *Rule                `yaml:"when"`
	Parameters map[string]Parameter `yaml:"parameters"`
	Rule       Rule                 `yaml:"rule"`
	Rationale  string               `yaml:"rationale"`
	// Evidence is a sentence for the result with {path}, {line}, {found} and
	// {wanted}; empty leaves the words of the procedure.
	Evidence    string `yaml:"evidence"`
	Remediation string `yaml:"remediation"`
	// References maps a framework to its control numbers, never its text.
	References map[string][]string `yaml:"references"`

	Line int `yaml:"-"` // line in the file
}

// Platform says on which systems a check applies; an empty list means any.
type Platform struct {
	Family       []string `yaml:"family"`       // debian, rhel, suse, alpine, arch
	Distribution []string `yaml:"distribution"` // os-release ID
	// Container false: not inside containers; true: only inside; absent: both.
	Container *bool `yaml:"container"`
}

// Parameter is a value of a rule that an operator may change. A scalar of the
// rule that reads "$name" takes its value.
type Parameter struct {
	Default     json.RawMessage `yaml:"default"`
	Description string          `yaml:"description"`
}

// Values overrides parameters: "check-id.parameter" to a YAML value, for
// example "ssh-max-auth-tries.limit" to "3".
type Values map[string]string

// Load reads every embedded baseline, sorted by file name.
func Load() ([]*Baseline, error) { return LoadWith(nil) }

// LoadWith is Load with parameters overridden; a value that names no
// parameter of any check is an error.
func LoadWith(values Values) ([]*Baseline, error) {
	files, err := fs.Glob(FS, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("listing baselines: %w", err)
	}
	var all []*Baseline
	used := map[string]bool{}
	for _, file := range files {
		data, err := FS.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading baseline: %w", err)
		}
		b, err := readBaseline(file, data, values, used)
		if err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	for name := range values {
		if !used[name] {
			return nil, fmt.Errorf("baseline value %q: no check has this parameter", name)
		}
	}
	return all, uniqueChecks(all)
}

// Read reads one baseline file strictly: an unknown key, a missing
// text or a rule that cannot be evaluated is an error naming file and line,
// and for a key the nearest known one. file is only used in messages.
func Read(file string, data []byte) (*Baseline, error) {
	return readBaseline(file, data, nil, map[string]bool{})
}

func readBaseline(file string, data []byte, values Values, used map[string]bool) (*Baseline, error) {
	if len(data) > strictyaml.MaxFile {
		return nil, fmt.Errorf("%s: larger than %d bytes", file, strictyaml.MaxFile)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(doc.Content) != 1 {
		return nil, fmt.Errorf("%s:1: empty file", file)
	}
	if err := (binder{file: file, values: values, used: used}).bind(doc.Content[0]); err != nil {
		return nil, err
	}
	b := &Baseline{}
	if err := strictyaml.DecodeNode(file, doc.Content[0], b); err != nil {
		return nil, err
	}
	b.File = file
	lines := checkLines(doc.Content[0])
	for i, c := range b.Checks {
		if c == nil {
			return nil, fmt.Errorf("%s: check number %d is empty", file, i+1)
		}
		c.Line = lines[i]
	}
	return b, b.validate()
}

func (b *Baseline) validate() error {
	switch {
	case b.ID == "" || b.Title == "" || b.Version == "":
		return fmt.Errorf("%s: id, title and version are required", b.File)
	case b.OS != "linux" && b.OS != "windows":
		return fmt.Errorf("%s: os must be linux or windows, not %q", b.File, b.OS)
	case len(b.Checks) == 0 || len(b.Checks) > maxBaselineChecks:
		return fmt.Errorf("%s: %d checks; 1 to %d are allowed", b.File, len(b.Checks), maxBaselineChecks)
	}
	for _, c := range b.Checks {
		if err := c.validate(); err != nil {
			return fmt.Errorf("%s:%d: check %q: %w", b.File, c.Line, c.ID, err)
		}
	}
	return uniqueChecks([]*Baseline{b})
}

func (c *Check) validate() error {
	if !checkIDForm.MatchString(c.ID) {
		return errors.New("id must be lower-case words joined by hyphens")
	}
	for _, t := range []struct{ key, text string }{
		{"title", c.Title}, {"rationale", c.Rationale}, {"remediation", c.Remediation},
	} {
		if strings.TrimSpace(t.text) == "" {
			return fmt.Errorf("%s is required", t.key)
		}
	}
	if !slices.Contains(Severities, c.Severity) {
		return fmt.Errorf("severity %q is not critical, high, medium or low", c.Severity)
	}
	for name := range c.Parameters {
		if !parameterForm.MatchString(name) {
			return fmt.Errorf("parameter %q: a name has letters and digits only", name)
		}
	}
	for _, f := range c.Platform.Family {
		if err := validateText("family", f); err != nil {
			return fmt.Errorf("platform: %w", err)
		}
	}
	if c.When != nil {
		if err := c.When.validate(0); err != nil {
			return fmt.Errorf("when: %w", err)
		}
	}
	if err := c.Rule.validate(0); err != nil {
		return fmt.Errorf("rule: %w", err)
	}
	return nil
}

// uniqueChecks reports the first check id that is used twice.
func uniqueChecks(all []*Baseline) error {
	seen := map[string]string{}
	for _, b := range all {
		for _, c := range b.Checks {
			at := fmt.Sprintf("%s:%d", b.File, c.Line)
			if first, dup := seen[c.ID]; dup {
				return fmt.Errorf("%s: check %q is also at %s", at, c.ID, first)
			}
			seen[c.ID] = at
		}
	}
	return nil
}

// checkLines gives the line of each item of the key "checks".
func checkLines(root *yaml.Node) []int {
	list := mapValue(root, "checks")
	if list == nil {
		return nil
	}
	lines := make([]int, len(list.Content))
	for i, n := range list.Content {
		lines[i] = n.Line
	}
	return lines
}
