package host

import "strings"

// filterRule is one rule of a packet filter. Only what happens to a packet
// that no condition names matters here, so a conditional rule is a rule that
// is passed over.
type filterRule struct {
	conditional bool
	verdict     string // accept, drop, return, jump, goto or "" for none
	target      string // of jump and goto
}

// filterChain is a chain; only input chains have a hook.
type filterChain struct {
	family string // ip, ip6 or inet
	input  bool   // hooked at input, of type filter
	policy string // accept or drop
	rules  []filterRule
	line   int
	path   string
}

// packetFilter is a set of chains by "family table chain".
type packetFilter map[string]*filterChain

// maxJumps bounds how deep jumps are followed; the kernel's own bound is 16.
const maxJumps = 16

// inputDecision is what a family's input chains do with a packet that no
// condition names: the chain that drops it, or one that lets it in; nil if the
// family has no input chain. A chain that drops is final, one that accepts is
// not: the other chains still see the packet.
func (f packetFilter) inputDecision(family string) (chain *filterChain, drops bool) {
	for key, c := range f {
		if !c.input || c.family != family && c.family != "inet" {
			continue
		}
		if f.verdict(key, 0) == "drop" || f.verdict(key, 0) == "" && c.policy == "drop" {
			return c, true
		}
		if chain == nil || len(c.rules) > len(chain.rules) {
			chain = c
		}
	}
	return chain, false
}

// filters reports whether an input chain does anything at all.
func (c *filterChain) filters() bool { return c != nil && (c.policy == "drop" || len(c.rules) > 0) }

// verdict is accept, drop or "" (the end of the chain was reached).
func (f packetFilter) verdict(key string, depth int) string {
	c := f[key]
	if c == nil || depth > maxJumps {
		return ""
	}
	prefix := key[:strings.LastIndexByte(key, ' ')+1]
	for _, r := range c.rules {
		if r.conditional {
			continue
		}
		switch r.verdict {
		case "accept", "drop":
			return r.verdict
		case "return":
			return ""
		case "jump", "goto":
			if v := f.verdict(prefix+r.target, depth+1); v != "" || r.verdict == "goto" {
				return v
			}
		}
	}
	return ""
}

// summary judges both address families. IPv6 counts unless it is off.
func (f packetFilter) summary(tool, file string, ipv6 bool) Firewall {
	four, drops4 := f.inputDecision("ip")
	six, drops6 := f.inputDecision("ip6")
	w := Firewall{Tool: tool, Path: file, On: four.filters(), DefaultDeny: drops4 && (drops6 || !ipv6)}
	shown := four
	switch {
	case four != nil && drops4 && !w.DefaultDeny:
		w.Note = "IPv6 is not denied by default"
		if six != nil {
			shown = six
		}
	case four == nil && six != nil:
		w.Note = "only IPv6 is filtered"
		shown = six
	}
	if shown != nil {
		w.Line = shown.line
		if shown.path != "" {
			w.Path = shown.path
		}
	}
	return w
}

// ipv6 reports whether the host may speak IPv6: it does unless the kernel says
// that it does not.
func (h *Host) ipv6() bool {
	if s, err := h.Sysctl("net.ipv6.conf.all.disable_ipv6"); err == nil {
		return s.Value != "1"
	}
	s, set, err := h.SysctlAtBoot("net.ipv6.conf.all.disable_ipv6")
	if err == nil && set {
		return s.Value != "1"
	}
	return h.Exists("/proc/sys/net/ipv6") || !h.Exists("/proc/sys/net/ipv4")
}
