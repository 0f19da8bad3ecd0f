package bench

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Resource is one synthetic resource: its JSON and its type.
type Resource struct {
	ID, Type string
	Body     []byte
}

// The five types of the synthetic estate.
const (
	TypeStorage = "Microsoft.Storage/storageAccounts"
	TypeVM      = "Microsoft.Compute/virtualMachines"
	TypeNSG     = "Microsoft.Network/networkSecurityGroups"
	TypeVault   = "Microsoft.KeyVault/vaults"
	TypeSQL     = "Microsoft.Sql/servers"
)

// Estate makes n resources of five types from a seed, 641 bytes of JSON on
// average. Some values are spelled in another case than the rules spell them, as
// they are in real estates.
func Estate(n int, seed uint64) []Resource {
	r := &maker{rand.New(rand.NewPCG(seed, 1))}
	makers := []func(string) (string, string){r.storage, r.vm, r.nsg, r.vault, r.sql}
	types := []string{TypeStorage, TypeVM, TypeNSG, TypeVault, TypeSQL}
	out := make([]Resource, n)
	for i := range out {
		k := i % len(makers)
		name := fmt.Sprintf("%s%06d", []string{"st", "vm-", "nsg-", r.pick("kv-", "kv-tmp-"), "sql-"}[k], i)
		kind, props := makers[k](name)
		id := fmt.Sprintf("/subscriptions/%08d-1111-2222-3333-444444444444/resourceGroups/rg-%s-%02d/providers/%s/%s",
			i%20, r.pick("prod", "test"), r.IntN(40), types[k], name)
		out[i] = Resource{ID: id, Type: types[k], Body: fmt.Appendf(nil,
			`{"id":%q,"name":%q,"type":%q,"location":%q,%s"tags":{%s},"properties":{%s}}`,
			id, name, types[k], r.pick("westeurope", "northeurope", "eastus"), kind, r.tags(), props)}
	}
	return out
}

type maker struct{ *rand.Rand }

func (r *maker) pick(choices ...string) string { return choices[r.IntN(len(choices))] }

func (r *maker) bool() bool { return r.IntN(2) == 0 }

func (r *maker) tags() string {
	owner := fmt.Sprintf(`"owner":"team-%02d","costCenter":"cc-%04d"`, r.IntN(30), r.IntN(2000))
	if r.IntN(4) > 0 {
		return `"env":"` + r.pick("prod", "test", "dev") + `",` + owner
	}
	return owner
}

func (r *maker) storage(string) (kind, props string) {
	return `"kind":"StorageV2","sku":{"name":"Standard_LRS","tier":"Standard"},`, fmt.Sprintf(
		`"provisioningState":"Succeeded","creationTime":"2025-03-04T05:06:07Z","supportsHttpsTrafficOnly":%t,"allowBlobPublicAccess":%t,`+
			`"minimumTlsVersion":%q,"networkAcls":{"bypass":"AzureServices","defaultAction":%q,"ipRules":[],"virtualNetworkRules":[]},`+
			`"encryption":{"keySource":"Microsoft.Storage","services":{"blob":{"enabled":true},"file":{"enabled":true}}}`,
		r.bool(), r.bool(), r.pick("TLS1_0", "TLS1_2", "tls1_2", "TLS1_3"), r.pick("Allow", "Deny", "deny"))
}

func (r *maker) vm(name string) (kind, props string) {
	disk := fmt.Sprintf(`"managedDisk":{"id":"/disks/%s","storageAccountType":"Premium_LRS"}`, name)
	if r.IntN(5) == 0 {
		disk = `"vhd":{"uri":"https://old/vhd"}`
	}
	return `"zones":["1"],`, fmt.Sprintf(
		`"vmId":"0f0f0f0f-1111-2222-3333-%012d","hardwareProfile":{"vmSize":"Standard_D4s_v5"},"storageProfile":{"imageReference":{"publisher":%q,`+
			`"offer":"server","sku":"lts","version":"latest"},"osDisk":{"osType":"Linux","createOption":"FromImage",%s}},`+
			`"securityProfile":{"encryptionAtHost":%t},"osProfile":{"computerName":%q,"adminUsername":"azure"}`,
		r.IntN(1e9), r.pick("Canonical", "canonical", "RedHat", "SUSE", "Debian"), disk, r.bool(), name)
}

func (r *maker) nsg(string) (kind, props string) {
	rules := make([]string, 1+r.IntN(3))
	for i := range rules {
		rules[i] = fmt.Sprintf(`{"name":"rule%d","properties":{"priority":%d,"protocol":"Tcp","access":%q,"direction":%q,`+
			`"sourceAddressPrefix":%q,"destinationPortRange":%q}}`, i, 100+i*10, r.pick("Allow", "Deny"), r.pick("Inbound", "Outbound"),
			r.pick("*", "10.0.0.0/8", "Internet"), r.pick("22", "443", "3389", "8080"))
	}
	return "", `"provisioningState":"Succeeded","securityRules":[` + strings.Join(rules, ",") + `]`
}

func (r *maker) vault(name string) (kind, props string) {
	purge := ""
	if r.bool() {
		purge = `"enablePurgeProtection":true,`
	}
	return "", fmt.Sprintf(`"tenantId":"99999999-8888-7777-6666-555555555555","sku":{"family":"A","name":"standard"},"vaultUri":"https://%s.vault.azure.net/",%s`+
		`"enableSoftDelete":true,"enableRbacAuthorization":%t,"publicNetworkAccess":%q,"accessPolicies":[{"tenantId":"99999999-8888-7777-6666-555555555555",`+
		`"objectId":"12121212-3434-5656-7878-909090909090","permissions":{"keys":["get","list"],"secrets":["get"]}}]`,
		name, purge, r.bool(), r.pick("Enabled", "Disabled"))
}

func (r *maker) sql(name string) (kind, props string) {
	return `"kind":"v12.0",`, fmt.Sprintf(`"administratorLogin":"dba","version":"12.0","state":"Ready","fullyQualifiedDomainName":"%s.database.windows.net",`+
		`"privateEndpointConnections":[],"minimalTlsVersion":%q,"publicNetworkAccess":%q,"restrictOutboundNetworkAccess":"Disabled",`+
		`"administrators":{"administratorType":"ActiveDirectory","principalType":"Group","login":"dba-group","azureADOnlyAuthentication":%t}`,
		name, r.pick("1.0", "1.1", "1.2"), r.pick("Enabled", "Disabled"), r.bool())
}
