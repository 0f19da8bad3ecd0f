package assess

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/content"
)

const storageTemplate = `{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0",
  "parameters": {"https": {"type": "bool"}},
  "resources": [
    {"type": "Microsoft.Storage/storageAccounts", "apiVersion": "2023-01-01", "name": "open", "location": "westeurope", "kind": "StorageV2",
      "properties": {"supportsHttpsTrafficOnly": false}},
    {"type": "Microsoft.Storage/storageAccounts", "apiVersion": "2023-01-01", "name": "maybe", "location": "westeurope", "kind": "StorageV2",
      "properties": {"supportsHttpsTrafficOnly": "[parameters('https')]"}}]}`

// found returns the states of the findings on a resource whose reason names a
// property.
func found(r *TemplateReport, resource, property string) (states []string) {
	for _, f := range r.Findings {
		if strings.HasSuffix(f.ResourceID, "/"+resource) && strings.Contains(f.Reason, property) {
			states = append(states, f.State)
		}
	}
	return states
}

func TestScanTemplates(t *testing.T) {
	r, err := ScanTemplates(TemplateOptions{
		Files: []TemplateFile{{"main.json", []byte(storageTemplate)}, {"broken.json", []byte("{")}},
		Now:   time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.Files != 2 || r.Resources != 2 {
		t.Errorf("%d files and %d resources", r.Files, r.Resources)
	}
	for resource, want := range map[string]string{"open": "unhealthy", "maybe": "unknown"} {
		states := found(r, resource, "supportsHttpsTrafficOnly")
		if len(states) == 0 || states[0] != want {
			t.Errorf("HTTPS of %s is %v, want %s", resource, states, want)
		}
	}
	if len(r.Problems) != 1 || r.Problems[0].File != "broken.json" {
		t.Errorf("problems %+v", r.Problems)
	}
	if !r.FoundAtLeast(content.Low) {
		t.Error("nothing was found")
	}
	var table bytes.Buffer
	if err := r.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(table.String(), "main.json: Microsoft.Storage/storageAccounts/open") || !strings.Contains(table.String(), "not read   broken.json") {
		t.Errorf("table:\n%s", table.String())
	}
}
