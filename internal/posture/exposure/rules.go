package exposure

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
)

// access is what a network security group lets in from the internet, per
// protocol: from every address, or from some public ranges only.
type access struct {
	any, some [protocols]portSet
}

// open lets everything in: no group on the way.
var open = access{any: [protocols]portSet{allPorts, allPorts}}

// securityRule is one inbound rule, its lists normalised.
type securityRule struct {
	name     string
	priority int
	allow    bool
	on       [protocols]bool
	ports    portSet
	from     reach
	to       target
}

// reach is how much of the internet a rule's source covers.
type reach uint8

const (
	nowhere  reach = iota // private ranges, service tags of the inside, application groups
	somebody              // named public ranges, service tags of what others use too
	most                  // a range too wide to be somebody's, as half of all addresses
	anybody
)

// inbound evaluates rules in order of priority; what no rule decides is denied,
// as the platform's default rules do for traffic from the internet.
func inbound(rules []securityRule) access {
	slices.SortStableFunc(rules, func(a, b securityRule) int { return cmp.Compare(a.priority, b.priority) })
	var got access
	var decidedAny [protocols]portSet // ports that a rule for every address has decided
	for _, r := range rules {
		if r.from == nowhere {
			continue
		}
		for p := range protocols {
			if !r.on[p] {
				continue
			}
			fresh := r.ports.minus(decidedAny[p])
			switch {
			case r.from >= most && r.allow:
				got.any[p] = got.any[p].union(fresh)
			case r.from == somebody && r.allow:
				got.some[p] = got.some[p].union(fresh)
			}
			// A denial for some ranges leaves the rest of the internet in, so only
			// rules for every address decide.
			if r.from == anybody {
				decidedAny[p] = decidedAny[p].union(r.ports)
			}
		}
	}
	for p := range protocols {
		got.some[p] = got.some[p].minus(got.any[p])
	}
	return got
}

// through is what passes two groups in a row. Ranges of two rules are not
// compared: some-of-some stays some, which errs on the side of showing more.
func (a access) through(b access) access {
	var out access
	for p := range protocols {
		all1, all2 := a.any[p].union(a.some[p]), b.any[p].union(b.some[p])
		out.any[p] = a.any[p].intersect(b.any[p])
		out.some[p] = all1.intersect(all2).minus(out.any[p])
	}
	return out
}

// join is what either of two ways lets in.
func (a access) join(b access) access {
	var out access
	for p := range protocols {
		out.any[p] = a.any[p].union(b.any[p])
		out.some[p] = a.some[p].union(b.some[p]).minus(out.any[p])
	}
	return out
}

// only keeps the ports of one protocol that a load balancer forwards.
func (a access) only(on [protocols]bool, ports portSet) access {
	var out access
	for p := range protocols {
		if on[p] {
			out.any[p], out.some[p] = a.any[p].intersect(ports), a.some[p].intersect(ports)
		}
	}
	return out
}

func (a access) empty() bool {
	for p := range protocols {
		if len(a.any[p])+len(a.some[p]) > 0 {
			return false
		}
	}
	return true
}

// reachOf classifies a rule's source prefixes.
func reachOf(prefixes []string) reach {
	best := nowhere
	for _, p := range prefixes {
		best = max(best, reachOfPrefix(strings.TrimSpace(p)))
	}
	return best
}

func reachOfPrefix(s string) reach {
	switch strings.ToLower(s) {
	case "*", "internet", "any", "0.0.0.0/0", "::/0", "0.0.0.0", "<nw>/0":
		return anybody
	case "", "virtualnetwork", "azureloadbalancer":
		return nowhere
	}
	prefix, err := netip.ParsePrefix(s)
	if err != nil {
		addr, err := netip.ParseAddr(s)
		if err != nil {
			// A service tag: AzureCloud, Storage and the like are public addresses
			// that every customer of the service can send from.
			return somebody
		}
		prefix = netip.PrefixFrom(addr, addr.BitLen())
	}
	switch a := prefix.Addr(); {
	case prefix.Bits() == 0:
		return anybody
	case a.Is4() && prefix.Bits() < 8:
		return most
	case a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast():
		return nowhere
	case a.Is6() && prefix.Bits() < 16:
		return most
	}
	return somebody
}

// protocolsOf reads a rule's protocol text.
func protocolsOf(s string) [protocols]bool {
	switch strings.ToLower(s) {
	case "*", "", "all", "any":
		return [protocols]bool{true, true}
	case "tcp":
		return [protocols]bool{tcp: true}
	case "udp":
		return [protocols]bool{udp: true}
	}
	return [protocols]bool{}
}
