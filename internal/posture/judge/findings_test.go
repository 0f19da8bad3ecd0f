package judge

import (
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/posture/finding"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

func TestRuleEnds(t *testing.T) {
	w := NewWorldOf(t, FindingsLibrary(t))
	web := w.Machine("web")
	w.Put(web, w.Baseline(web, Checks{"ssh": "fail high"}))
	v := w.Disable(web.ID, "a", until(w.Clock.Now().Add(time.Hour), map[string]any{"severities": []string{"high"}}))
	if got := Is(t, v, web.ID, HardenedID); !strings.HasPrefix(got, "healthy") {
		t.Fatalf("in force: %s", got)
	}
	at, ok := w.Estate().next()
	if !ok || at.After(w.Clock.Now().Add(time.Hour)) {
		t.Errorf("next = %v, want at the rule's end at the latest", at)
	}
	w.Clock.Pass(time.Hour)
	if got := Is(t, w.Step(), web.ID, HardenedID); got != "unhealthy" {
		t.Errorf("after its end: %s", got)
	}
	why, err := w.Estate().History().Why(t.Context(), index.Scope{}, w.Clock.Now().Add(-time.Second), w.Clock.Now())
	if err != nil || len(why) != 1 || why[0].Cause != "time passed" {
		t.Errorf("why = %+v, %v", why, err)
	}
}

func TestRuleConditions(t *testing.T) {
	w := NewWorldOf(t, FindingsLibrary(t))
	web := w.Machine("web")
	w.Put(web, w.Baseline(web, Checks{"ssh": "fail high"}), w.holes(web, "CVE-1 high", "CVE-2 low"))
	tests := []struct {
		name, scope string
		properties  map[string]any
		checks      bool // whether it disables the check
		holes       bool // and the vulnerability of high severity
	}{
		{"by-check", TestSub, When(map[string]any{"findingIds": []string{"ssh"}}), true, false},
		{"by-name", TestSub, When(map[string]any{"findingIds": []string{strings.ToUpper(finding.Name("ssh"))}}), true, false},
		{"by-cve", TestSub, When(map[string]any{"cves": []string{"cve-1"}}), false, true},
		{"by-severity", testGroup, When(map[string]any{"severities": []string{"High"}}), true, true},
		{"by-another-severity", testGroup, When(map[string]any{"severities": []string{"Low"}}), false, false},
		{"with-a-fix", TestSub, When(map[string]any{"patchable": true}), false, true},
		{"without-a-fix", TestSub, When(map[string]any{"patchable": false}), false, false},
		{"by-category", web.ID, When(map[string]any{"categories": []string{"Baseline"}}), true, false},
		{"all-must-hold", TestSub, When(map[string]any{"categories": []string{"baseline"}, "patchable": true}), false, false},
		{"of-a-recommendation", TestSub, map[string]any{"recommendationId": holesID, "conditions": map[string]any{"severities": []string{"high"}}}, false, true},
		{"elsewhere", TestSub + "/resourceGroups/other", When(map[string]any{"severities": []string{"high"}}), false, false},
		{"by-score-it-does-not-have", TestSub, When(map[string]any{"minCvss": 0}), false, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := w.Disable(test.scope, "r", test.properties)
			defer w.Enable(test.scope, "r")
			if got := strings.HasPrefix(Is(t, v, web.ID, HardenedID), "healthy"); got != test.checks {
				t.Errorf("check disabled: %v, want %v", got, test.checks)
			}
			if got := strings.HasPrefix(Is(t, v, web.ID, holesID), "healthy"); got != test.holes {
				t.Errorf("vulnerability disabled: %v, want %v", got, test.holes)
			}
		})
	}
}

func TestUnknownIsNotDisabled(t *testing.T) {
	w := NewWorldOf(t, FindingsLibrary(t))
	web := w.Machine("web")
	w.Put(web, w.Baseline(web, Checks{"ssh": "fail high", "audit": "unknown high"}))
	v := w.Disable(TestSub, "all", When(map[string]any{"categories": []string{"baseline"}}))
	if got := Is(t, v, web.ID, HardenedID); !strings.HasPrefix(got, "unknown") {
		t.Errorf("with an unknown check left: %s, want unknown", got)
	}
}

// TestBadReportFailsAlone lets a report with results that cannot be read be
// judged and listed beside what can.
func TestBadReportFailsAlone(t *testing.T) {
	w := NewWorldOf(t, FindingsLibrary(t))
	web, db := w.Machine("web"), w.Machine("db")
	bad := w.report(web, finding.BaselineType, finding.BaselineName, map[string]any{"baseline": map[string]any{"state": "fail"},
		"checks": map[string]any{"ssh": map[string]any{"state": "fail", "severity": "high"}, "odd": 7}})
	worse := w.report(db, holesType, "default", map[string]any{"fixable": map[string]any{"high": 1}, "vulnerabilities": "none"})
	w.Put(web, db, bad, worse)
	v := w.Disable(TestSub, "ssh", When(map[string]any{"findingIds": []string{"ssh"}}))
	if got := Is(t, v, web.ID, HardenedID); !strings.HasPrefix(got, "healthy") {
		t.Errorf("web = %s", got)
	}
	all, err := w.Estate().Findings(t.Context(), web.ID, HardenedID)
	if err != nil || len(all) != 2 || all[0].State != record.Unknown || all[0].Title != "1 result of the report cannot be read" {
		t.Errorf("findings of web = %+v, %v", all, err)
	}
	all, err = w.Estate().Findings(t.Context(), db.ID, holesID)
	if err != nil || len(all) != 1 || all[0].Evidence != "properties.vulnerabilities is not a list" {
		t.Errorf("findings of db = %+v, %v", all, err)
	}
}

