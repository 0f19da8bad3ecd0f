package api_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/face/api/apitest"
)

// TestAssessmentTellsWhy: each unhealthy assessment, asked for by itself, names
// the conditions that decided with what was found; lists and healthy ones do not.
func TestAssessmentTellsWhy(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	told := map[string]string{} // path -> found, of the storage account
	for _, x := range s.List(s.Storage() + "/providers/Microsoft.Security/assessments") {
		p := x["properties"].(map[string]any)
		if p["additionalData"].(map[string]any)["evidence"] != nil {
			t.Errorf("a list computes evidence: %v", x)
		}
		one := s.Get(x["id"].(string)).Properties()
		status := one["status"].(map[string]any)
		text, listed := one["additionalData"].(map[string]any)["evidence"].(string)
		if status["code"] != "Unhealthy" {
			if listed {
				t.Errorf("evidence of what is not unhealthy: %v", one)
			}
			continue
		}
		var conditions []struct {
			ResourceID, Path, Found string
			Missing                 bool
		}
		if err := json.Unmarshal([]byte(text), &conditions); err != nil || len(conditions) == 0 {
			t.Errorf("%v: evidence %q, %v", one["displayName"], text, err)
			continue
		}
		for _, c := range conditions {
			if c.Path == "" || c.Path == "type" || (c.Found == "") != c.Missing || c.ResourceID == "" {
				t.Errorf("%v: condition %+v", one["displayName"], c)
			}
			told[c.Path] = c.Found
		}
		if description, _ := status["description"].(string); description == "" {
			t.Errorf("%v: no description", one["displayName"])
		}
	}
	if told["properties.supportsHttpsTrafficOnly"] != "false" || !strings.Contains(told["properties.minimumTlsVersion"], "TLS1_0") {
		t.Errorf("told %v", told)
	}
}
