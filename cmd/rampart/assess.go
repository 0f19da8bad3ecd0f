package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/rampart-sec/rampart/internal/base/inventory"
	"github.com/rampart-sec/rampart/internal/posture/assess"
)

// list is a flag that may be given several times.
type list []string

func (l *list) String() string     { return fmt.Sprint(*l) }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

func runAssess(ctx context.Context, std stdio, args []string) error {
	fs := flagSet("assess", std)
	resources := fs.String("resources", "", "resources: JSON Lines, a JSON array, az or Resource Graph output; - for standard input")
	aliasFile := fs.String("aliases", "", "alias table: TSV or provider list JSON")
	subscription, group := placeFlags(fs)
	states := fs.String("states", "", "also write a line per resource and recommendation to this file")
	format := fs.String("format", "table", "table or json")
	var policies list
	fs.Var(&policies, "policies", "folder of further policy definitions; may be repeated")
	if err := parse(fs, std, args, 0, 0); err != nil {
		return err
	}
	switch {
	case *resources == "":
		return errors.New("--resources FILE is needed, - for standard input")
	case *format != "table" && *format != "json":
		return fmt.Errorf("--format %q: want table or json", *format)
	}
	place, err := inventory.TemplateGroup(*subscription, *group)
	if err != nil {
		return err
	}
	aliases, err := readAliases(*aliasFile)
	if err != nil {
		return err
	}
	in, closeIn, err := openInput(std, *resources)
	if err != nil {
		return err
	}
	defer closeIn()
	opt := assess.Options{Resources: in, Group: place, Policies: policies, Aliases: aliases, Now: time.Now}
	if *states == "" {
		return runAndWrite(ctx, std, opt, *format)
	}
	f, err := os.Create(*states)
	if err != nil {
		return err
	}
	opt.States = f
	return errors.Join(runAndWrite(ctx, std, opt, *format), f.Close())
}

func runAndWrite(ctx context.Context, std stdio, opt assess.Options, format string) error {
	report, err := assess.Run(ctx, opt)
	if err != nil {
		return err
	}
	if report.Template != nil && report.Template.Assumed {
		fmt.Fprintf(std.err, assumedPlace, clean(report.Template.ResourceGroup))
	}
	if format == "json" {
		err = json.NewEncoder(std.out).Encode(report)
	} else {
		err = report.WriteTable(std.out)
	}
	if err == nil && report.Resources == 0 && report.RejectedTotal > 0 { // a score of nothing is not "done"
		return fmt.Errorf("no resource could be read; line %d: %s", report.Rejected[0].Line, report.Rejected[0].Reason)
	}
	return err
}
