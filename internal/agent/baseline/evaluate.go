package baseline

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rampart-sec/rampart/content/baselines"
	"github.com/rampart-sec/rampart/internal/agent/host"
)

// Evaluate judges the host by every check of the baselines, in their order.
func Evaluate(h *host.Host, all []*baselines.Baseline) []Result {
	e := &evaluator{h: h}
	e.release, e.releaseErr = h.OSRelease()
	e.container = h.Container()
	var results []Result
	for _, b := range all {
		if b.OS != "linux" {
			continue
		}
		for _, c := range b.Checks {
			o := e.check(c)
			results = append(results, Result{Check: c, State: o.state, Evidence: o.evidence.Clean()})
		}
	}
	return results
}

type evaluator struct {
	h          *host.Host
	release    host.OSRelease
	releaseErr error
	container  string
}

func (e *evaluator) check(c *baselines.Check) outcome {
	if o, ok := e.platform(c.Platform); !ok {
		return o
	}
	if c.When != nil {
		switch o := e.rule(c.When); o.state {
		case Unknown:
			return o
		case Fail, NotApplicable:
			return inapplicable(notThere(o.evidence))
		}
	}
	o := e.rule(&c.Rule)
	if c.Evidence != "" && (o.state == Pass || o.state == Fail) {
		o.evidence.Note = fill(c.Evidence, o.evidence)
	}
	return o
}

// platform says whether a check is meant for this system.
func (e *evaluator) platform(p baselines.Platform) (outcome, bool) {
	if p.Container != nil && *p.Container != (e.container != "") {
		if e.container == "" {
			return inapplicable("this machine is not a container"), false
		}
		return inapplicable("this is a " + e.container + " container; its host decides"), false
	}
	if len(p.Family) == 0 && len(p.Distribution) == 0 {
		return outcome{}, true
	}
	if e.releaseErr != nil {
		o := unknown(e.releaseErr)
		o.evidence.Note = "the distribution is not known: " + o.evidence.Note
		return o, false
	}
	if slices.Contains(p.Family, e.release.Family()) || slices.Contains(p.Distribution, e.release.ID) {
		return outcome{}, true
	}
	return inapplicable("not for " + e.release.PrettyName), false
}

// notThere explains a condition that does not hold.
func notThere(e Evidence) string {
	switch {
	case e.Note != "":
		return e.Note
	case e.Found != "":
		return e.Path + ": " + e.Found
	case e.Path != "":
		return e.Path + " is not there"
	}
	return "what the check is about is not there"
}

// fill writes the evidence into a check's own sentence.
func fill(template string, e Evidence) string {
	found := e.Found
	if found == "" {
		found = "nothing"
	}
	return strings.NewReplacer("{path}", e.Path, "{line}", strconv.Itoa(e.Line), "{found}", found, "{wanted}", e.Wanted).Replace(template)
}

func (e *evaluator) allOf(rules []baselines.Rule) outcome {
	return e.combine(rules, Fail, Pass)
}

func (e *evaluator) anyOf(rules []baselines.Rule) outcome {
	return e.combine(rules, Pass, Fail)
}

// combine is both combinations: the first operand in state decisive wins, else
// the first unknown one, else the first in the other state; operands that do
// not apply are left out.
func (e *evaluator) combine(rules []baselines.Rule, decisive, other State) outcome {
	byState := map[State]outcome{}
	for i := range rules {
		o := e.rule(&rules[i])
		if o.state == decisive {
			return o
		}
		if _, seen := byState[o.state]; !seen {
			byState[o.state] = o
		}
	}
	for _, s := range []State{Unknown, other, NotApplicable} {
		if o, ok := byState[s]; ok {
			return o
		}
	}
	return inapplicable("nothing to check")
}

func (e *evaluator) not(r *baselines.Rule) outcome {
	o := e.rule(r)
	switch o.state {
	case Pass:
		o.state = Fail
	case Fail:
		o.state = Pass
	}
	if rest, ok := strings.CutPrefix(o.evidence.Wanted, "a "); ok {
		o.evidence.Wanted = "no " + rest
	} else if o.evidence.Wanted != "" {
		o.evidence.Wanted = "not " + o.evidence.Wanted
	}
	return o
}

