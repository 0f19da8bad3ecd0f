package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/rampart-sec/rampart/internal/app"
	"github.com/rampart-sec/rampart/internal/face/client"
)

// remote are the flags of verbs that ask a running server and print an answer.
type remote struct {
	data, server, scope, format string
}

func (r *remote) flags(fs *flag.FlagSet) {
	fs.StringVar(&r.data, "data", app.DefaultData(), "data folder of the server (its bootstrap.json)")
	fs.StringVar(&r.server, "server", "", "another address of the server")
	fs.StringVar(&r.scope, "scope", "", "id of the subscription, group or resource that is meant; the estate without it")
	fs.StringVar(&r.format, "format", "table", "table or json")
	fs.StringVar(&r.format, "o", "table", "the same as --format")
}

func (r *remote) check() error {
	if r.format != "table" && r.format != "json" {
		return fmt.Errorf("--format %q: want table or json", r.format)
	}
	return nil
}

// runWhatIf tries resources, fixes and exemptions on a running server, which
// stores nothing of it.
func runWhatIf(ctx context.Context, std stdio, args []string) error {
	fs := flagSet("what-if", std)
	var r remote
	r.flags(fs)
	var fixed, exempt list
	fs.Var(&fixed, "fix", "recommendation (id, name or all) to take as fixed in the scope; may be repeated")
	fs.Var(&exempt, "exempt", "recommendation (id, name or all) to exempt the scope from; may be repeated")
	subscription, group := placeFlags(fs)
	failBelow := fs.Float64("fail-below", 0, "exit with status 1 if the score would be below this many percent")
	failOnLoss := fs.Bool("fail-on-loss", false, "exit with status 1 if the score would fall or a resource that is given would be unhealthy")
	if err := parse(fs, std, args, 0, 1); err != nil {
		return err
	}
	if err := r.check(); err != nil {
		return err
	}
	if fs.NArg() == 0 && len(fixed)+len(exempt) == 0 {
		return errors.New("nothing to try: name a file of resources, --fix or --exempt")
	}
	q := client.Question{Scope: r.scope, ResourceGroup: *group, Subscription: *subscription, Fixed: fixed, Exempt: exempt}
	if fs.NArg() == 1 {
		in, closeIn, err := openInput(std, fs.Arg(0))
		if err != nil {
			return err
		}
		defer closeIn()
		q.Resources = in
	}
	c, err := dial(ctx, r.data, r.server)
	if err != nil {
		return err
	}
	answer, err := c.WhatIf(ctx, q)
	if err != nil {
		return err
	}
	writeRejected(std.err, answer.Rejected, answer.RejectedTotal)
	if r.format == "json" {
		_, err = fmt.Fprintln(std.out, strings.TrimSpace(string(answer.Raw)))
	} else {
		err = writeWhatIf(std.out, answer)
	}
	if err != nil {
		return err
	}
	after := answer.After.Score.Percentage
	if after*100 < *failBelow || *failOnLoss && (after < answer.Before.Score.Percentage || answer.UnhealthyTotal > 0) {
		return errFound
	}
	return nil
}

func writeRejected(w io.Writer, rejected []client.Rejection, total int) {
	for i, x := range rejected {
		if i == maxListed {
			fmt.Fprintf(w, "... and %d more\n", total-maxListed)
			return
		}
		switch {
		case x.Line > 0:
			fmt.Fprintf(w, "line %d: %s\n", x.Line, clean(x.Reason))
		default:
			fmt.Fprintf(w, "%s: %s\n", clean(x.ID), clean(x.Reason))
		}
	}
}

// maxTable is how many rows each part of the table shows; the JSON has all.
const maxTable = 25

func writeWhatIf(w io.Writer, a *client.WhatIf) error {
	var b strings.Builder
	before, after := a.Before.Score, a.After.Score
	fmt.Fprintf(&b, "Secure score  %.1f %% -> %.1f %%  (%+.1f), %d tried; nothing was stored\n", before.Percentage*100, after.Percentage*100, (after.Percentage-before.Percentage)*100, a.Tried)
	for _, c := range a.Controls {
		if c.Before != c.After {
			fmt.Fprintf(&b, "  %5.2f -> %5.2f of %2d  %-46s %6d -> %d unhealthy\n", c.Before.Score.Current, c.After.Score.Current, c.After.Score.Max, short(c.DisplayName, 46), c.Before.Unhealthy, c.After.Unhealthy)
		}
	}
	section(&b, "Recommendations that change", len(a.Recommendations), func(i int) {
		x := a.Recommendations[i]
		fmt.Fprintf(&b, "  %6d -> %-6d unhealthy  %-8s  %s\n", x.Before.Unhealthy, x.After.Unhealthy, x.Severity, short(x.DisplayName, 60))
	})
	b.WriteString("\nCompliance, controls passed\n")
	for _, s := range a.Compliance {
		fmt.Fprintf(&b, "  %4d -> %-4d of %-4d  %s %s\n", s.Before.Passed, s.After.Passed, s.After.Passed+s.After.Failed, short(s.DisplayName, 60), short(s.Version, 20))
	}
	section(&b, "Would be unhealthy", len(a.Unhealthy), func(i int) {
		x := a.Unhealthy[i]
		fmt.Fprintf(&b, "  %s%s\n", clean(x.ResourceID), map[bool]string{true: " (new)"}[x.New])
		for _, r := range x.Recommendations {
			fmt.Fprintf(&b, "    %-8s  %s\n", r.Severity, short(r.DisplayName, 80))
		}
	})
	_, err := io.WriteString(w, b.String())
	return err
}

// section writes the first rows of a part under its title; nothing of none.
func section(b *strings.Builder, title string, n int, row func(i int)) {
	if n == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", title)
	for i := range min(n, maxTable) {
		row(i)
	}
	if n > maxTable {
		fmt.Fprintf(b, "  ... and %d more (--format json lists all)\n", n-maxTable)
	}
}

// short is a foreign text that fits into a column.
func short(s string, most int) string {
	s = clean(s)
	if r := []rune(s); len(r) > most {
		return string(r[:most-3]) + "..."
	}
	return s
}

// clean leaves nothing of a foreign text that a terminal would act on.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

// runPlan prints the fixes that bring the most points for the effort.
func runPlan(ctx context.Context, std stdio, args []string) error {
	fs := flagSet("plan", std)
	var r remote
	r.flags(fs)
	steps := fs.Int("steps", 10, "how many steps, 1 to 100")
	if err := parse(fs, std, args, 0, 0); err != nil {
		return err
	}
	if err := r.check(); err != nil {
		return err
	}
	c, err := dial(ctx, r.data, r.server)
	if err != nil {
		return err
	}
	raw, plan, err := c.Plan(ctx, r.scope, *steps)
	if err != nil {
		return err
	}
	if r.format == "json" {
		_, err = fmt.Fprintln(std.out, strings.TrimSpace(string(raw)))
		return err
	}
	return writePlan(std.out, plan)
}

func writePlan(w io.Writer, plan []client.Step) error {
	var b strings.Builder
	if len(plan) == 0 {
		b.WriteString("No open recommendation would raise the score.\n")
	} else {
		b.WriteString("   Score     Sum  Effort    Unhealthy  Recommendation\n")
	}
	sum := 0.0
	for _, s := range plan {
		sum += s.Gain * 100
		fmt.Fprintf(&b, "%+6.1f %%  %+5.1f  %-8s  %9d  %s\n", s.Gain*100, sum, s.Effort, s.Unhealthy, short(s.DisplayName, 70))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
