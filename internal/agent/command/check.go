package command

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/content/baselines"
	"github.com/rampart-sec/rampart/internal/agent"
)

// CheckSynopsis is what follows "check" in the help.
const CheckSynopsis = "[--root DIR] [--baseline FILE]... [--format table|json|sarif] [--fail-on SEVERITY]"

// machineID names the machine where there is no server to name it.
const machineID = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/local/providers/Microsoft.HybridCompute/machines/localhost"

// checkFlags are the flags of check.
type checkFlags struct {
	root, format, failOn string
	approved             string
	files                fileList
}

// fileList is a flag that may be given several times.
type fileList []string

func (l *fileList) String() string     { return strings.Join(*l, ",") }
func (l *fileList) Set(s string) error { *l = append(*l, s); return nil }

func (p Program) check(ctx context.Context, args []string) error {
	return p.Check(ctx, "check", args)
}

// Check judges a machine once and writes the report. verb names it in messages.
// The error is ErrFound if a check failed at the asked severity or worse.
func (p Program) Check(ctx context.Context, verb string, args []string) error {
	var f checkFlags
	fs := flag.NewFlagSet(verb, flag.ContinueOnError)
	fs.StringVar(&f.root, "root", "/", "file system root of the machine: a mounted image or chroot")
	fs.Var(&f.files, "baseline", "judge by this baseline file instead of the built-in checks; may be given several times")
	fs.StringVar(&f.approved, "approved-commands", "", "file of SHA-256 sums of command lines that SCA policies may run although they are not known to be harmless")
	fs.StringVar(&f.format, "format", "table", "table, json or sarif")
	fs.StringVar(&f.failOn, "fail-on", "", "exit with status 1 if a check of this severity or worse failed: low, medium, high, critical")
	if err := p.parse(fs, args); err != nil {
		return err
	}
	if len(f.files) == 0 && fs.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	f.files = append(f.files, fs.Args()...)
	if err := f.validate(); err != nil {
		return err
	}
	report, err := p.judge(ctx, f)
	if err != nil {
		return err
	}
	write := map[string]func(io.Writer) error{"table": report.WriteTable, "json": report.WriteJSON, "sarif": report.WriteSARIF}[f.format]
	if err := write(p.Out); err != nil {
		return err
	}
	if f.failOn != "" && report.FailedAtLeast(baselines.Severity(f.failOn)) {
		return ErrFound
	}
	return nil
}

func (f checkFlags) validate() error {
	if !slices.Contains([]string{"table", "json", "sarif"}, f.format) {
		return fmt.Errorf("--format %q: want table, json or sarif", f.format)
	}
	if f.failOn != "" && !slices.Contains(baselines.Severities, baselines.Severity(f.failOn)) {
		return fmt.Errorf("--fail-on %q: want low, medium, high or critical", f.failOn)
	}
	info, err := os.Stat(f.root)
	if err != nil {
		return fmt.Errorf("--root: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("--root %s: not a directory", f.root)
	}
	return nil
}

func (p Program) judge(ctx context.Context, f checkFlags) (*agent.ScanReport, error) {
	all, err := readFiles(f.files)
	if err != nil {
		return nil, err
	}
	approved, err := readApproved(f.approved)
	if err != nil {
		return nil, err
	}
	a, err := agent.New(agent.Options{
		Root: f.root, MachineID: machineID, Baselines: all.native, Policies: all.policies, ApprovedCommands: approved,
		Version: p.Version, Now: time.Now,
	})
	if err != nil {
		return nil, err
	}
	return a.Scan(ctx)
}
