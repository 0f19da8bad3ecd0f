package advisory_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/base/software"
	"github.com/rampart-sec/rampart/internal/vuln/advisory"
)

// exportOf writes an export: by path inside of it, one record per line.
func exportOf(t *testing.T, records map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range records {
		full := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func matchIn(t *testing.T, dir string, packages ...software.Package) *advisory.Result {
	t.Helper()
	db, err := advisory.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	got, err := db.Match(t.Context(), packages)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// brief writes a finding in one line.
func brief(f advisory.Finding) string {
	return strings.Join([]string{f.Package, f.ID, f.Status, f.FixedVersion, strings.Join(f.Aliases, "+")}, " ")
}

func briefs(r *advisory.Result) (all []string) {
	for _, f := range r.Findings {
		all = append(all, brief(f))
	}
	for _, f := range r.Excluded {
		all = append(all, "excluded "+brief(f.Finding))
	}
	for _, g := range r.Gaps {
		all = append(all, "gap "+g.Ecosystem+": "+g.Reason)
	}
	return all
}

// rec writes a record about one package.
func rec(id, ecosystem, name, rest string) string {
	return `{"id":"` + id + `","affected":[{"package":{"ecosystem":"` + ecosystem + `","name":"` + name + `"},` + rest + `}]}`
}

func fixedIn(v string) string {
	return `"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"` + v + `"}]}]`
}

func TestMatch(t *testing.T) {
	dir := exportOf(t, map[string]string{
		"Debian/DEBIAN-CVE-2024-1.json": `{"id":"DEBIAN-CVE-2024-1","upstream":["CVE-2024-1001"],"affected":[{"package":{"ecosystem":"Debian:12","name":"openssl"},` + fixedIn("3.0.9-1") + `},
			{"package":{"ecosystem":"Debian:11","name":"openssl"},` + fixedIn("9") + `}]}`,
		"Debian/DSA-1.json":             `{"id":"DSA-1","upstream":["CVE-2024-1001","CVE-2024-1002"],"affected":[{"package":{"ecosystem":"Debian:12","name":"openssl"},` + fixedIn("3.0.9-2") + `}]}`,
		"Debian/DEBIAN-CVE-2024-3.json": rec("DEBIAN-CVE-2024-1003", "Debian:12", "linux", `"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]`),
		"Debian/DEBIAN-CVE-2024-4.json": rec("DEBIAN-CVE-2024-1004", "Debian:12", "bash", `"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}],"ecosystem_specific":{"urgency":"unimportant"}`),
		"Debian/withdrawn.json":         `{"id":"DEBIAN-CVE-2024-1005","withdrawn":"2024-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"Debian:12","name":"openssl"},` + fixedIn("99") + `}]}`,
		"Debian/broken.json":            `{"id":`,
		"npm/GHSA-1.json":               `{"id":"GHSA-aaaa","aliases":["CVE-2024-2001"],"affected":[{"package":{"ecosystem":"npm","name":"left-pad"},"versions":["1.0.0"],"ranges":[{"type":"SEMVER","events":[{"introduced":"1.1.0"},{"last_affected":"1.2.0"}]}]}]}`,
		"PyPI/PYSEC-1.json":             rec("PYSEC-1", "PyPI", "Zope.Interface", fixedIn("5.0")),
		"PyPI/GHSA-2.json":              `{"id":"GHSA-bbbb","aliases":["PYSEC-1"],"affected":[{"package":{"ecosystem":"PyPI","name":"zope-interface"},` + fixedIn("5.1") + `}]}`,
		"Go/GO-1.json":                  rec("GO-2024-1", "Go", "stdlib", `"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.21.8"},{"introduced":"1.22.0-0"},{"fixed":"1.22.1"}]}]`),
	})
	tests := map[string]struct {
		pkg  software.Package
		want []string
	}{
		"two-advisories-one-finding-each-cve": {software.Package{Name: "libssl3", Source: "openssl", Version: "3.0.8-1", Ecosystem: "Debian:12"},
			[]string{"libssl3 CVE-2024-1001 fixed 3.0.9-2 DEBIAN-CVE-2024-1+DSA-1", "libssl3 CVE-2024-1002 fixed 3.0.9-2 DSA-1"}},
		"other-release":          {software.Package{Name: "openssl", Version: "3.0.9-2", Ecosystem: "Debian:12"}, nil},
		"release-not-covered":    {software.Package{Name: "openssl", Version: "3.0.9-2", Ecosystem: "Debian:13"}, []string{"gap Debian:13: no advisories for this release are imported"}},
		"release-unknown":        {software.Package{Name: "openssl", Version: "1", Ecosystem: "Debian"}, []string{"gap Debian: the release that it belongs to is not known"}},
		"ecosystem-not-imported": {software.Package{Name: "rails", Version: "1", Ecosystem: "RubyGems"}, []string{"gap RubyGems: no advisories of this ecosystem are imported"}},
		"kernel-headers":         {software.Package{Name: "linux-libc-dev", Source: "linux", Version: "6.1.1-1", Ecosystem: "Debian:12"}, []string{"excluded linux-libc-dev DEBIAN-CVE-2024-1003 unfixed  "}},
		"signed-kernel":          {software.Package{Name: "linux-image-6.1.0-21-amd64", Source: "linux-signed-amd64", SourceVersion: "6.1.90+1", Version: "6.1.90-1", Ecosystem: "Debian:12"}, []string{"linux-image-6.1.0-21-amd64 DEBIAN-CVE-2024-1003 unfixed  "}},
		"kernel":                 {software.Package{Name: "linux-image-6.1.0-1-amd64", Source: "linux", Version: "6.1.1-1", Ecosystem: "Debian:12"}, []string{"linux-image-6.1.0-1-amd64 DEBIAN-CVE-2024-1003 unfixed  "}},
		"unimportant":            {software.Package{Name: "bash", Version: "5", Ecosystem: "Debian:12"}, []string{"excluded bash DEBIAN-CVE-2024-1004 unimportant  "}},
		"listed-version":         {software.Package{Name: "left-pad", Version: "1.0.0", Ecosystem: "npm"}, []string{"left-pad CVE-2024-2001 unfixed  GHSA-aaaa"}},
		"between":                {software.Package{Name: "left-pad", Version: "1.0.1", Ecosystem: "npm"}, nil},
		"last-affected":          {software.Package{Name: "left-pad", Version: "1.2.0", Ecosystem: "npm"}, []string{"left-pad CVE-2024-2001 unfixed  GHSA-aaaa"}},
		"aliases-without-cve":    {software.Package{Name: "zope_interface", Version: "4", Ecosystem: "PyPI"}, []string{"zope_interface GHSA-bbbb fixed 5.1 PYSEC-1"}},
		"stdlib":                 {software.Package{Name: "stdlib", Version: "go1.22rc1", Ecosystem: "Go"}, []string{"stdlib GO-2024-1 fixed 1.22.1 "}},
		"stdlib-fixed":           {software.Package{Name: "stdlib", Version: "1.21.8", Ecosystem: "Go"}, nil},
		"no-version":             {software.Package{Name: "left-pad", Version: "", Ecosystem: "npm"}, []string{"gap npm: its version is not known"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, briefs(matchIn(t, dir, tt.pkg))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOpenWithoutAdvisories(t *testing.T) {
	for _, dir := range []string{t.TempDir(), filepath.Join(t.TempDir(), "absent")} {
		_, err := advisory.Open(dir)
		if !errors.Is(err, advisory.ErrNone) {
			t.Errorf("Open(%s) = %v, want ErrNone", dir, err)
		}
	}
}

// TestKnownFailures are mistakes of scanners that users have reported.
func TestKnownFailures(t *testing.T) {
	dir := exportOf(t, map[string]string{
		"Maven/GHSA-1.json": `{"id":"GHSA-okio","aliases":["CVE-2023-3635"],"affected":[{"package":{"ecosystem":"Maven","name":"com.squareup.okio:okio"},` + fixedIn("3.4.0") +
			`},{"package":{"ecosystem":"Maven","name":"com.squareup.okio:okio-jvm"},` + fixedIn("3.4.0") + `}]}`,
		"Maven/GHSA-2.json":   rec("GHSA-jackson", "Maven", "com.fasterxml.jackson.core:jackson-databind", fixedIn("2.9.10.1")),
		"npm/GHSA-3.json":     rec("GHSA-pre", "npm", "pre", fixedIn("2.0.0")),
		"Debian/1.json":       rec("DEBIAN-CVE-2024-9001", "Debian:12", "dbus", fixedIn("1:1.2-1")),
		"Debian/2.json":       rec("DEBIAN-CVE-2024-9002", "Debian:11", "curl", fixedIn("7.74.0-1.3+deb11u9")),
		"crates.io/1.json":    rec("RUSTSEC-1", "crates.io", "time", `"ranges":[{"type":"SEMVER","events":[{"introduced":"0.0.0-0"},{"fixed":"0.2.23"}]}]`),
		"Packagist/1.json":    rec("GHSA-php", "Packagist", "Symfony/Http-Kernel", fixedIn("v5.4.20")),
		"Go/1.json":           rec("GO-1", "Go", "golang.org/x/net", `"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"0.0.0-20220906165146-f3363e06e74c"}]}]`),
		"NuGet/1.json":        rec("GHSA-net", "NuGet", "Newtonsoft.Json", fixedIn("13.0.1")),
		"Debian/nothing.json": `{"id":"DEBIAN-CVE-2024-9003","affected":[{"package":{"ecosystem":"Debian:12","name":"dbus"}}]}`,
	})
	tests := map[string]struct {
		pkg  software.Package
		want []string
	}{
		"renamed-artifact":           {software.Package{Name: "com.squareup.okio:okio-jvm", Version: "3.0.0", Ecosystem: "Maven"}, []string{"com.squareup.okio:okio-jvm CVE-2023-3635 fixed 3.4.0 GHSA-okio"}},
		"artifact-of-a-like-name":    {software.Package{Name: "com.squareup.okio:okio-js", Version: "3.0.0", Ecosystem: "Maven"}, nil},
		"webjar-that-nobody-names":   {software.Package{Name: "org.webjars.npm:pre", Version: "1.0.0", Ecosystem: "Maven"}, nil},
		"artifact-of-another-group":  {software.Package{Name: "org.example:jackson-databind", Version: "2.9.0", Ecosystem: "Maven"}, nil},
		"pre-release-of-the-fix":     {software.Package{Name: "pre", Version: "2.0.0-rc.1", Ecosystem: "npm"}, []string{"pre GHSA-pre fixed 2.0.0 "}},
		"epoch":                      {software.Package{Name: "dbus", Version: "1:1.1-9", Ecosystem: "Debian:12"}, []string{"dbus DEBIAN-CVE-2024-9001 fixed 1:1.2-1 "}},
		"epoch-higher":               {software.Package{Name: "dbus", Version: "2:0.1-1", Ecosystem: "Debian:12"}, nil},
		"package-of-another-release": {software.Package{Name: "curl", Version: "7.74.0-1.3+deb11u1", Ecosystem: "Debian:11"}, []string{"curl DEBIAN-CVE-2024-9002 fixed 7.74.0-1.3+deb11u9 "}},
		"number-after-number":        {software.Package{Name: "curl", Version: "7.74.0-1.3+deb11u10", Ecosystem: "Debian:11"}, nil},
		"crate":                      {software.Package{Name: "time", Version: "0.1.45", Ecosystem: "crates.io"}, []string{"time RUSTSEC-1 fixed 0.2.23 "}},
		"case-does-not-matter":       {software.Package{Name: "symfony/http-kernel", Version: "v5.4.19", Ecosystem: "Packagist"}, []string{"symfony/http-kernel GHSA-php fixed v5.4.20 "}},
		"nuget":                      {software.Package{Name: "newtonsoft.json", Version: "12.0.3.0", Ecosystem: "NuGet"}, []string{"newtonsoft.json GHSA-net fixed 13.0.1 "}},
		"pseudo-version":             {software.Package{Name: "golang.org/x/net", Version: "v0.0.0-20210101000000-aaaaaaaaaaaa", Ecosystem: "Go"}, []string{"golang.org/x/net GO-1 fixed 0.0.0-20220906165146-f3363e06e74c "}},
		"release-after-pseudo":       {software.Package{Name: "golang.org/x/net", Version: "v0.1.0", Ecosystem: "Go"}, nil},
		"development-build":          {software.Package{Name: "golang.org/x/net", Version: "(devel)", Ecosystem: "Go"}, []string{"gap Go: its version is none that can be compared"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, briefs(matchIn(t, dir, tt.pkg))); diff != "" {
				t.Error(diff)
			}
		})
	}
}
