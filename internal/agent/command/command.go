// Package command is the command line of the agent: the verbs that the program
// rampart-agent and "rampart agent" share, their flags and exit statuses.
//
// It must never import a room of the server: the agent's program links it.
package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// Exit statuses, a contract with scripts.
const (
	exitDone   = 0
	exitFound  = 1 // done, and something was found at or above the asked threshold
	exitFailed = 2 // it could not be done
)

// ErrFound ends a verb that did its work and found something at or above the
// asked threshold; it has already said what.
var ErrFound = errors.New("found")

// Program is the command line under one name. Results go to Out, all else to
// Err.
type Program struct {
	Name    string // "rampart-agent" or "rampart agent"
	Version string
	Out     io.Writer
	Err     io.Writer
}

// verb is one thing that the agent's program does.
type verb struct {
	name     string // "baseline lint"
	synopsis string
	says     string // one line
	run      func(p Program, ctx context.Context, args []string) error
}

// verbs lists everything, in the order of the help.
func verbs() []verb {
	return []verb{
		{"check", CheckSynopsis, "judge this machine, or the one below DIR, once; no server", Program.check},
		{"baseline lint", "FILE...", "read baseline files without running anything: one JSON object a file", Program.lint},
		{"version", "", "print the version", Program.version},
	}
}

// Run finds the verb, runs it and gives the exit status. Every failure is one
// clear line on Err.
func (p Program) Run(ctx context.Context, args []string) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		p.help()
		if len(args) == 0 {
			return exitFailed
		}
		return exitDone
	}
	v, rest, ok := find(args)
	if !ok {
		fmt.Fprintf(p.Err, "%s: there is no %q; %s help lists what there is\n", p.Name, strings.Join(args[:min(len(args), 2)], " "), p.Name)
		return exitFailed
	}
	return p.status(v.name, v.run(p, ctx, rest))
}

func (p Program) status(verb string, err error) int {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitDone
	case errors.Is(err, ErrFound):
		return exitFound
	}
	line := strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
	fmt.Fprintf(p.Err, "%s %s: %s\n", p.Name, verb, line)
	return exitFailed
}

// find matches the longest verb at the start of the arguments.
func find(args []string) (verb, []string, bool) {
	for words := min(2, len(args)); words > 0; words-- {
		name := strings.Join(args[:words], " ")
		for _, v := range verbs() {
			if v.name == name {
				return v, args[words:], true
			}
		}
	}
	return verb{}, nil, false
}

func (p Program) help() {
	fmt.Fprint(p.Err, "The agent of Rampart: protects one machine.\n\n")
	for _, v := range verbs() {
		fmt.Fprintf(p.Err, "  %s %s\n      %s\n", p.Name, strings.TrimSpace(v.name+" "+v.synopsis), v.says)
	}
	fmt.Fprintln(p.Err, "\nExit status: 0 done; 1 done, and something was found; 2 it could not be done.")
}

func (p Program) version(_ context.Context, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unexpected argument %q", args[0])
	}
	_, err := fmt.Fprintln(p.Out, p.Name, p.Version)
	return err
}

// parse reads flags; --help lists them.
func (p Program) parse(fs *flag.FlagSet, args []string) error {
	fs.SetOutput(io.Discard)
	err := fs.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fs.SetOutput(p.Err)
		fmt.Fprintf(p.Err, "%s %s: flags\n", p.Name, fs.Name())
		fs.PrintDefaults()
		return err
	}
	if err != nil {
		return fmt.Errorf("%w (%s %s --help lists the flags)", err, p.Name, fs.Name())
	}
	return nil
}
