package finding

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/content/baselines"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

// readAll is the results of a body, in words, with the first fault.
func readAll(body string) (got []string, fault string) {
	r := open("microsoft.security/vulnerabilityreports", nil, []byte(body))
	r.Each(func(it *Result) {
		patch := "?"
		if it.Patchable != nil {
			patch = fmt.Sprint(*it.Patchable)
		}
		got = append(got, fmt.Sprintf("%s %s %s %v %v %s %v", it.ID, it.Title, it.Severity, it.Outcome, it.CVEs, patch, it.CVSS))
	})
	if n, err := r.Faults(); err != nil {
		fault = fmt.Sprintf("%d: %v", n, err)
	}
	return got, fault
}

func TestReadReport(t *testing.T) {
	tests := []struct {
		name, body string
		want       []string
		fault      string
	}{
		{"empty", `{"properties":{}}`, nil, ""},
		{"no-properties", `{}`, nil, ""},
		{"check", `{"properties":{"checks":{"a":{"state":"fail","severity":"High","title":"A"}}}}`, []string{"a A high fail [] ? 0"}, ""},
		{"check-without-title", `{"properties":{"checks":{"a":{"state":"pass"}}}}`, []string{"a a  pass [] ? 0"}, ""},
		{"one-bad-check", `{"properties":{"checks":{"a":3,"b":{"state":"fail","severity":"low"},"c":{"state":7}}}}`,
			[]string{"b b low fail [] ? 0"}, `2: check "a" is not an object with a state`},
		{"bad-severity", `{"properties":{"checks":{"a":{"state":"fail","severity":"dire"},"b":{"state":"fail","severity":"low"}}}}`,
			[]string{"b b low fail [] ? 0"}, `1: check "a": severity "\"dire\"" is not known`},
		{"checks-are-a-list", `{"properties":{"checks":[]}}`, nil, "1: properties.checks is not an object"},
		{"vulnerability", `{"properties":{"vulnerabilities":[{"cve":"CVE-2024-1","package":"xz","severity":"critical","cvss":{"2.0":{"base":7},"3.0":{"base":9.8}},"fixedVersion":"5"}]}}`,
			[]string{"CVE-2024-1/xz CVE-2024-1/xz critical fail [CVE-2024-1] true 9.8"}, ""},
		{"shapes-of-cve", `{"properties":{"vulnerabilities":[{"id":"1","severity":"low","cve":[{"title":"CVE-2"}]},{"id":"2","severity":"low","cve":["CVE-3","CVE-4"],"patchable":false}]}}`,
			[]string{"1 1 low fail [CVE-2] ? 0", "2 2 low fail [CVE-3 CVE-4] false 0"}, ""},
		{"one-bad-vulnerability", `{"properties":{"vulnerabilities":[{"id":"1"},7,{"severity":"low"},{"id":"2","severity":"low","cvss":11},{"id":"3","severity":"low"}]}}`,
			[]string{"3 3 low fail [] ? 0"}, `4: vulnerability "1": severity "" is not known`},
		{"list-is-an-object", `{"properties":{"vulnerabilities":{}}}`, nil, "1: properties.vulnerabilities is not a list"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, fault := readAll(test.body)
			if diff := cmp.Diff(test.want, got); diff != "" || fault != test.fault {
				t.Errorf("results (-want +got):\n%sfault %q, want %q", diff, fault, test.fault)
			}
		})
	}
}

func TestReportIsBounded(t *testing.T) {
	body := `{"properties":{"vulnerabilities":[` + strings.TrimSuffix(strings.Repeat(`{"id":"1","severity":"low"},`, maxReported+5), ",") + `]}}`
	got, fault := readAll(body)
	if len(got) != maxReported || fault != fmt.Sprintf("1: more than %d results", maxReported) {
		t.Errorf("%d results, fault %q", len(got), fault)
	}
}

