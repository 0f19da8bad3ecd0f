package exposure

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// Types are the resource types that decide exposure.
var Types = []string{"Microsoft.Compute/virtualMachines", "Microsoft.Network/networkInterfaces", "Microsoft.Network/networkSecurityGroups",
	"Microsoft.Network/virtualNetworks", "Microsoft.Network/publicIPAddresses", "Microsoft.Network/loadBalancers"}

// The same, folded.
var typeVM, typeInterface, typeGroup, typeNetwork, typePublicAddress, typeBalancer = arm.Fold(Types[0]), arm.Fold(Types[1]),
	arm.Fold(Types[2]), arm.Fold(Types[3]), arm.Fold(Types[4]), arm.Fold(Types[5])

// Matters reports whether a document of a resource type changes the picture.
func Matters(typ string) bool {
	return slices.ContainsFunc(Types, func(t string) bool { return strings.EqualFold(t, typ) })
}

// Network is the part of a tenant's estate that decides exposure, kept up to
// date document by document. It is for one goroutine.
type Network struct {
	machines  map[string]machine // all by folded id
	nics      map[string]nic
	groups    map[string]group
	subnets   map[string]subnet
	addresses map[string]address
	balancers map[string]balancer
	inNetwork map[string][]string // subnets of a virtual network
}

// NewNetwork returns an empty network.
func NewNetwork() *Network {
	return &Network{machines: map[string]machine{}, nics: map[string]nic{}, groups: map[string]group{}, subnets: map[string]subnet{},
		addresses: map[string]address{}, balancers: map[string]balancer{}, inNetwork: map[string][]string{}}
}

type machine struct {
	id      string
	nics    []string
	missing string // what its source did not deliver, "" if nothing
}

type nic struct {
	id         string
	group      string
	forwarding bool
	configs    []ipConfig
	missing    string
}

type ipConfig struct {
	subnet, address string
	private         netip.Addr // invalid while it is not known
	members         []string   // the application security groups that it is in
	pools           []string   // back-end pools of load balancers
	natRules        []string
}

type subnet struct{ group string }

type group struct {
	rules  []securityRule
	access access // what the rules let in, unless they are aimed
	aimed  bool   // a rule is for some destinations only
	bad    string // why a rule could not be read, "" if all could
}

type address struct {
	ip       string
	standard bool // closed unless a group lets traffic in
}

// balancer lists what a public load balancer forwards to pools and NAT rules.
type balancer struct {
	forwards []forward
	missing  string
}

type forward struct {
	target  string // folded id of a back-end pool or inbound NAT rule
	address string
	on      [protocols]bool
	back    portSet
}

// ref is the usual {"id": ...} of a body.
type ref struct {
	ID string `json:"id"`
}

func (r *ref) key() string {
	if r == nil {
		return ""
	}
	return arm.Fold(r.ID)
}

// Put takes in one document; others than those that matter are ignored.
// unavailable are the paths that its source did not deliver. An error says why the
// body can't be used; what was known of the resource before is forgotten then, so
// that nothing stale is reported.
func (n *Network) Put(id, typ string, body []byte, unavailable []string) error {
	n.Delete(id, typ)
	key := arm.Fold(id)
	var err error
	switch arm.Fold(typ) {
	case typeVM:
		err = n.putMachine(key, id, body)
	case typeInterface:
		err = n.putInterface(key, id, body)
	case typeGroup:
		err = n.putGroup(key, body)
	case typeNetwork:
		err = n.putNetwork(key, body)
	case typePublicAddress:
		err = n.putAddress(key, body)
	case typeBalancer:
		err = n.putBalancer(key, body)
	}
	if err != nil {
		return fmt.Errorf("exposure: read %s: %w", id, err)
	}
	if missing := undelivered(arm.Fold(typ), body, unavailable); missing != "" {
		n.lacks(key, arm.Fold(typ), missing)
	}
	return nil
}

