// Package detections is the product's own detection rules, as data: Sigma rules and
// correlations with example events beside them, embedded, and the strict reader of
// what the rules say for alerts and tests.
//
// It must never import another package of this module but strictyaml: rules are
// read by the detection engine, which knows nothing of where they come from.
package detections

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/rampart-sec/rampart/internal/base/strictyaml"
)

// FS holds every rule file as it is in the repository, in folders by product.
//
//go:embed azure aws gcp kubernetes linux windows web
var FS embed.FS

// Rule is what a rule says beyond Sigma: the member "rampart" of its document.
type Rule struct {
	File  string // path in the file system it was read from
	Line  int    // of the document
	ID    string
	Title string
	Level string

	AlertType   string   // type of the alert; "" where the catalogue has none
	AlsoCovers  []string // further alert types that the rule covers
	NextSteps   []string // what to do with an alert, in order
	Tests       []Test
	Base        bool // it only serves a correlation of its file
	Correlation bool

	name string
	uses []string // names of the rules that a correlation reads
}

// Test is a stream of events that the rule must match, or must not.
type Test struct {
	Source string // name of the decoder
	Match  bool   // whether at least one alert is wanted
	Events string // as the source delivers them
}

// member is the "rampart" member as it is written.
type member struct {
	AlertType  string   `yaml:"alertType"`
	AlsoCovers []string `yaml:"alsoCovers"`
	NextSteps  []string `yaml:"nextSteps"`
	Tests      []struct {
		Source string `yaml:"source"`
		Match  bool   `yaml:"match"`
		Events string `yaml:"events"`
	} `yaml:"tests"`
}

// Read reads all rule files below a file system, in the order of their paths. Its
// error joins everything that is wrong, each with file and line.
func Read(files fs.FS) (rules []Rule, _ error) {
	var errs []error
	err := fs.WalkDir(files, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || path.Ext(name) != ".yml" {
			return err
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		found, err := file(name, text)
		rules = append(rules, found...)
		errs = append(errs, err)
		return nil
	})
	return rules, errors.Join(append(errs, err)...)
}

// file reads the documents of one file.
func file(name string, text []byte) (rules []Rule, _ error) {
	var errs []error
	dec := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
			break
		}
		if len(doc.Content) == 1 {
			r, err := document(name, doc.Content[0])
			rules, errs = append(rules, r), append(errs, err)
		}
	}
	for i := range rules {
		rules[i].Base = slices.ContainsFunc(rules, func(r Rule) bool { return slices.Contains(r.uses, rules[i].name) })
		errs = append(errs, rules[i].check())
	}
	return rules, errors.Join(errs...)
}

func document(name string, doc *yaml.Node) (Rule, error) {
	r := Rule{File: name, Line: doc.Line}
	for i := 0; i+1 < len(doc.Content); i += 2 {
		value := doc.Content[i+1]
		switch doc.Content[i].Value {
		case "id":
			r.ID = value.Value
		case "title":
			r.Title = value.Value
		case "level":
			r.Level = value.Value
		case "correlation":
			r.Correlation = true
			var c struct {
				Rules []string `yaml:"rules"`
			}
			if err := value.Decode(&c); err != nil {
				return r, fmt.Errorf("%s:%d: %w", name, value.Line, err)
			}
			r.uses = c.Rules
		case "name":
			r.name = value.Value
		case "rampart":
			var m member
			if err := strictyaml.DecodeNode(name, value, &m); err != nil {
				return r, err
			}
			r.AlertType, r.AlsoCovers, r.NextSteps = m.AlertType, m.AlsoCovers, m.NextSteps
			for _, t := range m.Tests {
				r.Tests = append(r.Tests, Test(t))
			}
		}
	}
	return r, nil
}

// check demands steps and examples of every rule that raises alerts.
func (r Rule) check() error {
	if r.Base {
		return nil
	}
	var missing []string
	if n := len(r.NextSteps); n < 2 || n > 4 {
		missing = append(missing, "two to four nextSteps")
	}
	if !slices.ContainsFunc(r.Tests, func(t Test) bool { return t.Match }) {
		missing = append(missing, "a test with match: true")
	}
	if !slices.ContainsFunc(r.Tests, func(t Test) bool { return !t.Match }) {
		missing = append(missing, "a test with match: false")
	}
	if slices.ContainsFunc(r.Tests, func(t Test) bool { return t.Source == "" || t.Events == "" }) {
		missing = append(missing, "source and events in each test")
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("%s:%d: rule %q needs %s", r.File, r.Line, r.Title, strings.Join(missing, ", "))
}
