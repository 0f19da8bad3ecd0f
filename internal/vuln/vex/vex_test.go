package vex

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/vuln/advisory"
)

const openVEXText = `{"@context":"https://openvex.dev/ns/v0.2.0","@id":"https://example.com/vex/1","author":"Example","timestamp":"2026-01-01T00:00:00Z","version":1,"statements":[
 {"vulnerability":{"name":"CVE-2026-1","aliases":["GHSA-1"]},"products":[{"@id":"pkg:deb/debian/openssl@3.0.8-1?arch=source&distro=debian-12.13"}],"status":"not_affected","justification":"vulnerable_code_not_present"},
 {"vulnerability":{"@id":"https://nvd.nist.gov/vuln/detail/CVE-2026-2","name":"CVE-2026-2"},"products":[{"@id":"pkg:oci/app@sha256%3Aaaaa?repository_url=registry.example/app","subcomponents":[{"@id":"pkg:npm/left-pad@1.0.0"}]}],"status":"not_affected"},
 {"vulnerability":{"name":"CVE-2026-3"},"products":[{"@id":"pkg:npm/left-pad@9.9.9"}],"status":"not_affected"},
 {"vulnerability":{"name":"CVE-2026-4"},"products":[{"@id":"pkg:npm/left-pad"}],"status":"under_investigation"}]}`

func finding(id, purl, source string, aliases ...string) advisory.Finding {
	return advisory.Finding{ID: id, PURL: purl, Source: source, Aliases: aliases}
}