// lacks notes that a resource was delivered without what decides.
func (n *Network) lacks(key, typ, path string) {
	missing := key + " " + path
	switch typ {
	case typeVM:
		m := n.machines[key]
		m.missing = missing
		n.machines[key] = m
	case typeInterface:
		c := n.nics[key]
		c.missing = missing
		n.nics[key] = c
	case typeGroup:
		g := n.groups[key]
		g.bad = path
		n.groups[key] = g
	case typeBalancer:
		b := n.balancers[key]
		b.missing = missing
		n.balancers[key] = b
	}
}

// Delete forgets a resource.
func (n *Network) Delete(id, typ string) {
	key := arm.Fold(id)
	switch arm.Fold(typ) {
	case typeVM:
		delete(n.machines, key)
	case typeInterface:
		delete(n.nics, key)
	case typeGroup:
		delete(n.groups, key)
	case typeNetwork:
		for _, s := range n.inNetwork[key] {
			delete(n.subnets, s)
		}
		delete(n.inNetwork, key)
	case typePublicAddress:
		delete(n.addresses, key)
	case typeBalancer:
		delete(n.balancers, key)
	}
}

func (n *Network) putMachine(key, id string, body []byte) error {
	var b struct {
		Properties struct {
			NetworkProfile struct {
				NetworkInterfaces []ref `json:"networkInterfaces"`
			} `json:"networkProfile"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(body, &b); err != nil {
		return err
	}
	m := machine{id: id}
	for _, r := range b.Properties.NetworkProfile.NetworkInterfaces {
		m.nics = append(m.nics, r.key())
	}
	n.machines[key] = m
	return nil
}

func (n *Network) putInterface(key, id string, body []byte) error {
	var b struct {
		Properties struct {
			NetworkSecurityGroup *ref `json:"networkSecurityGroup"`
			EnableIPForwarding   bool `json:"enableIPForwarding"`
			IPConfigurations     []struct {
				Properties struct {
					Subnet          *ref   `json:"subnet"`
					PublicIPAddress *ref   `json:"publicIPAddress"`
					PrivateAddress  string `json:"privateIPAddress"`
					Members         []ref  `json:"applicationSecurityGroups"`
					Pools           []ref  `json:"loadBalancerBackendAddressPools"`
					NatRules        []ref  `json:"loadBalancerInboundNatRules"`
				} `json:"properties"`
			} `json:"ipConfigurations"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(body, &b); err != nil {
		return err
	}
	out := nic{id: id, group: b.Properties.NetworkSecurityGroup.key(), forwarding: b.Properties.EnableIPForwarding}
	for _, c := range b.Properties.IPConfigurations {
		p := c.Properties
		config := ipConfig{subnet: p.Subnet.key(), address: p.PublicIPAddress.key()}
		config.private, _ = netip.ParseAddr(p.PrivateAddress) // a dynamic one may not be allocated yet
		for _, r := range p.Members {
			config.members = append(config.members, r.key())
		}
		for _, r := range p.Pools {
			config.pools = append(config.pools, r.key())
		}
		for _, r := range p.NatRules {
			config.natRules = append(config.natRules, r.key())
		}
		out.configs = append(out.configs, config)
	}
	n.nics[key] = out
	return nil
}

func (n *Network) putNetwork(key string, body []byte) error {
	var b struct {
		Properties struct {
			Subnets []struct {
				ID         string `json:"id"`
				Name       string `json:"name"`
				Properties struct {
					NetworkSecurityGroup *ref `json:"networkSecurityGroup"`
				} `json:"properties"`
			} `json:"subnets"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(body, &b); err != nil {
		return err
	}
	for _, s := range b.Properties.Subnets {
		id := arm.Fold(s.ID)
		if id == "" {
			id = key + "/subnets/" + arm.Fold(s.Name)
		}
		n.subnets[id] = subnet{group: s.Properties.NetworkSecurityGroup.key()}
		n.inNetwork[key] = append(n.inNetwork[key], id)
	}
	return nil
}

func (n *Network) putAddress(key string, body []byte) error {
	var b struct {
		SKU        struct{ Name string } `json:"sku"`
		Properties struct {
			IPAddress string `json:"ipAddress"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(body, &b); err != nil {
		return err
	}
	n.addresses[key] = address{ip: b.Properties.IPAddress, standard: arm.Fold(b.SKU.Name) == "standard"}
	return nil
}
