package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/agent"
)

// scanMachineID names the scanned machine where there is no server to name it.
const scanMachineID = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/local/providers/Microsoft.HybridCompute/machines/localhost"

func runScanHost(ctx context.Context, std stdio, args []string) error {
	fs := flagSet("scan host", std)
	format := fs.String("format", "table", "table, json or sarif")
	root := fs.String("root", "/", "file system root of the machine")
	failOn := fs.String("fail-on", "", "exit with status 1 if a check of this severity or worse failed: low, medium, high, critical")
	if err := parse(fs, std, args, 0, 0); err != nil {
		return err
	}
	threshold := content.Severity(*failOn)
	if *failOn != "" && !slices.Contains([]content.Severity{content.Low, content.Medium, content.High, content.Critical}, threshold) {
		return fmt.Errorf("--fail-on %q: want low, medium, high or critical", *failOn)
	}
	baselines, err := content.Baselines()
	if err != nil {
		return err
	}
	a, err := agent.New(agent.Options{Root: *root, MachineID: scanMachineID, Baselines: baselines, Version: version, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	report, err := a.Scan(ctx)
	if err != nil {
		return err
	}
	write, ok := map[string]func(io.Writer) error{"table": report.WriteTable, "json": report.WriteJSON, "sarif": report.WriteSARIF}[*format]
	if !ok {
		return fmt.Errorf("--format %q: want table, json or sarif", *format)
	}
	if err := write(std.out); err != nil {
		return err
	}
	if *failOn != "" && report.FailedAtLeast(threshold) {
		return errFound
	}
	return nil
}
