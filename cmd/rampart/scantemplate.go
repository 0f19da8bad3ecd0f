package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/posture/assess"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

func runScanTemplate(_ context.Context, std stdio, args []string) error {
	fs := flagSet("scan template", std)
	format := fs.String("format", "table", "table or json")
	parameters := fs.String("parameters", "", "ARM parameter file")
	subscription := fs.String("subscription", "", "id of the subscription that it is deployed to")
	group := fs.String("group", "", "name of the resource group that it is deployed to")
	aliasFile := fs.String("aliases", "", "alias table: TSV or provider list JSON")
	failOn := fs.String("fail-on", "", "exit with status 1 if something unhealthy is of this severity or worse: low, medium, high, critical")
	var policies list
	fs.Var(&policies, "policies", "folder of further policy definitions; may be repeated")
	if err := parse(fs, std, args, 1, -1); err != nil {
		return err
	}
	threshold := content.Severity(*failOn)
	if *failOn != "" && !slices.Contains([]content.Severity{content.Low, content.Medium, content.High, content.Critical}, threshold) {
		return fmt.Errorf("--fail-on %q: want low, medium, high or critical", *failOn)
	}
	if *format != "table" && *format != "json" {
		return fmt.Errorf("--format %q: want table or json", *format)
	}
	opt := assess.TemplateOptions{Subscription: *subscription, ResourceGroup: *group, Policies: policies, Now: time.Now()}
	var err error
	if opt.Aliases, err = readAliases(*aliasFile); err != nil {
		return err
	}
	if *parameters != "" {
		if opt.Parameters, err = readTemplate(*parameters); err != nil {
			return err
		}
	}
	for _, name := range fs.Args() {
		data, err := readTemplate(name)
		if err != nil {
			return err
		}
		opt.Files = append(opt.Files, assess.TemplateFile{Name: name, Data: data})
	}
	report, err := assess.ScanTemplates(opt)
	if err != nil {
		return err
	}
	return finishTemplate(std, report, *format, threshold)
}

func finishTemplate(std stdio, report *assess.TemplateReport, format string, threshold content.Severity) error {
	var err error
	if format == "json" {
		err = json.NewEncoder(std.out).Encode(report)
	} else {
		err = report.WriteTable(std.out)
	}
	if err != nil {
		return err
	}
	if report.Resources == 0 && len(report.Problems) > 0 {
		p := report.Problems[0]
		return fmt.Errorf("nothing could be read: %s: %s", p.File, p.Reason)
	}
	if threshold != "" && report.FoundAtLeast(threshold) {
		return errFound
	}
	return nil
}

// readTemplate reads one file, of at most what a policy document may have.
func readTemplate(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	data, err := io.ReadAll(io.LimitReader(f, policy.MaxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(data) > policy.MaxDocument {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, policy.MaxDocument)
	}
	return data, nil
}
