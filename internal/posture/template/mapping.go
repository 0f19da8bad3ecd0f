package template

import (
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// mapping translates one Terraform type to an ARM type.
type mapping struct {
	arm  string
	kind string
	// name is a fixed name; nameFrom the attribute that has it, "name" if empty.
	name, nameFrom string
	// parent is the attribute with the id (alternatives separated by |) of what
	// the resource belongs to; parentType the parent's type where the attribute
	// has only its name; through a fixed name of the level between.
	parent, parentType, through string
	// extension hangs on the parent instead of lying in it.
	extension bool
	// subscription lies in the subscription, outside groups.
	subscription bool
	fields       []field
	// children are documents of their own that come from the same resource.
	children []mapping
}

// producible are the folded ARM types that a plan can contain.
var producible = func() map[string]bool {
	out := map[string]bool{}
	for _, m := range mappings {
		out[strings.ToLower(m.arm)] = true
		for _, c := range m.children {
			out[strings.ToLower(c.arm)] = true
		}
	}
	return out
}()

// mappings has the types that most plans are made of. A property that is not
// here is unknown in the plan, see unsaid.
var mappings = map[string]mapping{
	"azurerm_resource_group": {arm: arm.TypeResourceGroup},
	"azurerm_storage_account": {arm: "Microsoft.Storage/storageAccounts", fields: []field{
		{from: "account_kind", arm: "kind"}, {from: "account_tier", arm: "sku.tier"},
		{from: "https_traffic_only_enabled", arm: "properties.supportsHttpsTrafficOnly"},
		{from: "min_tls_version", arm: "properties.minimumTlsVersion", to: tls},
		{from: "allow_nested_items_to_be_public", arm: "properties.allowBlobPublicAccess"},
		{from: "shared_access_key_enabled", arm: "properties.allowSharedKeyAccess"},
		{from: "public_network_access_enabled", arm: "properties.publicNetworkAccess", to: enabled},
		{from: "cross_tenant_replication_enabled", arm: "properties.allowCrossTenantReplication"},
		{from: "infrastructure_encryption_enabled", arm: "properties.encryption.requireInfrastructureEncryption"},
		{from: "is_hns_enabled", arm: "properties.isHnsEnabled"},
		{from: "network_rules.default_action", arm: "properties.networkAcls.defaultAction"},
		{from: "network_rules.bypass", arm: "properties.networkAcls.bypass", to: words},
		{from: "network_rules.ip_rules", arm: "properties.networkAcls.ipRules", to: valueObjects},
		{from: "network_rules.virtual_network_subnet_ids", arm: "properties.networkAcls.virtualNetworkRules", to: idObjects},
	}},
	"azurerm_storage_container": {arm: "Microsoft.Storage/storageAccounts/blobServices/containers", through: "default",
		parent: "storage_account_id|storage_account_name", parentType: "Microsoft.Storage/storageAccounts",
		fields: []field{{from: "container_access_type", arm: "properties.publicAccess"}}},
	"azurerm_key_vault": {arm: "Microsoft.KeyVault/vaults", fields: []field{
		{from: "sku_name", arm: "properties.sku.name"}, {from: "tenant_id", arm: "properties.tenantId"},
		{from: "purge_protection_enabled", arm: "properties.enablePurgeProtection"},
		{from: "soft_delete_retention_days", arm: "properties.softDeleteRetentionInDays"},
		{from: "enable_rbac_authorization", arm: "properties.enableRbacAuthorization"},
		{from: "rbac_authorization_enabled", arm: "properties.enableRbacAuthorization"},
		{from: "public_network_access_enabled", arm: "properties.publicNetworkAccess", to: enabled},
		{from: "network_acls.default_action", arm: "properties.networkAcls.defaultAction"},
		{from: "network_acls.bypass", arm: "properties.networkAcls.bypass"},
		{from: "network_acls.ip_rules", arm: "properties.networkAcls.ipRules", to: valueObjects},
	}},
	"azurerm_network_security_group": {arm: "Microsoft.Network/networkSecurityGroups", fields: []field{
		{from: "security_rule", arm: "properties.securityRules", each: append([]field{{from: "name", arm: "name"}}, nested(securityRule)...)},
	}},
	"azurerm_network_security_rule": {arm: "Microsoft.Network/networkSecurityGroups/securityRules",
		parent: "network_security_group_name", parentType: "Microsoft.Network/networkSecurityGroups", fields: nested(securityRule)},
	"azurerm_virtual_network": {arm: "Microsoft.Network/virtualNetworks", fields: []field{
		{from: "address_space", arm: "properties.addressSpace.addressPrefixes"},
		{from: "ddos_protection_plan.enable", arm: "properties.enableDdosProtection"},
		{from: "subnet", arm: "properties.subnets", each: []field{
			{from: "name", arm: "name"}, {from: "address_prefixes", arm: "properties.addressPrefixes"},
			{from: "security_group", arm: "properties.networkSecurityGroup", to: idObject},
		}},
	}},
	"azurerm_subnet": {arm: "Microsoft.Network/virtualNetworks/subnets",
		parent: "virtual_network_name", parentType: "Microsoft.Network/virtualNetworks",
		fields: []field{{from: "address_prefixes", arm: "properties.addressPrefixes"}}},
	"azurerm_network_interface": {arm: "Microsoft.Network/networkInterfaces", fields: []field{
		{from: "ip_forwarding_enabled", arm: "properties.enableIPForwarding"}, {from: "enable_ip_forwarding", arm: "properties.enableIPForwarding"},
		{from: "ip_configuration", arm: "properties.ipConfigurations", each: []field{
			{from: "name", arm: "name"}, {from: "subnet_id", arm: "properties.subnet", to: idObject},
			{from: "public_ip_address_id", arm: "properties.publicIPAddress", to: idObject},
		}},
	}},
	"azurerm_public_ip": {arm: "Microsoft.Network/publicIPAddresses", fields: []field{
		{from: "sku", arm: "sku.name"}, {from: "allocation_method", arm: "properties.publicIPAllocationMethod"},
		{from: "ddos_protection_mode", arm: "properties.ddosSettings.protectionMode"},
	}},
	"azurerm_linux_virtual_machine": {arm: "Microsoft.Compute/virtualMachines", fields: append(slices.Clone(machine),
		field{from: "disable_password_authentication", arm: "properties.osProfile.linuxConfiguration.disablePasswordAuthentication"},
		field{from: "patch_mode", arm: "properties.osProfile.linuxConfiguration.patchSettings.patchMode"},
		field{from: "patch_assessment_mode", arm: "properties.osProfile.linuxConfiguration.patchSettings.assessmentMode"},
		field{from: "size", arm: "properties.hardwareProfile.vmSize"},
		field{arm: "properties.storageProfile.osDisk.osType", to: constant("Linux")})},
	"azurerm_windows_virtual_machine": {arm: "Microsoft.Compute/virtualMachines", fields: append(slices.Clone(machine),
		field{from: "patch_mode", arm: "properties.osProfile.windowsConfiguration.patchSettings.patchMode"},
		field{from: "patch_assessment_mode", arm: "properties.osProfile.windowsConfiguration.patchSettings.assessmentMode"},
		field{from: "automatic_updates_enabled", arm: "properties.osProfile.windowsConfiguration.enableAutomaticUpdates"},
		field{from: "size", arm: "properties.hardwareProfile.vmSize"},
		field{arm: "properties.storageProfile.osDisk.osType", to: constant("Windows")})},
	"azurerm_linux_virtual_machine_scale_set": {arm: "Microsoft.Compute/virtualMachineScaleSets", fields: append(profile(machine),
		field{from: "sku", arm: "sku.name"}, field{from: "upgrade_mode", arm: "properties.upgradePolicy.mode"},
		field{from: "disable_password_authentication", arm: "properties.virtualMachineProfile.osProfile.linuxConfiguration.disablePasswordAuthentication"},
		field{arm: "properties.virtualMachineProfile.storageProfile.osDisk.osType", to: constant("Linux")})},
	"azurerm_windows_virtual_machine_scale_set": {arm: "Microsoft.Compute/virtualMachineScaleSets", fields: append(profile(machine),
		field{from: "sku", arm: "sku.name"}, field{from: "upgrade_mode", arm: "properties.upgradePolicy.mode"},
		field{arm: "properties.virtualMachineProfile.storageProfile.osDisk.osType", to: constant("Windows")})},
	"azurerm_virtual_machine_extension": {arm: "Microsoft.Compute/virtualMachines/extensions", parent: "virtual_machine_id", fields: []field{
		{from: "publisher", arm: "properties.publisher"}, {from: "type", arm: "properties.type"},
		{from: "type_handler_version", arm: "properties.typeHandlerVersion"},
		{from: "auto_upgrade_minor_version", arm: "properties.autoUpgradeMinorVersion"},
		{from: "automatic_upgrade_enabled", arm: "properties.enableAutomaticUpgrade"},
	}},
	"azurerm_managed_disk": {arm: "Microsoft.Compute/disks", fields: []field{
		{from: "storage_account_type", arm: "sku.name"}, {from: "os_type", arm: "properties.osType"},
		{from: "disk_encryption_set_id", arm: "properties.encryption.diskEncryptionSetId"},
		{from: "network_access_policy", arm: "properties.networkAccessPolicy"},
		{from: "public_network_access_enabled", arm: "properties.publicNetworkAccess", to: enabled},
	}},
	"azurerm_kubernetes_cluster": {arm: "Microsoft.ContainerService/managedClusters", fields: []field{
		{from: "kubernetes_version", arm: "properties.kubernetesVersion"},
		{from: "role_based_access_control_enabled", arm: "properties.enableRBAC"},
		{from: "local_account_disabled", arm: "properties.disableLocalAccounts"},
		{from: "private_cluster_enabled", arm: "properties.apiServerAccessProfile.enablePrivateCluster"},
		{from: "api_server_access_profile.authorized_ip_ranges", arm: "properties.apiServerAccessProfile.authorizedIPRanges"},
		{from: "azure_policy_enabled", arm: "properties.addonProfiles.azurePolicy.enabled"},
		{from: "network_profile.network_policy", arm: "properties.networkProfile.networkPolicy"},
		{from: "network_profile.network_plugin", arm: "properties.networkProfile.networkPlugin"},
		{from: "microsoft_defender", arm: "properties.securityProfile.defender.securityMonitoring.enabled", to: present},
		{from: "azure_active_directory_role_based_access_control.azure_rbac_enabled", arm: "properties.aadProfile.enableAzureRBAC"},
		{from: "disk_encryption_set_id", arm: "properties.diskEncryptionSetID"},
		{from: "workload_identity_enabled", arm: "properties.securityProfile.workloadIdentity.enabled"},
		{from: "automatic_upgrade_channel", arm: "properties.autoUpgradeProfile.upgradeChannel"},
	}},
	"azurerm_container_registry": {arm: "Microsoft.ContainerRegistry/registries", fields: []field{
		{from: "sku", arm: "sku.name"}, {from: "admin_enabled", arm: "properties.adminUserEnabled"},
		{from: "public_network_access_enabled", arm: "properties.publicNetworkAccess", to: enabled},
		{from: "anonymous_pull_enabled", arm: "properties.anonymousPullEnabled"},
		{from: "network_rule_set.default_action", arm: "properties.networkRuleSet.defaultAction"},
		{from: "zone_redundancy_enabled", arm: "properties.zoneRedundancy", to: enabled},
		{from: "export_policy_enabled", arm: "properties.policies.exportPolicy.status", to: lowerEnabled},
		{from: "encryption.key_vault_key_id", arm: "properties.encryption.keyVaultProperties.keyIdentifier"},
	}},
	"azurerm_linux_web_app":        site("app,linux"),
	"azurerm_windows_web_app":      site("app"),
	"azurerm_linux_function_app":   site("functionapp,linux"),
	"azurerm_windows_function_app": site("functionapp"),
	"azurerm_service_plan": {arm: "Microsoft.Web/serverfarms", fields: []field{
		{from: "sku_name", arm: "sku.name"}, {from: "zone_balancing_enabled", arm: "properties.zoneRedundant"},
	}},
	"azurerm_mssql_server": {arm: "Microsoft.Sql/servers", fields: []field{
		{from: "version", arm: "properties.version"}, {from: "minimum_tls_version", arm: "properties.minimalTlsVersion"},
		{from: "public_network_access_enabled", arm: "properties.publicNetworkAccess", to: enabled},
		{from: "outbound_network_restriction_enabled", arm: "properties.restrictOutboundNetworkAccess", to: enabled},
		{from: "azuread_administrator.login_username", arm: "properties.administrators.login"},
		{from: "azuread_administrator.azuread_authentication_only", arm: "properties.administrators.azureADOnlyAuthentication"},
	}},
	"azurerm_mssql_database": {arm: "Microsoft.Sql/servers/databases", parent: "server_id", fields: []field{
		{from: "sku_name", arm: "sku.name"}, {from: "zone_redundant", arm: "properties.zoneRedundant"},
		{from: "storage_account_type", arm: "properties.requestedBackupStorageRedundancy"},
		{from: "ledger_enabled", arm: "properties.isLedgerOn"},
	}, children: []mapping{{arm: "Microsoft.Sql/servers/databases/transparentDataEncryption", name: "current", fields: []field{
		{from: "transparent_data_encryption_enabled", arm: "properties.state", to: enabled},
		{from: "transparent_data_encryption_enabled", arm: "properties.status", to: enabled},
	}}}},
	"azurerm_mssql_firewall_rule": {arm: "Microsoft.Sql/servers/firewallRules", parent: "server_id", fields: []field{
		{from: "start_ip_address", arm: "properties.startIpAddress"}, {from: "end_ip_address", arm: "properties.endIpAddress"},
	}},
	"azurerm_mssql_server_extended_auditing_policy": {arm: "Microsoft.Sql/servers/auditingSettings", name: "default", parent: "server_id", fields: []field{
		{from: "enabled", arm: "properties.state", to: enabled}, {from: "retention_in_days", arm: "properties.retentionDays"},
		{from: "log_monitoring_enabled", arm: "properties.isAzureMonitorTargetEnabled"},
	}},
	"azurerm_mssql_server_security_alert_policy": {arm: "Microsoft.Sql/servers/securityAlertPolicies", name: "Default",
		parent: "server_name", parentType: "Microsoft.Sql/servers", fields: []field{
			{from: "state", arm: "properties.state"}, {from: "email_account_admins", arm: "properties.emailAccountAdmins"},
			{from: "email_addresses", arm: "properties.emailAddresses"},
		}},
	"azurerm_postgresql_flexible_server": {arm: "Microsoft.DBforPostgreSQL/flexibleServers", fields: []field{
		{from: "version", arm: "properties.version"}, {from: "sku_name", arm: "sku.name"},
		{from: "public_network_access_enabled", arm: "properties.network.publicNetworkAccess", to: enabled},
		{from: "geo_redundant_backup_enabled", arm: "properties.backup.geoRedundantBackup", to: enabled},
		{from: "authentication.active_directory_auth_enabled", arm: "properties.authConfig.activeDirectoryAuth", to: enabled},
		{from: "authentication.password_auth_enabled", arm: "properties.authConfig.passwordAuth", to: enabled},
		{from: "delegated_subnet_id", arm: "properties.network.delegatedSubnetResourceId"},
		{from: "high_availability.mode", arm: "properties.highAvailability.mode"},
	}},
	"azurerm_mysql_flexible_server": {arm: "Microsoft.DBforMySQL/flexibleServers", fields: []field{
		{from: "version", arm: "properties.version"}, {from: "sku_name", arm: "sku.name"},
		{from: "public_network_access", arm: "properties.network.publicNetworkAccess"},
		{from: "geo_redundant_backup_enabled", arm: "properties.backup.geoRedundantBackup", to: enabled},
	}},
	"azurerm_cosmosdb_account": {arm: "Microsoft.DocumentDB/databaseAccounts", fields: []field{
		{from: "kind", arm: "kind"}, {from: "public_network_access_enabled", arm: "properties.publicNetworkAccess", to: enabled},
		{from: "local_authentication_disabled", arm: "properties.disableLocalAuth"},
		{from: "is_virtual_network_filter_enabled", arm: "properties.isVirtualNetworkFilterEnabled"},
		{from: "access_key_metadata_writes_enabled", arm: "properties.disableKeyBasedMetadataWriteAccess", to: inverted},
		{from: "key_vault_key_id", arm: "properties.keyVaultKeyUri"}, {from: "minimal_tls_version", arm: "properties.minimalTlsVersion"},
	}},
	"azurerm_redis_cache": {arm: "Microsoft.Cache/Redis", fields: []field{
		{from: "sku_name", arm: "properties.sku.name"}, {from: "minimum_tls_version", arm: "properties.minimumTlsVersion"},
		{from: "non_ssl_port_enabled", arm: "properties.enableNonSslPort"}, {from: "enable_non_ssl_port", arm: "properties.enableNonSslPort"},
		{from: "public_network_access_enabled", arm: "properties.publicNetworkAccess", to: enabled},
		{from: "access_keys_authentication_enabled", arm: "properties.disableAccessKeyAuthentication", to: inverted},
	}},
	"azurerm_eventhub_namespace":   {arm: "Microsoft.EventHub/namespaces", fields: messaging},
	"azurerm_servicebus_namespace": {arm: "Microsoft.ServiceBus/namespaces", fields: messaging},
	"azurerm_monitor_diagnostic_setting": {arm: "Microsoft.Insights/diagnosticSettings", parent: "target_resource_id", extension: true, fields: []field{
		{from: "log_analytics_workspace_id", arm: "properties.workspaceId"}, {from: "storage_account_id", arm: "properties.storageAccountId"},
		{from: "eventhub_authorization_rule_id", arm: "properties.eventHubAuthorizationRuleId"},
		{from: "enabled_log", arm: "properties.logs", each: []field{
			{from: "category", arm: "category"}, {from: "category_group", arm: "categoryGroup"}, {arm: "enabled", to: present},
		}},
	}},
	"azurerm_application_gateway": {arm: "Microsoft.Network/applicationGateways", fields: []field{
		{from: "sku.name", arm: "properties.sku.name"}, {from: "sku.tier", arm: "properties.sku.tier"},
		{from: "waf_configuration.enabled", arm: "properties.webApplicationFirewallConfiguration.enabled"},
		{from: "waf_configuration.firewall_mode", arm: "properties.webApplicationFirewallConfiguration.firewallMode"},
		{from: "firewall_policy_id", arm: "properties.firewallPolicy.id"},
		{from: "ssl_policy.min_protocol_version", arm: "properties.sslPolicy.minProtocolVersion"},
	}},
	"azurerm_firewall": {arm: "Microsoft.Network/azureFirewalls", fields: []field{
		{from: "sku_tier", arm: "properties.sku.tier"}, {from: "threat_intel_mode", arm: "properties.threatIntelMode"},
		{from: "firewall_policy_id", arm: "properties.firewallPolicy.id"},
	}},
	"azurerm_log_analytics_workspace": {arm: "Microsoft.OperationalInsights/workspaces", fields: []field{
		{from: "sku", arm: "properties.sku.name"}, {from: "retention_in_days", arm: "properties.retentionInDays"},
		{from: "internet_ingestion_enabled", arm: "properties.publicNetworkAccessForIngestion", to: enabled},
		{from: "internet_query_enabled", arm: "properties.publicNetworkAccessForQuery", to: enabled},
	}},
	"azurerm_cognitive_account": {arm: "Microsoft.CognitiveServices/accounts", fields: []field{
		{from: "kind", arm: "kind"}, {from: "sku_name", arm: "sku.name"},
		{from: "public_network_access_enabled", arm: "properties.publicNetworkAccess", to: enabled},
		{from: "local_auth_enabled", arm: "properties.disableLocalAuth", to: inverted},
		{from: "network_acls.default_action", arm: "properties.networkAcls.defaultAction"},
	}},
	"azurerm_search_service": {arm: "Microsoft.Search/searchServices", fields: []field{
		{from: "sku", arm: "sku.name"}, {from: "public_network_access_enabled", arm: "properties.publicNetworkAccess", to: enabled},
		{from: "local_authentication_enabled", arm: "properties.disableLocalAuth", to: inverted},
	}},
	"azurerm_data_factory": {arm: "Microsoft.DataFactory/factories", fields: []field{
		{from: "public_network_enabled", arm: "properties.publicNetworkAccess", to: enabled},
		{from: "customer_managed_key_id", arm: "properties.encryption.keyName"},
	}},
	"azurerm_app_configuration": {arm: "Microsoft.AppConfiguration/configurationStores", fields: []field{
		{from: "sku", arm: "sku.name"}, {from: "public_network_access", arm: "properties.publicNetworkAccess"},
		{from: "local_auth_enabled", arm: "properties.disableLocalAuth", to: inverted},
		{from: "purge_protection_enabled", arm: "properties.enablePurgeProtection"},
	}},
	"azurerm_automation_account": {arm: "Microsoft.Automation/automationAccounts", fields: []field{
		{from: "public_network_access_enabled", arm: "properties.publicNetworkAccess"},
		{from: "local_authentication_enabled", arm: "properties.disableLocalAuth", to: inverted},
	}},
	"azurerm_batch_account": {arm: "Microsoft.Batch/batchAccounts", fields: []field{
		{from: "public_network_access_enabled", arm: "properties.publicNetworkAccess", to: enabled},
	}},
	"azurerm_recovery_services_vault": {arm: "Microsoft.RecoveryServices/vaults", fields: []field{
		{from: "sku", arm: "sku.name"}, {from: "public_network_access_enabled", arm: "properties.publicNetworkAccess", to: enabled},
		{from: "immutability", arm: "properties.securitySettings.immutabilitySettings.state"},
	}},
	"azurerm_private_endpoint": {arm: "Microsoft.Network/privateEndpoints", fields: []field{
		{from: "subnet_id", arm: "properties.subnet.id"},
		{from: "private_service_connection", arm: "properties.privateLinkServiceConnections", each: []field{
			{from: "name", arm: "name"}, {from: "private_connection_resource_id", arm: "properties.privateLinkServiceId"},
			{from: "subresource_names", arm: "properties.groupIds"},
		}},
	}},
	"azurerm_security_center_subscription_pricing": {arm: "Microsoft.Security/pricings", subscription: true, nameFrom: "resource_type", fields: []field{
		{from: "tier", arm: "properties.pricingTier"}, {from: "subplan", arm: "properties.subPlan"},
	}},
	"azurerm_security_center_contact": {arm: "Microsoft.Security/securityContacts", subscription: true, fields: []field{
		{from: "email", arm: "properties.emails"}, {from: "phone", arm: "properties.phone"},
		{from: "alert_notifications", arm: "properties.alertNotifications.state", to: onOff},
		{from: "alerts_to_admins", arm: "properties.notificationsByRole.state", to: onOff},
	}},
}
