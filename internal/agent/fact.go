package agent

import (
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/agent/host"
)

// maxItems bounds the list of one fact document; total says how many there are.
const maxItems = 10000

// factCollectors give one document per kind of fact, in this order.
var factCollectors = []func(*host.Host) document{
	packagesFact, portsFact, usersFact, servicesFact, mountsFact, firewallFact, updatesFact,
	sshdFact, sysctlFact, encryptionFact, auditFact,
}

// factProperties are those of Microsoft.Security/hostFacts.
type factProperties struct {
	Kind      string `json:"kind"`
	Total     int    `json:"total"`
	Truncated bool   `json:"truncated,omitempty"`
	Items     any    `json:"items"`
	Manager   string `json:"manager,omitempty"` // of packages
	Listed    string `json:"listed,omitempty"`  // updates: date of the package lists
	Security  *int   `json:"security,omitempty"`
}

// listFact is the document of a list; with an error the list is declared
// unavailable for its reason.
func listFact[T any](kind string, items []T, err error) (document, *factProperties) {
	d := childDocument("Microsoft.Security", "hostFacts", kind, "2026-01-01")
	p := &factProperties{Kind: kind, Total: len(items), Truncated: len(items) > maxItems}
	if err != nil {
		for _, path := range []string{"properties.items", "properties.total"} {
			d.unavailable = append(d.unavailable, path+" "+err.Error())
		}
	}
	p.Items = append([]T{}, items[:min(len(items), maxItems)]...)
	d.properties = p
	return d, p
}

func packagesFact(h *host.Host) document {
	packages, err := h.Packages()
	if err != nil {
		packages = &host.Packages{}
	}
	d, p := listFact("packages", packages.All, err)
	p.Manager = packages.Manager
	return d
}

func portsFact(h *host.Host) document {
	sockets, err := h.Listeners()
	d, _ := listFact("ports", sockets, err)
	if slices.ContainsFunc(sockets, func(s host.Socket) bool { return s.Process == "" }) {
		d.unavailable = append(d.unavailable, "properties.items[*].process /proc: the files of some processes may not be read")
	}
	return d
}

func servicesFact(h *host.Host) document {
	units, err := h.Services()
	d, _ := listFact("services", units, err)
	if err == nil && !h.SystemdRuns() {
		d.unavailable = append(d.unavailable, "properties.items[*].active systemd does not run here")
	}
	return d
}

// mountsFact lists the file systems of the machine. Those of containers come
// and go with them and are left out.
func mountsFact(h *host.Host) document {
	all, err := h.Mounts()
	var kept []host.Mount
	for _, m := range all {
		disk := strings.HasPrefix(m.Device, "/dev/") && !ofContainer(m.Path)
		if disk || m.Path == "/" || strings.HasPrefix(m.Type, "nfs") || scratch[m.Path] {
			kept = append(kept, m)
		}
	}
	d, _ := listFact("mounts", kept, err)
	return d
}

// ofContainer says whether a mount belongs to a container engine.
func ofContainer(p string) bool {
	for _, dir := range []string{"/var/lib/kubelet/", "/var/lib/docker/", "/var/lib/containers/", "/var/lib/containerd/", "/run/"} {
		if strings.HasPrefix(p, dir) {
			return true
		}
	}
	return false
}

// scratch are directories that are often file systems in memory.
var scratch = map[string]bool{"/tmp": true, "/var/tmp": true, "/dev/shm": true, "/run": true}

func firewallFact(h *host.Host) document {
	f, err := h.Firewall()
	d, _ := listFact("firewall", []host.Firewall{f}, err)
	return d
}

func updatesFact(h *host.Host) document {
	u, err := h.Updates()
	if err != nil {
		u = &host.Updates{}
	}
	d, p := listFact("updates", u.Pending, err)
	if err == nil {
		p.Listed = u.Listed.UTC().Format("2006-01-02")
		security := 0
		for _, update := range u.Pending {
			if update.Security {
				security++
			}
		}
		p.Security = &security
	}
	return d
}
