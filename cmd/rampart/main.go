// Command rampart is the whole product in one binary: server, local agent and
// the offline verbs. This package holds flags and exit codes only.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/rampart-sec/rampart/internal/agent/command"
)

// version is set by the build.
var version = "dev"

// Exit statuses, a contract with scripts.
const (
	exitDone   = 0
	exitFound  = 1 // done, and something was found at or above the asked threshold
	exitFailed = 2 // it could not be done
)

// errFound makes a verb end with exitFound: it has already said what it found.
var errFound = errors.New("found")

// stdio is what a verb reads and writes: results on out, all else on err.
type stdio struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

// verb is one thing that the binary does.
type verb struct {
	name     string // "policy check"
	synopsis string // what follows the name
	says     string // one line
	run      func(ctx context.Context, io stdio, args []string) error
}

// verbs lists everything, in the order of the help.
var verbs = []verb{
	{"up", "[--data DIR] [--listen ADDR] [--dashboard ADDR] [--advertise HOST] [--no-agent] [--demo]", "server plus an agent for this machine, one process", runUp},
	{"serve", "--config FILE", "the server as configured", runServe},
	{"scan host", command.CheckSynopsis, "assess this machine once, no server", runScanHost},
	{"agent", "VERB", "the program of a protected machine, as rampart-agent: rampart agent help lists its verbs", nil},
	{"scan image", "REFERENCE | --archive FILE|- | --root DIR  [--db DIR] [--max-age DURATION] [--platform OS/ARCH] [--vex FILE]... [--rules FILE]... [--fail-on SEVERITY] [--format table|json|sarif|cyclonedx|spdx]", "packages, vulnerabilities, secrets and configuration of an image, no server", runScanImage},
	{"scan template", "[--parameters FILE] [--policies DIR] [--fail-on SEVERITY] [--format table|json] PLAN.json|azuredeploy.json...", "the same policies over Terraform plans and ARM templates", runScanTemplate},
	{"assess", "--resources FILE|- [--subscription ID] [--group NAME] [--policies DIR] [--aliases FILE] [--states FILE] [--format table|json]", "judge a file of resources, no server", runAssess},
	{"policy eval", "--cases FILE [--aliases-dir DIR]", "one result line per case", runPolicyEval},
	{"policy check", "[--aliases FILE] DIR...", "load and compile definition files", runPolicyCheck},
	{"policy test", "[--junit FILE] [--mutate] [DIR...]", "definitions with their own examples and expected verdicts", runPolicyTest},
	{"policy explain", "--resource FILE --definition FILE [--aliases FILE] [--format text|json]", "which condition decided, with path, value found and wanted", runPolicyExplain},
	{"detect explain", "--rules DIR [--rule ID] [--source KIND] [--index N] [--format text|json] FILE...", "which selection of a rule held or failed on events, value found and wanted", runDetectExplain},
	{"detect fields", "--rules DIR [--source KIND] [--format table|json] FILE...", "rules that cannot fire because a field never appears, fields that no rule reads", runDetectFields},
	{"detect coverage", "--rules DIR [--source KIND] [--format table|json|navigator] [FILE...]", "ATT&CK techniques of rules, and of those that events of the files let fire", runDetectCoverage},
	{"detect lint", "[--fix] [--fail-on error|warning|note] [--format table|json|sarif] DIR|FILE...", "what of the Sigma specification rule files break, with line and mend", runDetectLint},
	{"simulate", "--resources N [--seed S]", "a realistic estate as JSON Lines", runSimulate},
	{"import", "[--server URL] [--data DIR] [--subscription ID] [--group NAME] FILE|-", "resources into a running server", runImport},
	{"what-if", "[--fix RECOMMENDATION]... [--exempt RECOMMENDATION]... [--scope ID] [--subscription ID] [--group NAME] [--fail-below PERCENT] [--fail-on-loss] [--format table|json] [FILE|-]", "what resources, an ARM template, fixes or exemptions would do to the score; nothing is stored", runWhatIf},
	{"plan", "[--steps N] [--scope ID] [--format table|json]", "the fixes that bring the most points for the effort", runPlan},
	{"detect run", "[--rules DIR]... [--source KIND] [--format json|table] [--stats FILE] FILE|-...", "Sigma rules and correlations over events of a file", runDetectRun},
	{"detect test", "[--format table|json] [DIR]", "rules with their own events: those that must match, and those that must not", runDetectTest},
	{"advisory fetch", "[--db DIR] [--ecosystems auto|LIST] [--from URL] [--kev URL|off] [--epss URL|off] [--dry-run]", "download advisories, resumable, and import them", runAdvisoryFetch},
	{"advisory import", "[--db DIR] [--trust KEY.pub]... [--format table|json] FILE|DIR...", "OSV exports, KEV, EPSS or a signed bundle into the advisory database", runAdvisoryImport},
	{"advisory bundle", "[--db DIR] [--key FILE] [--whole] -o FILE", "sign what has changed since the last bundle, for a network without internet", runAdvisoryBundle},
	{"advisory status", "[--db DIR] [--max-age DURATION] [--verify] [--format table|json]", "which advisories there are, and how old", runAdvisoryStatus},
	{"doctor", "[--server URL] [--data DIR] [--format table|json]", "judge the whole estate anew and compare: is what the server says true?", runDoctor},
	{"az-env", "[--data DIR]", "print what az needs to log in here", runAzEnv},
	{"admin link", "[--data DIR]", "a new one-time sign-in link", runAdminLink},
	{"version", "", "print the version", runVersion},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, stdio{os.Stdin, os.Stdout, os.Stderr}, os.Args[1:]))
}

