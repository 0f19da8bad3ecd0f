package proof

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

var now = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// sample is a recommendation that is right in every respect.
func sample() *content.Recommendation {
	const resource = `{"id":"/subscriptions/s/resourceGroups/g/providers/Example.Store/things/t","type":"Example.Store/things","properties":{"https":true}}`
	return &content.Recommendation{
		ID: "0a2b9c1e-5c1d-4d6e-8f70-1a2b3c4d5e6f", Name: "https", Version: "1.0.0", Title: "Things should encrypt", Mode: "All", Effect: "audit",
		If:          json.RawMessage(`{"allOf":[{"field":"type","equals":"Example.Store/things"},{"field":"Example.Store/things/https","notEquals":true}]}`),
		Remediation: content.Remediation{Patch: json.RawMessage(`[{"op":"add","path":"/properties/https","value":true}]`)},
		Examples: []content.Example{
			{Name: "good", Want: "healthy", Resource: json.RawMessage(resource)},
			{Name: "bad", Want: "unhealthy", From: "good", Patch: json.RawMessage(`[{"op":"replace","path":"/properties/https","value":false}]`)},
		},
	}
}

func run(r *content.Recommendation) []policy.TestResult {
	return Run([]*content.Recommendation{r}, Options{Now: now, Mutate: true})
}

func TestRunProvesASoundRecommendation(t *testing.T) {
	results := run(sample())
	if len(results) != 5 { // two examples, one fix, two conditions
		t.Fatalf("%d results, want 5: %+v", len(results), results)
	}
	for _, result := range results {
		if !result.Passed() {
			t.Errorf("failed: %+v", result)
		}
	}
}

func TestRunFindsWhatIsWrong(t *testing.T) {
	cases := []struct {
		name    string
		spoil   func(r *content.Recommendation)
		example string
		got     string
	}{
		{"wrong-state", func(r *content.Recommendation) { r.Examples[1].Want = "healthy" }, "bad", "unhealthy"},
		{"fix-does-not-heal", func(r *content.Recommendation) {
			r.Remediation.Patch = json.RawMessage(`[{"op":"add","path":"/properties/tls","value":true}]`)
		}, "fix of bad", "unhealthy"},
		{"fix-fails", func(r *content.Recommendation) {
			r.Remediation.Patch = json.RawMessage(`[{"op":"remove","path":"/properties/tls"}]`)
		}, "fix of bad", ""},
		{"decoration", func(r *content.Recommendation) {
			r.If = json.RawMessage(`{"allOf":[{"field":"type","equals":"Example.Store/things"},{"field":"Example.Store/things/https","notEquals":true},{"field":"Example.Store/things/https","exists":true}]}`)
		}, `without {"exists":true,"field":"Example.Store/things/https"}`, policy.Unnoticed},
		{"does-not-compile", func(r *content.Recommendation) { r.If = json.RawMessage(`{"field":"type","resembles":"x"}`) }, "good", ""},
		{"unknown-parameter", func(r *content.Recommendation) { r.Examples[0].Parameters = json.RawMessage(`{"days":1}`) }, "good", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := sample()
			c.spoil(r)
			results := run(r)
			i := slices.IndexFunc(results, func(result policy.TestResult) bool { return result.Example == c.example })
			if i < 0 || results[i].Passed() || results[i].Got != c.got {
				t.Errorf("results %+v; want %s to fail with %q", results, c.example, c.got)
			}
		})
	}
}

// TestLibrary proves everything that the product knows: the states of all
// examples, the fixes, and that each condition matters.
func TestLibrary(t *testing.T) {
	library, err := content.Load()
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, result := range Run(library.Recommendations, Options{Now: now, Mutate: true}) {
		kinds[strings.SplitN(result.Example, " ", 2)[0]]++
		if !result.Passed() {
			t.Errorf("%s: %s: got %q, want %q (%s)", result.Policy, result.Example, result.Got, result.Want, result.Reason)
		}
	}
	if kinds["fix"] == 0 || kinds["without"] == 0 {
		t.Errorf("nothing was fixed or removed: %v", kinds)
	}
}
