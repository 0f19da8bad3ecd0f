package exposure

import (
	"encoding/json"
	"fmt"
	"strings"
)

// wireRule is one entry of securityRules.
type wireRule struct {
	Name       string `json:"name"`
	Properties struct {
		Priority              int      `json:"priority"`
		Direction             string   `json:"direction"`
		Access                string   `json:"access"`
		Protocol              string   `json:"protocol"`
		SourceAddressPrefix   string   `json:"sourceAddressPrefix"`
		SourceAddressPrefixes []string `json:"sourceAddressPrefixes"`
		DestinationPortRange  string   `json:"destinationPortRange"`
		DestinationPortRanges []string `json:"destinationPortRanges"`
		DestinationPrefix     string   `json:"destinationAddressPrefix"`
		DestinationPrefixes   []string `json:"destinationAddressPrefixes"`
		DestinationGroups     []ref    `json:"destinationApplicationSecurityGroups"`
	} `json:"properties"`
}

func (n *Network) putGroup(key string, body []byte) error {
	var b struct {
		Properties struct {
			SecurityRules []wireRule `json:"securityRules"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(body, &b); err != nil {
		return err
	}
	var g group
	for _, w := range b.Properties.SecurityRules {
		if !strings.EqualFold(w.Properties.Direction, "Inbound") {
			continue
		}
		r, err := w.read()
		if err != nil { // the rest still tells most; what is missing is named
			g.bad = fmt.Sprintf("rule %q: %v", w.Name, err)
			continue
		}
		g.rules = append(g.rules, r)
	}
	g.settle()
	n.groups[key] = g
	return nil
}

func (w wireRule) read() (securityRule, error) {
	p := w.Properties
	r := securityRule{name: w.Name, priority: p.Priority, allow: strings.EqualFold(p.Access, "Allow"), on: protocolsOf(p.Protocol)}
	ranges := p.DestinationPortRanges
	if p.DestinationPortRange != "" {
		ranges = append([]string{p.DestinationPortRange}, ranges...)
	}
	for _, text := range ranges {
		ports, err := parsePorts(text)
		if err != nil {
			return r, err
		}
		r.ports = r.ports.union(ports)
	}
	prefixes := p.SourceAddressPrefixes
	if p.SourceAddressPrefix != "" {
		prefixes = append([]string{p.SourceAddressPrefix}, prefixes...)
	}
	r.from = reachOf(prefixes)
	r.to = targetOf(append(p.DestinationPrefixes, p.DestinationPrefix), p.DestinationGroups)
	return r, nil
}

func (n *Network) putBalancer(key string, body []byte) error {
	var b wireBalancer
	if err := json.Unmarshal(body, &b); err != nil {
		return err
	}
	addresses := map[string]string{} // front end -> public address
	for _, f := range b.Properties.FrontendIPConfigurations {
		if a := f.Properties.PublicIPAddress.key(); a != "" {
			addresses[(&ref{ID: f.ID}).key()] = a
		}
	}
	var out balancer
	for _, r := range b.Properties.LoadBalancingRules {
		if a := addresses[r.Properties.Frontend.key()]; a != "" {
			out.add(r.Properties, a, r.Properties.Pool.key())
		}
	}
	for _, r := range b.Properties.InboundNatRules {
		if a := addresses[r.Properties.Frontend.key()]; a != "" {
			out.add(r.Properties, a, (&ref{ID: r.ID}).key())
		}
	}
	n.balancers[key] = out
	return nil
}

type wireBalancer struct {
	Properties struct {
		FrontendIPConfigurations []struct {
			ID         string `json:"id"`
			Properties struct {
				PublicIPAddress *ref `json:"publicIPAddress"`
			} `json:"properties"`
		} `json:"frontendIPConfigurations"`
		LoadBalancingRules []wireForward `json:"loadBalancingRules"`
		InboundNatRules    []wireForward `json:"inboundNatRules"`
	} `json:"properties"`
}

type wireForward struct {
	ID         string          `json:"id"`
	Properties wireForwardBody `json:"properties"`
}

type wireForwardBody struct {
	Frontend    *ref   `json:"frontendIPConfiguration"`
	Pool        *ref   `json:"backendAddressPool"`
	Protocol    string `json:"protocol"`
	BackendPort int    `json:"backendPort"`
}

// add notes a forward; back-end port 0 means all ports (HA ports).
func (b *balancer) add(w wireForwardBody, address, target string) {
	ports := allPorts
	if w.BackendPort > 0 && w.BackendPort <= 65535 {
		ports = portSet{{w.BackendPort, w.BackendPort}}
	}
	b.forwards = append(b.forwards, forward{target: target, address: address, on: protocolsOf(w.Protocol), back: ports})
}

// openPorts lists an access's ports as "tcp/22".
func openPorts(of [protocols]portSet) []string {
	out := []string{}
	for p := range protocols {
		for _, s := range of[p] {
			out = append(out, p.String()+"/"+s.String())
		}
	}
	return out
}

// managementPorts are the ports that administer a machine: SSH, RDP, WinRM.
var managementPorts = []int{22, 3389, 5985, 5986}

func openManagement(a access) []int {
	out := []int{}
	for _, port := range managementPorts {
		if a.any[tcp].has(port) {
			out = append(out, port)
		}
	}
	return out
}
