package template

import (
	"strings"

	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// securityRule is what a rule of a network security group says, in the group
// and as a resource of its own.
var securityRule = []field{
	{from: "access", arm: "access"}, {from: "direction", arm: "direction"}, {from: "priority", arm: "priority"},
	{from: "protocol", arm: "protocol"},
	{from: "source_address_prefix", arm: "sourceAddressPrefix"}, {from: "source_address_prefixes", arm: "sourceAddressPrefixes"},
	{from: "source_port_range", arm: "sourcePortRange"}, {from: "source_port_ranges", arm: "sourcePortRanges"},
	{from: "destination_address_prefix", arm: "destinationAddressPrefix"},
	{from: "destination_address_prefixes", arm: "destinationAddressPrefixes"},
	{from: "destination_port_range", arm: "destinationPortRange"}, {from: "destination_port_ranges", arm: "destinationPortRanges"},
}

// machine is what virtual machines and scale sets share.
var machine = []field{
	{from: "source_image_reference.publisher", arm: "properties.storageProfile.imageReference.publisher"},
	{from: "source_image_reference.offer", arm: "properties.storageProfile.imageReference.offer"},
	{from: "source_image_reference.sku", arm: "properties.storageProfile.imageReference.sku"},
	{from: "source_image_reference.version", arm: "properties.storageProfile.imageReference.version"},
	{from: "source_image_id", arm: "properties.storageProfile.imageReference.id"},
	{from: "os_disk.storage_account_type", arm: "properties.storageProfile.osDisk.managedDisk.storageAccountType"},
	{from: "os_disk.disk_encryption_set_id", arm: "properties.storageProfile.osDisk.managedDisk.diskEncryptionSet.id"},
	{from: "encryption_at_host_enabled", arm: "properties.securityProfile.encryptionAtHost"},
	{from: "secure_boot_enabled", arm: "properties.securityProfile.uefiSettings.secureBootEnabled"},
	{from: "vtpm_enabled", arm: "properties.securityProfile.uefiSettings.vTpmEnabled"},
	{from: "network_interface_ids", arm: "properties.networkProfile.networkInterfaces", to: idObjects},
	{from: "license_type", arm: "properties.licenseType"},
}

// messaging is what the namespaces of the two message services share.
var messaging = []field{
	{from: "sku", arm: "sku.name"}, {from: "minimum_tls_version", arm: "properties.minimumTlsVersion"},
	{from: "public_network_access_enabled", arm: "properties.publicNetworkAccess", to: enabled},
	{from: "local_authentication_enabled", arm: "properties.disableLocalAuth", to: inverted},
	{from: "local_auth_enabled", arm: "properties.disableLocalAuth", to: inverted},
}

// siteConfig is said twice by ARM: in the site, and in its child named web.
var siteConfig = []field{
	{from: "site_config.minimum_tls_version", arm: "minTlsVersion"},
	{from: "site_config.ftps_state", arm: "ftpsState"},
	{from: "site_config.http2_enabled", arm: "http20Enabled"},
	{from: "site_config.remote_debugging_enabled", arm: "remoteDebuggingEnabled"},
	{from: "site_config.vnet_route_all_enabled", arm: "vnetRouteAllEnabled"},
	{from: "site_config.always_on", arm: "alwaysOn"},
	{from: "site_config.cors.allowed_origins", arm: "cors.allowedOrigins"},
	{from: "site_config.ip_restriction_default_action", arm: "ipSecurityRestrictionsDefaultAction"},
	{from: "site_config.scm_use_main_ip_restriction", arm: "scmIpSecurityRestrictionsUseMain"},
}

// site is a web or function app of one kind.
func site(kind string) mapping {
	fields := []field{
		{from: "https_only", arm: "properties.httpsOnly"},
		{from: "public_network_access_enabled", arm: "properties.publicNetworkAccess", to: enabled},
		{from: "client_certificate_enabled", arm: "properties.clientCertEnabled"},
		{from: "client_certificate_mode", arm: "properties.clientCertMode"},
		{from: "virtual_network_subnet_id", arm: "properties.virtualNetworkSubnetId"},
		{from: "service_plan_id", arm: "properties.serverFarmId"},
	}
	return mapping{
		arm: "Microsoft.Web/sites", kind: kind, fields: append(fields, prefixed("properties.siteConfig.", siteConfig)...),
		children: []mapping{{arm: "Microsoft.Web/sites/config", name: "web", fields: nested(siteConfig)}},
	}
}

// nested puts fields below properties.
func nested(list []field) []field { return prefixed("properties.", list) }

func prefixed(prefix string, list []field) []field {
	out := make([]field, len(list))
	for i, f := range list {
		f.arm = prefix + f.arm
		out[i] = f
	}
	return out
}

// profile moves the properties of a machine to those of a scale set's model.
func profile(list []field) []field {
	out := make([]field, len(list))
	for i, f := range list {
		f.arm = strings.Replace(f.arm, "properties.", "properties.virtualMachineProfile.", 1)
		out[i] = f
	}
	return out
}

// constant is for what the Terraform type itself says.
func constant(s string) func(policy.Value) policy.Value {
	return func(policy.Value) policy.Value { return policy.StringValue(s) }
}

func onOff(v policy.Value) policy.Value { return either(v, "On", "Off") }

func lowerEnabled(v policy.Value) policy.Value { return either(v, "enabled", "disabled") }
