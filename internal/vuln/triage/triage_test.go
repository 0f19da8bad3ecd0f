package triage

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/vuln/advisory"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/cvss"
)

func TestThreshold(t *testing.T) {
	f := func(sev cvss.Severity, fixed string, kev bool, epss float64) advisory.Finding {
		return advisory.Finding{Severity: sev, FixedVersion: fixed, KEV: kev, EPSS: epss}
	}
	tests := map[string]struct {
		t    Threshold
		f    advisory.Finding
		want bool
	}{
		"zero-counts-all":         {Threshold{}, f(cvss.None, "", false, 0), true},
		"at":                      {Threshold{Severity: cvss.High}, f(cvss.High, "", false, 0), true},
		"below":                   {Threshold{Severity: cvss.High}, f(cvss.Medium, "", false, 0), false},
		"unrated-is-not-harmless": {Threshold{Severity: cvss.Low}, f(cvss.Unknown, "", false, 0), true},
		"unrated-is-not-high":     {Threshold{Severity: cvss.High}, f(cvss.Unknown, "", false, 0), false},
		"unfixed":                 {Threshold{FixableOnly: true}, f(cvss.Critical, "", true, 1), false},
		"exploited":               {Threshold{Severity: cvss.Critical, Exploited: true}, f(cvss.Low, "1", true, 0), true},
		"likely":                  {Threshold{Severity: cvss.Critical, EPSS: 0.1}, f(cvss.Low, "1", false, 0.1), true},
		"unlikely":                {Threshold{Severity: cvss.Critical, EPSS: 0.1}, f(cvss.Low, "1", false, 0.09), false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tt.t.Counts(&tt.f); got != tt.want {
				t.Error(got)
			}
		})
	}
	for _, bad := range []float64{-1, 1.1, math.NaN()} {
		if (Threshold{EPSS: bad}).Check() == nil {
			t.Errorf("EPSS %v passes", bad)
		}
	}
}

func TestDecide(t *testing.T) {
	now := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	app := advisory.Finding{ID: "CVE-2026-1", Aliases: []string{"GHSA-1"}, Package: "left-pad", Path: "/app/node_modules/left-pad/package.json", Severity: cvss.High}
	lib := advisory.Finding{ID: "CVE-2026-2", Package: "libssl3", Source: "openssl", Path: "/var/lib/dpkg/status", Severity: cvss.Low, FixedVersion: "2"}
	tests := map[string]struct {
		rule Rule
		want string // ids of disabled findings
	}{
		"cve":               {Rule{CVEs: []string{"cve-2026-1"}}, "CVE-2026-1"},
		"alias":             {Rule{CVEs: []string{"GHSA-1", "CVE-9"}}, "CVE-2026-1"},
		"package":           {Rule{Packages: []string{"left-*"}}, "CVE-2026-1"},
		"source-package":    {Rule{Packages: []string{"openssl"}}, "CVE-2026-2"},
		"path":              {Rule{Paths: []string{"/app/**"}}, "CVE-2026-1"},
		"path-of-another":   {Rule{Paths: []string{"/ap/**"}}, ""},
		"both-must-fit":     {Rule{CVEs: []string{"CVE-2026-1"}, Packages: []string{"libssl3"}}, ""},
		"severity":          {Rule{AtMost: cvss.Low}, "CVE-2026-2"},
		"unfixed":           {Rule{Unfixed: true}, "CVE-2026-1"},
		"scope":             {Rule{Unfixed: true, Scopes: []string{"/Subscriptions/S"}}, "CVE-2026-1"},
		"scope-of-another":  {Rule{Unfixed: true, Scopes: []string{"/subscriptions/s/resourceGroups/r"}}, ""},
		"scope-is-no-text":  {Rule{Unfixed: true, Scopes: []string{"/subscript"}}, ""},
		"expired":           {Rule{Unfixed: true, Expires: now}, ""},
		"not-yet-expired":   {Rule{Unfixed: true, Expires: now.Add(1)}, "CVE-2026-1"},
		"everything-is-not": {Rule{}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.rule.ID, tt.rule.Reason = "r", "accepted"
			d := Decide([]advisory.Finding{app, lib}, Threshold{Severity: cvss.Medium}, []Rule{tt.rule}, "/subscriptions/s/resourceGroups", now)
			var got []string
			for _, x := range d.Disabled {
				got = append(got, x.ID)
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
				t.Error(diff)
			}
			if n := len(d.Counted) + len(d.Below) + len(d.Disabled); n != 2 {
				t.Errorf("%d of 2 findings are left", n)
			}
		})
	}
	d := Decide([]advisory.Finding{app, lib}, Threshold{Severity: cvss.Medium}, []Rule{{ID: "none", Reason: "x", CVEs: []string{"CVE-1"}}}, "", now)
	if len(d.Counted) != 1 || len(d.Below) != 1 || len(d.Unused) != 1 {
		t.Errorf("%+v", d)
	}
}

func TestRuleCheck(t *testing.T) {
	good := Rule{ID: "1", Reason: "not reachable", CVEs: []string{"CVE-2026-1"}}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*Rule){
		"no-reason": func(r *Rule) { r.Reason = " " }, "long": func(r *Rule) { r.Reason = strings.Repeat("x", 3000) },
		"everything": func(r *Rule) { r.CVEs = nil }, "pattern": func(r *Rule) { r.Packages = []string{"["} }, "empty": func(r *Rule) { r.Paths = []string{""} },
	} {
		r := good
		if spoil(&r); r.Check() == nil {
			t.Errorf("%s passes", name)
		}
	}
}

func TestReadRules(t *testing.T) {
	rules, err := ReadRules("r.yaml", []byte("rules:\n  - reason: accepted\n    expires: 2027-01-31\n    cves: [CVE-2026-1]\n    atMost: medium\n"))
	if err != nil || len(rules) != 1 || rules[0].ID != "rule 1" || rules[0].AtMost != cvss.Medium || rules[0].Expires.Year() != 2027 {
		t.Errorf("%+v %v", rules, err)
	}
	for _, text := range []string{"", "rules: []", "rules:\n  - cves: [CVE-1]", "rules:\n  - reason: x\n    cve: [CVE-1]", "rules:\n  - reason: x\n    cves: [CVE-1]\n    expires: soon", "rules:\n  - reason: x\n    atMost: bad"} {
		if _, err := ReadRules("r.yaml", []byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
