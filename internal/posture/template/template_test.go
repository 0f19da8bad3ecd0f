package template

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

func read(t *testing.T, data string, opt Options) *Result {
	t.Helper()
	result, err := Read([]byte(data), opt)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// byName finds a document by the end of its id.
func byName(t *testing.T, result *Result, suffix string) wire.Document {
	t.Helper()
	for _, doc := range result.Documents {
		if strings.HasSuffix(doc.ID, suffix) {
			return doc
		}
	}
	t.Fatalf("no document ends in %s: %+v", suffix, result)
	return wire.Document{}
}

func property(t *testing.T, doc wire.Document, path ...string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(doc.Body, &v); err != nil {
		t.Fatal(err)
	}
	for _, key := range path {
		m, ok := v.(map[string]any)
		if !ok {
			t.Fatalf("%v has no %s", v, key)
		}
		v = m[key]
	}
	return v
}

func hides(doc wire.Document, path string) bool {
	return slices.ContainsFunc(doc.Unavailable, func(text string) bool { return strings.HasPrefix(text, path+" ") })
}

const armTemplate = `{
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0",
  "parameters": {"prefix": {"type": "string"}, "tls": {"type": "string", "defaultValue": "TLS1_2"}, "secret": {"type": "securestring"}},
  "variables": {"names": ["a", "b"], "copy": [{"name": "ports", "count": 2, "input": "[add(copyIndex('ports'), 8080)]"}],
    "loop": "[variables('loop')]"},
  "functions": [{"namespace": "own", "members": {"join": {"parameters": [{"name": "x", "type": "string"}], "output": {"type": "string", "value": "[concat('own-', parameters('x'))]"}}}}],
  "resources": [
    {"type": "Microsoft.Storage/storageAccounts", "apiVersion": "2023-01-01", "name": "[concat(parameters('prefix'), variables('names')[copyIndex()])]",
     "location": "[resourceGroup().location]", "sku": {"name": "Standard_LRS"}, "copy": {"name": "accounts", "count": "[length(variables('names'))]"},
     "properties": {"minimumTlsVersion": "[parameters('tls')]", "allowBlobPublicAccess": "[equals(parameters('tls'), 'tls1_2')]"},
     "resources": [{"type": "blobServices", "apiVersion": "2023-01-01", "name": "default", "properties": {"isVersioningEnabled": true}}]},
    {"type": "Microsoft.Sql/servers", "apiVersion": "2022-05-01", "name": "[own.join('db')]",
     "properties": {"administratorLoginPassword": "[parameters('secret')]", "version": "[reference('x').version]",
       "copy": [{"name": "rules", "count": 2, "input": {"port": "[variables('ports')[copyIndex('rules')]]"}}]}},
    {"type": "Microsoft.Network/virtualNetworks", "apiVersion": "1", "name": "off", "condition": "[not(true())]"},
    {"type": "Microsoft.Insights/diagnosticSettings", "apiVersion": "1", "name": "logs", "scope": "[concat('Microsoft.Sql/servers/', own.join('db'))]",
     "properties": {"workspaceId": "[resourceId('Microsoft.OperationalInsights/workspaces', 'w')]", "text": "[[literal]", "bad": "[variables('loop')]"}},
    {"type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "inner", "resourceGroup": "other",
     "properties": {"expressionEvaluationOptions": {"scope": "inner"}, "parameters": {"tls": {"value": "[parameters('tls')]"}},
       "template": {"$schema": "x", "parameters": {"tls": {"type": "string"}, "prefix": {"type": "string", "defaultValue": "mine"}},
         "resources": [{"type": "Microsoft.KeyVault/vaults", "apiVersion": "1", "name": "[parameters('prefix')]", "properties": {"tls": "[parameters('tls')]"}}]}}},
    {"type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "linked", "properties": {"templateLink": {"uri": "https://example.com/t.json"}}},
    {"type": "Microsoft.Network/publicIPAddresses", "apiVersion": "1", "name": "[newGuid()]", "properties": {"x": 1}}
  ]}`

func TestARMTemplate(t *testing.T) {
	result := read(t, armTemplate, Options{Parameters: []byte(`{"parameters": {"prefix": {"value": "acc"}}}`)})
	if result.Kind != "arm" || len(result.Documents) != 8 {
		t.Fatalf("%s with %d documents: %+v", result.Kind, len(result.Documents), result)
	}
	account := byName(t, result, "/resourceGroups/template/providers/Microsoft.Storage/storageAccounts/accb")
	if got := property(t, account, "properties", "minimumTlsVersion"); got != "TLS1_2" {
		t.Errorf("TLS is %v", got)
	}
	if got := property(t, account, "properties", "allowBlobPublicAccess"); got != false {
		t.Errorf("equals() of templates ignores case: %v", got)
	}
	if !hides(account, "location") {
		t.Errorf("the group's location counts as known: %v", account.Unavailable)
	}
	if got := byName(t, result, "storageAccounts/acca/blobServices/default"); got.Type != "Microsoft.Storage/storageAccounts/blobServices" {
		t.Errorf("the nested resource has the type %s", got.Type)
	}
	server := byName(t, result, "/servers/own-db")
	if got := fmt.Sprint(property(t, server, "properties", "rules")); got != "[map[port:8080] map[port:8081]]" {
		t.Errorf("the property loop gives %s", got)
	}
	for _, path := range []string{"properties.administratorLoginPassword", "properties.version"} {
		if !hides(server, path) {
			t.Errorf("%s counts as known: %v", path, server.Unavailable)
		}
	}
	logs := byName(t, result, "/servers/own-db/providers/Microsoft.Insights/diagnosticSettings/logs")
	if got := property(t, logs, "properties", "workspaceId"); !strings.HasSuffix(fmt.Sprint(got), "/resourceGroups/template/providers/Microsoft.OperationalInsights/workspaces/w") {
		t.Errorf("resourceId() gives %v", got)
	}
	if got := property(t, logs, "properties", "text"); got != "[literal]" {
		t.Errorf("the escaped text is %v", got)
	}
	if !hides(logs, "properties.bad") {
		t.Errorf("a variable that refers to itself has a value: %v", logs.Unavailable)
	}
	vault := byName(t, result, "/resourceGroups/other/providers/Microsoft.KeyVault/vaults/mine")
	if got := property(t, vault, "properties", "tls"); got != "TLS1_2" {
		t.Errorf("the inner template's parameter is %v", got)
	}
	if ip := byName(t, result, "/publicIPAddresses/unresolved-1"); !hides(ip, "name") {
		t.Errorf("a generated name counts as known: %v", ip.Unavailable)
	}
	if len(result.Problems) != 1 || !strings.Contains(result.Problems[0].Reason, "linked template") {
		t.Errorf("problems %+v", result.Problems)
	}
}

const plan = `{"format_version": "1.2",
  "configuration": {"root_module": {"resources": [
    {"address": "azurerm_mssql_database.db", "expressions": {"server_id": {"references": ["azurerm_mssql_server.main.id", "azurerm_mssql_server.main"]}}},
    {"address": "azurerm_monitor_diagnostic_setting.logs", "expressions": {"target_resource_id": {"references": ["azurerm_mssql_server.main.id"]}}}]}},
  "resource_changes": [
    {"address": "azurerm_mssql_database.db", "mode": "managed", "type": "azurerm_mssql_database", "change": {"actions": ["create"],
      "after": {"name": "db", "zone_redundant": null, "transparent_data_encryption_enabled": true}, "after_unknown": {"id": true, "server_id": true}}},
    {"address": "azurerm_mssql_server.main", "mode": "managed", "type": "azurerm_mssql_server", "change": {"actions": ["create"],
      "after": {"name": "srv", "resource_group_name": "data", "location": "westeurope", "minimum_tls_version": "1.2", "public_network_access_enabled": true, "azuread_administrator": []},
      "after_unknown": {"id": true, "version": true}}},
    {"address": "azurerm_monitor_diagnostic_setting.logs", "mode": "managed", "type": "azurerm_monitor_diagnostic_setting", "change": {"actions": ["create"],
      "after": {"name": "d", "enabled_log": [{"category": "Audit"}]}, "after_unknown": {"target_resource_id": true, "enabled_log": [{}]}}},
    {"address": "azurerm_network_security_group.nsg", "mode": "managed", "type": "azurerm_network_security_group", "change": {"actions": ["update"],
      "after": {"name": "nsg", "resource_group_name": "net", "security_rule": [{"name": "ssh", "access": "Allow", "destination_port_range": "22"}, {"name": "web", "access": "Allow"}]},
      "after_unknown": {"security_rule": [{}, {"source_address_prefix": true}]}}},
    {"address": "azurerm_linux_web_app.app", "mode": "managed", "type": "azurerm_linux_web_app", "change": {"actions": ["create"],
      "after": {"name": "app", "resource_group_name": "web", "https_only": false, "site_config": [{"minimum_tls_version": "1.0"}]}, "after_unknown": {}}},
    {"address": "azurerm_storage_account.gone", "mode": "managed", "type": "azurerm_storage_account", "change": {"actions": ["delete"], "after": null}},
    {"address": "azurerm_dns_zone.z", "mode": "managed", "type": "azurerm_dns_zone", "change": {"actions": ["create"], "after": {"name": "z"}}},
    {"address": "random_id.r", "mode": "managed", "type": "random_id", "change": {"actions": ["create"], "after": {}}}]}`

func TestTerraformPlan(t *testing.T) {
	reads := func(typ string) []string {
		return []string{"properties.minimalTlsVersion", "properties.privateEndpointConnections[*].properties.state", "Microsoft.Insights/diagnosticSettings", "Microsoft.Security/assessments"}
	}
	result := read(t, plan, Options{Reads: reads})
	if result.Kind != "terraform" || len(result.Documents) != 7 {
		t.Fatalf("%s with %d documents: %+v", result.Kind, len(result.Documents), result)
	}
	server := byName(t, result, "/resourceGroups/data/providers/Microsoft.Sql/servers/srv")
	if got := property(t, server, "properties", "publicNetworkAccess"); got != "Enabled" {
		t.Errorf("public access is %v", got)
	}
	for path, want := range map[string]bool{
		"properties.version": true, "properties.minimalTlsVersion": false, "properties.privateEndpointConnections[*].properties.state": true,
		"Microsoft.Insights/diagnosticSettings": false, "Microsoft.Security/assessments": true,
	} {
		if hides(server, path) != want {
			t.Errorf("%s unavailable is %v: %v", path, !want, server.Unavailable)
		}
	}
	byName(t, result, "/servers/srv/databases/db")
	if got := property(t, byName(t, result, "/databases/db/transparentDataEncryption/current"), "properties", "state"); got != "Enabled" {
		t.Errorf("encryption is %v", got)
	}
	logs := byName(t, result, "/servers/srv/providers/Microsoft.Insights/diagnosticSettings/d")
	if got := fmt.Sprint(property(t, logs, "properties", "logs")); got != "[map[category:Audit enabled:true]]" {
		t.Errorf("logs are %s", got)
	}
	nsg := byName(t, result, "/networkSecurityGroups/nsg")
	if !hides(nsg, "properties.securityRules[*].properties.sourceAddressPrefix") {
		t.Errorf("an unknown source counts as known: %v", nsg.Unavailable)
	}
	if got := property(t, byName(t, result, "/sites/app/config/web"), "properties", "minTlsVersion"); got != "1.0" {
		t.Errorf("the site's configuration has TLS %v", got)
	}
	if len(result.Problems) != 1 || result.Problems[0].Path != "azurerm_dns_zone.z" {
		t.Errorf("problems %+v", result.Problems)
	}
}

func TestClaims(t *testing.T) {
	c := claims{}
	c.add(field{arm: "properties.networkAcls.ipRules"})
	c.add(field{arm: "properties.subnets", each: []field{{arm: "properties.addressPrefixes"}}})
	for path, want := range map[string]bool{
		"properties.networkAcls":                           true,
		"properties.networkacls.IPRULES[*].value":          true,
		"properties.networkAcls.bypass":                    false,
		"properties.subnets":                               true,
		"properties.subnets[*]":                            true,
		"properties.subnets[*].properties.addressPrefixes": true,
		"properties.subnets[*].properties.routeTable.id":   false,
		"properties.subnetsElse":                           false,
	} {
		if got := c.covers(path); got != want {
			t.Errorf("%s covered is %v", path, got)
		}
	}
}

func TestPlanAttributes(t *testing.T) {
	object := func(text string) policy.Value {
		v, err := policy.ParseValue([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	p := planned{
		values:  object(`{"set": 1, "unset": null, "block": [{"x": 2}], "none": []}`),
		unknown: object(`{"later": true, "block": [{"y": true}]}`),
	}
	tests := []struct {
		path string
		want policy.Kind
		said bool
	}{
		{"set", policy.Int, true},
		{"unset", policy.Missing, true},
		{"unset.x", policy.Missing, true},
		{"later", policy.Unavailable, true},
		{"later.x", policy.Unavailable, true},
		{"block.x", policy.Int, true},
		{"block.y", policy.Unavailable, true},
		{"block.z", policy.Missing, false},
		{"none.x", policy.Missing, true},
		{"no_such_attribute", policy.Missing, false},
	}
	for _, test := range tests {
		if v, said := p.attribute(test.path); v.Kind != test.want || said != test.said {
			t.Errorf("%s is %s, said %v; want %s, %v", test.path, v.Kind, said, test.want, test.said)
		}
	}
	p.unknown = policy.Value{}
	if v, _ := p.attribute("no_such_attribute"); v.Kind != policy.Unavailable {
		t.Errorf("in a plan that leaves unknown values out, an absent one is %s", v.Kind)
	}
}

// What is not in the template never makes a resource pass.
func TestUnresolvedIsNeverAPass(t *testing.T) {
	d, err := policy.ParseDefinition([]byte(`{"mode": "All", "policyRule": {"if": {"allOf": [{"field": "type", "equals": "Microsoft.Sql/servers"},
		{"field": "Microsoft.Sql/servers/version", "notEquals": "12.0"}]}, "then": {"effect": "audit"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	b, err := policy.Bind(d, nil, policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	doc := byName(t, read(t, plan, Options{}), "/servers/srv")
	r, err := policy.NewResource(doc)
	if err != nil {
		t.Fatal(err)
	}
	e := &policy.Evaluator{Aliases: policy.NewAliases()}
	if got := e.Evaluate(b, r, policy.Environment{}); got.State != policy.Unknown || !strings.Contains(got.Reason, "known after apply") {
		t.Errorf("%s (%s), want unknown", got.State, got.Reason)
	}
}

func TestReadErrors(t *testing.T) {
	for name, in := range map[string]string{"empty": "", "other-json": `{"a": 1}`, "truncated": `{"format_version": `} {
		t.Run(name, func(t *testing.T) {
			if _, err := Read([]byte(in), Options{}); err == nil {
				t.Error("no error")
			}
		})
	}
	if _, err := Read([]byte(armTemplate), Options{Parameters: []byte("{")}); err == nil {
		t.Error("a truncated parameter file is no error")
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(armTemplate), []byte(`{"prefix": "x"}`))
	f.Add([]byte(plan), []byte(``))
	f.Fuzz(func(t *testing.T, data, parameters []byte) {
		result, err := Read(data, Options{Parameters: parameters, Reads: func(string) []string { return []string{"properties.x", "A.B/c"} }})
		if err != nil {
			return
		}
		for _, doc := range result.Documents {
			if _, err := policy.NewResource(doc); err != nil {
				t.Fatalf("an unusable document: %v", err)
			}
		}
	})
}
