package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/rampart-sec/rampart/content/detections"
	"github.com/rampart-sec/rampart/internal/threat/detect"
	"github.com/rampart-sec/rampart/internal/threat/sigma"
)

// detectTests is what detect test prints as JSON.
type detectTests struct {
	Rules    int          `json:"rules"`
	Tests    int          `json:"tests"`
	Untested int          `json:"untested"` // rules without events of their own
	Failed   []failedTest `json:"failed"`
}

type failedTest struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Rule   string `json:"rule"`
	Test   int    `json:"test"` // from 1; 0 is the rule as a whole
	Reason string `json:"reason"`
}

// runDetectTest runs rules over the events that stand beside them.
func runDetectTest(ctx context.Context, std stdio, args []string) error {
	fs := flagSet("detect test", std)
	format := fs.String("format", "table", "table or json")
	if err := parse(fs, std, args, 0, 1); err != nil {
		return err
	}
	files, err := ruleFiles(fs.Arg(0))
	if err != nil {
		return err
	}
	res, err := testRules(ctx, files)
	if err != nil {
		return err
	}
	switch *format {
	case "json":
		enc := json.NewEncoder(std.out)
		enc.SetIndent("", "  ")
		err = enc.Encode(res)
	case "table":
		for _, f := range res.Failed {
			fmt.Fprintf(std.out, "FAIL  %s:%d  %s: %s\n", clean(f.File), f.Line, clean(f.Rule), clean(f.Reason))
		}
		_, err = fmt.Fprintf(std.out, "%d rules, %d tests, %d failed, %d rules without tests\n", res.Rules, res.Tests, len(res.Failed), res.Untested)
	default:
		return fmt.Errorf("--format %q: want table or json", *format)
	}
	if err == nil && len(res.Failed) > 0 {
		return errFound
	}
	return err
}

// ruleFiles are the files below a folder, or the product's own.
func ruleFiles(dir string) (fs.FS, error) {
	if dir == "" {
		return detections.FS, nil
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s is no folder", dir)
	}
	return os.DirFS(dir), nil
}

func testRules(ctx context.Context, files fs.FS) (*detectTests, error) {
	res := &detectTests{Failed: []failedTest{}}
	program := detect.New(sigma.LoadFS(files))
	for _, f := range program.Failed() {
		res.Failed = append(res.Failed, failedTest{File: f.File, Line: f.Line, Reason: f.Reason})
	}
	rules, _ := detections.Read(files) // what a rule lacks is no failure of a test
	for _, r := range rules {
		res.Rules++
		if len(r.Tests) == 0 {
			if !r.Base {
				res.Untested++
			}
			continue
		}
		for i, test := range r.Tests {
			res.Tests++
			if why := testRule(ctx, program, r, test); why != nil {
				res.Failed = append(res.Failed, failedTest{r.File, r.Line, r.Title, i + 1, fmt.Sprintf("test %d: %s", i+1, why)})
			}
		}
	}
	if res.Rules == 0 {
		return nil, errors.New("there are no rules")
	}
	return res, ctx.Err()
}

func testRule(ctx context.Context, program *detect.Program, r detections.Rule, test detections.Test) error {
	run := &detect.Files{Program: program, Source: test.Source}
	matched := false
	err := run.Read(ctx, "events", strings.NewReader(test.Events), func(h detect.FileHit) error {
		matched = matched || h.Rule != nil && h.Rule.ID == r.ID || h.Correlation != nil && h.Correlation.Rule.ID == r.ID
		return nil
	})
	switch {
	case err != nil:
		return err
	case run.Stats.Skipped > 0:
		return errors.New(run.Stats.FirstSkipped)
	case matched && !test.Match:
		return errors.New("it matches and must not")
	case !matched && test.Match:
		return errors.New("it does not match and must")
	}
	return nil
}
