package exposure

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// protocol of a port range. Rules for ICMP, ESP and AH open no port.
type protocol uint8

const (
	tcp protocol = iota
	udp
	protocols
)

func (p protocol) String() string { return [...]string{"tcp", "udp"}[p] }

// span is a closed range of ports.
type span struct{ from, to int }

// portSet is a sorted list of disjoint, non-adjacent spans.
type portSet []span

var allPorts = portSet{{0, 65535}}

// parsePorts reads a rule's port text: "*", "22" or "1000-2000".
func parsePorts(s string) (portSet, error) {
	s = strings.TrimSpace(s)
	if s == "*" || s == "" {
		return allPorts, nil
	}
	low, high, ranged := strings.Cut(s, "-")
	if !ranged {
		high = low
	}
	from, err1 := strconv.Atoi(strings.TrimSpace(low))
	to, err2 := strconv.Atoi(strings.TrimSpace(high))
	if err1 != nil || err2 != nil || from < 0 || to > 65535 || from > to {
		return nil, fmt.Errorf("port range %q: want *, a port or from-to", s)
	}
	return portSet{{from, to}}, nil
}

func (p portSet) union(q portSet) portSet {
	all := append(slices.Clone(p), q...)
	slices.SortFunc(all, func(a, b span) int { return a.from - b.from })
	var out portSet
	for _, s := range all {
		if n := len(out); n > 0 && s.from <= out[n-1].to+1 {
			out[n-1].to = max(out[n-1].to, s.to)
			continue
		}
		out = append(out, s)
	}
	return out
}

func (p portSet) minus(q portSet) portSet {
	out := slices.Clone(p)
	for _, cut := range q {
		var rest portSet
		for _, s := range out {
			if cut.to < s.from || cut.from > s.to {
				rest = append(rest, s)
				continue
			}
			if s.from < cut.from {
				rest = append(rest, span{s.from, cut.from - 1})
			}
			if s.to > cut.to {
				rest = append(rest, span{cut.to + 1, s.to})
			}
		}
		out = rest
	}
	return out
}

func (p portSet) intersect(q portSet) portSet { return p.minus(allPorts.minus(q)) }

func (p portSet) has(port int) bool {
	return slices.ContainsFunc(p, func(s span) bool { return s.from <= port && port <= s.to })
}

func (s span) String() string {
	if s.from == s.to {
		return strconv.Itoa(s.from)
	}
	return fmt.Sprintf("%d-%d", s.from, s.to)
}
