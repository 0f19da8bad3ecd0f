package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/rampart-sec/rampart/internal/app"
	"github.com/rampart-sec/rampart/internal/vuln/advisory"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/bundle"
)

// defaultAdvisories is where verbs and server keep the advisory database.
func defaultAdvisories() string { return filepath.Join(app.DefaultData(), "advisories") }

// maxProblems bounds the lines about records that were left out.
const maxProblems = 10

func runAdvisoryImport(ctx context.Context, io stdio, args []string) error {
	fs := flagSet("advisory import", io)
	dir := fs.String("db", defaultAdvisories(), "folder of the database")
	format := fs.String("format", "table", "table or json")
	var keys []string
	fs.Func("trust", "public key of a maker of bundles; may be given again", func(path string) error { keys = append(keys, path); return nil })
	if err := parse(fs, io, args, 1, -1); err != nil {
		return err
	}
	trusted, err := bundle.LoadTrusted(keys...)
	if err != nil {
		return err
	}
	return importAdvisories(ctx, io, *format, advisory.ImportOptions{Dir: *dir, Paths: fs.Args(), Now: time.Now(), Trusted: trusted})
}

func runAdvisoryBundle(_ context.Context, io stdio, args []string) error {
	fs := flagSet("advisory bundle", io)
	dir := fs.String("db", defaultAdvisories(), "folder of the database")
	out := fs.String("o", "", "file to write")
	keyFile := fs.String("key", "", "ed25519 private key, PEM; made with the first bundle (default: bundle.key in the folder of the database)")
	whole := fs.Bool("whole", false, "all advisories, for a database that has none yet or has missed a bundle")
	if err := parse(fs, io, args, 0, 0); err != nil {
		return err
	}
	if *out == "" {
		return errors.New("-o FILE is needed")
	}
	if *keyFile == "" {
		*keyFile = filepath.Join(*dir, "bundle.key")
	}
	if _, err := os.Stat(*dir); err != nil {
		return err
	}
	key, created, err := bundle.LoadOrCreateKey(*keyFile)
	if err != nil {
		return err
	}
	if created {
		fmt.Fprintf(io.err, "made the key %s; the other side trusts %s.pub\n", *keyFile, *keyFile)
	}
	r, err := advisory.MakeBundle(advisory.BundleOptions{Dir: *dir, Out: *out, Key: key, Whole: *whole, Now: time.Now()})
	if err != nil {
		return err
	}
	what := "changes since the last bundle"
	if r.Whole {
		what = "whole"
	}
	_, err = fmt.Fprintf(io.out, "%s: %s, %d advisories, %d removed or replaced, %s, state %.12s\n", *out, what, r.Advisories, r.Removed, size(r.Bytes), r.State)
	return err
}

// importAdvisories imports and prints what came of it.
func importAdvisories(ctx context.Context, io stdio, format string, o advisory.ImportOptions) error {
	problems := 0
	o.Problem = func(source, record string, err error) {
		if problems++; problems <= maxProblems {
			fmt.Fprintf(io.err, "%s: %s: %s\n", source, record, oneLine(err))
		}
	}
	report, err := advisory.Import(ctx, o)
	if err != nil {
		return err
	}
	if problems > maxProblems {
		fmt.Fprintf(io.err, "and %d more like these\n", problems-maxProblems)
	}
	if format == "json" {
		return json.NewEncoder(io.out).Encode(report)
	}
	if err := printFeeds(io, report.Feeds, time.Now()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(io.out, "%d records read, %d skipped, %d read in part, %d withdrawn; the database has %d advisories about %d packages, %s; %d packages changed\n",
		report.Records, report.Skipped, report.Incomplete, report.Withdrawn, report.Advisories, report.Packages, size(report.Bytes), len(report.Changed))
	return err
}

func runAdvisoryStatus(_ context.Context, io stdio, args []string) error {
	fs := flagSet("advisory status", io)
	dir := fs.String("db", defaultAdvisories(), "folder of the database, or an OSV export")
	format := fs.String("format", "table", "table or json")
	maxAge := fs.Duration("max-age", 0, "be unsuccessful if a feed is older, for example 168h")
	verify := fs.Bool("verify", false, "read the whole database and compare checksums")
	if err := parse(fs, io, args, 0, 0); err != nil {
		return err
	}
	db, err := advisory.Open(*dir)
	if err != nil {
		return err
	}
	defer db.Close()
	status, err := db.Status()
	if err != nil {
		return err
	}
	if *verify {
		if err := db.Verify(); err != nil {
			return err
		}
	}
	if err := printStatus(io, status, *format); err != nil {
		return err
	}
	return advisory.CheckAge(status.Feeds, time.Now(), *maxAge)
}

func printStatus(io stdio, s advisory.Status, format string) error {
	if format == "json" {
		return json.NewEncoder(io.out).Encode(s)
	}
	now := time.Now()
	if err := printFeeds(io, s.Feeds, now); err != nil {
		return err
	}
	if !s.Imported {
		_, err := fmt.Fprintf(io.out, "%s is an export that is read in place; import it to scan faster\n", s.Path)
		return err
	}
	exploited := "no KEV and EPSS"
	if !s.ExploitTaken.IsZero() {
		exploited = "KEV and EPSS " + age(s.ExploitTaken, now) + " old"
	}
	_, err := fmt.Fprintf(io.out, "%d advisories about %d packages, %s, written %s; %s\n",
		s.Advisories, s.Packages, size(s.Bytes), s.Written.Format(time.RFC3339), exploited)
	return err
}

func printFeeds(io stdio, feeds []advisory.Feed, now time.Time) error {
	t := tabwriter.NewWriter(io.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "FEED\tADVISORIES\tAGE\tNEWEST CHANGE\tRELEASES")
	for _, f := range feeds {
		releases := "-"
		switch n := len(f.Releases); {
		case n > 4:
			releases = fmt.Sprintf("%d releases", n)
		case n > 0:
			releases = strings.Join(f.Releases, ", ")
		}
		newest := "-"
		if !f.Newest.IsZero() {
			newest = f.Newest.Format(time.DateOnly)
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\n", f.Name, f.Records, age(f.Taken, now), newest, releases)
	}
	return t.Flush()
}

// age writes a time span in the unit that people count in.
func age(since, now time.Time) string {
	d := now.Sub(since)
	switch {
	case since.IsZero():
		return "unknown"
	case d < time.Hour:
		return fmt.Sprintf("%d minutes", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d hours", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
