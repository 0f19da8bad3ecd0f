package sca

import (
	"context"
	"fmt"
	"path"

	"github.com/rampart-sec/rampart/internal/agent/host"
)

// State is the outcome of a check.
type State string

// The states. NotApplicable is Wazuh's word for a rule that could not be
// evaluated because what it reads is not there or its program failed; Unknown
// is what this agent was not allowed to look at; Invalid is a rule that cannot
// be read.
const (
	Pass          State = "pass"
	Fail          State = "fail"
	NotApplicable State = "notApplicable"
	Unknown       State = "unknown"
	Invalid       State = "invalid"
)

// Result is the outcome of one check.
type Result struct {
	Check  *Check
	State  State
	Reason string // the rule that decided; never the content of a file
	Path   string // the file that the rule looked at, "" if none
}

// Options are what an evaluation needs.
type Options struct {
	// Live is true if the host is this machine, so that commands may run.
	Live bool
	// Approved are the SHA-256 sums (hexadecimal) of command lines that may
	// run although they are not known.
	Approved map[string]bool
}

// Evaluate judges a host by a policy. It ends early, with what is left as
// Unknown, when ctx ends.
func Evaluate(ctx context.Context, h *host.Host, p *Policy, o Options) []Result {
	e := &evaluator{h: h, commands: newCommands(ctx, h, o)}
	e.commands.prepare(p)
	results := make([]Result, 0, len(p.Checks))
	if p.Requirements != nil {
		if r := e.check(p.Requirements); r.State != Pass {
			state := NotApplicable
			if r.State == Unknown || r.State == Invalid {
				state = r.State
			}
			for _, c := range p.Checks {
				results = append(results, Result{Check: c, State: state, Reason: "the policy's requirements are not met: " + r.Reason})
			}
			return results
		}
	}
	for _, c := range p.Checks {
		results = append(results, e.check(c))
	}
	return results
}

type evaluator struct {
	h        *host.Host
	commands *commands
}

// answer is what a rule comes to: found, not found, or neither with a reason.
type answer struct {
	found  bool
	state  State // "" if found says it all
	reason string
}

func found(ok bool) answer { return answer{found: ok} }
func cannot(state State, format string, args ...any) answer {
	return answer{state: state, reason: fmt.Sprintf(format, args...)}
}

// unreadable turns an error of reading into an answer.
func unreadable(err error) answer {
	if host.Absent(err) {
		return cannot(NotApplicable, "%v", err)
	}
	return cannot(Unknown, "%v", err)
}

// check combines the rules by the condition: a decisive rule wins over one
// that could not be evaluated.
func (e *evaluator) check(c *Check) Result {
	if c.Err != nil {
		return Result{Check: c, State: Invalid, Reason: c.Err.Error()}
	}
	decisive, at, other := Pass, true, Fail // any
	switch c.Condition {
	case "all":
		decisive, at, other = Fail, false, Pass
	case "none":
		decisive, at, other = Fail, true, Pass
	}
	var open *Result
	last := Result{Check: c, State: other}
	for _, r := range c.Rules {
		a := e.rule(r)
		p := ""
		if r.Kind == KindFile || r.Kind == KindDirectory {
			p = r.Subject[0]
		}
		switch {
		case a.state != "":
			if open == nil || severity(a.state) > severity(open.State) {
				open = &Result{Check: c, State: a.state, Reason: r.Text + ": " + a.reason, Path: p}
			}
		case a.found == at:
			return Result{Check: c, State: decisive, Reason: words(a.found) + r.Text, Path: p}
		default:
			last.Reason, last.Path = words(a.found)+r.Text, p
		}
	}
	if open != nil {
		return *open
	}
	return last
}

// severity orders reasons for not knowing: the one to be shown first is highest.
func severity(s State) int { return map[State]int{NotApplicable: 1, Invalid: 2, Unknown: 3}[s] }

func words(found bool) string {
	if found {
		return "holds: "
	}
	return "does not hold: "
}

// rule evaluates one rule; negation leaves what could not be evaluated.
func (e *evaluator) rule(r *Rule) answer {
	if r.Err != nil {
		return cannot(Invalid, "%v", r.Err)
	}
	a := e.looked(r)
	if a.state == "" && r.Negated {
		a.found = !a.found
	}
	return a
}

func (e *evaluator) looked(r *Rule) answer {
	switch r.Kind {
	case KindFile:
		return anyOf(r.Subject, func(name string) answer { return e.file(name, r.Content) })
	case KindDirectory:
		return anyOf(r.Subject, func(name string) answer { return e.directory(name, r, 0) })
	case KindProcess:
		return e.process(r)
	case KindCommand:
		return e.commands.answer(r)
	}
	return e.registry(r)
}

// anyOf wants one subject to have it; otherwise one that could not be looked
// at leaves the answer open.
func anyOf(subjects []string, look func(string) answer) answer {
	result := found(false)
	for _, s := range subjects {
		a := look(s)
		if a.state == "" && a.found {
			return a
		}
		if a.state != "" && result.state == "" {
			result = a
		}
	}
	return result
}

func (e *evaluator) file(name string, content *pattern) answer {
	if content == nil {
		_, err := e.h.Stat(name)
		if err != nil && !host.Absent(err) {
			return unreadable(err)
		}
		return found(err == nil)
	}
	data, err := e.h.Read(name)
	if err != nil {
		return unreadable(err)
	}
	return matched(content.inLines(data))
}

func matched(ok bool, err error) answer {
	if err != nil {
		return cannot(NotApplicable, "%v", err)
	}
	return found(ok)
}

// maxDepth bounds nested directories of a directory rule.
const maxDepth = 16

// directory looks at the files below a directory.
func (e *evaluator) directory(dir string, r *Rule, depth int) answer {
	names, err := e.h.List(dir)
	switch {
	case host.Absent(err) && r.Name == nil:
		return found(false)
	case err != nil:
		return unreadable(err)
	case r.Name == nil:
		return found(true)
	case depth >= maxDepth:
		return cannot(Unknown, "%s: directories nested too deep", dir)
	}
	return anyOf(names, func(name string) answer {
		p := path.Join(dir, name)
		info, err := e.h.Stat(p)
		if err != nil {
			return found(false) // it has just gone, or a link leads nowhere
		}
		if info.Mode.IsDir() {
			return e.directory(p, r, depth+1)
		}
		ok, err := r.Name.matches(name)
		if err != nil || !ok || r.Content == nil {
			return matched(ok, err)
		}
		return e.file(p, r.Content)
	})
}

func (e *evaluator) process(r *Rule) answer {
	all := e.h.Processes()
	if len(all) == 0 {
		return cannot(Unknown, "/proc: the proc file system is not mounted here")
	}
	want := r.Subject[0]
	p, err := parsePattern(want, pcre)
	if err != nil {
		return cannot(Invalid, "%v", err)
	}
	for _, process := range all {
		if ok, _ := p.matches(process.Name); ok || process.Name == path.Base(want) {
			return found(true)
		}
	}
	return found(false)
}
