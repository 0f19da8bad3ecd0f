package exposure

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/wire"
)

// Type and name of the documents that this package writes.
const (
	DocumentType = "Microsoft.Security/exposures"
	documentTail = "/providers/Microsoft.Security/exposures/default"
	source       = "exposure" // owner of the documents
)

// Exposure is what the internet can reach of one machine or interface; its
// JSON is the document's properties.
type Exposure struct {
	InternetExposed bool     `json:"internetExposed"`
	ManagementPorts []int    `json:"managementPorts"` // open to every address
	OpenPorts       []string `json:"openPorts"`       // "tcp/22", open to every address
	RestrictedPorts []string `json:"restrictedPorts"` // open to named public ranges
	AllPortsOpen    bool     `json:"allPortsOpen"`    // every TCP port, to every address
	PublicAddresses []string `json:"publicAddresses"`
	SubnetHasNsg    bool     `json:"subnetHasNsg"`
	NicHasNsg       bool     `json:"nicHasNsg"`
	IPForwarding    bool     `json:"ipForwarding"`
	Paths           []Path   `json:"paths"`
	// missing names what the answer depends on and no source has delivered.
	missing []string
	// unseen: interfaces are among it, so that nothing at all is known for certain.
	unseen bool
}

// Path is one way from the internet to an interface.
type Path struct {
	Interface     string   `json:"interface"`
	PublicAddress string   `json:"publicAddress"`
	Ports         []string `json:"ports"`
	Restricted    []string `json:"restricted,omitempty"`
}

// Documents computes the exposure of every machine, sorted by id, as the
// documents to store. What the answer depends on and is not known makes the
// document's properties unavailable, so verdicts on it are unknown. Where not even
// the machine's interfaces are known nothing can be said: there the document is
// deleted, and verdicts are unknown as long as there is none.
func (n *Network) Documents(now time.Time) []wire.Document {
	docs := make([]wire.Document, 0, len(n.machines))
	for _, key := range slices.Sorted(maps.Keys(n.machines)) {
		m := n.machines[key]
		docs = append(docs, document(m.id, n.machine(m), now))
	}
	return docs
}

func document(id string, e Exposure, now time.Time) wire.Document {
	body, err := json.Marshal(struct {
		ID         string   `json:"id"`
		Name       string   `json:"name"`
		Type       string   `json:"type"`
		Properties Exposure `json:"properties"`
	}{id + documentTail, "default", DocumentType, e})
	if err != nil { // strings, numbers and booleans always encode
		panic(err)
	}
	doc := wire.Document{ID: id + documentTail, Type: DocumentType, Source: source, ObservedAt: now, Body: body}
	if e.unseen {
		doc.Body, doc.Deleted = nil, true
		return doc
	}
	if len(e.missing) > 0 {
		reason := " not delivered: " + strings.Join(e.missing[:min(3, len(e.missing))], ", ")
		for _, p := range []string{"internetExposed", "managementPorts", "openPorts", "restrictedPorts", "allPortsOpen"} {
			doc.Unavailable = append(doc.Unavailable, "properties."+p+reason)
		}
	}
	return doc
}

func (n *Network) machine(m machine) Exposure {
	var total access
	e := Exposure{SubnetHasNsg: len(m.nics) > 0, NicHasNsg: len(m.nics) > 0, PublicAddresses: []string{}, Paths: []Path{}}
	if m.missing != "" {
		e.missing, e.unseen = append(e.missing, m.missing), true
	}
	for _, key := range m.nics {
		c, ok := n.nics[key]
		if !ok {
			e.missing, e.unseen = append(e.missing, key), true
			continue
		}
		if c.missing != "" {
			e.missing, e.unseen = append(e.missing, c.missing), true
		}
		total = total.join(n.interfaceAccess(c, &e))
	}
	e.ManagementPorts = openManagement(total)
	e.OpenPorts, e.RestrictedPorts = openPorts(total.any), openPorts(total.some)
	e.AllPortsOpen = len(allPorts.minus(total.any[tcp])) == 0
	e.InternetExposed = len(e.OpenPorts)+len(e.RestrictedPorts) > 0
	slices.Sort(e.PublicAddresses)
	e.PublicAddresses = slices.Compact(e.PublicAddresses)
	return e
}

// interfaceAccess follows every way to an interface and notes it.
func (n *Network) interfaceAccess(c nic, e *Exposure) access {
	var total access
	e.IPForwarding = e.IPForwarding || c.forwarding
	e.NicHasNsg = e.NicHasNsg && c.group != ""
	for _, config := range c.configs {
		groups := n.groupsOn(c, config, e)
		for _, way := range n.waysTo(config, e) {
			got := way.offered
			if len(groups) == 0 && way.standard {
				continue // a standard address is closed until a group opens it
			}
			for _, g := range groups {
				got = got.through(g.lets(config))
			}
			e.PublicAddresses = append(e.PublicAddresses, way.public)
			if got.empty() {
				continue
			}
			e.Paths = append(e.Paths, Path{Interface: c.id, PublicAddress: way.public, Ports: openPorts(got.any), Restricted: openPorts(got.some)})
			total = total.join(got)
		}
	}
	return total
}

// groupsOn are the security groups between the internet and a configuration:
// the subnet's, then the interface's.
func (n *Network) groupsOn(c nic, config ipConfig, e *Exposure) []group {
	keys := []string{c.group}
	s, known := n.subnets[config.subnet]
	if !known && config.subnet != "" {
		e.missing = append(e.missing, config.subnet)
	}
	e.SubnetHasNsg = e.SubnetHasNsg && s.group != ""
	keys = append(keys, s.group)
	var groups []group
	for _, key := range keys {
		if key == "" {
			continue
		}
		g, ok := n.groups[key]
		if !ok {
			e.missing = append(e.missing, key)
			continue
		}
		if g.bad != "" {
			e.missing = append(e.missing, key+" "+g.bad)
		}
		groups = append(groups, g)
	}
	return groups
}

// way is one public address that leads to a configuration and what it offers
// before security groups have their say.
type way struct {
	public   string
	standard bool
	offered  access
}

func (n *Network) waysTo(config ipConfig, e *Exposure) []way {
	var ways []way
	if config.address != "" {
		if a, ok := n.addresses[config.address]; ok {
			ways = append(ways, way{a.name(config.address), a.standard, open})
		} else {
			e.missing = append(e.missing, config.address)
		}
	}
	for _, target := range slices.Concat(config.pools, config.natRules) {
		b, ok := n.balancers[ownerOf(target)]
		if !ok {
			e.missing = append(e.missing, ownerOf(target))
			continue
		}
		if b.missing != "" {
			e.missing = append(e.missing, b.missing)
		}
		for _, f := range b.forwards {
			if f.target == target {
				a := n.addresses[f.address]
				ways = append(ways, way{a.name(f.address), a.standard, open.only(f.on, f.back)})
			}
		}
	}
	return ways
}

// name is the address itself, or the resource's name while none is allocated.
func (a address) name(key string) string {
	if a.ip != "" {
		return a.ip
	}
	return key[strings.LastIndexByte(key, '/')+1:]
}

// ownerOf is the balancer that a pool or NAT rule belongs to.
func ownerOf(id string) string {
	for range 2 {
		if i := strings.LastIndexByte(id, '/'); i >= 0 {
			id = id[:i]
		}
	}
	return id
}
