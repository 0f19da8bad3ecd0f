package exposure

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/wire"
)

const rg = "/subscriptions/6f9619ff-8b86-d011-b42d-00cf4fc964ff/resourceGroups/rg/providers/"

// resource is one document of a test network: kind/name and properties, with
// @kind/name standing for another resource's id.
func put(t *testing.T, n *Network, kind, name, body string) {
	t.Helper()
	id := rg + kinds[kind] + "/" + name
	for k, typ := range kinds {
		body = strings.ReplaceAll(body, "@"+k+"/", rg+typ+"/")
	}
	if err := n.Put(id, kinds[kind], []byte(body), nil); err != nil {
		t.Fatal(err)
	}
}

var kinds = map[string]string{"vm": "Microsoft.Compute/virtualMachines", "nic": "Microsoft.Network/networkInterfaces", "nsg": "Microsoft.Network/networkSecurityGroups",
	"vnet": "Microsoft.Network/virtualNetworks", "pip": "Microsoft.Network/publicIPAddresses", "lb": "Microsoft.Network/loadBalancers"}

// nsg gives a group with one inbound rule per line: priority access protocol source port.
func nsg(lines ...string) string {
	var rules []string
	for i, l := range lines {
		f := strings.Fields(l)
		rules = append(rules, fmt.Sprintf(`{"name":"r%d","properties":{"priority":%s,"access":%q,"protocol":%q,"sourceAddressPrefix":%q,"destinationPortRange":%q,"direction":"Inbound"}}`, i, f[0], f[1], f[2], f[3], f[4]))
	}
	return `{"properties":{"securityRules":[` + strings.Join(rules, ",") + `]}}`
}

// network is one machine behind one interface with everything around it.
func network(t *testing.T) *Network {
	n := NewNetwork()
	put(t, n, "vm", "web", `{"properties":{"networkProfile":{"networkInterfaces":[{"id":"@nic/web"}]}}}`)
	put(t, n, "nic", "web", `{"properties":{"networkSecurityGroup":{"id":"@nsg/nic"},"ipConfigurations":[{"properties":{"subnet":{"id":"@vnet/v/subnets/a"},"publicIPAddress":{"id":"@pip/web"}}}]}}`)
	put(t, n, "vnet", "v", `{"properties":{"subnets":[{"id":"@vnet/v/subnets/a","name":"a","properties":{"networkSecurityGroup":{"id":"@nsg/subnet"}}}]}}`)
	put(t, n, "pip", "web", `{"sku":{"name":"Standard"},"properties":{"ipAddress":"203.0.113.5"}}`)
	put(t, n, "nsg", "nic", nsg("100 Allow Tcp * 22", "110 Allow Tcp * 443", "120 Allow Udp 198.51.100.0/24 500-510"))
	put(t, n, "nsg", "subnet", nsg("100 Allow * Internet 22-500", "200 Deny * * *"))
	return n
}

func exposureOf(t *testing.T, n *Network) (Exposure, wire.Document) {
	t.Helper()
	docs := n.Documents(time.Unix(0, 0))
	if len(docs) != 1 {
		t.Fatalf("%d documents, want 1", len(docs))
	}
	var body struct{ Properties Exposure }
	if err := json.Unmarshal(docs[0].Body, &body); err != nil {
		t.Fatal(err)
	}
	return body.Properties, docs[0]
}

