package baseline

import (
	"strings"

	"github.com/rampart-sec/rampart/content/baselines"
	"github.com/rampart-sec/rampart/internal/agent/host"
)

func (e *evaluator) sshServer() outcome {
	there, err := e.h.SSHServer()
	if err != nil {
		return unknown(err)
	}
	if there {
		return pass(Evidence{Path: "/etc/ssh/sshd_config"})
	}
	return fail(Evidence{Note: "no SSH server is installed"})
}

func (e *evaluator) sshdOption(p *baselines.SSHDOption) outcome {
	s, err := e.h.SSHDOption(p.Option)
	if err != nil {
		return unknown(err)
	}
	o := compare(p.Compare, s)
	if s.Line == 0 {
		o.evidence.Note = p.Option + " is not set; this is the default"
	}
	if o.state == Fail && len(p.Excludes) > 0 { // a long list: name what is wrong in it
		if w := firstExcluded(p.Excludes, wordsOf(s.Value)); w != "" {
			o.evidence.Found = "offers " + strings.Join(allExcluded(p.Excludes, wordsOf(s.Value)), ", ")
			return o
		}
	}
	o.evidence.Found = p.Option + " " + o.evidence.Found // as the line reads
	if o.state == Pass {
		return e.sshdMatches(p, o)
	}
	return o
}

// sshdMatches looks for a Match block that undoes what the global section has
// right: then some connections do not have it.
func (e *evaluator) sshdMatches(p *baselines.SSHDOption, global outcome) outcome {
	for _, m := range e.h.SSHDMatches(p.Option) {
		o := compare(p.Compare, m.Setting)
		if o.state == Fail {
			o.evidence.Found = p.Option + " " + o.evidence.Found + " for Match " + m.Criteria
			o.evidence.Note = "the global value is right, but this Match block sets another for the connections that it names"
			return o
		}
	}
	return global
}

func allExcluded(patterns, words []string) []string {
	var all []string
	for _, w := range words {
		if firstExcluded(patterns, []string{w}) != "" {
			all = append(all, w)
		}
	}
	return all
}

// sysctl wants the running value to hold, and what the next start will set.
func (e *evaluator) sysctl(p *baselines.Sysctl) outcome {
	running, err := e.h.Sysctl(p.Key)
	if host.Absent(err) {
		if p.Missing == "" {
			return inapplicable("this kernel has no " + p.Key)
		}
		return compareMissing(p.Compare, "/proc/sys", p.Key)
	}
	if err != nil {
		return unknown(err)
	}
	o := compare(p.Compare, running)
	boot, set, err := e.h.SysctlAtBoot(p.Key)
	if err != nil {
		o.evidence.Note = "what the next start will set is not known: " + err.Error()
	}
	if !set || o.state != Pass {
		return o
	}
	if later := compare(p.Compare, boot); later.state == Fail {
		later.evidence.Note = "it is right now, but the next start will set this value"
		return later
	}
	return o
}

func (e *evaluator) keyValue(p *baselines.KeyValue) outcome {
	separator := byte('=')
	if p.Separator == "blank" {
		separator = ' '
	}
	s, found, _, err := e.h.KeyValue(p.Paths, p.Key, separator)
	switch {
	case err != nil:
		return unknown(err)
	case !found:
		return compareMissing(p.Compare, p.Paths[0], p.Key)
	}
	return compare(p.Compare, s)
}

func (e *evaluator) loginDefs(p *baselines.LoginDefs) outcome {
	s, found, err := e.h.LoginDefs(p.Key)
	switch {
	case err != nil:
		return unknown(err)
	case !found:
		return compareMissing(p.Compare, "/etc/login.defs", p.Key)
	}
	return compare(p.Compare, s)
}

func (e *evaluator) aptOption(p *baselines.AptOption) outcome {
	s, found, err := e.h.AptOption(p.Key)
	switch {
	case err != nil:
		return unknown(err)
	case !found:
		return compareMissing(p.Compare, "/etc/apt/apt.conf.d", p.Key)
	}
	return compare(p.Compare, s)
}

func (e *evaluator) limit(p *baselines.Limit) outcome {
	s, found, err := e.h.Limit(p.Item)
	switch {
	case err != nil:
		return unknown(err)
	case !found:
		return compareMissing(p.Compare, "/etc/security/limits.conf", "* hard "+p.Item)
	}
	return compare(p.Compare, s)
}

func (e *evaluator) kernelArgument(p *baselines.KernelArgument) outcome {
	s, found, err := e.h.KernelArgument(p.Name)
	switch {
	case err != nil:
		return unknown(err)
	case !found:
		return compareMissing(p.Compare, "/proc/cmdline", p.Name)
	}
	return compare(p.Compare, s)
}

