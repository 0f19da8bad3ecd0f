package report

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	spdx "github.com/spdx/tools-golang/spdx/v2/v2_3"

	"github.com/rampart-sec/rampart/internal/base/software"
	"github.com/rampart-sec/rampart/internal/vuln/advisory"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/cvss"
	"github.com/rampart-sec/rampart/internal/vuln/image"
	"github.com/rampart-sec/rampart/internal/vuln/image/secret"
)

// sample is a report with one of everything, and names that would harm a
// terminal.
func sample() *image.Report {
	pkg := func(name, path string) image.Package {
		return image.Package{Package: software.Package{Name: name, Version: "1", Source: "src", Ecosystem: "Debian:12", PURL: "pkg:deb/debian/" + name + "@1", Path: path}, Layer: "sha256:a"}
	}
	finding := func(name, id, fixed string, severity cvss.Severity, kev bool) image.Finding {
		return image.Finding{Finding: advisory.Finding{ID: id, Package: name, Version: "1", Source: "src", Path: "var/lib/dpkg/status", FixedVersion: fixed, Status: "unfixed", Severity: severity, CVSS: 7.5,
			Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", KEV: kev, EPSS: 0.5, Summary: "what it is"}, Layer: "sha256:a", CreatedBy: "RUN apt"}
	}
	return &image.Report{
		Inventory: image.Inventory{Image: image.Description{Name: "app:1\x1b[31m", Digest: "sha256:d", Platform: "linux/amd64", Layers: []image.Layer{{Digest: "sha256:a", CreatedBy: "RUN apt"}}},
			System:        &image.System{Release: software.Release{ID: "debian", Version: "12", Name: "Debian 12"}},
			Packages:      []image.Package{pkg("a", "var/lib/dpkg/status"), pkg("b", "var/lib/dpkg/status")},
			Secrets:       []image.FoundSecret{{Secret: secret.Secret{Rule: "private-key", Title: "Private key", Severity: "critical", Path: "root/a b:c", Line: 3, Match: "PRIVATE KEY"}}},
			Configuration: []image.Configuration{{ID: "runs-as-root", Title: "The image runs as root", Severity: "medium", Fix: "USER"}},
			Problems:      []image.Problem{{Path: "x\nforged line", Reason: "damaged"}}},
		Status: image.Completed, Scanned: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
		Findings: []image.Finding{finding("a", "CVE-2026-1", "2", cvss.High, true), finding("b", "CVE-2026-1", "2", cvss.High, true), finding("a", "CVE-2026-2", "", cvss.Unknown, false)},
		Gaps:     []advisory.Gap{{Ecosystem: "npm", Packages: 3, Reason: "no advisories of this ecosystem are imported"}},
	}
}

func write(t *testing.T, format string) string {
	t.Helper()
	w, err := Writer(format, About{Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := w(&b, sample()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTable(t *testing.T) {
	got := write(t, "table")
	for _, want := range []string{"app:1?[31m", "high exploited  CVE-2026-1  src (2 packages)", "unfixed", "50.0%", "1 RUN apt", "x?forged line: damaged", "3 packages of npm", "2 vulnerabilities (1 high, 1 unknown), 1 fixable, 1 known to be exploited"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if strings.ContainsRune(got, 0x1b) {
		t.Error("an escape of the image reaches the terminal")
	}
}

// TestSARIF checks what the format requires beyond being JSON.
func TestSARIF(t *testing.T) {
	var log sarifLog
	if err := json.Unmarshal([]byte(write(t, "sarif")), &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	if log.Version != "2.1.0" || len(run.Results) != 5 || len(run.Tool.Driver.Rules) != 4 {
		t.Fatalf("%d results of %d rules", len(run.Results), len(run.Tool.Driver.Rules))
	}
	for _, r := range run.Results {
		if run.Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID || r.Message.Text == "" || strings.ContainsAny(r.Locations[0].Physical.Artifact.URI, " :\n") {
			t.Errorf("%+v", r)
		}
	}
}

func TestCycloneDX(t *testing.T) {
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(strings.NewReader(write(t, "cyclonedx")), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	refs := map[string]bool{}
	for _, c := range *bom.Components {
		refs[c.BOMRef] = true
	}
	if len(refs) != 3 || len(*bom.Vulnerabilities) != 2 || len(*(*bom.Vulnerabilities)[0].Affects) != 2 {
		t.Fatalf("%d components, %+v", len(refs), *bom.Vulnerabilities)
	}
	for _, v := range *bom.Vulnerabilities {
		for _, a := range *v.Affects {
			if !refs[a.Ref] {
				t.Errorf("%s affects %q, which is no component", v.ID, a.Ref)
			}
		}
	}
}

func TestSPDX(t *testing.T) {
	var doc spdx.Document
	if err := json.Unmarshal([]byte(write(t, "spdx")), &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Packages) != 3 || len(doc.Relationships) != 3 || doc.Packages[1].PackageExternalReferences[0].Locator != "pkg:deb/debian/a@1" {
		t.Errorf("%+v", doc)
	}
}

func TestUnknownFormat(t *testing.T) {
	if _, err := Writer("yaml", About{}); err == nil {
		t.Error("yaml was taken")
	}
}
