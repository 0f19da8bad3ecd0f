package posture

import (
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/posture/finding"
)

func TestRuleEnds(t *testing.T) {
	w := newWorldOf(t, findingsLibrary(t))
	web := w.machine("web")
	w.put(web, w.baseline(web, checks{"ssh": "fail high"}))
	v := w.disable(web.ID, "a", until(w.clock.now().Add(time.Hour), map[string]any{"severities": []string{"high"}}))
	if got := is(t, v, web.ID, hardenedID); !strings.HasPrefix(got, "healthy") {
		t.Fatalf("in force: %s", got)
	}
	at, ok := w.estate().next()
	if !ok || at.After(w.clock.now().Add(time.Hour)) {
		t.Errorf("next = %v, want at the rule's end at the latest", at)
	}
	w.clock.pass(time.Hour)
	if got := is(t, w.step(), web.ID, hardenedID); got != "unhealthy" {
		t.Errorf("after its end: %s", got)
	}
	why, err := w.estate().History().Why(t.Context(), Scope{}, w.clock.now().Add(-time.Second), w.clock.now())
	if err != nil || len(why) != 1 || why[0].Cause != "time passed" {
		t.Errorf("why = %+v, %v", why, err)
	}
}

func TestRuleConditions(t *testing.T) {
	w := newWorldOf(t, findingsLibrary(t))
	web := w.machine("web")
	w.put(web, w.baseline(web, checks{"ssh": "fail high"}), w.holes(web, "CVE-1 high", "CVE-2 low"))
	tests := []struct {
		name, scope string
		properties  map[string]any
		checks      bool // whether it disables the check
		holes       bool // and the vulnerability of high severity
	}{
		{"by-check", testSub, when(map[string]any{"findingIds": []string{"ssh"}}), true, false},
		{"by-name", testSub, when(map[string]any{"findingIds": []string{strings.ToUpper(finding.Name("ssh"))}}), true, false},
		{"by-cve", testSub, when(map[string]any{"cves": []string{"cve-1"}}), false, true},
		{"by-severity", testGroup, when(map[string]any{"severities": []string{"High"}}), true, true},
		{"by-another-severity", testGroup, when(map[string]any{"severities": []string{"Low"}}), false, false},
		{"with-a-fix", testSub, when(map[string]any{"patchable": true}), false, true},
		{"without-a-fix", testSub, when(map[string]any{"patchable": false}), false, false},
		{"by-category", web.ID, when(map[string]any{"categories": []string{"Baseline"}}), true, false},
		{"all-must-hold", testSub, when(map[string]any{"categories": []string{"baseline"}, "patchable": true}), false, false},
		{"of-a-recommendation", testSub, map[string]any{"recommendationId": holesID, "conditions": map[string]any{"severities": []string{"high"}}}, false, true},
		{"elsewhere", testSub + "/resourceGroups/other", when(map[string]any{"severities": []string{"high"}}), false, false},
		{"by-score-it-does-not-have", testSub, when(map[string]any{"minCvss": 0}), false, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := w.disable(test.scope, "r", test.properties)
			defer w.enable(test.scope, "r")
			if got := strings.HasPrefix(is(t, v, web.ID, hardenedID), "healthy"); got != test.checks {
				t.Errorf("check disabled: %v, want %v", got, test.checks)
			}
			if got := strings.HasPrefix(is(t, v, web.ID, holesID), "healthy"); got != test.holes {
				t.Errorf("vulnerability disabled: %v, want %v", got, test.holes)
			}
		})
	}
}

func TestUnknownIsNotDisabled(t *testing.T) {
	w := newWorldOf(t, findingsLibrary(t))
	web := w.machine("web")
	w.put(web, w.baseline(web, checks{"ssh": "fail high", "audit": "unknown high"}))
	v := w.disable(testSub, "all", when(map[string]any{"categories": []string{"baseline"}}))
	if got := is(t, v, web.ID, hardenedID); !strings.HasPrefix(got, "unknown") {
		t.Errorf("with an unknown check left: %s, want unknown", got)
	}
}

// TestBadReportFailsAlone lets a report with results that cannot be read be
// judged and listed beside what can.
func TestBadReportFailsAlone(t *testing.T) {
	w := newWorldOf(t, findingsLibrary(t))
	web, db := w.machine("web"), w.machine("db")
	bad := w.report(web, finding.BaselineType, finding.BaselineName, map[string]any{"baseline": map[string]any{"state": "fail"},
		"checks": map[string]any{"ssh": map[string]any{"state": "fail", "severity": "high"}, "odd": 7}})
	worse := w.report(db, holesType, "default", map[string]any{"fixable": map[string]any{"high": 1}, "vulnerabilities": "none"})
	w.put(web, db, bad, worse)
	v := w.disable(testSub, "ssh", when(map[string]any{"findingIds": []string{"ssh"}}))
	if got := is(t, v, web.ID, hardenedID); !strings.HasPrefix(got, "healthy") {
		t.Errorf("web = %s", got)
	}
	all, err := w.estate().Findings(t.Context(), web.ID, hardenedID)
	if err != nil || len(all) != 2 || all[0].State != Unknown || all[0].Title != "1 result of the report cannot be read" {
		t.Errorf("findings of web = %+v, %v", all, err)
	}
	all, err = w.estate().Findings(t.Context(), db.ID, holesID)
	if err != nil || len(all) != 1 || all[0].Evidence != "properties.vulnerabilities is not a list" {
		t.Errorf("findings of db = %+v, %v", all, err)
	}
}

