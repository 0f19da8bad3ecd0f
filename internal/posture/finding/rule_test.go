package finding

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
)

const (
	sub     = "/subscriptions/6f9619ff-8b86-d011-b42d-00cf4fc964ff"
	machine = sub + "/resourceGroups/rack/providers/Microsoft.HybridCompute/machines/web"
)

func idAt(scope string) string { return scope + "/providers/" + Type + "/r" }

func parse(t testing.TB, scope, properties string) (*Rule, error) {
	t.Helper()
	return ParseRule(idAt(scope), []byte(`{"properties":`+properties+`}`))
}

// withConditions is the properties of a rule that is right but for them.
func withConditions(conditions string) string {
	return `{"displayName":"n","reason":"r","conditions":` + conditions + `}`
}

func TestParseRule(t *testing.T) {
	long := strings.Repeat("x", 3000)
	many, _ := json.Marshal(slices.Repeat([]string{"x"}, maxValues+1))
	tests := []struct{ name, properties, want string }{
		{"good", withConditions(`{"cves":["CVE-1"]}`), ""},
		{"no-name", `{"reason":"r","conditions":{"patchable":true}}`, "properties.displayName: want a name"},
		{"no-reason", `{"displayName":"n","conditions":{"patchable":true}}`, "properties.reason: want a reason"},
		{"long-reason", `{"displayName":"n","reason":"` + long + `","conditions":{"patchable":true}}`, "properties.reason: want a reason"},
		{"no-conditions", `{"displayName":"n","reason":"r"}`, "properties.conditions: at least one is needed"},
		{"empty-conditions", withConditions(`{}`), "properties.conditions: at least one is needed"},
		{"empty-lists", withConditions(`{"cves":[],"severities":[]}`), "properties.conditions: at least one is needed"},
		{"empty-value", withConditions(`{"cves":[" "]}`), "properties.conditions.cves[0]: want 1 to"},
		{"too-many-values", withConditions(`{"cves":` + string(many) + `}`), "properties.conditions.cves: 501 values; at most 500"},
		{"unknown-severity", withConditions(`{"severities":["Low","Dire"]}`), `properties.conditions.severities[1]: "Dire" is not one of Critical, High, Medium, Low`},
		{"unknown-condition", withConditions(`{"cve":["CVE-1"]}`), `properties: unknown field "cve"`},
		{"unknown-member", `{"displayName":"n","reason":"r","expires":"2027","conditions":{"patchable":true}}`, `properties: unknown field "expires"`},
		{"wrong-type", withConditions(`{"cves":"CVE-1"}`), "properties: conditions.cves must not be a string"},
		{"score-out-of-range", withConditions(`{"minCvss":11}`), "properties.conditions.minCvss: 11 is not a score"},
		{"scores-crossed", withConditions(`{"minCvss":7,"maxCvss":4}`), "properties.conditions.minCvss: 7 is above maxCvss, 4"},
		{"bad-expiry", `{"displayName":"n","reason":"r","expiresOn":"tomorrow","conditions":{"patchable":true}}`, `properties.expiresOn: "tomorrow" is not a time`},
		{"null", `null`, "properties.displayName: want a name"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := parse(t, sub, test.properties)
			var known *arm.Error
			if test.want == "" && err != nil || test.want != "" && (!errors.As(err, &known) || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
	for _, id := range []string{"", "x", sub, machine, sub + "/providers/Microsoft.Security/governanceRules/r"} {
		if _, err := ParseRule(id, []byte(`{"properties":`+withConditions(`{"patchable":true}`)+`}`)); err == nil {
			t.Errorf("%q was taken as the id of a rule", id)
		}
	}
}

func TestRuleSelects(t *testing.T) {
	yes, no := true, false
	hole := Finding{ID: "CVE-2024-1/xz", Category: "vulnerability", Severity: content.High, CVEs: []string{"CVE-2024-1", "CVE-2024-2"}, CVSS: 7.5, Patchable: &yes}
	tests := []struct {
		conditions string
		change     func(*Finding)
		want       bool
	}{
		{`{"findingIds":["cve-2024-1/XZ"]}`, nil, true},
		{`{"findingIds":["CVE-2024-1"]}`, nil, false},
		{fmt.Sprintf(`{"findingIds":[%q]}`, Name("CVE-2024-1/xz")), nil, true},
		{`{"cves":["CVE-9","cve-2024-2"]}`, nil, true},
		{`{"cves":["CVE-9"]}`, nil, false},
		{`{"severities":["low","HIGH"]}`, nil, true},
		{`{"severities":["low"]}`, nil, false},
		{`{"minCvss":7.5,"maxCvss":7.5}`, nil, true},
		{`{"minCvss":7.6}`, nil, false},
		{`{"maxCvss":7.4}`, nil, false},
		{`{"maxCvss":10}`, func(f *Finding) { f.CVSS = 0 }, false},
		{`{"patchable":true}`, nil, true},
		{`{"patchable":false}`, nil, false},
		{`{"patchable":false}`, func(f *Finding) { f.Patchable = &no }, true},
		{`{"patchable":false}`, func(f *Finding) { f.Patchable = nil }, false},
		{`{"categories":["Vulnerability"]}`, nil, true},
		{`{"categories":["baseline"]}`, nil, false},
		{`{"categories":["vulnerability"],"severities":["low"]}`, nil, false},
	}
	for _, test := range tests {
		r, err := parse(t, sub, withConditions(test.conditions))
		if err != nil {
			t.Fatal(err)
		}
		f := hole
		if test.change != nil {
			test.change(&f)
		}
		if got := r.Selects(&f); got != test.want {
			t.Errorf("%s (%s) selects %+v: %v, want %v", test.conditions, r.Summary(), f, got, test.want)
		}
	}
}

func TestRuleOnImage(t *testing.T) {
	r, err := parse(t, sub, withConditions(`{"imageDigests":["SHA256:AB12"]}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		resource, finding string
		want              bool
	}{{"ab12", "", true}, {"", "ab12", true}, {"cd34", "ab12", true}, {"cd34", "", false}, {"", "", false}} {
		if got := r.OnImage(&Finding{Digest: test.finding}, test.resource); got != test.want {
			t.Errorf("resource %q, finding %q: %v", test.resource, test.finding, got)
		}
	}
}

func TestRuleCoversAndEnds(t *testing.T) {
	group := arm.MustParseID("/providers/Microsoft.Management/managementGroups/top")
	for _, test := range []struct {
		scope string
		above []arm.ID
		want  bool
	}{
		{"", nil, true}, {sub, nil, true}, {sub + "/resourceGroups/RACK", nil, true}, {machine, nil, true}, {machine + "2", nil, false},
		{sub + "/resourceGroups/rac", nil, false}, {group.String(), nil, false}, {group.String(), []arm.ID{group}, true},
	} {
		r, err := parse(t, test.scope, withConditions(`{"patchable":true}`))
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Covers(arm.MustParseID(machine), test.above); got != test.want {
			t.Errorf("%q covers: %v, want %v", test.scope, got, test.want)
		}
	}
	end := time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)
	r := &Rule{Expires: end}
	if !r.InForce(end.Add(-1)) || r.InForce(end) || !(&Rule{}).InForce(end) {
		t.Error("a rule holds until its end, or for ever")
	}
}

func TestNames(t *testing.T) {
	f := Finding{ID: "ssh", CVEs: []string{"CVE-1"}}
	for text, want := range map[string]bool{"SSH": true, "cve-1": true, strings.ToUpper(Name("ssh")): true, "ss": false, Name("x"): false, "": false} {
		if f.IsCalled(text) != want {
			t.Errorf("is called %q: %v", text, !want)
		}
	}
	if Digest("SHA256:ABC") != "abc" || Digest("abc") != "abc" {
		t.Error("digests are not spelled alike")
	}
}

func FuzzParseRule(f *testing.F) {
	f.Add(`{"properties":` + withConditions(`{"cves":["CVE-1"],"minCvss":1e309}`) + `}`)
	f.Add(`{"properties":{"conditions":{"patchable":null}}}`)
	f.Fuzz(func(t *testing.T, body string) {
		r, err := ParseRule(idAt(sub), []byte(body))
		if err != nil {
			var known *arm.Error
			if !errors.As(err, &known) {
				t.Errorf("%v is not an error for clients", err)
			}
			return
		}
		if r.Summary() == "" || r.Name == "" || r.Reason == "" {
			t.Errorf("%+v was taken", r)
		}
	})
}
