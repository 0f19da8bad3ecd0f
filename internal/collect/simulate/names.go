package simulate

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

var (
	locations    = []string{"westeurope", "northeurope", "eastus", "eastus2", "swedencentral", "germanywestcentral", "southeastasia"}
	environments = []string{"production", "production", "production", "staging", "test", "development"}
	groupNames   = []string{"payments", "web", "data", "identity", "platform", "analytics", "mobile", "search", "billing", "support", "build",
		"network", "logging", "backup", "intranet", "partners", "orders", "warehouse", "media", "research", "reports", "mail", "legacy", "sandbox"}
)

// subscriptionID is the id of the n-th subscription.
func subscriptionID(n uint64) string {
	return fmt.Sprintf("/subscriptions/5ab50000-0000-4000-8000-%012x", n+1)
}

// shortName abbreviates a type for names: "virtualMachines" gives "virtualmac".
func shortName(typ string) string {
	last := strings.ToLower(typ[strings.LastIndexByte(typ, '/')+1:])
	return last[:min(len(last), 10)]
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
