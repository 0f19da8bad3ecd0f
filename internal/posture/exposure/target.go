package exposure

import (
	"net/netip"
	"slices"
	"strings"
)

// target is what a rule's destination covers: everything behind the group, or
// some addresses and the members of some application security groups.
type target struct {
	all      bool
	prefixes []netip.Prefix
	groups   []string // folded ids
}

// targetOf reads a rule's destination; a rule without one is for everything.
// Service tags of the outside are no machine's address.
func targetOf(prefixes []string, groups []ref) target {
	var t target
	for i := range groups {
		t.groups = append(t.groups, groups[i].key())
	}
	named := len(groups) > 0
	for _, s := range prefixes {
		s = strings.ToLower(strings.TrimSpace(s))
		named = named || s != ""
		switch s {
		case "*", "any", "virtualnetwork", "0.0.0.0/0", "::/0":
			return target{all: true}
		}
		if p, err := netip.ParsePrefix(s); err == nil {
			t.prefixes = append(t.prefixes, p)
		} else if a, err := netip.ParseAddr(s); err == nil {
			t.prefixes = append(t.prefixes, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	t.all = !named
	return t
}

// applies reports whether a rule decides about traffic to an interface's
// configuration. While its address is not known, rules that allow do and rules
// that deny don't, which errs on the side of showing more.
func (r *securityRule) applies(c *ipConfig) bool {
	if r.to.all || slices.ContainsFunc(r.to.groups, func(g string) bool { return slices.Contains(c.members, g) }) {
		return true
	}
	if !c.private.IsValid() {
		return r.allow && len(r.to.prefixes) > 0
	}
	return slices.ContainsFunc(r.to.prefixes, func(p netip.Prefix) bool { return p.Contains(c.private) })
}

// settle works out what can be said of a group without knowing the destination.
func (g *group) settle() {
	g.aimed = slices.ContainsFunc(g.rules, func(r securityRule) bool { return !r.to.all })
	if !g.aimed {
		g.access, g.rules = inbound(g.rules), nil
	}
}

// lets is what the group lets in to a configuration from the internet.
func (g *group) lets(c ipConfig) access {
	if !g.aimed {
		return g.access
	}
	var rules []securityRule
	for i := range g.rules {
		if g.rules[i].applies(&c) {
			rules = append(rules, g.rules[i])
		}
	}
	return inbound(rules)
}
