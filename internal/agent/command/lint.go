package command

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"

	"github.com/rampart-sec/rampart/content/baselines"
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
