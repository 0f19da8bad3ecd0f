package web

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/record"
	"github.com/rampart-sec/rampart/internal/posture/risk"
)

// mark is a shape, a word and a colour that mean the same.
type mark struct{ Icon, Class, Word string }

func severityMark(s content.Severity) mark {
	switch s {
	case content.Critical:
		return mark{"critical", "critical", "Critical"}
	case content.High:
		return mark{"high", "high", "High"}
	case content.Medium:
		return mark{"medium", "medium", "Medium"}
	case content.Low:
		return mark{"low", "low", "Low"}
	}
	return mark{"none", "unknown", "None"}
}

func riskMark(r risk.Level) mark {
	return severityMark(map[risk.Level]content.Severity{
		risk.Critical: content.Critical, risk.High: content.High,
		risk.Medium: content.Medium, risk.Low: content.Low,
	}[r])
}

func stateMark(s record.State) mark {
	switch s {
	case record.Healthy:
		return mark{"ok", "ok", "Healthy"}
	case record.Unhealthy:
		return mark{"cross", "high", "Unhealthy"}
	case record.Unknown:
		return mark{"unknown", "unknown", "Unknown"}
	case record.Exempt:
		return mark{"exempt", "low", "Exempt"}
	}
	return mark{"none", "unknown", "Not applicable"}
}

// disabledMark is the state of a finding that a rule disables.
func disabledMark() mark { return mark{"exempt", "low", "Disabled"} }

// parseState reads a state's name in an address; ok is false for any other text.
func parseState(s string) (record.State, bool) {
	for _, state := range allStates {
		if state.String() == s {
			return state, true
		}
	}
	return 0, false
}

// allStates is the order of states in menus: what needs work first.
var allStates = []record.State{record.Unhealthy, record.Unknown, record.Healthy, record.Exempt, record.NotApplicable}

// severities is the order of severities in menus.
var severities = []content.Severity{content.Critical, content.High, content.Medium, content.Low}

// typeNames are what people call the common resource types, keyed by folded
// type: singular and plural.
var typeNames = map[string][2]string{
	"microsoft.app/containerapps":                                {"Container app", "Container apps"},
	"microsoft.apimanagement/service":                            {"API Management service", "API Management services"},
	"microsoft.cache/redis":                                      {"Redis cache", "Redis caches"},
	"microsoft.cognitiveservices/accounts":                       {"AI services account", "AI services accounts"},
	"microsoft.compute/disks":                                    {"Managed disk", "Managed disks"},
	"microsoft.compute/virtualmachines":                          {"Virtual machine", "Virtual machines"},
	"microsoft.compute/virtualmachines/extensions":               {"VM extension", "VM extensions"},
	"microsoft.compute/virtualmachinescalesets":                  {"VM scale set", "VM scale sets"},
	"microsoft.containerregistry/registries":                     {"Container registry", "Container registries"},
	"microsoft.containerregistry/registries/images":              {"Container image", "Container images"},
	"microsoft.containerservice/managedclusters":                 {"Kubernetes cluster", "Kubernetes clusters"},
	"microsoft.dbformysql/flexibleservers":                       {"MySQL server", "MySQL servers"},
	"microsoft.dbforpostgresql/flexibleservers":                  {"PostgreSQL server", "PostgreSQL servers"},
	"microsoft.documentdb/databaseaccounts":                      {"Cosmos DB account", "Cosmos DB accounts"},
	"microsoft.eventhub/namespaces":                              {"Event Hubs namespace", "Event Hubs namespaces"},
	"microsoft.guestconfiguration/guestconfigurationassignments": {"Machine facts", "Machine facts"},
	"microsoft.hybridcompute/machines":                           {"Server", "Servers"},
	"microsoft.insights/diagnosticsettings":                      {"Diagnostic setting", "Diagnostic settings"},
	"microsoft.keyvault/vaults":                                  {"Key vault", "Key vaults"},
	"microsoft.logic/workflows":                                  {"Logic app", "Logic apps"},
	"microsoft.machinelearningservices/workspaces":               {"Machine learning workspace", "Machine learning workspaces"},
	"microsoft.network/applicationgateways":                      {"Application gateway", "Application gateways"},
	"microsoft.network/networkinterfaces":                        {"Network interface", "Network interfaces"},
	"microsoft.network/networksecuritygroups":                    {"Network security group", "Network security groups"},
	"microsoft.network/privateendpoints":                         {"Private endpoint", "Private endpoints"},
	"microsoft.network/publicipaddresses":                        {"Public IP address", "Public IP addresses"},
	"microsoft.network/virtualnetworks":                          {"Virtual network", "Virtual networks"},
	"microsoft.network/virtualnetworks/subnets":                  {"Subnet", "Subnets"},
	"microsoft.resources/subscriptions":                          {"Subscription", "Subscriptions"},
	"microsoft.resources/subscriptions/resourcegroups":           {"Resource group", "Resource groups"},
	"microsoft.servicebus/namespaces":                            {"Service Bus namespace", "Service Bus namespaces"},
	"microsoft.servicefabric/clusters":                           {"Service Fabric cluster", "Service Fabric clusters"},
	"microsoft.sql/managedinstances":                             {"SQL managed instance", "SQL managed instances"},
	"microsoft.sql/servers":                                      {"SQL server", "SQL servers"},
	"microsoft.sql/servers/databases":                            {"SQL database", "SQL databases"},
	"microsoft.storage/storageaccounts":                          {"Storage account", "Storage accounts"},
	"microsoft.web/sites":                                        {"App Service app", "App Service apps"},
	"microsoft.web/sites/config":                                 {"App configuration", "App configurations"},
}

