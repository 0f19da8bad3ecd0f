package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/wire"
)

// TestOptions say how example folders are run.
type TestOptions struct {
	// Aliases resolves alias names; nil is the built-in table.
	Aliases *Aliases
	Options Options
	// Now is the evaluation instant of examples that do not say.
	Now time.Time
	// Mutate also removes each leaf condition in turn: some example must get
	// another state.
	Mutate bool
}

// TestReport is the result of TestDirs.
type TestReport struct {
	Results []TestResult
}

// TestResult is one example's outcome.
type TestResult struct {
	Policy  string // the folder
	Example string
	Want    string // a state, as State.String gives it
	Got     string // a state, "" if the example could not be run
	Reason  string // of the verdict, or why it could not be run
}

// Passed reports whether the example has the verdict that it expects.
func (r TestResult) Passed() bool { return r.Want == r.Got }

// Failed is the number of examples that have not.
func (r *TestReport) Failed() int {
	n := 0
	for _, t := range r.Results {
		if !t.Passed() {
			n++
		}
	}
	return n
}

// The files of a policy with examples.
const (
	policyFile   = "policy.json"
	examplesFile = "examples.jsonl"
)

// example is one line of examples.jsonl.
type example struct {
	Name       string            `json:"name"`
	Want       string            `json:"want"`
	Resource   json.RawMessage   `json:"resource"`
	Related    []json.RawMessage `json:"related"`
	Parameters json.RawMessage   `json:"parameters"`
	// Unavailable are paths of the resource that its source did not deliver.
	Unavailable []string  `json:"unavailable"`
	Now         time.Time `json:"now"`
}

// TestDirs runs the examples of every policy below the directories. A policy
// is a folder with policy.json, a definition, and examples.jsonl, an example a
// line:
//
//	{"name": "open to all", "resource": {...}, "want": "nonCompliant"}
//
// with, where needed, related (the other resources of the estate, with ids),
// parameters (values), unavailable (paths not delivered) and now. want is
// compliant, nonCompliant, notApplicable, unknown or error. What cannot be
// read becomes a failed result; the error is for a directory that cannot be
// read at all, or that holds no policy.
func TestDirs(dirs []string, opt TestOptions) (*TestReport, error) {
	if opt.Aliases == nil {
		opt.Aliases = NewAliases()
	}
	report := &TestReport{}
	var errs []error
	for _, dir := range dirs {
		folders, err := policyFolders(dir)
		if err == nil && len(folders) == 0 {
			err = fmt.Errorf("no folder has a %s", policyFile)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("test %s: %w", dir, err))
		}
		for _, f := range folders {
			report.Results = append(report.Results, opt.folder(f)...)
		}
	}
	return report, errors.Join(errs...)
}

func policyFolders(dir string) ([]string, error) {
	var out []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !d.IsDir() && d.Name() == policyFile {
			out = append(out, filepath.Dir(path))
		}
		return nil
	})
	slices.Sort(out)
	return out, err
}

func (o TestOptions) folder(dir string) []TestResult {
	broken := func(err error) []TestResult {
		return []TestResult{{Policy: dir, Example: "load", Want: "loads", Reason: err.Error()}}
	}
	d, err := readDefinition(filepath.Join(dir, policyFile))
	if err != nil {
		return broken(err)
	}
	lines, err := readLines(filepath.Join(dir, examplesFile))
	if err != nil {
		return broken(err)
	}
	var out []TestResult
	var examples []example
	for i, line := range lines {
		result := TestResult{Policy: dir, Example: fmt.Sprintf("example %d", i+1)}
		var ex example
		if err := json.Unmarshal([]byte(line), &ex); err != nil {
			result.Want, result.Reason = "an example", err.Error()
			out = append(out, result)
			continue
		}
		if ex.Name != "" {
			result.Example = ex.Name
		}
		examples = append(examples, ex)
		result.Want = ex.Want
		verdict, err := o.run(d, ex)
		if err != nil {
			result.Reason = err.Error()
		} else {
			result.Got, result.Reason = verdict.State.String(), verdict.Reason
		}
		out = append(out, result)
	}
	if !o.Mutate {
		return out
	}
	mutations, err := o.mutations(dir, append(examples, example{Resource: json.RawMessage(Foreign)}))
	if err != nil {
		return append(out, broken(err)...)
	}
	return append(out, mutations...)
}

