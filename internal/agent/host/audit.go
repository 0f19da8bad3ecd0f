package host

import (
	"path"
	"slices"
	"strings"
)

// AuditRule is a rule of the audit rule files.
type AuditRule struct {
	Never    bool   // "never": what it matches is not recorded
	Task     bool   // of the task list: it decides for whole processes
	Watch    string // watched path, "" for a rule on system calls
	Perms    string // "" means all: r, w, x and a
	Arch     string // b64, b32 or "" for both
	Syscalls []string
	Narrow   []string // filters that leave something out
	Key      string
	Path     string
	Line     int
}

// ParseAuditRules reads rules as auditctl takes them, in order; -D forgets
// what came before.
func ParseAuditRules(name string, data []byte) []AuditRule {
	var rules []AuditRule
	for n, line := range Settings(data, "#") {
		r := AuditRule{Path: name, Line: n}
		f := splitWords(line)
		if len(f) == 1 && f[0] == "-D" {
			rules = nil
			continue
		}
		records := false
		for i := 0; i+1 < len(f); i += 2 {
			records = r.flag(f[i], f[i+1]) || records
		}
		if records {
			rules = append(rules, r)
		}
	}
	return rules
}

// flag takes one flag and reports whether it makes the line a rule.
func (r *AuditRule) flag(flag, value string) bool {
	switch flag {
	case "-w":
		r.Watch = value
		return true
	case "-a", "-A":
		list := strings.Split(value, ",")
		r.Never = slices.Contains(list, "never")
		r.Task = slices.Contains(list, "task")
		return r.Task || slices.Contains(list, "exit")
	case "-p":
		r.Perms = value
	case "-k":
		r.Key = value
	case "-S":
		r.Syscalls = append(r.Syscalls, strings.Split(value, ",")...)
	case "-F", "-C":
		r.filter(value)
	}
	return false
}

// filter takes one -F. Those that every rule for people's actions carries
// leave nothing out: sign-in ids from the first person's on, and "is set".
func (r *AuditRule) filter(value string) {
	key := value[:max(0, strings.IndexAny(value+"=", "=!<>&"))]
	rest := strings.TrimLeft(value[len(key):], "=!<>&")
	operator := value[len(key) : len(value)-len(rest)]
	switch {
	case (key == "path" || key == "dir") && operator == "=":
		r.Watch = rest
	case key == "perm" && operator == "=":
		r.Perms = rest
	case key == "key":
		r.Key = rest
	case key == "arch" && operator == "=":
		r.Arch = map[string]string{"b32": "b32", "i386": "b32", "arm": "b32"}[rest]
		if r.Arch == "" {
			r.Arch = "b64"
		}
	case key == "auid" && operator == "!=" && slices.Contains([]string{"-1", "unset", "4294967295"}, rest),
		key == "auid" && operator == ">=" && slices.Contains([]string{"500", "1000"}, rest):
	default:
		r.Narrow = append(r.Narrow, value)
	}
}

// AuditRules are the rules that are loaded at start, in order.
func (h *Host) AuditRules() ([]AuditRule, error) {
	return memo(h, "audit.rules", func() ([]AuditRule, error) {
		names, err := h.Glob("/etc/audit/rules.d/*.rules")
		if err != nil {
			return nil, err
		}
		if len(names) == 0 {
			names = []string{"/etc/audit/audit.rules"}
		}
		var all []AuditRule
		for _, name := range names {
			data, err := h.Read(name)
			if err != nil && !Absent(err) {
				return nil, err
			}
			all = append(all, ParseAuditRules(name, data)...)
		}
		return all, nil
	})
}

// AuditWatch finds the rule that records writing to a path and changes of its
// attributes: on the path or on a directory above it. A rule that never
// records and comes first wins.
func AuditWatch(rules []AuditRule, watch string) (AuditRule, bool) {
	watch = path.Clean(watch)
	var perms string
	for _, r := range rules {
		if r.Task && r.Never && len(r.Narrow) == 0 && r.Watch == "" {
			return AuditRule{}, false // nothing at all is recorded
		}
		if r.Watch == "" || r.Task {
			continue
		}
		dir := path.Clean(r.Watch)
		if dir != watch && dir != "/" && !strings.HasPrefix(watch, dir+"/") || len(r.Narrow) > 0 {
			continue
		}
		if r.Never {
			return AuditRule{}, false
		}
		if r.Perms == "" {
			return r, true
		}
		if perms += r.Perms; strings.Contains(perms, "w") && strings.Contains(perms, "a") {
			return r, true
		}
	}
	return AuditRule{}, false
}

// deniedAccess are the filters of rules for access that was refused.
var deniedAccess = []string{"exit=-EACCES", "exit=-EPERM", "success=0", "success!=1"}

// AuditSyscall finds the rule that records a system call of 64-bit programs
// without leaving anything out. denied takes rules for refused calls, too.
func AuditSyscall(rules []AuditRule, call string, denied bool) (AuditRule, bool) {
	for _, r := range rules {
		if r.Task && r.Never && len(r.Narrow) == 0 {
			return AuditRule{}, false // nothing at all is recorded
		}
		if r.Task || r.Watch != "" || r.Arch == "b32" || !slices.Contains(r.Syscalls, call) && !slices.Contains(r.Syscalls, "all") {
			continue
		}
		narrow := slices.DeleteFunc(slices.Clone(r.Narrow), func(f string) bool { return denied && slices.Contains(deniedAccess, f) })
		if len(narrow) > 0 {
			continue
		}
		return r, !r.Never
	}
	return AuditRule{}, false
}

// notOnARM64 are system calls that 64-bit ARM has not; a rule cannot name them.
var notOnARM64 = []string{
	"access", "chmod", "chown", "creat", "fork", "lchown", "link", "mkdir", "mknod", "open", "readlink", "rename", "rmdir", "stat", "symlink", "unlink", "utime", "utimes", "vfork",
}

// HasSyscall reports whether the host's processor architecture has a system
// call. An architecture that is not known has all.
func (h *Host) HasSyscall(name string) bool {
	return !slices.Contains(notOnARM64, name) || h.arch() != "arm64"
}

// arch is the architecture by the kernel, else by the installed packages.
func (h *Host) arch() string {
	if arch := h.line("/proc/sys/kernel/arch"); arch != "" {
		return strings.Replace(arch, "aarch64", "arm64", 1)
	}
	packages, err := h.Packages()
	if err != nil {
		return ""
	}
	for _, p := range packages.All {
		switch p.Arch {
		case "arm64", "aarch64":
			return "arm64"
		case "amd64", "x86_64":
			return "amd64"
		}
	}
	return ""
}
