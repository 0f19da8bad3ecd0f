package alert

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReadTags(t *testing.T) {
	intents, techniques := readTags([]string{"attack.persistence", "attack.t1059.001", "attack.initial_access", "attack.g0001", "car.2016", "attack.execution", "attack.t1078"})
	if diff := cmp.Diff([]string{"InitialAccess", "Execution", "Persistence"}, intents); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"T1059.001", "T1078"}, techniques); diff != "" {
		t.Error(diff)
	}
}

func TestWeigh(t *testing.T) {
	tests := map[string]struct {
		level string
		c     Context
		want  Severity
		lines int
	}{
		"level":                        {"low", Context{}, Low, 1},
		"critical":                     {"critical", Context{}, High, 1},
		"no level":                     {"", Context{}, Medium, 1},
		"it matters":                   {"low", Context{Critical: true, CriticalBecause: "tag tier is gold"}, Medium, 2},
		"exposed alone":                {"medium", Context{Exposed: true}, Medium, 2},
		"exposed and exploited":        {"medium", Context{Exposed: true, Exploited: 2}, High, 2},
		"nothing goes above high":      {"high", Context{Critical: true}, High, 2},
		"informational stays as it is": {"informational", Context{Critical: true}, Informational, 1},
	}
	for name, tt := range tests {
		got, reasons := weigh(tt.level, tt.c)
		if got != tt.want || len(reasons) != tt.lines {
			t.Errorf("%s: %v %q, want %v and %d reasons", name, got, reasons, tt.want, tt.lines)
		}
	}
}

func TestSuppression(t *testing.T) {
	a := &Alert{Type: "VM_Miner", Last: time.Unix(1000, 0), Entities: []Entity{
		{Kind: "process", Name: "/usr/bin/xmrig", Fields: map[string]string{"commandLine": "xmrig --Donate"}}, {Kind: "ip", Name: "192.0.2.1"}}}
	tests := map[string]struct {
		body string
		want bool
	}{
		"type":        {`{"properties":{"alertType":"vm_miner","reason":"Noise","state":"Enabled"}}`, true},
		"other type":  {`{"properties":{"alertType":"other","reason":"Noise","state":"Enabled"}}`, false},
		"every type":  {`{"properties":{"alertType":"*","reason":"Noise","state":"Enabled"}}`, true},
		"disabled":    {`{"properties":{"alertType":"*","reason":"Noise","state":"Disabled"}}`, false},
		"expired":     {`{"properties":{"alertType":"*","reason":"Noise","state":"Enabled","expirationDateUtc":"1970-01-01T00:16:40Z"}}`, false},
		"not yet":     {`{"properties":{"alertType":"*","reason":"Noise","state":"Enabled","expirationDateUtc":"1970-01-01T00:16:41Z"}}`, true},
		"contains":    {`{"properties":{"alertType":"*","reason":"x","state":"Enabled","suppressionAlertsScope":{"allOf":[{"field":"entities.process.commandline","contains":"--donate"}]}}}`, true},
		"in":          {`{"properties":{"alertType":"*","reason":"x","state":"Enabled","suppressionAlertsScope":{"allOf":[{"field":"entities.ip.address","in":["192.0.2.9","192.0.2.1"]}]}}}`, true},
		"all of them": {`{"properties":{"alertType":"*","reason":"x","state":"Enabled","suppressionAlertsScope":{"allOf":[{"field":"entities.ip.address","in":["192.0.2.1"]},{"field":"entities.account.name","in":["eve"]}]}}}`, false},
	}
	for name, tt := range tests {
		s, err := ParseSuppression("/subscriptions/x/r", json.RawMessage(tt.body))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got := s.Selects(a); got != tt.want {
			t.Errorf("%s: selects %v", name, got)
		}
	}
	for name, body := range map[string]string{
		"no properties": `{}`, "no type": `{"properties":{"reason":"x","state":"Enabled"}}`, "no reason": `{"properties":{"alertType":"x","state":"Enabled"}}`,
		"state": `{"properties":{"alertType":"x","reason":"x","state":"On"}}`,
		"term":  `{"properties":{"alertType":"x","reason":"x","state":"Enabled","suppressionAlertsScope":{"allOf":[{"field":"entities.ip.address"}]}}}`,
		"field": `{"properties":{"alertType":"x","reason":"x","state":"Enabled","suppressionAlertsScope":{"allOf":[{"field":"title","contains":"x"}]}}}`,
	} {
		if _, err := ParseSuppression("x", json.RawMessage(body)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func FuzzParseSuppression(f *testing.F) {
	f.Add(`{"properties":{"alertType":"*","reason":"x","state":"Enabled","suppressionAlertsScope":{"allOf":[{"field":"entities.ip.address","in":["1"]}]}}}`)
	f.Fuzz(func(t *testing.T, body string) {
		if s, err := ParseSuppression("x", json.RawMessage(body)); err == nil {
			s.Selects(&Alert{Type: "x", Entities: []Entity{{Kind: "ip", Name: "1"}}})
		}
	})
}
