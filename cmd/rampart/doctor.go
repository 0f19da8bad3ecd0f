package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/rampart-sec/rampart/internal/app"
	"github.com/rampart-sec/rampart/internal/client"
)

// diagnosis is what doctor found.
type diagnosis struct {
	Version string `json:"version"`
	client.Sweep
}

func runDoctor(ctx context.Context, std stdio, args []string) error {
	fs := flagSet("doctor", std)
	data := fs.String("data", app.DefaultData(), "data folder of the server (its bootstrap.json)")
	server := fs.String("server", "", "another address of the server")
	format := fs.String("format", "table", "table or json")
	fs.StringVar(format, "o", "table", "the same as --format")
	if err := parse(fs, std, args, 0, 0); err != nil {
		return err
	}
	if *format != "table" && *format != "json" {
		return fmt.Errorf("--format %q: want table or json", *format)
	}
	c, err := dial(ctx, *data, *server)
	if err != nil {
		return err
	}
	health, err := c.Health(ctx)
	if err != nil {
		return err
	}
	sweep, err := c.Sweep(ctx)
	if err != nil {
		return err
	}
	d := diagnosis{health.Version, sweep}
	if *format == "json" {
		err = json.NewEncoder(std.out).Encode(d)
	} else {
		err = d.write(std.out)
	}
	if err == nil && d.DifferencesTotal+len(d.Problems) > 0 {
		err = errFound
	}
	return err
}

// write tells what was found, a line each.
func (d *diagnosis) write(w io.Writer) error {
	p := printer{w: w}
	p.f("ok    the server is there: version %s\n", d.Version)
	if len(d.Problems) == 0 {
		p.f("ok    every policy, exemption and rule can be used\n")
	}
	for i, problem := range d.Problems {
		if i == maxListed {
			p.f("      ... and %d more\n", len(d.Problems)-maxListed)
			break
		}
		p.f("wrong %s cannot be used: %s\n", clean(problem.ID), clean(problem.Reason))
	}
	swept := fmt.Sprintf("%d resources and %d assessments, judged anew in %.1f s", d.Resources, d.Assessments, d.Seconds)
	if d.DifferencesTotal == 0 {
		p.f("ok    %s, are what the server says\n", swept)
		return p.err
	}
	p.f("wrong %s: %d differences. Please report them; a restart judges everything anew\n", swept, d.DifferencesTotal)
	for i, diff := range d.Differences {
		if i == maxListed {
			p.f("      ... and %d more\n", d.DifferencesTotal-maxListed)
			break
		}
		p.f("      %s %s: %s, should be %s\n", clean(diff.ResourceID), clean(diff.Recommendation), clean(diff.Kept), clean(diff.Swept))
	}
	return p.err
}

// printer prints until the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) f(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
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
