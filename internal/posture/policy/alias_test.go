package policy

import (
	"strings"
	"testing"
)

func TestBuiltInAliases(t *testing.T) {
	tests := []struct {
		name, typ, alias string
		path             string
		origin           Origin
	}{
		{"properties", "Contoso.App/things", "contoso.APP/THINGS/minimumTlsVersion", "properties.minimumTlsVersion", OriginMechanical},
		{"root-member", "Contoso.App/things", "Contoso.App/things/sku.name", "sku.name", OriginMechanical},
		{"nested-below-connections", "Contoso.App/things", "Contoso.App/things/privateEndpointConnections[*].state", "properties.privateEndpointConnections[*].properties.state", OriginBuiltIn},
		{"envelope-name-below-properties", "Contoso.App/things/parts", "Contoso.App/things/parts/type", "properties.type", OriginMechanical},
		{"sku-below-properties", "Microsoft.KeyVault/vaults", "Microsoft.KeyVault/vaults/sku.name", "properties.sku.name", OriginTable},
		{"one-alias-vm", "Microsoft.Compute/virtualMachines", "Microsoft.Compute/imageOffer", "properties.storageProfile.imageReference.offer", OriginTable},
		{"one-alias-scale-set", "Microsoft.Compute/virtualMachineScaleSets", "Microsoft.Compute/imageOffer", "properties.virtualMachineProfile.storageProfile.imageReference.offer", OriginTable},
		{"one-alias-no-such-type", "Microsoft.Sql/servers", "Microsoft.Compute/imageOffer", "", OriginOther},
		{"nested-properties", "Microsoft.Network/networkSecurityGroups", "Microsoft.Network/networkSecurityGroups/securityRules[*].access", "properties.securityRules[*].properties.access", OriginTable},
		{"nested-name", "Microsoft.Network/networkSecurityGroups", "Microsoft.Network/networkSecurityGroups/securityRules[*].name", "properties.securityRules[*].name", OriginTable},
		{"array-without-brackets", "microsoft.insights/diagnosticSettings", "Microsoft.Insights/diagnosticSettings/logs.enabled", "properties.logs[*].enabled", OriginTable},
		{"child-named-web", "Microsoft.Web/sites/config", "Microsoft.Web/sites/config/web.minTlsVersion", "properties.minTlsVersion", OriginTable},
		{"of-a-child-type", "Microsoft.Web/sites", "Microsoft.Web/sites/config/web.minTlsVersion", "", OriginOther},
		{"check-with-dashes", "Microsoft.GuestConfiguration/guestConfigurationAssignments", "Microsoft.GuestConfiguration/guestConfigurationAssignments/checks.ssh-root-login.state", "properties.checks.ssh-root-login.state", OriginBuiltIn},
		{"data-plane-is-flat", "Microsoft.KeyVault.Data/vaults/keys", "Microsoft.KeyVault.Data/vaults/keys/keySize", "keySize", OriginBuiltIn},
		{"not-of-a-known-type", "Microsoft.Storage/storageAccounts", "Microsoft.Storage/storageAccounts/minTlsVersionn", "", OriginUnknown},
		{"own-report", "Microsoft.Security/exposures", "Microsoft.Security/exposures/internetExposed", "properties.internetExposed", OriginMechanical},
		{"no-type", "Microsoft.Sql/servers", "Microsoft.Sql", "", OriginUnknown},
	}
	a := NewAliases()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path, origin := a.Path(test.typ, test.alias, "")
			if path.String() != test.path || origin != test.origin {
				t.Errorf("%s from %d, want %s from %d", path, origin, test.path, test.origin)
			}
		})
	}
}

func TestImportedAliases(t *testing.T) {
	a := NewAliases()
	if err := a.LoadTSV(strings.NewReader("N.S/things\tN.S/things/odd\tproperties.very.odd\r\n")); err != nil {
		t.Fatal(err)
	}
	providers := `{"value": [{"namespace": "N.S", "resourceTypes": [{"resourceType": "things", "capabilities": "None", "aliases": [
		{"name": "N.S/things/tier", "defaultPath": "sku.tier", "defaultMetadata": {"attributes": "None"},
		 "paths": [{"path": "properties.tier", "apiVersions": ["2015-01-01"]}]}]}]}]}`
	if err := a.LoadProviders(strings.NewReader(providers)); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ alias, version, path string }{
		{"n.s/THINGS/odd", "", "properties.very.odd"},
		{"N.S/things/tier", "", "sku.tier"},
		{"N.S/things/tier", "2015-01-01", "properties.tier"},
		{"N.S/things/tier", "2024-01-01", "sku.tier"},
	} {
		if path, origin := a.Path("N.S/things", test.alias, test.version); path.String() != test.path || origin != OriginTable {
			t.Errorf("%s at %q is %s from %d, want %s", test.alias, test.version, path, origin, test.path)
		}
	}
	if a.Modifiable("n.s/things/TIER") || !a.Modifiable("N.S/things/odd") {
		t.Error("what the table says about modify is lost")
	}
	if !a.unindexed("n.s/things") {
		t.Error("a type without tags counts as indexed")
	}
	if _, origin := a.Path("N.S/things", "N.S/things/other", ""); origin != OriginUnknown || a.Lookup("N.S/things/other") != OriginUnknown {
		t.Error("an alias that an imported type does not have is guessed")
	}
	a.Strict = true
	if _, origin := a.Path("N.S/none", "N.S/none/other", ""); origin != OriginUnknown || a.Lookup("N.S/none/other") != OriginUnknown {
		t.Error("a strict table guesses")
	}
}

func TestAliasTableErrors(t *testing.T) {
	for name, table := range map[string]string{"columns": "a\tb\n", "path": "a/b\ta/b/c\t[x\n", "long": strings.Repeat("x", maxAliasLine+1)} {
		t.Run(name, func(t *testing.T) {
			if err := NewAliases().LoadTSV(strings.NewReader(table)); err == nil {
				t.Error("the table was accepted")
			}
		})
	}
	if err := NewAliases().LoadProviders(strings.NewReader("{")); err == nil {
		t.Error("a truncated provider list was accepted")
	}
}
