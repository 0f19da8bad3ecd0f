package simulate

import (
	"fmt"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// A virtual machine comes with the network around it, because whether the
// internet can reach it follows from those documents.
const (
	typeMachine    = "Microsoft.Compute/virtualMachines"
	networkPrefix  = "/providers/Microsoft.Network/"
	placeholderNIC = "{nic}"
	publicShare    = 0.25 // machines with a public address
)

// computed types are written by the product itself, never by a source.
var computed = map[string]bool{arm.Fold("Microsoft.Security/exposures"): true}

// attach gives a machine's body its interface.
func attach(typ string, body map[string]any) {
	if arm.Fold(typ) != arm.Fold(typeMachine) {
		return
	}
	overlay(body, map[string]any{"properties": map[string]any{"networkProfile": map[string]any{
		"networkInterfaces": []any{map[string]any{"id": placeholderNIC}}}}})
}

// nicOf is the id of a machine's interface.
func nicOf(id string) string {
	group, name, _ := strings.Cut(id, "/providers/")
	return group + networkPrefix + "networkInterfaces/" + name[strings.LastIndexByte(name, '/')+1:] + "-nic"
}

// inbound are the rules of a group's security group, mostly sane.
var inbound = []string{
	`{"name":"https","properties":{"priority":100,"direction":"Inbound","access":"Allow","protocol":"Tcp","sourceAddressPrefix":"Internet","sourcePortRange":"*","destinationAddressPrefix":"*","destinationPortRange":"443"}}`,
	`{"name":"office","properties":{"priority":110,"direction":"Inbound","access":"Allow","protocol":"Tcp","sourceAddressPrefix":"203.0.113.0/24","sourcePortRange":"*","destinationAddressPrefix":"*","destinationPortRange":"22"}}`,
	`{"name":"ssh","properties":{"priority":120,"direction":"Inbound","access":"Allow","protocol":"Tcp","sourceAddressPrefix":"*","sourcePortRange":"*","destinationAddressPrefix":"*","destinationPortRange":"22"}}`,
	`{"name":"rdp","properties":{"priority":130,"direction":"Inbound","access":"Allow","protocol":"*","sourceAddressPrefix":"*","sourcePortRange":"*","destinationAddressPrefix":"*","destinationPortRange":"3389"}}`,
	`{"name":"everything","properties":{"priority":140,"direction":"Inbound","access":"Allow","protocol":"*","sourceAddressPrefix":"*","sourcePortRange":"*","destinationAddressPrefix":"*","destinationPortRange":"*"}}`,
}

// chance of each rule of inbound.
var chance = []float64{0.8, 0.6, 0.15, 0.08, 0.02}

// network queues the interface of a machine, its public address if it has one,
// and its resource group's security group and network the first time.
func (g *Generator) network(id, group, location string) {
	nic := nicOf(id)
	name := nic[strings.LastIndexByte(nic, '/')+1:]
	nsg := g.once(group+networkPrefix+"networkSecurityGroups/nsg-default", location, g.securityGroup)
	vnet := g.once(group+networkPrefix+"virtualNetworks/vnet-default", location, func(string) string {
		return `{"properties":{"addressSpace":{"addressPrefixes":["10.20.0.0/16"]},"subnets":[{"id":"` + placeholderID + `/subnets/default","name":"default","properties":{"addressPrefix":"10.20.0.0/24"}}]}}`
	})
	address := ""
	if g.rnd.Float64() < publicShare {
		public := strings.TrimSuffix(strings.Replace(nic, "networkInterfaces", "publicIPAddresses", 1), "-nic") + "-ip"
		body := fmt.Sprintf(`{"sku":{"name":"Standard"},"properties":{"ipAddress":"198.51.%d.%d","publicIPAllocationMethod":"Static"}}`, 100+g.serial/250%100, g.serial%250+1)
		g.add(public, public[strings.LastIndexByte(public, '/')+1:], "Microsoft.Network/publicIPAddresses", location, newTemplate(mustObject(body)))
		address = `,"publicIPAddress":{"id":"` + public + `"}`
	}
	body := fmt.Sprintf(`{"properties":{"enableIPForwarding":%t,"networkSecurityGroup":{"id":%q},"ipConfigurations":[{"name":"primary","properties":{"privateIPAddress":"10.20.%d.%d","subnet":{"id":"%s/subnets/default"}%s}}]}}`,
		g.rnd.IntN(50) == 0, nsg, g.serial/250%250, g.serial%250+4, vnet, address)
	g.add(nic, name, "Microsoft.Network/networkInterfaces", location, newTemplate(mustObject(body)))
}

// once queues a shared resource the first time it is asked for.
func (g *Generator) once(id, location string, body func(id string) string) string {
	if !g.seen[id] {
		g.seen[id] = true
		parsed := arm.MustParseID(id)
		g.add(id, parsed.Name(), parsed.Type(), location, newTemplate(mustObject(body(id))))
	}
	return id
}

func (g *Generator) securityGroup(string) string {
	var rules []string
	for i, rule := range inbound {
		if g.rnd.Float64() < chance[i] {
			rules = append(rules, rule)
		}
	}
	return `{"properties":{"securityRules":[` + strings.Join(rules, ",") + `]}}`
}
