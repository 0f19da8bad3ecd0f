package host

import (
	"slices"
	"strings"
)

// AuditRule is a rule of the audit rule files.
type AuditRule struct {
	Watch    string // watched path, "" for a rule on system calls
	Perms    string
	Syscalls []string
	Key      string
	Path     string
	Line     int
}

// ParseAuditRules reads rules as auditctl takes them; rules that never record
// are left out.
func ParseAuditRules(name string, data []byte) []AuditRule {
	var rules []AuditRule
	for n, line := range Settings(data, "#") {
		r := AuditRule{Path: name, Line: n}
		f := strings.Fields(line)
		for i := 0; i+1 < len(f); i += 2 {
			r.flag(f[i], f[i+1])
		}
		if (r.Watch != "" || len(r.Syscalls) > 0) && !strings.Contains(line, "never") {
			rules = append(rules, r)
		}
	}
	return rules
}

func (r *AuditRule) flag(flag, value string) {
	switch flag {
	case "-w":
		r.Watch = value
	case "-p":
		r.Perms = value
	case "-k":
		r.Key = value
	case "-S":
		r.Syscalls = append(r.Syscalls, strings.Split(value, ",")...)
	case "-F":
		key, v, _ := strings.Cut(value, "=")
		switch key {
		case "path", "dir":
			r.Watch = v
		case "perm":
			r.Perms = v
		}
	}
}

// AuditRules are the rules that are loaded at start.
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

// Records reports whether a rule watches a path for writing and changes of
// attributes, or all of the system calls.
func (r AuditRule) Records(watch string, syscalls []string) bool {
	if watch != "" {
		return strings.TrimSuffix(r.Watch, "/") == strings.TrimSuffix(watch, "/") &&
			(r.Perms == "" || strings.Contains(r.Perms, "w"))
	}
	for _, s := range syscalls {
		if !slices.Contains(r.Syscalls, s) && !slices.Contains(r.Syscalls, "all") {
			return false
		}
	}
	return len(syscalls) > 0
}
