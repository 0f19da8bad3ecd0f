package host

import (
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
}

// Firewall looks at the tools in the order in which they would be in charge.
func (h *Host) Firewall() (Firewall, error) {
	return memo(h, "firewall", func() (Firewall, error) {
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
	})
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
	unit, ok, err := h.Unit("firewalld.service")
	if err != nil || !ok {
		return Firewall{}, err
	}
	f := Firewall{Tool: "firewalld", On: strings.HasPrefix(unit.State, "enabled") || unit.Active == "active", Path: "/etc/firewalld/firewalld.conf"}
	zone, found, _, err := h.KeyValue([]string{f.Path}, "DefaultZone", '=')
	if !found {
		zone.Value = "public" // firewalld's default, which rejects
	}
	f.Line = zone.Line
	f.DefaultDeny = f.On && zone.Value != "trusted"
	return f, err
}

func (h *Host) nftables() (Firewall, error) {
	for _, name := range []string{"/etc/nftables.conf", "/etc/sysconfig/nftables.conf"} {
		data, err := h.Read(name)
		if Absent(err) {
			continue
		}
		if err != nil {
			return Firewall{}, err
		}
		unit, _, err := h.Unit("nftables.service")
		line, deny, rules := ParseNftables(data)
		f := Firewall{Tool: "nftables", Path: name, Line: line}
		f.On = rules && (strings.HasPrefix(unit.State, "enabled") || unit.Active == "active")
		f.DefaultDeny = f.On && deny
		return f, err
	}
	return Firewall{}, nil
}

// ParseNftables finds the input hook of a rule file: its line, whether its
// policy or a closing rule drops, and whether there are rules at all.
func ParseNftables(data []byte) (line int, deny, rules bool) {
	inInput := false
	for n, s := range Settings(data, "#") {
		if strings.HasPrefix(s, "chain ") {
			inInput = false
		}
		if strings.Contains(s, "hook input") {
			inInput = true
			line = n
		}
		if !inInput {
			continue
		}
		words := strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '\t' || r == ';' })
		for i, w := range words {
			switch {
			case w == "policy" && i+1 < len(words):
				deny = deny || words[i+1] == "drop"
				rules = rules || words[i+1] == "drop"
			case i == 0 && (w == "drop" || w == "reject"):
				deny, rules = true, true
			case w == "accept" || w == "drop" || w == "reject":
				rules = true
			}
		}
		if s == "}" {
			inInput = false
		}
	}
	return line, deny, rules
}

func (h *Host) iptables() (Firewall, error) {
	for _, name := range []string{"/etc/iptables/rules.v4", "/etc/sysconfig/iptables"} {
		data, err := h.Read(name)
		if Absent(err) {
			continue
		}
		if err != nil {
			return Firewall{}, err
		}
		line, deny, rules := ParseIptables(data)
		return Firewall{Tool: "iptables", On: rules, DefaultDeny: deny, Path: name, Line: line}, nil
	}
	return Firewall{}, nil
}

// ParseIptables reads iptables-save text: the line of the INPUT policy, whether
// it or a closing rule refuses, and whether there are rules at all.
func ParseIptables(data []byte) (line int, deny, rules bool) {
	for n, s := range Settings(data, "#") {
		switch {
		case strings.HasPrefix(s, ":INPUT "):
			line = n
			if strings.HasPrefix(s, ":INPUT DROP") {
				deny, rules = true, true
			}
		case s == "-A INPUT -j DROP", strings.HasPrefix(s, "-A INPUT -j REJECT"):
			deny, rules = true, true
		case strings.HasPrefix(s, "-A INPUT "):
			rules = true
		}
	}
	return line, deny, rules
}
