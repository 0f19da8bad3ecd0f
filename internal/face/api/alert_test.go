package api_test

import (
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/face/api/apitest"
	"github.com/rampart-sec/rampart/internal/threat/detect"
	"github.com/rampart-sec/rampart/internal/threat/sigma"
)

const failedSignIns = `
title: Failed sign-in
name: failed
level: low
logsource: {product: linux, service: sshd}
detection:
  failed: {outcome: failure}
  condition: failed
---
title: Many failed sign-ins
id: 22222222-2222-4222-8222-222222222222
level: medium
tags: [attack.credential-access, attack.t1110]
correlation:
  type: event_count
  rules: [failed]
  group-by: [src_ip]
  timespan: 5m
  condition: {gte: 3}
rampart:
  alertType: VM_SshBruteForce
  nextSteps: [Block the address]
`

// TestEventsBecomeAlerts: syslog lines are sent, an alert is raised, listed,
// shown, resolved; the lines again raise nothing twice.
func TestEventsBecomeAlerts(t *testing.T) {
	set := sigma.Read("rules.yml", []byte(failedSignIns))
	s := apitest.NewWith(t, detect.NewForAlerts(set))
	var lines strings.Builder
	for _, second := range []string{"01", "02", "03", "04"} {
		lines.WriteString("2026-03-01T10:00:" + second + "Z web-1 sshd[99]: Failed password for invalid user eve from 203.0.113.5 port 4000 ssh2\n")
	}
	machine := s.Sub() + "/resourceGroups/servers/providers/Microsoft.HybridCompute/machines/web-1"
	events := apitest.Call{Method: "POST", Path: "/rampart/v1/events?source=syslog&resource=" + machine, Body: lines.String()}
	a := s.Want(200, events)
	if a.Body["events"] != float64(4) || a.Body["alerts"] != float64(1) {
		t.Fatalf("%v", a.Body)
	}
	listed := s.List(s.Sub() + security + "alerts")
	if len(listed) != 1 {
		t.Fatalf("%d alerts", len(listed))
	}
	p := listed[0]["properties"].(map[string]any)
	if p["alertDisplayName"] != "Many failed sign-ins" || p["severity"] != "Medium" || p["status"] != "Active" || p["intent"] != "CredentialAccess" || p["compromisedEntity"] != "web-1" ||
		p["alertType"] != "VM_SshBruteForce" || len(p["remediationSteps"].([]any)) != 1 {
		t.Errorf("%v", p)
	}
	id := listed[0]["id"].(string)
	shown := s.Get(id)
	if shown.Body["name"] != listed[0]["name"] {
		t.Errorf("%v", shown.Body)
	}
	if n := len(s.List(s.Sub() + "/resourceGroups/other/providers/Microsoft.Security/alerts")); n != 0 {
		t.Errorf("%d alerts of another group", n)
	}
	s.Want(204, apitest.Call{Method: "POST", Path: id + "/inProgress"})
	s.Fails(404, "InvalidResourceType", apitest.Call{Method: "POST", Path: id + "/forget"})
	s.Fails(404, "ResourceNotFound", apitest.Call{Method: "GET", Path: strings.Replace(id, "centralus", "nowhere", 1)})
	if p := s.Get(id).Properties(); p["status"] != "InProgress" {
		t.Errorf("status %v", p["status"])
	}
	s.Want(200, events)
	if n := len(s.List(s.Sub() + security + "alerts")); n != 1 {
		t.Errorf("%d alerts after the same events again", n)
	}
	s.Fails(400, "InvalidRequestContent", apitest.Call{Method: "POST", Path: "/rampart/v1/events?source=nonsense", Body: "x"})
	s.Fails(400, "InvalidRequestContent", apitest.Call{Method: "POST", Path: "/rampart/v1/events?resource=nonsense", Body: "x"})
}

func TestSampleAlertsAndSuppression(t *testing.T) {
	s := apitest.New(t)
	rule := s.Sub() + security + "alertsSuppressionRules/quiet"
	s.Want(200, apitest.Call{Method: "PUT", Path: rule, Body: `{"properties":{"alertType":"DNS_MiningPool","reason":"Noise","state":"Enabled"}}`})
	s.Fails(400, "InvalidRequestContent", apitest.Call{Method: "PUT", Path: rule, Body: `{"properties":{"alertType":"x","reason":"Noise","state":"Maybe"}}`})
	simulate := s.Sub() + security + "locations/centralus/alerts/default/simulate"
	s.Want(202, apitest.Call{Method: "POST", Path: simulate, Body: `{"properties":{"kind":"Bundles","bundles":["VirtualMachines","DNS"]}}`})
	s.Fails(400, "InvalidRequestContent", apitest.Call{Method: "POST", Path: simulate, Body: `{"properties":{"kind":"Bundles","bundles":["Nothing"]}}`})
	status := map[string]any{}
	for _, a := range s.List(s.Sub() + security + "locations/centralus/alerts") {
		p := a["properties"].(map[string]any)
		if p["isIncident"] == false {
			status[p["alertType"].(string)] = p["status"]
		}
	}
	if status["DNS_MiningPool"] != "Dismissed" || status["VM_SuspectBruteForce"] != "Active" {
		t.Errorf("%v", status)
	}
	s.Want(204, apitest.Call{Method: "DELETE", Path: rule})
}
