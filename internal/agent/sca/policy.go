// Package sca reads Wazuh SCA policies (YAML, of versions 4 and 5) as they are
// and judges a host by them: the same rules, conditions and three values. What
// a policy may run is narrower than there: no shell, known programs with
// arguments that only read, everything else after local approval.
//
// It must never import another package of this module but the agent's host.
package sca

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds of one policy file.
const (
	maxPolicy = 16 << 20
	maxChecks = 5000
	maxRules  = 200 // of one check
)

// Policy is one SCA file. It is immutable once read.
type Policy struct {
	ID, Name     string
	Requirements *Check // must pass for the policy to apply; nil if there are none
	Checks       []*Check
}

// Check is one check of a policy.
type Check struct {
	ID, Title, Rationale, Remediation string
	// Compliance maps a framework to its control numbers.
	Compliance map[string][]string
	Condition  string // all, any or none
	Rules      []*Rule
	// Err says why the check as a whole cannot be judged.
	Err error
}

// Looks reports whether data looks like an SCA policy: it has the keys "policy"
// and "checks" on the top level.
func Looks(data []byte) bool {
	policy, checks := false, false
	for line := range bytes.Lines(data) {
		policy = policy || bytes.HasPrefix(line, []byte("policy:"))
		checks = checks || bytes.HasPrefix(line, []byte("checks:"))
	}
	return policy && checks
}

// document is the file as YAML has it; version 4 says title, 5 says name.
type document struct {
	Policy struct {
		ID        string `yaml:"id"`
		Name      string `yaml:"name"`
		RegexType string `yaml:"regex_type"`
	} `yaml:"policy"`
	Variables    map[string]string `yaml:"variables"`
	Requirements *documentCheck    `yaml:"requirements"`
	Checks       []documentCheck   `yaml:"checks"`
}

type documentCheck struct {
	ID          yaml.Node `yaml:"id"`
	Title       string    `yaml:"title"`
	Name        string    `yaml:"name"`
	Rationale   string    `yaml:"rationale"`
	Description string    `yaml:"description"`
	Remediation string    `yaml:"remediation"`
	RegexType   string    `yaml:"regex_type"`
	Condition   string    `yaml:"condition"`
	Compliance  yaml.Node `yaml:"compliance"`
	Rules       []string  `yaml:"rules"`
}

// Read reads one policy. A rule that cannot be judged is kept with its reason;
// the error is for files that are no policy at all. file is used in messages.
func Read(file string, data []byte) (*Policy, error) {
	if len(data) > maxPolicy {
		return nil, fmt.Errorf("%s: larger than %d bytes", file, maxPolicy)
	}
	var doc document
	if err := yaml.NewDecoder(bytes.NewReader(data)).Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(doc.Checks) == 0 || len(doc.Checks) > maxChecks {
		return nil, fmt.Errorf("%s: %d checks; 1 to %d are allowed", file, len(doc.Checks), maxChecks)
	}
	p := &Policy{ID: doc.Policy.ID, Name: doc.Policy.Name}
	r := reader{syntax: doc.syntax(), variables: doc.Variables}
	if doc.Requirements != nil {
		p.Requirements = r.check(*doc.Requirements)
	}
	for _, c := range doc.Checks {
		p.Checks = append(p.Checks, r.check(c))
	}
	return p, nil
}

// syntax is the dialect of the patterns: as declared, else PCRE where any
// pattern of the file uses what Wazuh's own dialect of version 4 has not.
func (d document) syntax() syntax {
	switch strings.ToLower(d.Policy.RegexType) {
	case "pcre2":
		return pcre
	case "osregex":
		return osRegex
	}
	for _, c := range d.Checks {
		if c.Title == "" || slices.ContainsFunc(c.Rules, usesPCRE) {
			return pcre
		}
	}
	return osRegex
}

type reader struct {
	syntax    syntax
	variables map[string]string
}

func (r reader) check(d documentCheck) *Check {
	c := &Check{ID: d.ID.Value, Title: d.Title, Rationale: d.Rationale, Remediation: d.Remediation,
		Condition: strings.ToLower(strings.TrimSpace(d.Condition)), Compliance: compliance(&d.Compliance)}
	if c.Title == "" {
		c.Title = d.Name
	}
	if c.Rationale == "" {
		c.Rationale = d.Description
	}
	switch c.Condition {
	case "all", "any", "none":
	case "":
		c.Err = errors.New("the check has no condition")
	default:
		c.Err = fmt.Errorf("condition %q is not all, any or none", c.Condition)
	}
	if len(d.Rules) == 0 || len(d.Rules) > maxRules {
		c.Err = fmt.Errorf("%d rules; 1 to %d are allowed", len(d.Rules), maxRules)
		return c
	}
	s := r.syntax
	switch strings.ToLower(d.RegexType) {
	case "pcre2":
		s = pcre
	case "osregex":
		s = osRegex
	}
	for _, text := range d.Rules {
		c.Rules = append(c.Rules, parseRule(r.expand(text), s))
	}
	return c
}

// expand replaces variables, the longest name first.
func (r reader) expand(text string) string {
	if !strings.Contains(text, "$") {
		return text
	}
	names := make([]string, 0, len(r.variables))
	for name := range r.variables {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return len(b) - len(a) })
	for _, name := range names {
		text = strings.ReplaceAll(text, "$"+strings.TrimPrefix(name, "$"), r.variables[name])
	}
	return text
}

// compliance reads both forms: a list of one-key maps, and one map.
func compliance(n *yaml.Node) map[string][]string {
	all := map[string][]string{}
	switch n.Kind {
	case yaml.SequenceNode:
		for _, item := range n.Content {
			addControls(all, item)
		}
	case yaml.MappingNode:
		addControls(all, n)
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

func addControls(all map[string][]string, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i].Value, n.Content[i+1]
		if value.Kind == yaml.ScalarNode {
			all[key] = append(all[key], value.Value)
		}
		for _, v := range value.Content {
			if v.Kind == yaml.ScalarNode {
				all[key] = append(all[key], v.Value)
			}
		}
	}
}