// rule evaluates a rule; the long switch is the table of procedures.
func (e *evaluator) rule(r *baselines.Rule) outcome {
	switch {
	case r.AllOf != nil:
		return e.allOf(r.AllOf)
	case r.AnyOf != nil:
		return e.anyOf(r.AnyOf)
	case r.Not != nil:
		return e.not(r.Not)
	case r.AccountUnique != nil:
		return e.accountUnique(r.AccountUnique)
	case r.AptOption != nil:
		return e.aptOption(r.AptOption)
	case r.AuditRule != nil:
		return e.auditRule(r.AuditRule)
	case r.AutomaticUpdates != nil:
		return settled(e.h.AutomaticUpdates())("updates that install themselves")
	case r.CPUVulnerability != nil:
		return e.cpuVulnerability()
	case r.DiskEncrypted != nil:
		return e.diskEncrypted(r.DiskEncrypted)
	case r.FileExists != nil:
		return e.fileExists(r.FileExists)
	case r.FileLine != nil:
		return e.fileLine(r.FileLine)
	case r.FilePermissions != nil:
		return e.filePermissions(r.FilePermissions)
	case r.FirewallActive != nil:
		return e.firewallActive()
	case r.FirewallDefaultDeny != nil:
		return e.firewallDefaultDeny()
	case r.GrubPassword != nil:
		return e.grubPassword()
	case r.HomeDirectory != nil:
		return e.homeDirectory(r.HomeDirectory)
	case r.KernelArgument != nil:
		return e.kernelArgument(r.KernelArgument)
	case r.KernelModuleDisabled != nil:
		return e.kernelModuleDisabled(r.KernelModuleDisabled)
	case r.KeyValue != nil:
		return e.keyValue(r.KeyValue)
	case r.Limit != nil:
		return e.limit(r.Limit)
	case r.LogCreateMode != nil:
		return e.logCreateMode(r.LogCreateMode)
	case r.LogForwarding != nil:
		return settled(e.h.LogForwarding())("logs sent to another machine")
	case r.LoginDefs != nil:
		return e.loginDefs(r.LoginDefs)
	case r.MountOption != nil:
		return e.mountOption(r.MountOption)
	case r.MountPoint != nil:
		return e.mountPoint(r.MountPoint)
	}
	return e.ruleRest(r)
}

// ruleRest is the second half of the table.
func (e *evaluator) ruleRest(r *baselines.Rule) outcome {
	switch {
	case r.PackageAbsent != nil:
		return e.packageAbsent(r.PackageAbsent)
	case r.PackageInstalled != nil:
		return e.packageInstalled(r.PackageInstalled)
	case r.PAMModule != nil:
		return e.pamModule(r.PAMModule)
	case r.PAMSetting != nil:
		return e.pamSetting(r.PAMSetting)
	case r.PasswordHash != nil:
		return e.passwordHash(r.PasswordHash)
	case r.PasswordNotEmpty != nil:
		return e.passwordNotEmpty()
	case r.PendingUpdates != nil:
		return e.pendingUpdates(r.PendingUpdates)
	case r.PortNotListening != nil:
		return e.portNotListening(r.PortNotListening)
	case r.ProcessAbsent != nil:
		return e.processAbsent(r.ProcessAbsent)
	case r.RebootNotPending != nil:
		return e.rebootNotPending()
	case r.ReleaseSupported != nil:
		return e.releaseSupported(r.ReleaseSupported)
	case r.RepositorySignatures != nil:
		return e.repositorySignatures()
	case r.SecureBoot != nil:
		return e.secureBoot()
	case r.SecurityModule != nil:
		return e.securityModule(r.SecurityModule)
	case r.SSHDOption != nil:
		return e.sshdOption(r.SSHDOption)
	case r.SSHServer != nil:
		return e.sshServer()
	case r.StickyDirectory != nil:
		return e.stickyDirectory(r.StickyDirectory)
	case r.Sudoers != nil:
		return e.sudoers(r.Sudoers)
	case r.Sysctl != nil:
		return e.sysctl(r.Sysctl)
	case r.SystemdSetting != nil:
		return e.systemdSetting(r.SystemdSetting)
	case r.SystemAccountShell != nil:
		return e.systemAccountShell(r.SystemAccountShell)
	case r.UIDZero != nil:
		return e.uidZero(r.UIDZero)
	case r.UnitActive != nil:
		return e.unitActive(r.UnitActive)
	case r.UnitEnabled != nil:
		return e.unitEnabled(r.UnitEnabled)
	case r.UnitOff != nil:
		return e.unitOff(r.UnitOff)
	case r.UserFiles != nil:
		return e.userFiles(r.UserFiles)
	case r.UserShadow != nil:
		return e.userShadow(r.UserShadow)
	case r.WorldWritable != nil:
		return e.worldWritable(r.WorldWritable)
	}
	return unknown(fmt.Errorf("this agent does not know the procedure"))
}
