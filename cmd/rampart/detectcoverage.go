package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/threat/detect"
	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/sigma/coverage"
)

// deliver reads files and gives what their records hold; nil without files.
func deliver(ctx context.Context, std stdio, files *detect.Files, names []string, also func(*event.Record)) (coverage.Delivered, error) {
	if len(names) == 0 {
		return nil, nil
	}
	logs := coverage.Delivered{}
	err := readFiles(ctx, std, names, func(name string, in io.Reader) error {
		return files.Records(ctx, name, in, func(_ detect.Place, rec *event.Record) error {
			logs.See(rec)
			if also != nil {
				also(rec)
			}
			return nil
		})
	})
	return logs, err
}

// runDetectCoverage says which techniques rules are about.
func runDetectCoverage(ctx context.Context, std stdio, args []string) error {
	fs := flagSet("detect coverage", std)
	var d detectFlags
	d.add(fs)
	format := fs.String("format", "table", "table, json or navigator (a layer of the ATT&CK Navigator)")
	name := fs.String("name", "Rampart detections", "name of the layer")
	if err := parse(fs, std, args, 0, -1); err != nil {
		return err
	}
	files, err := d.open(std)
	if err != nil {
		return err
	}
	logs, err := deliver(ctx, std, files, fs.Args(), nil)
	if err != nil {
		return err
	}
	techniques := coverage.Techniques(files.Program.Rules(), logs)
	switch *format {
	case "navigator":
		return coverage.WriteLayer(std.out, *name, techniques)
	case "json":
		return json.NewEncoder(std.out).Encode(coverageRows(techniques))
	case "table":
		return writeCoverage(std.out, techniques, logs != nil)
	}
	return fmt.Errorf("--format %q: want table, json or navigator", *format)
}

type coverageRow struct {
	Technique string   `json:"technique"`
	Rules     []string `json:"rules"`
	CanFire   int      `json:"canFire"`
}

func coverageRows(techniques []coverage.Technique) []coverageRow {
	rows := []coverageRow{}
	for _, t := range techniques {
		row := coverageRow{Technique: t.ID, CanFire: t.CanFire}
		for _, r := range t.Rules {
			row.Rules = append(row.Rules, r.Key())
		}
		rows = append(rows, row)
	}
	return rows
}

func writeCoverage(out io.Writer, techniques []coverage.Technique, logs bool) error {
	var b strings.Builder
	b.WriteString("Technique  Rules")
	if logs {
		b.WriteString("  Can fire")
	}
	b.WriteByte('\n')
	covered := 0
	for _, t := range techniques {
		fmt.Fprintf(&b, "%-9s  %5d", t.ID, len(t.Rules))
		if logs {
			fmt.Fprintf(&b, "  %8d", t.CanFire)
		}
		b.WriteByte('\n')
		if t.CanFire > 0 {
			covered++
		}
	}
	fmt.Fprintf(&b, "%d techniques, %d with a rule that can fire\n", len(techniques), covered)
	_, err := io.WriteString(out, b.String())
	return err
}

// fieldReport is what detect fields says.
type fieldReport struct {
	Events     int64        `json:"events"`
	NoSource   int          `json:"rulesWithoutSource"` // no event was of their log source
	CannotFire []deafRule   `json:"cannotFire"`
	Unread     []fieldCount `json:"unread"`
}

type deafRule struct {
	RuleID  string   `json:"ruleId"`
	Title   string   `json:"title"`
	Missing []string `json:"missing"`
}

type fieldCount struct {
	Field  string `json:"field"`
	Events int    `json:"events"`
}

// runDetectFields compares the fields of events with those of rules.
func runDetectFields(ctx context.Context, std stdio, args []string) error {
	fs := flagSet("detect fields", std)
	var d detectFlags
	d.add(fs)
	format := fs.String("format", "table", "table or json")
	if err := parse(fs, std, args, 1, -1); err != nil {
		return err
	}
	if *format != "table" && *format != "json" {
		return fmt.Errorf("--format %q: want table or json", *format)
	}
	files, err := d.open(std)
	if err != nil {
		return err
	}
	read := map[string]bool{}
	for _, r := range files.Program.Rules() {
		for _, f := range r.ReadFields() {
			read[f] = true
		}
	}
	unread := map[string]int{}
	logs, err := deliver(ctx, std, files, fs.Args(), func(rec *event.Record) { countUnread(rec, read, unread) })
	if err != nil {
		return err
	}
	report := fieldsOf(files, logs, unread)
	if *format == "json" {
		return json.NewEncoder(std.out).Encode(report)
	}
	return writeFields(std.out, report)
}

// maxUnread bounds how many names of fields are counted: some logs make new ones
// in every event.
const maxUnread = 100_000

func countUnread(rec *event.Record, read map[string]bool, unread map[string]int) {
	rec.Walk(func(name []byte, _ event.Value) bool {
		if _, known := unread[string(name)]; !read[string(name)] && (known || len(unread) < maxUnread) {
			unread[string(name)]++
		}
		return true
	})
}

func fieldsOf(files *detect.Files, logs coverage.Delivered, unread map[string]int) fieldReport {
	report := fieldReport{Events: files.Stats.Events, CannotFire: []deafRule{}, Unread: []fieldCount{}}
	for _, r := range files.Program.Rules() {
		switch reach, missing := logs.Reach(r); reach {
		case coverage.NoSource:
			report.NoSource++
		case coverage.NoField:
			report.CannotFire = append(report.CannotFire, deafRule{r.Key(), r.Title, missing})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(unread)) {
		report.Unread = append(report.Unread, fieldCount{name, unread[name]})
	}
	slices.SortStableFunc(report.Unread, func(a, b fieldCount) int { return cmp.Compare(b.Events, a.Events) })
	return report
}

func writeFields(out io.Writer, r fieldReport) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d events; %d rules are for log sources that are not among them\n", r.Events, r.NoSource)
	section(&b, fmt.Sprintf("Rules that cannot fire: a field never appears (%d)", len(r.CannotFire)), len(r.CannotFire), func(i int) {
		x := r.CannotFire[i]
		fmt.Fprintf(&b, "  %s: %s\n", short(x.Title, 70), clean(strings.Join(x.Missing, ", ")))
	})
	section(&b, fmt.Sprintf("Fields that no rule reads (%d)", len(r.Unread)), len(r.Unread), func(i int) {
		fmt.Fprintf(&b, "  %8d  %s\n", r.Unread[i].Events, clean(r.Unread[i].Field))
	})
	_, err := io.WriteString(out, b.String())
	return err
}