func parsed(t *testing.T, text string) []Statement {
	t.Helper()
	list, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func apply(list []Statement, subject Subject, findings ...advisory.Finding) (lines []string) {
	r := Apply(list, subject, findings)
	for _, f := range r.Findings {
		lines = append(lines, f.ID)
	}
	for _, f := range r.Excluded {
		lines = append(lines, "excluded "+f.ID+": "+f.Reason)
	}
	for _, s := range r.Unmatched {
		lines = append(lines, "unmatched "+s.Vulnerability+" "+s.Product)
	}
	return lines
}

func TestOpenVEX(t *testing.T) {
	list := parsed(t, openVEXText)
	libssl := finding("CVE-2026-1", "pkg:deb/debian/libssl3@3.0.8-1?arch=amd64&distro=debian-12", "openssl")
	pad := "pkg:npm/left-pad@1.0.0"
	image := Subject{Repository: "registry.example/app", Digest: "sha256:aaaa"}
	got := apply(list, image, libssl, finding("GHSA-1", pad, ""), finding("CVE-2026-2", pad, ""), finding("CVE-2026-3", pad, ""), finding("CVE-2026-4", pad, ""))
	want := []string{"GHSA-1", "CVE-2026-3", "CVE-2026-4",
		"excluded CVE-2026-1: its maker says that it is not affected: vulnerable_code_not_present (VEX https://example.com/vex/1)",
		"excluded CVE-2026-2: its maker says that it is not affected (VEX https://example.com/vex/1)",
		"unmatched CVE-2026-3 pkg:npm/left-pad@9.9.9"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// the same package in another image is another product
	got = apply(list[1:2], Subject{Repository: "registry.example/other", Digest: "sha256:bbbb"}, finding("CVE-2026-2", pad, ""))
	if diff := cmp.Diff([]string{"CVE-2026-2", "unmatched CVE-2026-2 pkg:oci/app@sha256%3Aaaaa?repository_url=registry.example/app"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestContradictionKeepsTheFinding(t *testing.T) {
	pad := "pkg:npm/left-pad@1.0.0"
	for _, order := range [][]Status{{NotAffected, Affected}, {Affected, NotAffected}, {Fixed, Investigating, Fixed}} {
		var list []Statement
		for _, s := range order {
			list = append(list, Statement{Vulnerability: "CVE-2026-1", Product: pad, Status: s})
		}
		if diff := cmp.Diff([]string{"CVE-2026-1"}, apply(list, Subject{}, finding("CVE-2026-1", pad, ""))); diff != "" {
			t.Error(order, diff)
		}
	}
}

func TestCycloneDX(t *testing.T) {
	list := parsed(t, `{"bomFormat":"CycloneDX","specVersion":"1.5","serialNumber":"urn:uuid:1","components":[{"bom-ref":"a","purl":"pkg:pypi/Zope_Interface@5.0","components":[{"bom-ref":"b","purl":"pkg:npm/%40scope/x@1.0.0"}]}],
	 "vulnerabilities":[{"id":"CVE-2026-1","analysis":{"state":"not_affected","justification":"code_not_reachable"},"affects":[{"ref":"a"}]},
	  {"id":"CVE-2026-2","references":[{"id":"GHSA-2"}],"analysis":{"state":"false_positive"},"affects":[{"ref":"urn:cdx:uuid/1#b"}]},
	  {"id":"CVE-2026-3","analysis":{"state":"exploitable"},"affects":[{"ref":"b"}]}, {"id":"CVE-2026-4","affects":[{"ref":"b"}]}]}`)
	got := apply(list, Subject{}, finding("CVE-2026-1", "pkg:pypi/zope-interface@5.0", ""), finding("GHSA-2", "pkg:npm/%40scope/x@1.0.0", ""), finding("CVE-2026-3", "pkg:npm/@scope/x@1.0.0", ""))
	want := []string{"CVE-2026-3", "excluded CVE-2026-1: its maker says that it is not affected: code_not_reachable (VEX urn:uuid:1)", "excluded GHSA-2: its maker says that it is not affected (VEX urn:uuid:1)"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCSAF(t *testing.T) {
	text, err := os.ReadFile("../advisory/testdata/redhat-vex.json")
	if err != nil {
		t.Fatal(err)
	}
	list := parsed(t, string(text))
	got := apply(list, Subject{}, finding("CVE-2026-7000", "pkg:rpm/redhat/bash@4.4.19-1.el8?arch=x86_64", ""), finding("CVE-2026-7000", "pkg:rpm/redhat/kernel@1-1?arch=x86_64", ""),
		finding("CVE-2026-7000", "pkg:rpm/redhat/libexample@1:1.1-9.el9_2?arch=x86_64", ""))
	if len(got) != 6 || got[0] != "CVE-2026-7000" || !strings.HasPrefix(got[1], "excluded CVE-2026-7000: its maker says that it is not affected") || !strings.Contains(got[2], "fixed") {
		t.Errorf("%q", got)
	}
}

func TestPURL(t *testing.T) {
	tests := []struct {
		statement, installed string
		want                 bool
	}{
		{"pkg:deb/debian/curl@7.88.1-10?distro=debian-12", "pkg:deb/debian/curl@7.88.1-10?arch=amd64&distro=debian-12.13", true},
		{"pkg:deb/debian/curl", "pkg:deb/debian/curl@7.88.1-10", true},
		{"pkg:deb/ubuntu/curl", "pkg:deb/debian/curl@7.88.1-10", false},
		{"pkg:rpm/redhat/bind@9.11-1?epoch=32", "pkg:rpm/redhat/bind@32%3A9.11-1", true},
		{"pkg:golang/github.com/a/b@v1.0.0#sub", "pkg:golang/github.com/a/b@v1.0.0", true},
		{"pkg:NPM/left-pad@1", "pkg:npm/left-pad@2", false},
		{"left-pad", "pkg:npm/left-pad@2", false},
	}
	for _, tt := range tests {
		if got := isPackage(tt.statement, &advisory.Finding{PURL: tt.installed}); got != tt.want {
			t.Errorf("%s for %s: %t", tt.statement, tt.installed, got)
		}
	}
}

func TestNoDocument(t *testing.T) {
	for _, text := range []string{"", "{}", "[]", `{"bomFormat":"CycloneDX"}`, `{"@context":"openvex","statements":[{"vulnerability":"CVE-1","products":["a"],"status":"perhaps"}]}`} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(openVEXText))
	f.Add([]byte(`{"bomFormat":"CycloneDX","vulnerabilities":[{"id":"CVE-1","analysis":{"state":"resolved"},"affects":[{"ref":"pkg:npm/a@1"}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := Parse(data)
		if err == nil {
			Apply(list, Subject{}, []advisory.Finding{{ID: list[0].Vulnerability, PURL: list[0].Product}})
		}
	})
}
