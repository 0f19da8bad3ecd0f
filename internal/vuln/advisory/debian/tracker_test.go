package debian

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const export = `{
 "openssl": {
  "CVE-2024-0001": {"description": "Fixed in one, open in the other.", "scope": "remote", "releases": {
   "bookworm": {"status": "resolved", "fixed_version": "3.0.13-1~deb12u1", "urgency": "not yet assigned", "repositories": {"bookworm": "3.0.11-1"}},
   "bullseye": {"status": "open", "urgency": "medium**"},
   "sid": {"status": "resolved", "fixed_version": "3.1", "urgency": "low"}}},
  "CVE-2024-0002": {"releases": {
   "bookworm": {"status": "open", "urgency": "not yet assigned", "nodsa": "Minor issue", "nodsa_reason": ""},
   "bullseye": {"status": "open", "urgency": "low", "nodsa": "Minor issue", "nodsa_reason": "postponed"},
   "buster": {"status": "open", "urgency": "low", "nodsa": "Minor issue", "nodsa_reason": "ignored"}}},
  "CVE-2024-0003": {"releases": {
   "bookworm": {"status": "resolved", "fixed_version": "0", "urgency": "unimportant"},
   "bullseye": {"status": "open", "urgency": "unimportant"},
   "buster": {"status": "open", "urgency": "end-of-life"},
   "trixie": {"status": "undetermined", "urgency": "not yet assigned"}}}},
 "broken": {"CVE-2024-0001": {"releases": []}},
 "libressl": {"CVE-2024-0001": {"releases": {"bookworm": {"status": "open", "urgency": "high"}}}}
}`

func TestRead(t *testing.T) {
	var problems []string
	entries, err := Read(strings.NewReader(export), func(pkg string, err error) { problems = append(problems, pkg) })
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		for _, p := range e.Packages {
			got = append(got, fmt.Sprintf("%s %s %s %s fixed=%q %s", e.ID, p.Name, p.Ecosystem, p.Status, p.Intervals[0].Fixed, p.Severity))
		}
	}
	want := []string{
		`DEBIAN-CVE-2024-0001 libressl Debian:12 open fixed="" high`,
		`DEBIAN-CVE-2024-0001 openssl Debian:11 open fixed="" medium`,
		`DEBIAN-CVE-2024-0001 openssl Debian:12 open fixed="3.0.13-1~deb12u1" unknown`,
		`DEBIAN-CVE-2024-0002 openssl Debian:10 will-not-fix fixed="" low`,
		`DEBIAN-CVE-2024-0002 openssl Debian:11 postponed fixed="" low`,
		`DEBIAN-CVE-2024-0002 openssl Debian:12 no-dsa fixed="" unknown`,
		`DEBIAN-CVE-2024-0003 openssl Debian:10 end-of-life fixed="" unknown`,
		`DEBIAN-CVE-2024-0003 openssl Debian:11 unimportant fixed="" unknown`,
		`DEBIAN-CVE-2024-0003 openssl Debian:12 not-affected fixed="" unknown`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"broken"}, problems); diff != "" {
		t.Error(diff)
	}
}

func TestNoExport(t *testing.T) {
	for _, text := range []string{"", "[]", "null", `{"a"`, export[:200], `{"a": 1,}`} {
		if _, err := Read(strings.NewReader(text), func(string, error) {}); err == nil {
			t.Errorf("%.20q is taken", text)
		}
	}
	if !Is([]byte(export[:100])) || Is([]byte(`{"id":"GHSA-1"}`)) || Is([]byte(`{"document":{"category":{}}}`)) {
		t.Error("the kind of a file is misread")
	}
}

func FuzzRead(f *testing.F) {
	f.Add(export)
	f.Add(`{"a":{"CVE-2024-1":{"releases":{"bookworm":{"status":"resolved","fixed_version":""}}}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = Read(strings.NewReader(text), func(string, error) {})
		_ = Is([]byte(text))
	})
}
