package plan

import "strings"

// Plan is one row of the tier table: a protection plan that a subscription can
// have on Free or on Standard.
type Plan struct {
	Name  string // in the API: pricings/<Name>
	Title string
	// SubPlans are the sub-plans that Standard may name; the first is what
	// Standard means when none is named. Empty: the plan has none.
	SubPlans []string
	// Extensions are the switches that the plan has on Standard.
	Extensions []string
	// ReplacedBy names the plans that took over; such a plan is deprecated and
	// can be kept or turned off, but not turned on.
	ReplacedBy []string
	// AlwaysFree plans have no Standard tier.
	AlwaysFree bool
	// ResourceTypes are the types that may carry a setting of their own below
	// the subscription's. Empty: the plan is set per subscription only.
	ResourceTypes []string
}

// Deprecated reports whether other plans took over.
func (p *Plan) Deprecated() bool { return len(p.ReplacedBy) > 0 }

// Table is every plan, sorted by name. It is data: the rules in state.go read
// nothing else.
var Table = []Plan{
	{Name: "AI", Title: "AI services"},
	{Name: "Api", Title: "APIs", SubPlans: []string{"P1", "P2", "P3", "P4", "P5"}},
	{Name: "AppServices", Title: "App Service"},
	{Name: "Arm", Title: "Resource Manager", SubPlans: []string{"PerSubscription", "PerApiCall"}},
	{Name: "CloudPosture", Title: "Posture management",
		Extensions: []string{"AgentlessDiscoveryForKubernetes", "AgentlessVmScanning", "ContainerRegistriesVulnerabilityAssessments", "EntraPermissionsManagement", "SensitiveDataDiscovery"}},
	{Name: "ContainerRegistry", Title: "Container registries", ReplacedBy: []string{"Containers"}},
	{Name: "Containers", Title: "Containers",
		Extensions: []string{"AgentlessDiscoveryForKubernetes", "AgentlessVmScanning", "ContainerIntegrityContribution", "ContainerRegistriesVulnerabilityAssessments", "ContainerSensor"}},
	{Name: "CosmosDbs", Title: "Cosmos DB"},
	{Name: "Dns", Title: "DNS", ReplacedBy: []string{"VirtualMachines"}},
	{Name: "FoundationalCspm", Title: "Foundational posture", AlwaysFree: true},
	{Name: "KeyVaults", Title: "Key Vault", SubPlans: []string{"PerKeyVault", "PerTransaction"}},
	{Name: "KubernetesService", Title: "Kubernetes", ReplacedBy: []string{"Containers"}},
	{Name: "OpenSourceRelationalDatabases", Title: "Open-source databases"},
	{Name: "SqlServers", Title: "SQL databases"},
	{Name: "SqlServerVirtualMachines", Title: "SQL servers on machines"},
	{Name: "StorageAccounts", Title: "Storage accounts",
		SubPlans:   []string{"DefenderForStorageV2", "PerStorageAccount", "PerTransaction"},
		Extensions: []string{"OnUploadMalwareScanning", "SensitiveDataDiscovery"}},
	{Name: "VirtualMachines", Title: "Servers", SubPlans: []string{"P2", "P1"},
		Extensions: []string{"AgentlessVmScanning", "MdeDesignatedSubscription"},
		ResourceTypes: []string{"Microsoft.Compute/virtualMachines", "Microsoft.Compute/virtualMachineScaleSets",
			"Microsoft.HybridCompute/machines"}},
}

// Find returns the plan with a name, whatever its case, or nil.
func Find(name string) *Plan {
	for i := range Table {
		if strings.EqualFold(Table[i].Name, name) {
			return &Table[i]
		}
	}
	return nil
}

// canonical gives the spelling that list has for name, "" if it has none.
func canonical(list []string, name string) string {
	for _, known := range list {
		if strings.EqualFold(known, name) {
			return known
		}
	}
	return ""
}
