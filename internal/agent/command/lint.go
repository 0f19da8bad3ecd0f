package command

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"

	"github.com/rampart-sec/rampart/content/baselines"
	"github.com/rampart-sec/rampart/internal/agent/sca"
)

// lintResult is what "baseline lint" says of one file.
type lintResult struct {
	File         string         `json:"file"`
	Format       string         `json:"format,omitempty"`
	Checks       int            `json:"checks"`
	Rules        int            `json:"rules"`
	Evaluable    int            `json:"evaluable"`
	NotEvaluable []notEvaluable `json:"notEvaluable"`
	Error        string         `json:"error,omitempty"`
}

// notEvaluable is a rule that this agent cannot judge, and why.
type notEvaluable struct {
	Check  string `json:"check"`
	Rule   string `json:"rule"`
	Reason string `json:"reason"`
}

// lint reads each file and writes one JSON object a line; a file that cannot be
// read at all makes the exit status 2 after the others were read.
func (p Program) lint(_ context.Context, args []string) error {
	fs := flag.NewFlagSet("baseline lint", flag.ContinueOnError)
	if err := p.parse(fs, args); err != nil {
		return err
	}
	if fs.NArg() == 0 {
		return errors.New("a file to read is missing")
	}
	out := json.NewEncoder(p.Out)
	out.SetEscapeHTML(false)
	bad := 0
	for _, name := range fs.Args() {
		r := lintFile(name)
		if r.Error != "" {
			bad++
		}
		if err := out.Encode(r); err != nil {
			return fmt.Errorf("writing result: %w", err)
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d files cannot be read", bad, fs.NArg())
	}
	return nil
}

func lintFile(name string) lintResult {
	r := lintResult{File: name, NotEvaluable: []notEvaluable{}}
	data, err := readFile(name)
	if err != nil {
		r.Error = err.Error()
		return r
	}
	if sca.Looks(data) {
		return lintPolicy(r, data)
	}
	b, err := baselines.Read(name, data)
	if err != nil {
		r.Error = err.Error()
		return r
	}
	r.Format, r.Checks = "rampart", len(b.Checks)
	for _, c := range b.Checks {
		r.Rules += c.Rule.Procedures()
	}
	r.Evaluable = r.Rules
	return r
}

// lintPolicy counts the rules of an SCA policy that this agent can judge.
// Registry rules count: they are judged on Windows.
func lintPolicy(r lintResult, data []byte) lintResult {
	p, err := sca.Read(r.File, data)
	if err != nil {
		r.Error = err.Error()
		return r
	}
	r.Format, r.Checks = "wazuh-sca", len(p.Checks)
	checks := p.Checks
	if p.Requirements != nil {
		checks = append([]*sca.Check{p.Requirements}, checks...)
	}
	for _, c := range checks {
		for _, rule := range c.Rules {
			r.Rules++
			err := c.Err
			if err == nil {
				err = rule.Evaluable()
			}
			if err == nil {
				r.Evaluable++
				continue
			}
			r.NotEvaluable = append(r.NotEvaluable, notEvaluable{Check: c.ID, Rule: rule.Text, Reason: err.Error()})
		}
	}
	return r
}
