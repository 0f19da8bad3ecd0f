package baseline

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/content/baselines"
	"github.com/rampart-sec/rampart/internal/agent/host"
)

func (e *evaluator) packageInstalled(p *baselines.Names) outcome {
	packages, err := e.h.Packages()
	if err != nil {
		return unknown(err)
	}
	for _, name := range p.Names {
		if found, ok := packages.Find(name); ok {
			return pass(Evidence{Found: found.Name + " " + found.Version})
		}
	}
	want := strings.Join(p.Names, " or ")
	return fail(Evidence{Found: "not installed", Wanted: want, Note: want + " is not installed"})
}

func (e *evaluator) packageAbsent(p *baselines.Names) outcome {
	packages, err := e.h.Packages()
	if err != nil {
		return unknown(err)
	}
	var there []string
	for _, name := range p.Names {
		if found, ok := packages.Find(name); ok {
			there = append(there, found.Name+" "+found.Version)
		}
	}
	return none(there, Evidence{Wanted: "none of " + strings.Join(p.Names, ", ")})
}

func (e *evaluator) unitEnabled(p *baselines.Names) outcome {
	found := "not installed"
	for _, name := range p.Names {
		u, ok, err := e.h.Unit(name)
		if err != nil {
			return unknown(err)
		}
		if ok && strings.HasPrefix(u.State, "enabled") {
			return pass(Evidence{Found: u.Name + " is " + u.State})
		}
		if ok {
			found = u.Name + " is " + u.State
		}
	}
	return fail(Evidence{Found: found, Wanted: strings.Join(p.Names, " or ") + " enabled"})
}

// unitActive wants a unit to run; without systemd its process tells.
func (e *evaluator) unitActive(p *baselines.UnitActive) outcome {
	want := strings.Join(p.Names, " or ") + " running"
	for _, process := range p.Processes {
		if e.h.Running(process) {
			return pass(Evidence{Found: process + " runs", Wanted: want})
		}
	}
	if !e.h.SystemdRuns() {
		if len(p.Processes) > 0 && len(e.h.Processes()) > 0 {
			return fail(Evidence{Found: "no such process", Wanted: want})
		}
		return outcome{Unknown, Evidence{Path: "/run/systemd/system", Note: "systemd does not run here"}}
	}
	for _, name := range p.Names {
		u, ok, err := e.h.Unit(name)
		if err != nil {
			return unknown(err)
		}
		if ok && u.Active == "active" {
			return pass(Evidence{Found: u.Name + " runs", Wanted: want})
		}
	}
	return fail(Evidence{Found: "not running", Wanted: want})
}

func (e *evaluator) unitOff(p *baselines.Names) outcome {
	var on []string
	for _, name := range p.Names {
		how, err := e.h.ServiceOn(name)
		if err != nil {
			return unknown(err)
		}
		if how != "" && !slices.Contains(on, how) {
			on = append(on, how)
		}
	}
	return none(on, Evidence{Wanted: strings.Join(p.Names, ", ") + " off"})
}

func (e *evaluator) processAbsent(p *baselines.Names) outcome {
	if len(e.h.Processes()) == 0 {
		return outcome{Unknown, Evidence{Path: "/proc", Note: "the proc file system is not mounted here"}}
	}
	var running []string
	for _, name := range p.Names {
		if e.h.Running(name) {
			running = append(running, name)
		}
	}
	return none(running, Evidence{Wanted: "none of " + strings.Join(p.Names, ", ")})
}

func (e *evaluator) portNotListening(p *baselines.PortNotListening) outcome {
	sockets, err := e.h.Listeners()
	if err != nil {
		return unknown(err)
	}
	var open []string
	for _, s := range sockets {
		if s.Protocol != p.Protocol || s.Loopback() || !slices.Contains(p.Ports, s.Port) {
			continue
		}
		at := netip.AddrPortFrom(s.Address, uint16(s.Port)).String()
		if s.Process != "" {
			at += " (" + s.Process + ")"
		}
		open = append(open, at)
	}
	ports := make([]string, len(p.Ports))
	for i, n := range p.Ports {
		ports[i] = strconv.Itoa(n)
	}
	return none(open, Evidence{Path: "/proc/net/" + p.Protocol, Wanted: "nobody but this machine reaches port " + strings.Join(ports, ", ")})
}