// pamModule looks for a module in any of the services; the first service that
// exists decides where the evidence points.
func (e *evaluator) pamModule(p *baselines.PAMModule) outcome {
	first := ""
	for _, service := range p.Services {
		stack, err := e.h.PAM(service)
		if host.Absent(err) {
			continue
		}
		if err != nil {
			return unknown(err)
		}
		if first == "" {
			first = "/etc/pam.d/" + service
		}
		for _, entry := range stack {
			if entry.Module == p.Module+".so" && (p.Type == "" || entry.Type == p.Type) {
				return pamArgument(p, entry)
			}
		}
	}
	if first == "" {
		return inapplicable("none of the PAM services " + strings.Join(p.Services, ", ") + " exists")
	}
	return missing(p.Missing, Evidence{Path: first, Found: p.Module + " is not used", Wanted: p.Module + " in the " + p.Type + " stack"})
}

func pamArgument(p *baselines.PAMModule, entry host.PAMEntry) outcome {
	s := host.Setting{Value: strings.Join(entry.Arguments, " "), Path: entry.Path, Line: entry.Line}
	if p.Argument == "" {
		return compare(p.Compare, s)
	}
	for _, a := range entry.Arguments {
		if key, value, _ := strings.Cut(a, "="); key == p.Argument {
			s.Value = value
			return compare(p.Compare, s)
		}
	}
	o := compareMissing(p.Compare, entry.Path, p.Argument)
	o.evidence.Line = entry.Line
	return o
}

func (e *evaluator) sudoers(p *baselines.Sudoers) outcome {
	s, err := e.h.Sudoers()
	if host.Absent(err) {
		return inapplicable("sudo is not installed")
	}
	if err != nil {
		return unknown(err)
	}
	if p.Default != "" {
		return e.sudoDefault(s, p)
	}
	if name, negated := strings.CutPrefix(p.Forbid, "!"); negated {
		return sudoForbidden(s, name)
	}
	found, ok := s.Tagged(p.Forbid)
	if !ok {
		return pass(Evidence{Path: "/etc/sudoers", Found: "no " + p.Forbid, Wanted: "no " + p.Forbid})
	}
	who, _, _ := strings.Cut(found.Value, " ")
	return fail(Evidence{Path: found.Path, Line: found.Line, Found: p.Forbid + " for " + who, Wanted: "no " + p.Forbid})
}

// sudoDefault wants a setting on for everybody, and nobody exempt from it.
func (e *evaluator) sudoDefault(s *host.Sudoers, p *baselines.Sudoers) outcome {
	want := "Defaults " + p.Default
	if w := wanted(p.Compare); w != "any value" {
		want += " " + w
	}
	right := func(d host.SudoDefault) bool { return d.On && holds(p.Compare, d.Value) }
	d, set := s.Default(p.Default)
	ev := Evidence{Path: d.Path, Line: d.Line, Found: sudoText(d), Wanted: want}
	switch {
	case set && !right(d):
		return fail(ev)
	case !set && p.Default == "use_pty" && e.h.SudoPTYByDefault():
		ev = Evidence{Path: "/etc/sudoers", Found: "this version of sudo sets use_pty by itself", Wanted: want}
	case !set:
		o := missing(p.Missing, Evidence{Path: "/etc/sudoers", Found: p.Default + " is not set", Wanted: want})
		if o.state != Pass {
			return o
		}
		ev = o.evidence
	}
	for _, scoped := range s.Scoped(p.Default) {
		if !right(scoped) {
			return fail(Evidence{Path: scoped.Path, Line: scoped.Line, Found: sudoText(scoped), Wanted: want})
		}
	}
	return pass(ev)
}

// sudoForbidden wants a setting switched off for nobody.
func sudoForbidden(s *host.Sudoers, name string) outcome {
	ev := Evidence{Path: "/etc/sudoers", Found: "no !" + name, Wanted: "no !" + name}
	off := s.Scoped(name)
	if d, ok := s.Default(name); ok {
		off = append(off, d)
	}
	for _, d := range off {
		if !d.On {
			return fail(Evidence{Path: d.Path, Line: d.Line, Found: sudoText(d), Wanted: ev.Wanted})
		}
	}
	return pass(ev)
}

func sudoText(d host.SudoDefault) string {
	text := "Defaults" + d.Scope + " "
	if !d.On {
		text += "!"
	}
	text += d.Name
	if d.Value != "" {
		text += "=" + d.Value
	}
	return text
}
