package host

import (
	"encoding/xml"
	"errors"
	"path"
	"strings"
)

// Firewall is the host firewall as its configuration will load it.
type Firewall struct {
	Tool string `json:"tool"` // ufw, firewalld, nftables, iptables or none
	On   bool   `json:"on"`
	// DefaultDeny is true if what no rule allows is refused on the way in.
	DefaultDeny bool   `json:"defaultDeny"`
	Path        string `json:"path,omitempty"` // the file that says so
	Line        int    `json:"line,omitempty"`
	Note        string `json:"note,omitempty"` // what weakens it
}

// Firewall is the packet filter in force: of this machine the rules that the
// kernel has, for each address family; of a mounted root, or where the kernel
// does not answer, what the configuration will load, and Note says so.
func (h *Host) Firewall() (Firewall, error) {
	return memo(h, "firewall", func() (Firewall, error) {
		configured, err := h.configuredFirewall()
		if h.root != "/" {
			return configured, err
		}
		filter, kernelErr := kernelFilter()
		if kernelErr != nil || h.legacyTables() {
			if configured.Note == "" {
				configured.Note = "as configured: the rules in the kernel could not be read"
			}
			return configured, err
		}
		tool := configured.Tool
		if err != nil || tool == "none" || tool == "" {
			tool = "nftables"
		}
		w := filter.summary(tool, "", h.ipv6())
		w.Path, w.Line = configured.Path, configured.Line
		switch {
		case !w.On && configured.On:
			w.Note = "configured, but the kernel has no such rules"
		case !w.On && configured.Tool == "none":
			w.Tool = "none"
		case w.Note == "":
			w.Note = "as the kernel has it"
		}
		return w, nil
	})
}

// legacyTables reports whether rules of the older iptables are loaded, which
// this program does not ask the kernel for.
func (h *Host) legacyTables() bool {
	for _, name := range []string{"/proc/net/ip_tables_names", "/proc/net/ip6_tables_names"} {
		if data, err := h.Read(name); err == nil && strings.Contains(string(data), "filter") {
			return true
		}
	}
	return false
}

// configuredFirewall looks at the tools in the order in which they would be in
// charge.
func (h *Host) configuredFirewall() (Firewall, error) {
	last := Firewall{Tool: "none"}
	for _, look := range []func() (Firewall, error){h.ufw, h.firewalld, h.nftables, h.iptables} {
		f, err := look()
		if err != nil {
			return Firewall{}, err
		}
		if f.On {
			return f, nil
		}
		if f.Tool != "" && last.Tool == "none" {
			last = f
		}
	}
	return last, nil
}

func (h *Host) ufw() (Firewall, error) {
	enabled, ok, exist, err := h.KeyValue([]string{"/etc/ufw/ufw.conf"}, "ENABLED", '=')
	if err != nil || !exist {
		return Firewall{}, err
	}
	f := Firewall{Tool: "ufw", On: ok && strings.EqualFold(enabled.Value, "yes"), Path: "/etc/ufw/ufw.conf", Line: enabled.Line}
	policy, ok, _, err := h.KeyValue([]string{"/etc/default/ufw"}, "DEFAULT_INPUT_POLICY", '=')
	if ok && !strings.EqualFold(policy.Value, "ACCEPT") {
		f.DefaultDeny = f.On
	}
	return f, err
}

func (h *Host) firewalld() (Firewall, error) {
	how, err := h.ServiceOn("firewalld.service")
	if err != nil && !isUnreadable(err) {
		return Firewall{}, err
	}
	if _, installed, _ := h.Unit("firewalld.service"); !installed && how == "" {
		return Firewall{}, nil
	}
	f := Firewall{Tool: "firewalld", On: how != "", Path: "/etc/firewalld/firewalld.conf"}
	zone, found, _, err := h.KeyValue([]string{f.Path}, "DefaultZone", '=')
	if err != nil {
		return Firewall{}, err
	}
	if !found {
		zone.Value = "public" // firewalld's default
	}
	f.Line = zone.Line
	target, err := h.zoneTarget(zone.Value)
	if err != nil {
		return Firewall{}, err
	}
	f.DefaultDeny = f.On && !strings.EqualFold(target, "ACCEPT")
	if strings.EqualFold(target, "ACCEPT") {
		f.Note = "the default zone " + zone.Value + " accepts everything"
	}
	return f, nil
}

// zoneTarget is the target of a firewalld zone: of the administrator's file,
// else the vendor's; "" is firewalld's default, which rejects.
func (h *Host) zoneTarget(zone string) (string, error) {
	if zone == "trusted" {
		return "ACCEPT", nil
	}
	for _, dir := range []string{"/etc/firewalld/zones/", "/usr/lib/firewalld/zones/"} {
		data, err := h.Read(dir + path.Base(zone) + ".xml")
		if Absent(err) {
			continue
		}
		if err != nil {
			return "", err
		}
		var z struct {
			Target string `xml:"target,attr"`
		}
		if err := xml.Unmarshal(data, &z); err != nil {
			return "", &Unreadable{dir + zone + ".xml", err.Error()}
		}
		return z.Target, nil
	}
	return "", nil
}

// isUnreadable reports whether an error is one of reading.
func isUnreadable(err error) bool {
	var u *Unreadable
	return errors.As(err, &u)
}