func (e *evaluator) firewallActive() outcome {
	f, err := e.h.Firewall()
	if err != nil {
		return unknown(err)
	}
	found := f.Tool + " is on"
	switch {
	case f.Tool == "none":
		found = "no firewall is configured"
	case !f.On:
		found = f.Tool + " is configured but off"
	}
	return when(f.On, Evidence{Path: f.Path, Line: f.Line, Found: found, Note: f.Note, Wanted: "ufw, firewalld, nftables or iptables on"})
}

func (e *evaluator) firewallDefaultDeny() outcome {
	f, err := e.h.Firewall()
	if err != nil {
		return unknown(err)
	}
	if !f.On {
		return fail(Evidence{Path: f.Path, Line: f.Line, Found: "no firewall is on", Note: f.Note, Wanted: "incoming traffic denied by default"})
	}
	found := f.Tool + " lets in what no rule names"
	if f.DefaultDeny {
		found = f.Tool + " denies what no rule names"
	}
	return when(f.DefaultDeny, Evidence{Path: f.Path, Line: f.Line, Found: found, Note: f.Note, Wanted: "incoming traffic denied by default"})
}

func (e *evaluator) securityModule(p *baselines.SecurityModule) outcome {
	on, profiles := e.h.AppArmor()
	selinux := e.h.SELinux()
	want := strings.Join(p.AnyOf, " or ") + " enforcing"
	if slices.Contains(p.AnyOf, "selinux") && selinux == "enforcing" {
		return pass(Evidence{Path: "/sys/fs/selinux/enforce", Found: "SELinux enforces", Wanted: want})
	}
	if slices.Contains(p.AnyOf, "apparmor") && on {
		ev := Evidence{Path: "/sys/kernel/security/apparmor/profiles", Wanted: want}
		switch {
		case profiles > 0:
			ev.Found = fmt.Sprintf("AppArmor enforces %d profiles", profiles)
			return pass(ev)
		case profiles < 0:
			ev.Note = "AppArmor is on; which profiles it enforces may not be read"
			return outcome{Unknown, ev}
		}
		ev.Found = "AppArmor is on but enforces no profile"
		return fail(ev)
	}
	if selinux == "permissive" {
		return fail(Evidence{Path: "/sys/fs/selinux/enforce", Found: "SELinux is permissive", Wanted: want})
	}
	return fail(Evidence{Path: "/sys/module/apparmor/parameters/enabled", Found: "neither AppArmor nor SELinux is on", Wanted: want})
}

func (e *evaluator) kernelModuleDisabled(p *baselines.KernelModule) outcome {
	loaded, err := e.h.ModuleLoaded(p.Module)
	if err != nil {
		return unknown(err)
	}
	want := p.Module + " neither loaded nor loadable"
	if loaded {
		return fail(Evidence{Path: "/proc/modules", Found: p.Module + " is loaded", Wanted: want})
	}
	blocked, err := e.h.ModuleBlocked(p.Module)
	if err != nil {
		return unknown(err)
	}
	if blocked.Path != "" {
		return pass(Evidence{Path: blocked.Path, Line: blocked.Line, Found: blocked.Value, Wanted: want})
	}
	available, known, err := e.h.ModuleAvailable(p.Module)
	if err != nil {
		return unknown(err)
	}
	if !known {
		return outcome{Unknown, Evidence{Path: "/lib/modules", Note: "the running kernel and its modules are not known"}}
	}
	if !available {
		return pass(Evidence{Path: "/lib/modules", Found: "no " + p.Module + " is installed for this kernel", Wanted: want})
	}
	return fail(Evidence{Path: "/etc/modprobe.d", Found: p.Module + " can be loaded", Wanted: want})
}

func (e *evaluator) auditRule(p *baselines.AuditRule) outcome {
	rules, err := e.h.AuditRules()
	if err != nil {
		return unknown(err)
	}
	if p.Watch != "" {
		r, ok := host.AuditWatch(rules, p.Watch)
		if !ok {
			return fail(Evidence{Path: "/etc/audit/rules.d", Found: "no rule", Wanted: "a rule that records writing to " + p.Watch + " and changes of its attributes"})
		}
		return pass(Evidence{Path: r.Path, Line: r.Line, Found: "records " + p.Watch})
	}
	var missing []string
	var last host.AuditRule
	for _, call := range p.Syscalls {
		if !e.h.HasSyscall(call) {
			continue
		}
		r, ok := host.AuditSyscall(rules, call, p.Denied)
		if !ok {
			missing = append(missing, call)
			continue
		}
		last = r
	}
	what := strings.Join(p.Syscalls, ", ")
	switch {
	case len(missing) > 0:
		return fail(Evidence{Path: "/etc/audit/rules.d", Found: "no rule for " + strings.Join(missing, ", ") + " as a whole", Wanted: "rules that record " + what})
	case last.Path == "":
		return inapplicable("this processor architecture has none of " + what)
	}
	return pass(Evidence{Path: last.Path, Line: last.Line, Found: "records " + what, Note: auditScope(last)})
}