func TestBadRuleFailsAlone(t *testing.T) {
	w := newWorldOf(t, findingsLibrary(t))
	web := w.machine("web")
	w.put(web, w.baseline(web, checks{"ssh": "fail high"}))
	w.disable(testSub, "bad", map[string]any{"conditions": map[string]any{"severities": []string{"dire"}}})
	w.disable(testSub, "lost", map[string]any{"recommendationId": rec(t, "storage-https"), "conditions": map[string]any{"severities": []string{"high"}}})
	v := w.disable(testSub, "good", when(map[string]any{"findingIds": []string{"ssh"}}))
	if got := is(t, v, web.ID, hardenedID); !strings.HasPrefix(got, "healthy") {
		t.Errorf("beside bad rules: %s", got)
	}
	problems := w.estate().Problems()
	if len(problems) != 2 || !strings.Contains(problems[0].Reason, `"dire" is not one of`) || !strings.Contains(problems[1].Reason, "no recommendation with findings") {
		t.Errorf("problems = %+v", problems)
	}
}

func TestTryFindingRule(t *testing.T) {
	w := newWorldOf(t, findingsLibrary(t))
	web, db := w.machine("web"), w.machine("db")
	v := w.put(web, db, w.baseline(web, checks{"ssh": "fail high"}), w.baseline(db, checks{"ssh": "fail high", "umask": "fail high"}))
	was := dump(v)
	r, err := finding.ParseRule(ruleID(testSub, "ssh"), mustJSON(t, map[string]any{"properties": map[string]any{
		"displayName": "ssh", "reason": "r", "conditions": map[string]any{"findingIds": []string{"ssh"}}}}))
	if err != nil {
		t.Fatal(err)
	}
	got, err := w.estate().TryFindingRule(t.Context(), r, Scope{})
	if err != nil || got.Findings != 2 || got.Resources != 2 || !got.Tried || len(got.Flips) != 1 || got.Flips[0].ResourceID != web.ID {
		t.Errorf("effect = %+v, %v", got, err)
	}
	w.clock.pass(2 * time.Minute)
	if now := strings.Join(dump(w.step()), "\n"); now != strings.Join(was, "\n") {
		t.Errorf("the question changed something:\n%s", now)
	}
	v = w.disable(testSub, "ssh", when(map[string]any{"findingIds": []string{"ssh"}}))
	if after := v.Score(Scope{}); after != got.After {
		t.Errorf("the score became %+v, said was %+v", after, got.After)
	}
}

func TestCheckFindingRule(t *testing.T) {
	w := newWorldOf(t, findingsLibrary(t))
	w.put(w.machine("web"))
	soon := w.clock.now().Add(time.Hour).Format(time.RFC3339)
	past := w.clock.now().Add(-time.Hour).Format(time.RFC3339)
	tests := []struct{ name, scope, expires, recommendation, want string }{
		{"good", testSub, soon, hardenedID, ""},
		{"root", "", "", "", ""},
		{"resource", testGroup + "/providers/" + machineType + "/WEB", "", "", ""},
		{"past", testSub, past, "", "has passed"},
		{"no-such-scope", testSub + "x", "", "", "there is nothing in"},
		{"no-such-group", testSub + "/resourceGroups/gone", "", "", "there is nothing in"},
		{"no-such-management-group", "/providers/Microsoft.Management/managementGroups/gone", "", "", "there is nothing in"},
		{"no-findings", testSub, "", rec(t, "storage-https"), "no recommendation with findings"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			properties := map[string]any{"displayName": "n", "reason": "r", "recommendationId": test.recommendation, "conditions": map[string]any{"patchable": true}}
			if test.expires != "" {
				properties["expiresOn"] = test.expires
			}
			r, err := finding.ParseRule(ruleID(test.scope, "r"), mustJSON(t, map[string]any{"properties": properties}))
			if err != nil {
				t.Fatal(err)
			}
			err = w.estate().CheckFindingRule(r, nil)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

func TestInventoryByFinding(t *testing.T) {
	w := newWorldOf(t, findingsLibrary(t))
	web, db := w.machine("web"), w.machine("db")
	w.put(web, db, w.baseline(web, checks{"ssh": "fail high", "umask": "pass high"}), w.baseline(db, checks{"umask": "fail low"}), w.holes(db, "CVE-2024-3094 high"))
	v := w.disable(db.ID, "umask", when(map[string]any{"findingIds": []string{"umask"}}))
	tests := []struct {
		name string
		q    InventoryQuery
		want string
	}{
		{"check", InventoryQuery{Finding: "ssh"}, "web"},
		{"passed-check", InventoryQuery{Finding: "umask"}, ""},
		{"disabled-check", InventoryQuery{Finding: "umask", Disabled: true}, "db"},
		{"cve", InventoryQuery{Finding: " cve-2024-3094 "}, "db"},
		{"words-of-a-title", InventoryQuery{Finding: "hole 3094"}, "db"},
		{"words-of-several", InventoryQuery{Finding: "c"}, "db web"},
		{"name", InventoryQuery{Finding: finding.Name("ssh")}, "web"},
		{"within-a-scope", InventoryQuery{Finding: "c", Scope: Scope{ID: web.ID}}, "web"},
		{"of-a-type", InventoryQuery{Finding: "c", Type: storageType}, ""},
		{"nothing", InventoryQuery{Finding: "no such thing"}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.q.Sort = "name"
			page, err := v.Inventory(test.q)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, r := range page.Rows {
				names = append(names, r.Name)
			}
			if got := strings.Join(names, " "); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	w.put(w.baseline(web, checks{"ssh": "pass high"}))
	if page, err := w.estate().View().Inventory(InventoryQuery{Finding: "ssh"}); err != nil || page.Total != 0 {
		t.Errorf("after the fix: %d, %v", page.Total, err)
	}
}
