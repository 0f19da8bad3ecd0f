package risk

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/content"
)

func TestReadAndLevel(t *testing.T) {
	m := New(&content.RiskModel{
		Severity: map[string]int{"high": 30, "low": 10},
		Levels:   map[string]int{"critical": 50, "high": 30, "medium": 20},
		Factors: []content.RiskFactor{
			{Words: "exposed", Weight: 15, When: []content.RiskSign{
				{Types: []string{"A/b"}, Path: "properties.Net.public", Equals: []string{"True"}},
				{Path: "properties.ports", Least: 2},
			}},
			{Words: "critical asset", Weight: 10, When: []content.RiskSign{{Tag: "env", Equals: []string{"prod"}}}},
		},
	})
	tests := []struct {
		name, typ, properties, env string
		severity                   content.Severity
		want                       Level
		words                      []string
	}{
		{"nothing", "a/b", `{}`, "", content.High, High, []string{"severity high"}},
		{"property-in-any-case", "a/b", `{"NET":{"Public":"true"}}`, "", content.Low, Medium, []string{"severity low", "exposed"}},
		{"other-type", "a/c", `{"net":{"public":"true"}}`, "", content.Low, Low, []string{"severity low"}},
		{"number", "a/c", `{"ports":2}`, "", content.Low, Medium, []string{"severity low", "exposed"}},
		{"number-too-small", "a/c", `{"ports":1}`, "", content.Low, Low, []string{"severity low"}},
		{"tag", "a/c", `{}`, "PROD", content.Low, Medium, []string{"severity low", "critical asset"}},
		{"both", "a/c", `{"ports":3}`, "prod", content.High, Critical, []string{"severity high", "exposed", "critical asset"}},
		{"without-severity", "a/c", `{"ports":3}`, "prod", "", None, []string{"severity ", "exposed", "critical asset"}},
		{"no-object", "a/c", `7`, "", content.Low, Low, []string{"severity low"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			factors := m.Read(test.typ, []byte(test.properties), func(name string) (string, bool) { return test.env, name == "env" && test.env != "" })
			if got := m.Level(test.severity, factors); got != test.want {
				t.Errorf("level %d, want %d", got, test.want)
			}
			if diff := cmp.Diff(test.words, m.Words(test.severity, factors)); diff != "" {
				t.Errorf("words (-want +got):\n%s", diff)
			}
		})
	}
}
