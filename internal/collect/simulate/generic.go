package simulate

import (
	"encoding/json"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// generic types are part of every estate, whether content judges them or not.
// The weight is the share relative to 1 for a type that is not named.
var generic = []struct {
	typ    string
	weight float64
}{
	{"Microsoft.Compute/virtualMachines", 12}, {"Microsoft.Compute/disks", 14}, {"Microsoft.Compute/virtualMachineScaleSets", 2},
	{"Microsoft.Compute/snapshots", 3}, {"Microsoft.Compute/images", 1}, {"Microsoft.Compute/availabilitySets", 1},
	{"Microsoft.HybridCompute/machines", 4}, {"Microsoft.Network/networkInterfaces", 14}, {"Microsoft.Network/networkSecurityGroups", 6},
	{"Microsoft.Network/virtualNetworks", 3}, {"Microsoft.Network/publicIPAddresses", 5}, {"Microsoft.Network/loadBalancers", 2},
	{"Microsoft.Network/applicationGateways", 1}, {"Microsoft.Network/routeTables", 2}, {"Microsoft.Network/privateEndpoints", 4},
	{"Microsoft.Network/privateDnsZones", 2}, {"Microsoft.Network/virtualNetworkGateways", 0.5}, {"Microsoft.Network/natGateways", 0.5},
	{"Microsoft.Network/frontDoors", 0.5}, {"Microsoft.Network/networkWatchers", 1}, {"Microsoft.Storage/storageAccounts", 10},
	{"Microsoft.Sql/servers", 4}, {"Microsoft.Sql/managedInstances", 0.5}, {"Microsoft.DBforPostgreSQL/flexibleServers", 2},
	{"Microsoft.DBforMySQL/flexibleServers", 1}, {"Microsoft.DocumentDB/databaseAccounts", 2}, {"Microsoft.Cache/redis", 1},
	{"Microsoft.Web/sites", 9}, {"Microsoft.Web/serverFarms", 4}, {"Microsoft.KeyVault/vaults", 6}, {"Microsoft.ContainerService/managedClusters", 2},
	{"Microsoft.ContainerRegistry/registries", 1.5}, {"Microsoft.App/containerApps", 2}, {"Microsoft.App/managedEnvironments", 1},
	{"Microsoft.ServiceFabric/clusters", 0.5}, {"Microsoft.EventHub/namespaces", 2}, {"Microsoft.ServiceBus/namespaces", 2},
	{"Microsoft.Logic/workflows", 2}, {"Microsoft.DataFactory/factories", 1}, {"Microsoft.Synapse/workspaces", 0.5},
	{"Microsoft.CognitiveServices/accounts", 1}, {"Microsoft.MachineLearningServices/workspaces", 0.5}, {"Microsoft.Search/searchServices", 0.5},
	{"Microsoft.Insights/components", 4}, {"Microsoft.OperationalInsights/workspaces", 1}, {"Microsoft.ManagedIdentity/userAssignedIdentities", 4},
	{"Microsoft.ApiManagement/service", 0.5}, {"Microsoft.RecoveryServices/vaults", 1}, {"Microsoft.Automation/automationAccounts", 0.5},
	{"Microsoft.Batch/batchAccounts", 0.3}, {"Microsoft.Devices/IotHubs", 0.3}, {"Microsoft.SignalRService/SignalR", 0.3},
	{"Microsoft.AppConfiguration/configurationStores", 0.5}, {"Microsoft.EventGrid/topics", 0.5}, {"Microsoft.Databricks/workspaces", 0.5},
	{"Microsoft.HDInsight/clusters", 0.2}, {"Microsoft.Kusto/clusters", 0.2}, {"Microsoft.StreamAnalytics/streamingJobs", 0.2},
}

func weightOf(typ string) float64 {
	for _, g := range generic {
		if arm.Fold(g.typ) == arm.Fold(typ) {
			return g.weight
		}
	}
	return 0.3
}

// genericChild may hang on every resource.
var genericChild = childModel{
	suffix: "/providers/Microsoft.Insights/diagnosticSettings/default",
	typ:    "Microsoft.Insights/diagnosticSettings",
	variants: []template{newTemplate(mustObject(`{"properties":{"workspaceId":"/subscriptions/00000000-0000-0000-0000-00000000f00d/resourceGroups/logs/providers/Microsoft.OperationalInsights/workspaces/central",
		"logs":[{"category":"AuditEvent","enabled":true,"retentionPolicy":{"enabled":true,"days":365}}],"metrics":[{"category":"AllMetrics","enabled":true}]}}`)),
		newTemplate(mustObject(`{"properties":{"logs":[{"category":"AuditEvent","enabled":false}],"metrics":[]}}`))},
}

// mustObject decodes a literal of this package.
func mustObject(s string) map[string]any {
	var m map[string]any
	if err := json.Unmarshal([]byte(s), &m); err != nil {
		panic(err)
	}
	return m
}