func TestExposure(t *testing.T) {
	const privateNIC = `{"properties":{"ipConfigurations":[{"properties":{"subnet":{"id":"@vnet/v/subnets/a"}}}]}}`
	tests := map[string]struct {
		change     func(*testing.T, *Network)
		open       []string
		restricted []string
		management []int
	}{
		"both groups must let it in": {func(*testing.T, *Network) {}, []string{"tcp/22", "tcp/443"}, []string{"udp/500"}, []int{22}},
		"no public address":          {func(t *testing.T, n *Network) { put(t, n, "nic", "web", privateNIC) }, []string{}, []string{}, []int{}},
		"denied before allowed": {func(t *testing.T, n *Network) {
			put(t, n, "nsg", "nic", nsg("90 Deny Tcp * 22", "100 Allow Tcp * 22", "110 Allow Tcp * 443"))
		}, []string{"tcp/443"}, []string{}, []int{}},
		"standard address without groups is closed": {func(t *testing.T, n *Network) { noGroups(t, n) }, []string{}, []string{}, []int{}},
		"basic address without groups is open": {func(t *testing.T, n *Network) {
			noGroups(t, n)
			put(t, n, "pip", "web", `{"sku":{"name":"Basic"},"properties":{"ipAddress":"203.0.113.5"}}`)
		}, []string{"tcp/0-65535", "udp/0-65535"}, []string{}, []int{22, 3389, 5985, 5986}},
		"load balancer forwards one port": {func(t *testing.T, n *Network) {
			put(t, n, "nic", "web", `{"properties":{"networkSecurityGroup":{"id":"@nsg/nic"},"ipConfigurations":[{"properties":{"subnet":{"id":"@vnet/v/subnets/a"},"loadBalancerBackendAddressPools":[{"id":"@lb/l/backendAddressPools/p"}]}}]}}`)
			put(t, n, "lb", "l", `{"properties":{"frontendIPConfigurations":[{"id":"@lb/l/frontendIPConfigurations/f","properties":{"publicIPAddress":{"id":"@pip/web"}}}],"loadBalancingRules":[{"properties":{"frontendIPConfiguration":{"id":"@lb/l/frontendIPConfigurations/f"},"backendAddressPool":{"id":"@lb/l/backendAddressPools/p"},"protocol":"Tcp","frontendPort":80,"backendPort":443}}]}}`)
		}, []string{"tcp/443"}, []string{}, []int{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			n := network(t)
			tt.change(t, n)
			e, doc := exposureOf(t, n)
			if !slices.Equal(e.OpenPorts, tt.open) || !slices.Equal(e.RestrictedPorts, tt.restricted) || !slices.Equal(e.ManagementPorts, tt.management) {
				t.Errorf("open %v restricted %v management %v", e.OpenPorts, e.RestrictedPorts, e.ManagementPorts)
			}
			if e.InternetExposed != (len(tt.open)+len(tt.restricted) > 0) || len(doc.Unavailable) > 0 {
				t.Errorf("exposed %v, unavailable %v", e.InternetExposed, doc.Unavailable)
			}
		})
	}
}

func noGroups(t *testing.T, n *Network) {
	put(t, n, "nic", "web", `{"properties":{"ipConfigurations":[{"properties":{"subnet":{"id":"@vnet/v/subnets/a"},"publicIPAddress":{"id":"@pip/web"}}}]}}`)
	put(t, n, "vnet", "v", `{"properties":{"subnets":[{"name":"a","properties":{}}]}}`)
}

// TestMissingIsUnknown: what the answer depends on and was never delivered
// makes it unavailable, not closed.
func TestMissingIsUnknown(t *testing.T) {
	for _, gone := range []struct{ kind, name string }{{"nsg", "nic"}, {"vnet", "v"}, {"pip", "web"}} {
		n := network(t)
		n.Delete(rg+kinds[gone.kind]+"/"+gone.name, kinds[gone.kind])
		_, doc := exposureOf(t, n)
		if !slices.ContainsFunc(doc.Unavailable, func(s string) bool {
			return strings.HasPrefix(s, "properties.internetExposed not delivered: ") && strings.Contains(s, strings.ToLower(kinds[gone.kind]))
		}) {
			t.Errorf("without %s/%s: unavailable %q", gone.kind, gone.name, doc.Unavailable)
		}
	}
}

func TestBadDocumentIsForgotten(t *testing.T) {
	n := network(t)
	if err := n.Put(rg+kinds["nsg"]+"/nic", kinds["nsg"], []byte(`{"properties":{"securityRules":3}}`), nil); err == nil {
		t.Error("a body of the wrong shape was taken")
	}
	if _, doc := exposureOf(t, n); len(doc.Unavailable) == 0 {
		t.Error("the group is unknown now, the answer must be too")
	}
}

func FuzzPut(f *testing.F) {
	f.Add("nsg", []byte(nsg("100 Allow Tcp * 22")))
	f.Add("lb", []byte(`{"properties":{"frontendIPConfigurations":[{}],"inboundNatRules":[{}]}}`))
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		n := NewNetwork()
		_ = n.Put(rg+kinds[kind]+"/x", kinds[kind], body, nil) // must not panic, whatever it is
		n.Documents(time.Unix(0, 0))
	})
}