// auditScope says what a rule for one word size leaves out.
func auditScope(r host.AuditRule) string {
	if r.Arch == "b64" {
		return "judged for 64-bit programs"
	}
	return ""
}

// maxListAge is how old package lists may be and still say that nothing waits.
const maxListAge = 7 * 24 * time.Hour

func (e *evaluator) pendingUpdates(p *baselines.PendingUpdates) outcome {
	u, err := e.h.Updates()
	if err != nil {
		return unknown(err)
	}
	var waiting []string
	for _, update := range u.Pending {
		if update.Security || !p.Security {
			waiting = append(waiting, update.Name)
		}
	}
	kind := "updates"
	if p.Security {
		kind = "security updates"
	}
	limit := "no"
	if p.Max > 0 {
		limit = fmt.Sprintf("at most %d", p.Max)
	}
	ev := Evidence{
		Path: "/var/lib/apt/lists", Wanted: limit + " " + kind + " waiting",
		Note: "as of the package lists of " + u.Listed.UTC().Format(time.DateOnly),
	}
	ev.Found = fmt.Sprintf("%d %s waiting", len(waiting), kind)
	if len(waiting) > 0 {
		ev.Found += ": " + named(waiting)
	}
	if len(waiting) <= p.Max { // a pass needs lists that could say otherwise
		switch {
		case e.h.Now().Sub(u.Listed) > maxListAge:
			ev.Note = "the package lists are of " + u.Listed.UTC().Format(time.DateOnly) + "; run apt update"
			return outcome{Unknown, ev}
		case p.Security && !u.SecuritySource:
			ev.Note = "no list of a security suite is there"
			return outcome{Unknown, ev}
		}
	}
	return when(len(waiting) <= p.Max, ev)
}

func (e *evaluator) rebootNotPending() outcome {
	s, pending, err := e.h.RebootPending()
	if err != nil {
		return unknown(err)
	}
	return when(!pending, Evidence{Path: s.Path, Found: s.Value, Wanted: "no restart outstanding"})
}

func (e *evaluator) releaseSupported(p *baselines.ReleaseSupported) outcome {
	if e.releaseErr != nil {
		return unknown(e.releaseErr)
	}
	major, _, _ := strings.Cut(e.release.Version, ".")
	for _, key := range []string{e.release.ID + "-" + e.release.Version, e.release.ID + "-" + major} {
		text, ok := p.Ends[key]
		if !ok {
			continue
		}
		end, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return unknown(fmt.Errorf("end of support %q of %s is not a date", text, key))
		}
		return when(e.h.Now().Before(end), Evidence{
			Path: "/etc/os-release", Found: e.release.PrettyName + ", security updates end " + text, Wanted: "a release with security updates",
		})
	}
	return outcome{Unknown, Evidence{Path: "/etc/os-release", Found: e.release.PrettyName, Note: "the end of support of this release is not known here"}}
}

func (e *evaluator) cpuVulnerability() outcome {
	open, unclear, known := e.h.CPUVulnerabilities()
	if known && len(open) == 0 && len(unclear) > 0 {
		return outcome{Unknown, Evidence{Path: unclear[0].Path, Note: unclear[0].Value}}
	}
	if !known {
		return outcome{Unknown, Evidence{Path: "/sys/devices/system/cpu/vulnerabilities", Note: "the kernel does not tell"}}
	}
	var names []string
	for _, s := range open {
		names = append(names, s.Value)
	}
	return none(names, Evidence{Path: "/sys/devices/system/cpu/vulnerabilities", Wanted: "every known processor flaw mitigated"})
}

func (e *evaluator) secureBoot() outcome {
	on, known, path := e.h.SecureBoot()
	if !known {
		return inapplicable("this machine was not started by UEFI, or does not show its variables")
	}
	found := "Secure Boot is off"
	if on {
		found = "Secure Boot is on"
	}
	return when(on, Evidence{Path: path, Found: found, Wanted: "Secure Boot on"})
}