// mutations removes each leaf condition of a folder's policy in turn and wants
// an example to get another state.
func (o TestOptions) mutations(dir string, examples []example) ([]TestResult, error) {
	f, err := os.Open(filepath.Join(dir, policyFile))
	if err != nil {
		return nil, fmt.Errorf("open definition: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	data, err := readLimited(f)
	if err != nil {
		return nil, err
	}
	mutants, err := Mutants(data)
	if err != nil {
		return nil, err
	}
	want, err := o.states(data, examples)
	if err != nil {
		return nil, err
	}
	var out []TestResult
	for _, m := range mutants {
		r := TestResult{Policy: dir, Example: "without " + m.Leaf, Want: Noticed, Got: Noticed}
		switch got, err := o.states(m.Definition, examples); {
		case err != nil:
			r.Got, r.Reason = "", err.Error()
		case slices.Equal(got, want):
			r.Got, r.Reason = Unnoticed, "no example changes its state when the condition is gone"
		}
		out = append(out, r)
	}
	return out, nil
}

// states are those of the examples under a definition; one that cannot be run
// is an error state, as it is without the mutation.
func (o TestOptions) states(definition []byte, examples []example) ([]State, error) {
	d, err := ParseDefinition(definition)
	if err != nil {
		return nil, err
	}
	list := make([]State, len(examples))
	for i, ex := range examples {
		v, err := o.run(d, ex)
		if list[i] = v.State; err != nil {
			list[i] = Error
		}
	}
	return list, nil
}

// readDefinition reads one file that holds a definition.
func readDefinition(path string) (*Definition, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open definition: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	data, err := readLimited(f)
	if err != nil {
		return nil, err
	}
	return ParseDefinition(data)
}

func readLines(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open examples: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	data, err := readLimited(f)
	if err != nil {
		return nil, err
	}
	var out []string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out, nil
}

func (o TestOptions) run(d *Definition, ex example) (Verdict, error) {
	values, err := valueMap(ex.Parameters)
	if err != nil {
		return Verdict{}, fmt.Errorf("parameters: %w", err)
	}
	b, err := Bind(d, values, o.Options)
	if err != nil {
		return Verdict{}, err
	}
	r, err := NewResource(wire.Document{Body: ex.Resource, Unavailable: ex.Unavailable})
	if err != nil {
		return Verdict{}, err
	}
	estate := Resources{r}
	for _, body := range ex.Related {
		doc, err := NewResource(wire.Document{Body: body})
		if err != nil {
			return Verdict{}, fmt.Errorf("related: %w", err)
		}
		estate = append(estate, doc)
	}
	now := ex.Now
	if now.IsZero() {
		now = o.Now
	}
	e := &Evaluator{Aliases: o.Aliases, Options: o.Options, Estate: estate, Now: now}
	return e.Evaluate(b, r, Environment{}), nil
}

// WriteTable writes the results for people, and the totals.
func (r *TestReport) WriteTable(w io.Writer) error {
	var b strings.Builder
	for _, t := range r.Results {
		word := "ok  "
		if !t.Passed() {
			word = "FAIL"
		}
		fmt.Fprintf(&b, "%s  %s: %s: %s", word, t.Policy, t.Example, t.Got)
		if !t.Passed() {
			fmt.Fprintf(&b, ", want %s: %s", t.Want, t.Reason)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "%d examples, %d failed\n", len(r.Results), r.Failed())
	_, err := io.WriteString(w, b.String())
	return err
}
