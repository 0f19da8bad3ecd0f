package host

import (
	"bytes"
	"strings"
)

// addIptables reads the filter table of iptables-save text into chains.
func (f packetFilter) addIptables(family, file string, data []byte) {
	table := ""
	for n, s := range Settings(data, "#") {
		switch {
		case s[0] == '*':
			table = s[1:]
		case table != "" && table != "filter":
		case s[0] == ':':
			name, rest, _ := strings.Cut(s[1:], " ")
			policy, _, _ := strings.Cut(rest, " ")
			f[family+" filter "+name] = &filterChain{
				family: family, input: name == "INPUT", policy: strings.ToLower(policy), line: n, path: file,
			}
		case strings.HasPrefix(s, "-A ") || strings.HasPrefix(s, "-P "):
			f.addIptablesRule(family, file, n, splitWords(s))
		}
	}
}

func (f packetFilter) addIptablesRule(family, file string, line int, words []string) {
	if len(words) < 2 {
		return
	}
	key := family + " filter " + words[1]
	c := f[key]
	if c == nil {
		c = &filterChain{family: family, input: words[1] == "INPUT", policy: "accept", line: line, path: file}
		f[key] = c
	}
	if words[0] == "-P" && len(words) > 2 {
		c.policy = strings.ToLower(words[2])
		return
	}
	c.rules = append(c.rules, iptablesRule(words[2:]))
}

// iptablesRule finds out whether a rule has a condition, and its target. A
// comment is none.
func iptablesRule(words []string) filterRule {
	for i := 0; i < len(words); i++ {
		switch w := words[i]; {
		case w == "-m" && i+1 < len(words) && words[i+1] == "comment":
			i++
		case w == "--comment" || w == "-c":
			i++
			if w == "-c" {
				i++ // two counters
			}
		case (w == "-j" || w == "-g" || w == "--jump" || w == "--goto") && i+1 < len(words):
			switch target := words[i+1]; target {
			case "ACCEPT":
				return filterRule{verdict: "accept"}
			case "DROP", "REJECT":
				return filterRule{verdict: "drop"}
			case "RETURN":
				return filterRule{verdict: "return"}
			default:
				kind := "jump"
				if strings.HasPrefix(strings.TrimLeft(w, "-"), "g") {
					kind = "goto"
				}
				return filterRule{verdict: kind, target: target}
			}
		default:
			return filterRule{conditional: true}
		}
	}
	return filterRule{}
}

// ParseIptables reads iptables-save text: the line of the INPUT chain, whether
// packets that no rule names are refused, and whether anything is filtered.
func ParseIptables(data []byte) (line int, deny, rules bool) {
	f := packetFilter{}
	f.addIptables("ip", "", data)
	w := f.summary("iptables", "", false)
	return w.Line, w.DefaultDeny, w.On
}

// iptablesFiles are rule files for both families, with the services that load
// them.
var iptablesFiles = []struct{ four, six, service string }{
	{"/etc/iptables/rules.v4", "/etc/iptables/rules.v6", "netfilter-persistent.service"},
	{"/etc/sysconfig/iptables", "/etc/sysconfig/ip6tables", "iptables.service"},
	{"/etc/iptables/rules-save", "/etc/iptables/rules6-save", "iptables.service"},
	{"/etc/iptables/iptables.rules", "/etc/iptables/ip6tables.rules", "iptables.service"},
}

func (h *Host) iptables() (Firewall, error) {
	for _, files := range iptablesFiles {
		data, err := h.Read(files.four)
		if Absent(err) {
			continue
		}
		if err != nil {
			return Firewall{}, err
		}
		f := packetFilter{}
		f.addIptables("ip", files.four, data)
		data, err = h.Read(files.six)
		if err != nil && !Absent(err) {
			return Firewall{}, err
		}
		f.addIptables("ip6", files.six, data)
		loaded, err := h.iptablesLoader(files.service)
		if err != nil {
			return Firewall{}, err
		}
		w := f.summary("iptables", files.four, h.ipv6())
		if !loaded {
			w.On, w.DefaultDeny, w.Note = false, false, "nothing loads the rules at start"
		}
		return w, nil
	}
	return Firewall{}, nil
}

// iptablesLoader reports whether something loads the rules at start: the
// service, or a script that calls iptables-restore.
func (h *Host) iptablesLoader(service string) (bool, error) {
	how, err := h.ServiceOn(service)
	if how != "" || err != nil && !isUnreadable(err) {
		return how != "", err
	}
	for _, pattern := range []string{"/etc/rc.local", "/etc/network/interfaces", "/etc/network/interfaces.d/*", "/etc/network/if-pre-up.d/*", "/etc/network/if-up.d/*"} {
		names, err := h.Glob(pattern)
		if err != nil {
			return false, err
		}
		for _, name := range names {
			data, err := h.Read(name)
			if err == nil && bytes.Contains(data, []byte("iptables-restore")) {
				return true, nil
			}
		}
	}
	return false, nil
}
