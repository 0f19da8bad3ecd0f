package exposure

import (
	"slices"
	"testing"
)

// TestDestination: a rule decides only about the machines that it is for, or a
// denial for one machine would hide what is open on another.
func TestDestination(t *testing.T) {
	const nic = `{"properties":{"networkSecurityGroup":{"id":"@nsg/nic"},"ipConfigurations":[{"properties":{"privateIPAddress":"10.0.0.4","applicationSecurityGroups":[{"id":"` + rg + `Microsoft.Network/applicationSecurityGroups/Web"}],"publicIPAddress":{"id":"@pip/web"}}}]}}`
	const unallocated = `{"properties":{"networkSecurityGroup":{"id":"@nsg/nic"},"ipConfigurations":[{"properties":{"publicIPAddress":{"id":"@pip/web"}}}]}}`
	const allow = `{"name":"allow","properties":{"priority":200,"access":"Allow","protocol":"Tcp","sourceAddressPrefix":"*","destinationAddressPrefix":"*","destinationPortRange":"22","direction":"Inbound"}}`
	rule := func(access, destination string) string {
		return `{"name":"r","properties":{"priority":100,"access":"` + access + `","protocol":"Tcp","sourceAddressPrefix":"*","destinationPortRange":"22","direction":"Inbound",` + destination + `}}`
	}
	members := func(name string) string {
		return `"destinationApplicationSecurityGroups":[{"id":"` + rg + `Microsoft.Network/applicationSecurityGroups/` + name + `"}]`
	}
	tests := map[string]struct {
		nic, rules string
		open       bool
	}{
		"denied to another address":       {nic, rule("Deny", `"destinationAddressPrefix":"10.0.9.9"`) + "," + allow, true},
		"denied to this address":          {nic, rule("Deny", `"destinationAddressPrefix":"10.0.0.4"`) + "," + allow, false},
		"denied to its range, one of two": {nic, rule("Deny", `"destinationAddressPrefixes":["192.168.0.0/16","10.0.0.0/24"]`) + "," + allow, false},
		"allowed to another address":      {nic, rule("Allow", `"destinationAddressPrefix":"10.0.9.9/32"`), false},
		"allowed to the network":          {nic, rule("Allow", `"destinationAddressPrefix":"VirtualNetwork"`), true},
		"allowed to a service":            {nic, rule("Allow", `"destinationAddressPrefix":"Storage"`), false},
		"allowed to its group":            {nic, rule("Allow", members("web")), true},
		"allowed to another group":        {nic, rule("Allow", members("db")), false},
		"denied to another group":         {nic, rule("Deny", members("db")) + "," + allow, true},
		"address not known, allowed":      {unallocated, rule("Allow", `"destinationAddressPrefix":"10.0.9.9"`), true},
		"address not known, denied":       {unallocated, rule("Deny", `"destinationAddressPrefix":"10.0.9.9"`) + "," + allow, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			n := network(t)
			put(t, n, "nic", "web", tt.nic)
			put(t, n, "nsg", "nic", `{"properties":{"securityRules":[`+tt.rules+`]}}`)
			e, doc := exposureOf(t, n)
			if slices.Contains(e.ManagementPorts, 22) != tt.open || len(doc.Unavailable) > 0 {
				t.Errorf("open on %v, want 22 in it: %v; unavailable %v", e.OpenPorts, tt.open, doc.Unavailable)
			}
		})
	}
}

// TestHalvesOfTheInternet: two rules for half of all addresses each are one for
// all, but a denial for one half leaves the other in.
func TestHalvesOfTheInternet(t *testing.T) {
	tests := []struct {
		rules []string
		open  bool
	}{
		{[]string{"100 Allow Tcp 0.0.0.0/1 22", "110 Allow Tcp 128.0.0.0/1 22"}, true},
		{[]string{"100 Allow Tcp 2000::/3 22"}, true},
		{[]string{"100 Deny Tcp 0.0.0.0/1 22", "110 Allow Tcp * 22"}, true},
		{[]string{"100 Deny Tcp * 22", "110 Allow Tcp 0.0.0.0/1 22"}, false},
		{[]string{"100 Allow Tcp 203.0.113.0/24 22"}, false},
	}
	for _, tt := range tests {
		n := network(t)
		put(t, n, "nsg", "nic", nsg(tt.rules...))
		if e, _ := exposureOf(t, n); slices.Contains(e.ManagementPorts, 22) != tt.open {
			t.Errorf("%q: open on %v, want 22 in it: %v", tt.rules, e.OpenPorts, tt.open)
		}
	}
}
