package main

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/rampart-sec/rampart/internal/threat/sigma/lint"
)

// runDetectLint checks rule files against the specification; --fix makes the
// mends that are safe.
func runDetectLint(_ context.Context, std stdio, args []string) error {
	fs := flagSet("detect lint", std)
	format := fs.String("format", "table", "table, json or sarif")
	failOn := fs.String("fail-on", "error", "exit with status 1 on findings of this severity or graver: error, warning or note")
	fix := fs.Bool("fix", false, "make the mends that are safe, in the files")
	if err := parse(fs, std, args, 1, -1); err != nil {
		return err
	}
	grades := []lint.Severity{lint.Error, lint.Warning, lint.Note}
	limit := slices.Index(grades, lint.Severity(*failOn))
	if limit < 0 {
		return fmt.Errorf("--fail-on %q: want error, warning or note", *failOn)
	}
	report, err := lint.Check(fs.Args()...)
	if err == nil && *fix {
		if err = mendFiles(std, report); err == nil {
			report, err = lint.Check(fs.Args()...)
		}
	}
	if err != nil {
		return err
	}
	switch *format {
	case "table":
		err = report.WriteTable(std.out)
	case "json":
		err = report.WriteJSON(std.out)
	case "sarif":
		err = report.WriteSARIF(std.out, version)
	default:
		err = fmt.Errorf("--format %q: want table, json or sarif", *format)
	}
	if worst := slices.Index(grades, report.Worst()); err == nil && worst >= 0 && worst <= limit {
		return errFound
	}
	return err
}

// mendFiles writes the files that have findings with a mend.
func mendFiles(std stdio, report *lint.Report) error {
	byFile := map[string][]lint.Finding{}
	for _, f := range report.Findings {
		if f.Mend != nil {
			byFile[f.File] = append(byFile[f.File], f)
		}
	}
	for name, findings := range byFile {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		mended, n := lint.Apply(text, findings)
		if n == 0 {
			continue
		}
		if err := os.WriteFile(name, mended, 0o644); err != nil {
			return err
		}
		fmt.Fprintf(std.err, "%s: %d mended\n", clean(name), n)
	}
	return nil
}
