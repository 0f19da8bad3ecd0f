package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/rampart-sec/rampart/internal/app"
	"github.com/rampart-sec/rampart/internal/face/client"
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
	if err == nil && d.DifferencesTotal+len(d.Problems)+d.UnjudgedTotal > 0 {
		err = errFound
	}
	return err
}

// write tells what was found.
func (d *diagnosis) write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "ok    the server is there: version %s\n", clean(d.Version))
	if n := len(d.Problems); n == 0 {
		b.WriteString("ok    every policy, exemption and rule can be used\n")
	} else {
		fmt.Fprintf(&b, "wrong %d policies, exemptions or rules cannot be used\n", n)
	}
	swept := fmt.Sprintf("%d resources and %d assessments, judged anew in %.1f s", d.Resources, d.Assessments, d.Seconds)
	if d.DifferencesTotal == 0 {
		fmt.Fprintf(&b, "ok    %s, are what the server says\n", swept)
	} else {
		fmt.Fprintf(&b, "wrong %s: %d differences. Please report them; a restart judges everything anew\n", swept, d.DifferencesTotal)
	}
	if d.UnjudgedTotal == 0 {
		b.WriteString("ok    every document can be judged\n")
	} else {
		fmt.Fprintf(&b, "wrong %d documents cannot be judged; import them again as their reasons say\n", d.UnjudgedTotal)
	}
	section(&b, "Cannot be judged", len(d.Unjudged), func(i int) {
		fmt.Fprintf(&b, "  %s: %s\n", clean(d.Unjudged[i].ID), clean(d.Unjudged[i].Reason))
	})
	section(&b, "Cannot be used", len(d.Problems), func(i int) {
		fmt.Fprintf(&b, "  %s: %s\n", clean(d.Problems[i].ID), clean(d.Problems[i].Reason))
	})
	section(&b, "Differences, what the server says and what it should", len(d.Differences), func(i int) {
		x := d.Differences[i]
		fmt.Fprintf(&b, "  %s %s: %s, should be %s\n", clean(x.ResourceID), clean(x.Recommendation), clean(x.Kept), clean(x.Swept))
	})
	_, err := io.WriteString(w, b.String())
	return err
}
