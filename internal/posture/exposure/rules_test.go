package exposure

import (
	"math/rand/v2"
	"net/netip"
	"testing"
)

// TestInboundAgainstPacketByPacket compares the sets with the obvious way: for
// every port, the first rule that matches an address decides. A port is open to
// anybody if addresses that no named range covers get in.
func TestInboundAgainstPacketByPacket(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	sources := []string{"*", "Internet", "203.0.113.0/24", "198.51.100.7", "10.0.0.0/8", "VirtualNetwork"}
	stranger, named := netip.MustParseAddr("192.0.2.200"), []netip.Addr{netip.MustParseAddr("203.0.113.9"), netip.MustParseAddr("198.51.100.7")}
	for range 3000 {
		var rules []securityRule
		var texts []string
		for i := range 1 + rnd.IntN(6) {
			from := rnd.IntN(40)
			src := sources[rnd.IntN(len(sources))]
			rules = append(rules, securityRule{priority: 100 + i, allow: rnd.IntN(2) == 0, on: [protocols]bool{tcp: true},
				ports: portSet{{from, from + rnd.IntN(20)}}, from: reachOf([]string{src})})
			texts = append(texts, src)
		}
		first := func(a netip.Addr, port int) bool {
			for i, r := range rules {
				if r.ports.has(port) && covers(texts[i], a) {
					return r.allow
				}
			}
			return false
		}
		got := inbound(rules)
		for port := range 64 {
			if want := first(stranger, port); got.any[tcp].has(port) != want {
				t.Fatalf("port %d open to anybody: %v, want %v; rules %+v from %v", port, !want, want, rules, texts)
			}
			some := got.any[tcp].has(port) || got.some[tcp].has(port)
			for _, a := range named {
				if first(a, port) && !some {
					t.Fatalf("port %d is open to %v and not reported; rules %+v from %v", port, a, rules, texts)
				}
			}
		}
	}
}

func covers(source string, a netip.Addr) bool {
	switch source {
	case "*", "Internet":
		return true
	}
	if p, err := netip.ParsePrefix(source); err == nil {
		return p.Contains(a)
	}
	exact, err := netip.ParseAddr(source)
	return err == nil && exact == a
}

func TestPortSets(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	random := func() portSet {
		var p portSet
		for range rnd.IntN(5) {
			from := rnd.IntN(60)
			p = p.union(portSet{{from, from + rnd.IntN(9)}})
		}
		return p
	}
	for range 2000 {
		a, b := random(), random()
		u, m, i := a.union(b), a.minus(b), a.intersect(b)
		for port := range 80 {
			x, y := a.has(port), b.has(port)
			if u.has(port) != (x || y) || m.has(port) != (x && !y) || i.has(port) != (x && y) {
				t.Fatalf("%v and %v disagree at %d: %v %v %v", a, b, port, u, m, i)
			}
		}
		for k := 1; k < len(u); k++ {
			if u[k].from <= u[k-1].to+1 {
				t.Fatalf("%v is not sorted and disjoint", u)
			}
		}
	}
}

func TestReach(t *testing.T) {
	tests := map[string]reach{"*": anybody, "internet": anybody, "0.0.0.0/0": anybody, "::/0": anybody, "203.0.113.0/24": somebody, "2001:db8::1": somebody,
		"AzureCloud": somebody, "AzureCloud.westeurope": somebody, "0.0.0.0/1": most, "128.0.0.0/1": most, "2000::/3": most, "10.0.0.0/8": nowhere, "fc00::/7": nowhere,
		"10.1.0.0/16": nowhere, "192.168.1.4": nowhere, "VirtualNetwork": nowhere, "AzureLoadBalancer": nowhere, "": nowhere, "fd00::/8": nowhere}
	for in, want := range tests {
		if got := reachOfPrefix(in); got != want {
			t.Errorf("%q reaches %d, want %d", in, got, want)
		}
	}
}

func FuzzParsePorts(f *testing.F) {
	for _, s := range []string{"*", "22", "1-2", "70000", "9-1", "-", "a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePorts(s)
		if err == nil && (len(p) != 1 || p[0].from < 0 || p[0].to > 65535 || p[0].from > p[0].to) {
			t.Errorf("%q gives %v", s, p)
		}
	})
}
