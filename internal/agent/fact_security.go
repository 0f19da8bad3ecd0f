package agent

import (
	"maps"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/agent/host"
)

// setting is a configured value and where it is written.
type setting struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	Running string `json:"running,omitempty"` // kernel parameters: the value now
	Path    string `json:"path"`
	Line    int    `json:"line"`
}

// sshdFact lists the options that the SSH server's configuration sets for
// everybody; none where there is no server.
func sshdFact(h *host.Host) document {
	var items []setting
	conf, err := h.SSHD()
	if host.Absent(err) {
		conf, err = &host.SSHD{}, nil
	}
	if err != nil {
		conf = &host.SSHD{Unread: err}
	}
	for _, name := range slices.Sorted(maps.Keys(conf.Options)) {
		o := conf.Options[name]
		items = append(items, setting{Name: name, Value: o.Value, Path: o.Path, Line: o.Line})
	}
	d, _ := listFact("sshd", items, conf.Unread)
	return d
}

// sysctlFact lists the kernel parameters that the host's files set, with the
// values that are in force.
func sysctlFact(h *host.Host) document {
	configured, err := h.SysctlConfigured()
	var items []setting
	for _, name := range slices.Sorted(maps.Keys(configured)) {
		boot := configured[name]
		s := setting{Name: name, Value: boot.Value, Path: boot.Path, Line: boot.Line}
		if running, err := h.Sysctl(name); err == nil { // a pattern or an unknown parameter has none
			s.Running = running.Value
		}
		items = append(items, s)
	}
	d, _ := listFact("sysctl", items, err)
	return d
}

// volume is a mounted disk.
type volume struct {
	Path      string `json:"path"`
	Device    string `json:"device"`
	Encrypted bool   `json:"encrypted"` // by this machine, at any layer
}

func encryptionFact(h *host.Host) document {
	mounts, err := h.Mounts()
	var items []volume
	for _, m := range mounts {
		if !strings.HasPrefix(m.Device, "/dev/") || ofContainer(m.Path) {
			continue
		}
		_, encrypted, ok, cryptErr := h.Encrypted(m.Path)
		err = firstError(err, cryptErr)
		if ok {
			items = append(items, volume{Path: m.Path, Device: m.Device, Encrypted: encrypted})
		}
	}
	d, _ := listFact("encryption", items, err)
	return d
}

// auditRule is a rule that is loaded at start.
type auditRule struct {
	Watch    string   `json:"watch,omitempty"`
	Syscalls []string `json:"syscalls,omitempty"`
	Key      string   `json:"key,omitempty"`
	Path     string   `json:"path"`
	Line     int      `json:"line"`
}

func auditFact(h *host.Host) document {
	rules, err := h.AuditRules()
	var items []auditRule
	for _, r := range rules {
		items = append(items, auditRule{Watch: r.Watch, Syscalls: r.Syscalls, Key: r.Key, Path: r.Path, Line: r.Line})
	}
	d, _ := listFact("audit", items, err)
	return d
}