func TestBadRuleFailsAlone(t *testing.T) {
	w := NewWorldOf(t, FindingsLibrary(t))
	web := w.Machine("web")
	w.Put(web, w.Baseline(web, Checks{"ssh": "fail high"}))
	w.Disable(TestSub, "bad", map[string]any{"conditions": map[string]any{"severities": []string{"dire"}}})
	w.Disable(TestSub, "lost", map[string]any{"recommendationId": Rec(t, "storage-https"), "conditions": map[string]any{"severities": []string{"high"}}})
	v := w.Disable(TestSub, "good", When(map[string]any{"findingIds": []string{"ssh"}}))
	if got := Is(t, v, web.ID, HardenedID); !strings.HasPrefix(got, "healthy") {
		t.Errorf("beside bad rules: %s", got)
	}
	problems := w.Estate().Problems()
	if len(problems) != 2 || !strings.Contains(problems[0].Reason, `"dire" is not one of`) || !strings.Contains(problems[1].Reason, "no recommendation with findings") {
		t.Errorf("problems = %+v", problems)
	}
}

func TestTryFindingRule(t *testing.T) {
	w := NewWorldOf(t, FindingsLibrary(t))
	web, db := w.Machine("web"), w.Machine("db")
	v := w.Put(web, db, w.Baseline(web, Checks{"ssh": "fail high"}), w.Baseline(db, Checks{"ssh": "fail high", "umask": "fail high"}))
	was := Dump(v)
	r, err := finding.ParseRule(ruleID(TestSub, "ssh"), mustJSON(t, map[string]any{"properties": map[string]any{
		"displayName": "ssh", "reason": "r", "conditions": map[string]any{"findingIds": []string{"ssh"}}}}))
	if err != nil {
		t.Fatal(err)
	}
	got, err := w.Estate().TryFindingRule(t.Context(), r, index.Scope{})
	if err != nil || got.Findings != 2 || got.Resources != 2 || !got.Tried || len(got.Changes) != 1 || got.Changes[0].ResourceID != web.ID {
		t.Errorf("effect = %+v, %v", got, err)
	}
	w.Clock.Pass(2 * time.Minute)
	if now := strings.Join(Dump(w.Step()), "\n"); now != strings.Join(was, "\n") {
		t.Errorf("the question changed something:\n%s", now)
	}
	v = w.Disable(TestSub, "ssh", When(map[string]any{"findingIds": []string{"ssh"}}))
	if after := v.Score(index.Scope{}); after != got.After {
		t.Errorf("the score became %+v, said was %+v", after, got.After)
	}
}

func TestCheckFindingRule(t *testing.T) {
	w := NewWorldOf(t, FindingsLibrary(t))
	w.Put(w.Machine("web"))
	soon := w.Clock.Now().Add(time.Hour).Format(time.RFC3339)
	past := w.Clock.Now().Add(-time.Hour).Format(time.RFC3339)
	tests := []struct{ name, scope, expires, recommendation, want string }{
		{"good", TestSub, soon, HardenedID, ""},
		{"root", "", "", "", ""},
		{"resource", testGroup + "/providers/" + machineType + "/WEB", "", "", ""},
		{"past", TestSub, past, "", "has passed"},
		{"no-such-scope", TestSub + "x", "", "", "there is nothing in"},
		{"no-such-group", TestSub + "/resourceGroups/gone", "", "", "there is nothing in"},
		{"no-such-management-group", "/providers/Microsoft.Management/managementGroups/gone", "", "", "there is nothing in"},
		{"no-findings", TestSub, "", Rec(t, "storage-https"), "no recommendation with findings"},
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
			err = w.Estate().CheckFindingRule(r, nil)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

func TestInventoryByFinding(t *testing.T) {
	w := NewWorldOf(t, FindingsLibrary(t))
	web, db := w.Machine("web"), w.Machine("db")
	w.Put(web, db, w.Baseline(web, Checks{"ssh": "fail high", "umask": "pass high"}), w.Baseline(db, Checks{"umask": "fail low"}), w.holes(db, "CVE-2024-3094 high"))
	v := w.Disable(db.ID, "umask", When(map[string]any{"findingIds": []string{"umask"}}))
	tests := []struct {
		name string
		q    index.InventoryQuery
		want string
	}{
		{"check", index.InventoryQuery{Finding: "ssh"}, "web"},
		{"passed-check", index.InventoryQuery{Finding: "umask"}, ""},
		{"disabled-check", index.InventoryQuery{Finding: "umask", Disabled: true}, "db"},
		{"cve", index.InventoryQuery{Finding: " cve-2024-3094 "}, "db"},
		{"words-of-a-title", index.InventoryQuery{Finding: "hole 3094"}, "db"},
		{"words-of-several", index.InventoryQuery{Finding: "c"}, "db web"},
		{"name", index.InventoryQuery{Finding: finding.Name("ssh")}, "web"},
		{"within-a-scope", index.InventoryQuery{Finding: "c", Scope: index.Scope{ID: web.ID}}, "web"},
		{"of-a-type", index.InventoryQuery{Finding: "c", Type: StorageType}, ""},
		{"nothing", index.InventoryQuery{Finding: "no such thing"}, ""},
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
	w.Put(w.Baseline(web, Checks{"ssh": "pass high"}))
	if page, err := w.Estate().View().Inventory(index.InventoryQuery{Finding: "ssh"}); err != nil || page.Total != 0 {
		t.Errorf("after the fix: %d, %v", page.Total, err)
	}
}