// typeName is what people call a type: the table's word, or the type's last
// segment taken apart ("virtualHubs" is "Virtual hubs").
func typeName(t string) string {
	if names, ok := typeNames[arm.Fold(t)]; ok {
		return names[0]
	}
	return strings.TrimSuffix(splitWords(t), "s")
}

// typePlural is typeName for several.
func typePlural(t string) string {
	if names, ok := typeNames[arm.Fold(t)]; ok {
		return names[1]
	}
	return splitWords(t)
}

func splitWords(t string) string {
	var b strings.Builder
	for i, r := range t[strings.LastIndexByte(t, '/')+1:] {
		switch {
		case i == 0:
			b.WriteRune(unicode.ToUpper(r))
		case unicode.IsUpper(r):
			b.WriteRune(' ')
			b.WriteRune(unicode.ToLower(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// resourceName is the last segment of an id as people read it, the id itself if
// it is none.
func resourceName(id string) string {
	parsed, err := arm.ParseID(id)
	if err != nil || parsed.Name() == "" {
		return strings.Map(visible, id)
	}
	return strings.Map(visible, parsed.Name())
}

// place says where a resource lives: its resource group, else its subscription.
func place(id string) string {
	parsed, err := arm.ParseID(id)
	switch {
	case err != nil:
		return ""
	case parsed.IsChild():
		return "in " + parsed.Root().Name()
	case parsed.ResourceGroup() != "":
		return parsed.ResourceGroup()
	}
	return ""
}

// effortWord is the reference's effort enum in plain words.
func effortWord(effort string) string {
	switch strings.ToLower(effort) {
	case "low":
		return "Minutes"
	case "moderate":
		return "Hours"
	case "high":
		return "Days"
	}
	return "Not known"
}

// assessed is how many resources a recommendation was judged on, exempt ones
// included.
func assessed(c record.Counts) int { return c.Healthy + c.Unhealthy + c.Unknown + c.Exempt }

// listedTags is how many tags a row of a list shows; the resource's page shows
// all.
const listedTags = 3

// firstTags are the first tags by name.
func firstTags(tags map[string]string) []tagPair {
	var pairs []tagPair
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		if len(pairs) == listedTags {
			break
		}
		pairs = append(pairs, tagPair{name, tags[name]})
	}
	return pairs
}
