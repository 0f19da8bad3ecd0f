package advisory_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/base/software"
)

func TestDebianTracker(t *testing.T) {
	osv := exportOf(t, map[string]string{
		"Debian/1.json": `{"id":"DEBIAN-CVE-2024-5001","upstream":["CVE-2024-5001"],"affected":[{"package":{"ecosystem":"Debian:12","name":"openssl"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}`,
		"Debian/2.json": `{"id":"DEBIAN-CVE-2024-5002","upstream":["CVE-2024-5002"],"affected":[{"package":{"ecosystem":"Debian:12","name":"openssl"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}`,
	})
	tracker := filepath.Join(t.TempDir(), "tracker.json")
	err := os.WriteFile(tracker, []byte(`{"openssl": {
		"CVE-2024-5001": {"releases": {"bookworm": {"status": "open", "urgency": "not yet assigned", "nodsa": "Minor issue", "nodsa_reason": ""}}},
		"CVE-2024-5002": {"releases": {"bookworm": {"status": "resolved", "fixed_version": "0", "urgency": "low"}}},
		"CVE-2024-5003": {"releases": {"bookworm": {"status": "open", "urgency": "unimportant"}}},
		"CVE-2024-5004": {"releases": {"bookworm": {"status": "resolved", "fixed_version": "3.0.9-1", "urgency": "medium"}, "trixie": {"status": "open", "urgency": "low"}}}}}`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	db := t.TempDir()
	importInto(t, db, osv, tracker)
	libssl := software.Package{Name: "libssl3", Source: "openssl", Version: "3.0.8-1", Ecosystem: "Debian:12"}
	want := []string{
		"libssl3 CVE-2024-5001 no-dsa  DEBIAN-CVE-2024-5001", "libssl3 CVE-2024-5004 fixed 3.0.9-1 DEBIAN-CVE-2024-5004",
		"excluded libssl3 CVE-2024-5002 not-affected  DEBIAN-CVE-2024-5002", "excluded libssl3 CVE-2024-5003 unimportant  DEBIAN-CVE-2024-5003",
	}
	if diff := cmp.Diff(want, briefs(matchIn(t, db, libssl))); diff != "" {
		t.Error(diff)
	}
	// the tracker alone covers the releases that it speaks of
	trixie := libssl
	trixie.Ecosystem = "Debian:13"
	if diff := cmp.Diff([]string{"libssl3 CVE-2024-5004 unfixed  DEBIAN-CVE-2024-5004"}, briefs(matchIn(t, db, trixie))); diff != "" {
		t.Error(diff)
	}
}

func TestRedHatVEX(t *testing.T) {
	db := t.TempDir()
	importInto(t, db, "testdata/redhat-vex.json")
	rhel := func(release, name, source, version, module string) software.Package {
		return software.Package{Name: name, Source: source, Version: version, Ecosystem: "Red Hat:enterprise_linux:" + release, Module: module}
	}
	tests := map[string]struct {
		pkg  software.Package
		want []string
	}{
		"fixed":             {rhel("9", "libexample", "", "0:1.2-2.el9", ""), []string{"libexample CVE-2026-7000 fixed 1.2-3.el9 REDHAT-CVE-2026-7000"}},
		"has-the-fix":       {rhel("9", "libexample", "", "1.2-3.el9", ""), nil},
		"no-fix-by-source":  {rhel("8", "kernel-core", "kernel", "4.18.0-1.el8", ""), []string{"kernel-core CVE-2026-7000 will-not-fix  REDHAT-CVE-2026-7000"}},
		"headers":           {rhel("8", "kernel-headers", "kernel", "4.18.0-1.el8", ""), []string{"excluded kernel-headers CVE-2026-7000 will-not-fix  REDHAT-CVE-2026-7000"}},
		"module":            {rhel("8", "nodejs", "", "18.1.0-1.module+el8", "nodejs:18"), []string{"nodejs CVE-2026-7000 deferred  REDHAT-CVE-2026-7000"}},
		"module-of-another": {rhel("8", "nodejs", "", "16.1.0-1.module+el8", "nodejs:16"), nil},
		"not-in-a-module":   {rhel("8", "nodejs", "", "10.1.0-1.el8", ""), nil},
		"not-affected":      {rhel("8", "bash", "", "4.4.19-1.el8", ""), []string{"excluded bash CVE-2026-7000 not-affected  REDHAT-CVE-2026-7000"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := matchIn(t, db, tt.pkg)
			if diff := cmp.Diff(tt.want, briefs(got)); diff != "" {
				t.Error(diff)
			}
			for _, f := range got.Findings {
				if f.Severity.String() != "high" || f.CVSS != 5.5 {
					t.Errorf("rated %s, %v: Red Hat's own word is Important", f.Severity, f.CVSS)
				}
			}
		})
	}
}

func TestModulesByTitle(t *testing.T) {
	dir := exportOf(t, map[string]string{
		"AlmaLinux/1.json": `{"id":"ALSA-2026:1","summary":"Important: nodejs:18 security update","related":["CVE-2026-7100"],"affected":[{"package":{"ecosystem":"AlmaLinux:8","name":"nodejs"},` +
			fixedIn("1:18.20.0-1.module_el8.10.0+1") + `}]}`,
		"SUSE/1.json": `{"id":"SUSE-SU-2026:1","related":["CVE-2026-7200"],"affected":[{"package":{"ecosystem":"SUSE:Linux Enterprise Module for Basesystem 15 SP5","name":"openssl-3"},` +
			fixedIn("3.0.8-2.1") + `,"ecosystem_specific":{"binaries":[{"libopenssl3":"3.0.8-2.1"}]}}]}`,
		"Ubuntu/1.json": `{"id":"UBUNTU-CVE-2026-7300","upstream":["CVE-2026-7300"],"affected":[{"package":{"ecosystem":"Ubuntu:22.04:LTS","name":"curl"},` + fixedIn("7.81.0-1ubuntu1.20") +
			`},{"package":{"ecosystem":"Ubuntu:Pro:22.04:LTS","name":"curl"},` + fixedIn("7.81.0-1ubuntu1.99+esm1") + `}]}`,
		"Wolfi/1.json": rec("CVE-2026-7400", "Wolfi", "curl", fixedIn("8.1.0-r1")),
	})
	tests := map[string]struct {
		pkg  software.Package
		want []string
	}{
		"stream":         {software.Package{Name: "nodejs", Version: "1:18.1.0-1.module_el8.9.0+1", Ecosystem: "AlmaLinux:8", Module: "nodejs:18:8090020230000:abc"}, []string{"nodejs CVE-2026-7100 fixed 1:18.20.0-1.module_el8.10.0+1 ALSA-2026:1"}},
		"other-stream":   {software.Package{Name: "nodejs", Version: "1:16.1.0-1.module_el8.9.0+1", Ecosystem: "AlmaLinux:8", Module: "nodejs:16"}, nil},
		"no-module":      {software.Package{Name: "nodejs", Version: "1:10.1.0-1.el8", Ecosystem: "AlmaLinux:8"}, nil},
		"suse-binary":    {software.Package{Name: "libopenssl3", Source: "openssl-3", Version: "3.0.8-1.1", Ecosystem: "SUSE:Linux Enterprise Server 15 SP5"}, []string{"libopenssl3 CVE-2026-7200 fixed 3.0.8-2.1 SUSE-SU-2026:1"}},
		"suse-other":     {software.Package{Name: "openssl-3-doc", Source: "openssl-3", Version: "3.0.8-1.1", Ecosystem: "SUSE:Linux Enterprise Server 15 SP5"}, nil},
		"suse-other-sp":  {software.Package{Name: "libopenssl3", Source: "openssl-3", Version: "3.0.8-1.1", Ecosystem: "SUSE:Linux Enterprise Server 15 SP6"}, []string{"gap SUSE:15 SP6: no advisories for this release are imported"}},
		"ubuntu":         {software.Package{Name: "libcurl4", Source: "curl", Version: "7.81.0-1ubuntu1.1", Ecosystem: "Ubuntu:22.04:LTS"}, []string{"libcurl4 CVE-2026-7300 fixed 7.81.0-1ubuntu1.20 UBUNTU-CVE-2026-7300"}},
		"ubuntu-without": {software.Package{Name: "libcurl4", Source: "curl", Version: "7.81.0-1ubuntu1.20", Ecosystem: "Ubuntu:22.04"}, nil},
		"wolfi":          {software.Package{Name: "libcurl-openssl4", Source: "curl", Version: "8.1.0-r0", Ecosystem: "Wolfi"}, []string{"libcurl-openssl4 CVE-2026-7400 fixed 8.1.0-r1 "}},
		"built-by-others": {software.Package{Name: "postgresql-16", Version: "16.1-1.pgdg120+1", Origin: "PostgreSQL"},
			[]string{"gap : it was built by others than the distribution, whose advisories do not speak of it"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, briefs(matchIn(t, dir, tt.pkg))); diff != "" {
				t.Error(diff)
			}
		})
	}
}
