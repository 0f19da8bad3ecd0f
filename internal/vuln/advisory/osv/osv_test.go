package osv

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/affected"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/cvss"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/version"
)

func compiled(t *testing.T, text string) (affected.Advisory, []affected.Package, []error) {
	t.Helper()
	r, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return Compile(r)
}

// events writes a record about a package with events as JSON.
func events(ecosystem, kind, list string) string {
	return `{"id":"X-1","affected":[{"package":{"ecosystem":"` + ecosystem + `","name":"p"},"ranges":[{"type":"` + kind + `","events":[` + list + `]}]}]}`
}

func TestRanges(t *testing.T) {
	tests := map[string]struct{ ecosystem, kind, events, want string }{
		"fixed":             {"npm", "SEMVER", `{"introduced":"0"},{"fixed":"1.0.0"}`, "[0,1.0.0)"},
		"open":              {"npm", "SEMVER", `{"introduced":"0"}`, "[0,∞)"},
		"last":              {"npm", "SEMVER", `{"introduced":"1.0.0"},{"last_affected":"1.2.0"}`, "[1.0.0,1.2.0]"},
		"branches-unsorted": {"npm", "SEMVER", `{"introduced":"2.0.0"},{"fixed":"2.1.0"},{"fixed":"1.5.0"},{"introduced":"0"}`, "[0,1.5.0) [2.0.0,2.1.0)"},
		"introduced-twice":  {"npm", "SEMVER", `{"introduced":"0"},{"introduced":"1.0.0"},{"fixed":"2.0.0"}`, "[0,2.0.0)"},
		"fixed-twice":       {"npm", "SEMVER", `{"introduced":"0"},{"fixed":"1.0.0"},{"fixed":"2.0.0"}`, "[0,1.0.0)"},
		"again":             {"npm", "SEMVER", `{"introduced":"0"},{"fixed":"1.0.0"},{"introduced":"1.0.0"},{"fixed":"1.1.0"}`, "[0,1.0.0) [1.0.0,1.1.0)"},
		"limit":             {"npm", "SEMVER", `{"introduced":"1.0.0"},{"limit":"2.0.0"}`, "[1.0.0,2.0.0)"},
		"limit-none":        {"npm", "SEMVER", `{"introduced":"1.0.0"},{"limit":"*"}`, "[1.0.0,∞)"},
		"git":               {"npm", "GIT", `{"introduced":"0"},{"fixed":"abcdef"}`, ""},
		"epochs":            {"Debian:12", "ECOSYSTEM", `{"introduced":"1:0"},{"fixed":"1:2.0-1"}`, "[1:0,1:2.0-1)"},
		"spaces":            {"crates.io", "SEMVER", `{"introduced":"0.0.0-0"},{"fixed":"0.0.5 "}`, "[0.0.0-0,0.0.5)"},
		"no-version":        {"PyPI", "ECOSYSTEM", `{"introduced":"0"},{"fixed":"not a version"}`, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, packages, _ := compiled(t, events(tt.ecosystem, tt.kind, tt.events))
			var got []string
			for _, p := range packages {
				for _, in := range p.Intervals {
					got = append(got, show(in))
				}
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func show(in affected.Interval) string {
	switch {
	case in.Fixed != "":
		return fmt.Sprintf("[%s,%s)", in.Introduced, in.Fixed)
	case in.LastAffected != "":
		return fmt.Sprintf("[%s,%s]", in.Introduced, in.LastAffected)
	}
	return fmt.Sprintf("[%s,∞)", in.Introduced)
}

// TestRangesAgainstTheSchema compares intervals with the evaluation that the OSV
// schema writes down, over all small series of events.
func TestRangesAgainstTheSchema(t *testing.T) {
	scheme, _ := version.For("npm")
	kinds := []string{"introduced", "fixed", "last_affected"}
	versions := []string{"0", "1.0.0", "2.0.0", "3.0.0"}
	var options []Event
	for _, k := range kinds {
		for _, v := range versions {
			e := map[string]Event{"introduced": {Introduced: v}, "fixed": {Fixed: v}, "last_affected": {LastAffected: v}}[k]
			if k == "introduced" || v != "0" {
				options = append(options, e)
			}
		}
	}
	for _, a := range options {
		for _, b := range options {
			for _, c := range options {
				list := []Event{a, b, c}
				if conflict(list) {
					continue
				}
				intervals, err := compileRange(scheme, list)
				if err != nil {
					t.Fatal(err)
				}
				p := affected.Package{Intervals: intervals}
				for _, v := range []string{"0.5.0", "1.0.0", "1.5.0", "2.0.0", "2.5.0", "3.0.0", "4.0.0"} {
					got, _ := p.Affects(scheme, v)
					if want := schemaSays(scheme, list, v); got != want {
						t.Fatalf("%+v: %s is %t, the schema says %t", list, v, got, want)
					}
				}
			}
		}
	}
}

// conflict: two events at one version, of which the schema doesn't say the order.
func conflict(list []Event) bool {
	seen := map[string]bool{}
	for _, e := range list {
		v := e.Introduced + e.Fixed + e.LastAffected
		if seen[v] {
			return true
		}
		seen[v] = true
	}
	return false
}

// schemaSays is the evaluation of the schema: the last event at or before the
// version decides.
func schemaSays(s *version.Scheme, list []Event, v string) bool {
	vulnerable, at := false, ""
	consider := func(bound string, state bool) {
		if at == "" || bound == "0" && at == "0" || at == "0" || bound != "0" && s.Compare(bound, at) >= 0 {
			at, vulnerable = bound, state
		}
	}
	for _, e := range list {
		switch {
		case e.Introduced != "" && (e.Introduced == "0" || s.Compare(v, e.Introduced) >= 0):
			consider(e.Introduced, true)
		case e.Fixed != "" && s.Compare(v, e.Fixed) >= 0:
			consider(e.Fixed, false)
		case e.LastAffected != "" && s.Compare(v, e.LastAffected) > 0:
			consider(e.LastAffected, false)
		}
	}
	return vulnerable
}

func TestRatings(t *testing.T) {
	one := func(severity, database string) string {
		return `{"id":"X-1","severity":` + severity + `,"database_specific":` + database + `,"affected":[{"package":{"ecosystem":"npm","name":"p"},"versions":["1"]}]}`
	}
	tests := map[string]struct {
		text  string
		want  cvss.Severity
		score float64
		bad   int
	}{
		"v3":         {one(`[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]`, `{}`), cvss.Critical, 9.8, 0},
		"newest":     {one(`[{"type":"CVSS_V4","score":"CVSS:4.0/AV:L/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N"},{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]`, `{}`), cvss.None, 0, 0},
		"bad-vector": {one(`[{"type":"CVSS_V3","score":"CVSS:3.1/XX"}]`, `{"severity":"HIGH"}`), cvss.High, 0, 1},
		"word":       {one(`null`, `{"severity":"MODERATE"}`), cvss.Medium, 0, 0},
		"ubuntu":     {one(`[{"type":"Ubuntu","score":"low"}]`, `null`), cvss.Low, 0, 0},
		"none":       {one(`[]`, `{"severity":7}`), cvss.Unknown, 0, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			adv, _, problems := compiled(t, tt.text)
			if adv.Severity != tt.want || adv.Score != tt.score || len(problems) != tt.bad {
				t.Errorf("%s %v %v", adv.Severity, adv.Score, problems)
			}
		})
	}
}

func TestIdentities(t *testing.T) {
	tests := map[string]struct{ text, cves, aliases string }{
		"cve-itself":  {`{"id":"CVE-2024-1001"}`, "CVE-2024-1001", ""},
		"aliases":     {`{"id":"GHSA-1","aliases":["CVE-2024-1001","PYSEC-1"]}`, "CVE-2024-1001", "PYSEC-1"},
		"upstream":    {`{"id":"DEBIAN-CVE-2024-1001","upstream":["CVE-2024-1001"]}`, "CVE-2024-1001", ""},
		"update":      {`{"id":"RHSA-2024:1","related":["CVE-2024-1002","CVE-2024-1001"]}`, "CVE-2024-1001,CVE-2024-1002", ""},
		"only-alike":  {`{"id":"GHSA-1","related":["CVE-2024-1001"]}`, "", ""},
		"odd-numbers": {`{"id":"GHSA-1","aliases":["CVE-2024-1","CVE-24-1001","CVE-2024-123456789"]}`, "CVE-2024-123456789", "CVE-2024-1,CVE-24-1001"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			adv, _, _ := compiled(t, tt.text)
			if got := strings.Join(adv.CVEs, ","); got != tt.cves {
				t.Errorf("CVEs %s", got)
			}
			if got := strings.Join(adv.Aliases, ","); got != tt.aliases {
				t.Errorf("aliases %s", got)
			}
		})
	}
}

func TestWithdrawnDisputed(t *testing.T) {
	_, packages, _ := compiled(t, `{"id":"X-1","withdrawn":"2024-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"p"},"versions":["1"]}]}`)
	if len(packages) != 0 {
		t.Error("a withdrawn record has packages")
	}
	adv, packages, _ := compiled(t, `{"id":"X-1","details":"** DISPUTED ** perhaps","affected":[{"package":{"ecosystem":"npm","name":"p"},"versions":["1","1"]}]}`)
	if !adv.Disputed || len(packages) != 1 {
		t.Error("a disputed record is to be shown as disputed")
	}
	adv, _, _ = compiled(t, `{"id":"MAL-2024-1"}`)
	if adv.Severity != cvss.Critical {
		t.Error("malware is critical")
	}
}

func TestListsThatRangesHold(t *testing.T) {
	_, packages, _ := compiled(t, `{"id":"X-1","affected":[{"package":{"ecosystem":"npm","name":"p"},"versions":["1.0.0","5.0.0","odd"],"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"2.0.0"}]}]}]}`)
	if diff := cmp.Diff([]string{"5.0.0", "odd"}, packages[0].Versions); diff != "" {
		t.Error(diff)
	}
}

func TestNoRecord(t *testing.T) {
	for _, text := range []string{"", "[]", "{}", `{"id":""}`, `{"id":1}`, `{"id":"` + strings.Repeat("x", 200) + `"}`, `{"id":"X","affected":{}}`, strings.Repeat(`{"a":`, 20_000), strings.Repeat("[", 100_000)} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%.30q is taken", text)
		}
	}
	if _, err := Parse(make([]byte, MaxRecord+1)); err == nil {
		t.Error("a record of any size is taken")
	}
}

func FuzzCompile(f *testing.F) {
	f.Add([]byte(events("npm", "SEMVER", `{"introduced":"0"},{"fixed":"1.0.0"}`)))
	f.Add([]byte(`{"id":"RHSA-1","summary":"nodejs:18 update","affected":[{"package":{"ecosystem":"Red Hat:enterprise_linux:8::appstream","name":"n","purl":"pkg:rpm/redhat/n?rpmmod=nodejs:18"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1-1.module"}]}],"ecosystem_specific":{"binaries":[{"a":"1"}],"urgency":"low"}}],"severity":[{"type":"CVSS_V3","score":"x"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Parse(data)
		if err != nil {
			return
		}
		_, packages, _ := Compile(r)
		for _, p := range packages {
			if p.Name == "" || len(p.Intervals)+len(p.Versions) == 0 {
				t.Errorf("a package that says nothing: %+v", p)
			}
		}
	})
}