// TestMask compares the copy that is judged with the document that a source
// would deliver if the disabled findings were not there.
func TestMask(t *testing.T) {
	known := map[string]*baselines.Check{"own": {ID: "own", Severity: content.High, Recommended: true}}
	tests := []struct {
		name, body, off, want string
		unavailable           int
	}{
		{"nothing-disabled", `{"properties":{"checks":{"a":{"state":"fail","severity":"high"}}}}`, "z", `{"properties":{"checks":{"a":{"state":"fail","severity":"high"}}}}`, 0},
		{"all-failing-disabled",
			`{ "tags":{}, "properties":{"baseline":{"state":"fail","passed":1,"failed":2},"complianceStatus":"NonCompliant","checks":{"a":{"state":"fail","severity":"high"},"b":{"severity":"medium", "state" : "fail"},"c":{"state":"pass"}}}}`, "a b",
			`{ "tags":{}, "properties":{"baseline":{"state":"pass","passed":3,"failed":0},"complianceStatus":"Compliant","checks":{"a":{"state":"pass","severity":"high"},"b":{"severity":"medium", "state" : "pass"},"c":{"state":"pass"}}}}`, 0},
		{"one-left",
			`{"properties":{"checks":{"a":{"state":"fail","severity":"high"},"b":{"state":"fail","severity":"high"}},"baseline":{"state":"fail","failed":2,"passed":0},"complianceStatus":"NonCompliant"}}`, "a",
			`{"properties":{"checks":{"a":{"state":"pass","severity":"high"},"b":{"state":"fail","severity":"high"}},"baseline":{"state":"fail","failed":1,"passed":1},"complianceStatus":"NonCompliant"}}`, 0},
		{"low-left-does-not-count",
			`{"properties":{"checks":{"a":{"state":"fail","severity":"high"},"b":{"state":"fail","severity":"low"}},"baseline":{"state":"fail"}}}`, "a",
			`{"properties":{"checks":{"a":{"state":"pass","severity":"high"},"b":{"state":"fail","severity":"low"}},"baseline":{"state":"pass"}}}`, 0},
		{"own-recommendation-does-not-count",
			`{"properties":{"checks":{"a":{"state":"fail","severity":"high"},"own":{"state":"fail","severity":"high"}},"baseline":{"state":"fail"}}}`, "a",
			`{"properties":{"checks":{"a":{"state":"pass","severity":"high"},"own":{"state":"fail","severity":"high"}},"baseline":{"state":"pass"}}}`, 0},
		{"unknown-left",
			`{"properties":{"checks":{"a":{"state":"fail","severity":"high"},"b":{"state":"unknown","severity":"high"}},"baseline":{"state":"fail"}}}`, "a",
			`{"properties":{"checks":{"a":{"state":"pass","severity":"high"},"b":{"state":"unknown","severity":"high"}},"baseline":{"state":"unknown"}}}`, 1},
		{"counts-of-a-list",
			`{"properties":{"counts":{"critical":2,"high":1},"fixable":{"critical":1,"high":1},"exploited":1,"vulnerabilities":[{"id":"a","severity":"critical","fixedVersion":"2","exploited":true},{"id":"b","severity":"critical"}, {"id":"c","severity":"high","fixedVersion":"2"}]}}`, "a",
			`{"properties":{"counts":{"critical":1,"high":1},"fixable":{"critical":0,"high":1},"exploited":0,"vulnerabilities":[{"id":"b","severity":"critical"},{"id":"c","severity":"high","fixedVersion":"2"}]}}`, 0},
		{"counts-never-below-zero",
			`{"properties":{"vulnerabilities":[{"id":"a","severity":"high"}],"findings":{"high":0,"medium":4}}}`, "a",
			`{"properties":{"vulnerabilities":[],"findings":{"high":0,"medium":4}}}`, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			// Spare room behind the body must not confuse where its parts are.
			body := append(make([]byte, 0, len(test.body)+100), test.body...)
			doc := &wire.Document{Body: body}
			got := mask(doc, open("r", known, doc.Body), func(it *Result) bool {
				return strings.Contains(" "+test.off+" ", " "+it.ID+" ")
			})
			if string(got.Body) != test.want || len(got.Unavailable) != test.unavailable || !json.Valid(got.Body) {
				t.Errorf("masked:\n%s, unavailable %q\nwant:\n%s", got.Body, got.Unavailable, test.want)
			}
			if string(doc.Body) != test.body {
				t.Error("the document itself was changed")
			}
		})
	}
}

// FuzzMask disables everything in any JSON: what comes out is JSON, and nothing
// in it fails any more.
func FuzzMask(f *testing.F) {
	f.Add(`{"properties":{"baseline":{"state":"fail","failed":1},"complianceStatus":"NonCompliant","checks":{"a":{"state":"fail","severity":"high"},"b":{"state":"unknown"}}}}`)
	f.Add(`{"properties":{"fixable":{"high":1},"exploited":1,"vulnerabilities":[{"cve":[{"title":"CVE-1"}],"severity":"high","cvss":{"3.0":{"base":9}},"exploited":true}, {"id":"2","severity":"low"}]}}`)
	f.Add(`{"properties":{"checks":{"a":{"state":"fail","state":"pass"}},"checks":[]}}`)
	f.Fuzz(func(t *testing.T, body string) {
		if !json.Valid([]byte(body)) {
			t.Skip("inventory takes no such document")
		}
		doc := mask(&wire.Document{Body: []byte(body)}, open("r", nil, []byte(body)), func(*Result) bool { return true })
		if !json.Valid(doc.Body) {
			t.Fatalf("%s became %s", body, doc.Body)
		}
		open("r", nil, doc.Body).EachFailing(func(it *Result) { t.Errorf("%s still fails in %s", it.ID, doc.Body) })
	})
}