// run finds the verb, runs it and gives the exit status. Every failure is one
// clear line on stderr.
func run(ctx context.Context, io stdio, args []string) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		help(io.err)
		if len(args) == 0 {
			return exitFailed
		}
		return exitDone
	}
	v, rest, ok := find(args)
	if !ok {
		fmt.Fprintf(io.err, "rampart: there is no %q; rampart help lists what there is\n", strings.Join(args[:min(len(args), 2)], " "))
		return exitFailed
	}
	if v.name == "agent" { // a program of its own, with its own exit statuses
		return agentProgram(io).Run(ctx, rest)
	}
	switch err := v.run(ctx, io, rest); {
	case err == nil:
		return exitDone
	case errors.Is(err, errFound):
		return exitFound
	case errors.Is(err, flag.ErrHelp):
		return exitDone
	default:
		fmt.Fprintf(io.err, "rampart %s: %s\n", v.name, oneLine(err))
		return exitFailed
	}
}

// find matches the longest verb at the start of the arguments.
func find(args []string) (verb, []string, bool) {
	for words := min(2, len(args)); words > 0; words-- {
		name := strings.Join(args[:words], " ")
		for _, v := range verbs {
			if v.name == name {
				return v, args[words:], true
			}
		}
	}
	return verb{}, nil, false
}

func help(w io.Writer) {
	fmt.Fprintln(w, "Rampart: security management for hybrid estates.")
	fmt.Fprintln(w)
	for _, v := range verbs {
		fmt.Fprintf(w, "  rampart %s\n      %s\n", strings.TrimSpace(v.name+" "+v.synopsis), v.says)
	}
	fmt.Fprintln(w, "\nExit status: 0 done; 1 done, and something was found; 2 it could not be done.")
}

// oneLine keeps the promise of one line per failure, whatever the error holds.
func oneLine(err error) string {
	return strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}

// flagSet makes the flags of a verb; a wrong flag is one line, not the whole usage.
func flagSet(v string, io stdio) *flag.FlagSet {
	fs := flag.NewFlagSet(v, flag.ContinueOnError)
	fs.SetOutput(quietUsage{})
	fs.Usage = func() {}
	return fs
}

// parse reads flags and checks how many arguments follow them.
func parse(fs *flag.FlagSet, io stdio, args []string, minArgs, maxArgs int) error {
	err := fs.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fs.SetOutput(io.err)
		fmt.Fprintf(io.err, "rampart %s: flags\n", fs.Name())
		fs.PrintDefaults()
		return err
	}
	if err != nil {
		return fmt.Errorf("%w (rampart %s --help lists the flags)", err, fs.Name())
	}
	if fs.NArg() < minArgs {
		return errors.New("something to work on is missing (rampart help shows the form)")
	}
	if maxArgs >= 0 && fs.NArg() > maxArgs {
		return fmt.Errorf("unexpected argument %q", fs.Arg(maxArgs))
	}
	return nil
}

// quietUsage swallows what package flag prints by itself.
type quietUsage struct{}

func (quietUsage) Write(p []byte) (int, error) { return len(p), nil }

func runVersion(_ context.Context, io stdio, args []string) error {
	fs := flagSet("version", io)
	if err := parse(fs, io, args, 0, 0); err != nil {
		return err
	}
	_, err := fmt.Fprintln(io.out, "rampart", version)
	return err
}
