package bench

// Rule is one rule in the three languages. Each is written as an author of the
// language would write it for speed. Texts compare without case, as they do in
// the policy language, or the verdicts would differ; that property names do too
// is left out of the peers' rules, which favours them.
type Rule struct {
	Name, Type string
	If         string // policy language: the conditions beside the one on type
	Rego       string // conditions beside the one on type; several bodies are alternatives
	CEL        string // over the variable r
}

// Rules are twelve rules over five types, 2.4 of them for a resource.
var Rules = []Rule{
	{
		Name: "storageHTTPS", Type: TypeStorage,
		If:   `{"field":"Microsoft.Storage/storageAccounts/supportsHttpsTrafficOnly","notEquals":true}`,
		Rego: `not input.properties.supportsHttpsTrafficOnly == true`,
		CEL:  `!(has(r.properties.supportsHttpsTrafficOnly) && r.properties.supportsHttpsTrafficOnly == true)`,
	},
	{
		Name: "storagePublicBlobs", Type: TypeStorage,
		If:   `{"not":{"field":"Microsoft.Storage/storageAccounts/allowBlobPublicAccess","equals":"false"}}`,
		Rego: `not input.properties.allowBlobPublicAccess == false`,
		CEL:  `!(has(r.properties.allowBlobPublicAccess) && r.properties.allowBlobPublicAccess == false)`,
	},
	{
		Name: "storageTLS", Type: TypeStorage,
		If:   `{"field":"Microsoft.Storage/storageAccounts/minimumTlsVersion","notIn":["TLS1_2","TLS1_3"]}`,
		Rego: `not lower(input.properties.minimumTlsVersion) in {"tls1_2", "tls1_3"}`,
		CEL:  `!(has(r.properties.minimumTlsVersion) && r.properties.minimumTlsVersion.lowerAscii() in ["tls1_2", "tls1_3"])`,
	},
	{
		Name: "storageFirewall", Type: TypeStorage,
		If:   `{"field":"Microsoft.Storage/storageAccounts/networkAcls.defaultAction","notEquals":"Deny"}`,
		Rego: `not lower(input.properties.networkAcls.defaultAction) == "deny"`,
		CEL:  `!(has(r.properties.networkAcls) && has(r.properties.networkAcls.defaultAction) && r.properties.networkAcls.defaultAction.lowerAscii() == "deny")`,
	},
	{
		Name: "vmManagedDisk", Type: TypeVM,
		If:   `{"field":"Microsoft.Compute/virtualMachines/osDisk.managedDisk.id","exists":false}`,
		Rego: `not input.properties.storageProfile.osDisk.managedDisk.id`,
		CEL:  `!(has(r.properties.storageProfile.osDisk.managedDisk) && has(r.properties.storageProfile.osDisk.managedDisk.id))`,
	},
	{
		Name: "vmHostEncryption", Type: TypeVM,
		If: `{"allOf":[{"field":"Microsoft.Compute/imagePublisher","in":["Canonical","RedHat","SUSE"]},` +
			`{"field":"Microsoft.Compute/virtualMachines/securityProfile.encryptionAtHost","notEquals":true}]}`,
		Rego: `lower(input.properties.storageProfile.imageReference.publisher) in {"canonical", "redhat", "suse"}
	not input.properties.securityProfile.encryptionAtHost == true`,
		CEL: `r.properties.storageProfile.imageReference.publisher.lowerAscii() in ["canonical", "redhat", "suse"] && ` +
			`!(has(r.properties.securityProfile) && has(r.properties.securityProfile.encryptionAtHost) && r.properties.securityProfile.encryptionAtHost == true)`,
	},
	{
		Name: "nsgOpenManagement", Type: TypeNSG,
		If: `{"count":{"field":"Microsoft.Network/networkSecurityGroups/securityRules[*]","where":{"allOf":[` +
			`{"field":"Microsoft.Network/networkSecurityGroups/securityRules[*].access","equals":"Allow"},` +
			`{"field":"Microsoft.Network/networkSecurityGroups/securityRules[*].direction","equals":"Inbound"},` +
			`{"field":"Microsoft.Network/networkSecurityGroups/securityRules[*].sourceAddressPrefix","in":["*","Internet"]},` +
			`{"field":"Microsoft.Network/networkSecurityGroups/securityRules[*].destinationPortRange","in":["22","3389"]}]}},"greater":0}`,
		Rego: `some rule in input.properties.securityRules
	lower(rule.properties.access) == "allow"
	lower(rule.properties.direction) == "inbound"
	lower(rule.properties.sourceAddressPrefix) in {"*", "internet"}
	rule.properties.destinationPortRange in {"22", "3389"}`,
		CEL: `r.properties.securityRules.exists(x, x.properties.access.lowerAscii() == "allow" && x.properties.direction.lowerAscii() == "inbound" && ` +
			`x.properties.sourceAddressPrefix.lowerAscii() in ["*", "internet"] && x.properties.destinationPortRange in ["22", "3389"])`,
	},
	{
		Name: "nsgEnvironmentTag", Type: TypeNSG,
		If:   `{"field":"tags.env","exists":"false"}`,
		Rego: `not input.tags.env`,
		CEL:  `!has(r.tags.env)`,
	},
	{
		Name: "vaultPurgeProtection", Type: TypeVault,
		If:   `{"field":"Microsoft.KeyVault/vaults/enablePurgeProtection","notEquals":true}`,
		Rego: `not input.properties.enablePurgeProtection == true`,
		CEL:  `!(has(r.properties.enablePurgeProtection) && r.properties.enablePurgeProtection == true)`,
	},
	{
		Name: "vaultTemporary", Type: TypeVault,
		If:   `{"field":"name","like":"kv-tmp-*"}`,
		Rego: `startswith(lower(input.name), "kv-tmp-")`,
		CEL:  `r.name.lowerAscii().startsWith("kv-tmp-")`,
	},
	{
		Name: "sqlPublicNetwork", Type: TypeSQL,
		If:   `{"field":"Microsoft.Sql/servers/publicNetworkAccess","notEquals":"Disabled"}`,
		Rego: `not lower(input.properties.publicNetworkAccess) == "disabled"`,
		CEL:  `!(has(r.properties.publicNetworkAccess) && r.properties.publicNetworkAccess.lowerAscii() == "disabled")`,
	},
	{
		Name: "sqlTLS", Type: TypeSQL,
		If: `{"allOf":[{"field":"location","in":["westeurope","northeurope"]},` +
			`{"field":"Microsoft.Sql/servers/minimalTlsVersion","notEquals":"1.2"}]}`,
		Rego: `lower(input.location) in {"westeurope", "northeurope"}
	not input.properties.minimalTlsVersion == "1.2"`,
		CEL: `r.location.lowerAscii() in ["westeurope", "northeurope"] && !(has(r.properties.minimalTlsVersion) && r.properties.minimalTlsVersion == "1.2")`,
	},
}
