package bench

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// Where the inputs are. The images are those of ../shared/tools/mkimages.sh; the
// advisories are an OSV export.
func vulnInputs(tb testing.TB) (images []string, export, peer string) {
	tb.Helper()
	dir := os.Getenv("RAMPART_IMAGES")
	if dir == "" {
		tb.Skip("RAMPART_IMAGES names no folder of image archives")
	}
	images, err := filepath.Glob(filepath.Join(dir, "*.tar"))
	if err != nil || len(images) == 0 {
		tb.Skipf("no archives in %s", dir)
	}
	export, err = filepath.Abs("../../shared/data/vuln/osv")
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := os.Stat(export); err != nil {
		tb.Skip("no advisories for development here")
	}
	peer, err = exec.LookPath("osv-scanner")
	if err != nil {
		tb.Skip("osv-scanner is not installed: go install github.com/google/osv-scanner/v2/cmd/osv-scanner@v2.5.1")
	}
	return images, export, peer
}

// buildRampart builds the program as it is shipped.
func buildRampart(tb testing.TB) string {
	tb.Helper()
	out := filepath.Join(tb.TempDir(), "rampart")
	cmd := exec.CommandContext(tb.Context(), "go", "build", "-C", "..", "-trimpath", "-ldflags=-s -w", "-o", out, "./cmd/rampart")
	if text, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("%v: %s", err, text)
	}
	return out
}

// cost is what a program took.
type cost struct {
	cpu float64 // seconds, user and system
	mb  float64 // largest resident set
}

// measured runs a program; a status of 1 means that it found something.
func measured(tb testing.TB, name string, args ...string) ([]byte, cost) {
	tb.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(tb.Context(), name, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() > 1 {
		tb.Fatalf("%s: %v: %.500s", filepath.Base(name), err, errs.String())
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		tb.Fatal("no resource usage on this system")
	}
	return out.Bytes(), cost{(cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), float64(usage.Maxrss) / 1024}
}

// vulnerability is one of a package, by all its names.
type vulnerability struct {
	pkg string // source package, or the package
	ids []string
}

func ours(tb testing.TB, text []byte) (list []vulnerability) {
	tb.Helper()
	var r struct {
		Findings []struct {
			ID, Package, Source string
			Aliases             []string
		}
	}
	if err := json.Unmarshal(text, &r); err != nil {
		tb.Fatal(err)
	}
	for _, f := range r.Findings {
		name := f.Source
		if name == "" {
			name = f.Package
		}
		list = append(list, vulnerability{name, append(f.Aliases, f.ID)})
	}
	return list
}

func theirs(tb testing.TB, text []byte) (list []vulnerability) {
	tb.Helper()
	var r struct {
		Results []struct {
			Packages []struct {
				Package         struct{ Name string }
				Vulnerabilities []struct {
					ID      string
					Aliases []string
				}
			}
		}
	}
	if err := json.Unmarshal(text, &r); err != nil {
		tb.Fatal(err)
	}
	for _, res := range r.Results {
		for _, p := range res.Packages {
			for _, v := range p.Vulnerabilities {
				list = append(list, vulnerability{p.Package.Name, append(v.Aliases, v.ID)})
			}
		}
	}
	return list
}

// lacking lists what one list has and the other has not, each once.
func lacking(a, b []vulnerability) (out []string) {
	names := map[string]bool{}
	for _, v := range b {
		for _, id := range v.ids {
			names[v.pkg+" "+id] = true
		}
	}
	for _, v := range a {
		if !slices.ContainsFunc(v.ids, func(id string) bool { return names[v.pkg+" "+id] }) {
			out = append(out, v.pkg+" "+slices.Min(v.ids))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// explained are the differences that docs/design/matching.md explains, by image:
// a word of what we have and osv-scanner has not.
var explained = map[string]string{
	"python-java": "django CVE-2022-41323", // 3.2.0 is 3.2 (PEP 440)
	"whiteouts":   "",                      // npm packages without a lock file: all of ours
}

// BenchmarkImageScan scans every image with Rampart, from an imported database and
// from the export in place, and with osv-scanner from the same export. It fails on
// any difference of findings that is not explained.
func BenchmarkImageScan(b *testing.B) {
	images, export, peer := vulnInputs(b)
	rampart := buildRampart(b)
	db := filepath.Join(b.TempDir(), "db")
	_, imported := measured(b, rampart, "advisory", "import", "--db", db, export)
	b.Logf("import: %.2f CPU s, %.0f MB", imported.cpu, imported.mb)
	peerDB := b.TempDir()
	if err := os.Symlink(export, filepath.Join(peerDB, "osv-scalibr")); err != nil {
		b.Fatal(err)
	}
	for _, image := range images {
		name := strings.TrimSuffix(filepath.Base(image), ".tar")
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				mine, fast := measured(b, rampart, "scan", "image", "--archive", image, "--db", db, "--format", "json", "--no-cache")
				_, raw := measured(b, rampart, "scan", "image", "--archive", image, "--db", export, "--format", "json", "--no-cache")
				other, slow := measured(b, peer, "scan", "image", "--archive", image, "--offline", "--local-db-path", peerDB, "--format", "json", "--all-packages")
				compare(b, name, ours(b, mine), theirs(b, other))
				b.ReportMetric(fast.cpu, "cpu-s")
				b.ReportMetric(fast.mb, "MB")
				b.ReportMetric(raw.cpu, "in-place-cpu-s")
				b.ReportMetric(slow.cpu, "osv-scanner-cpu-s")
				b.ReportMetric(slow.mb, "osv-scanner-MB")
				b.ReportMetric(slow.cpu/fast.cpu, "times")
			}
		})
	}
}

func compare(b *testing.B, image string, mine, other []vulnerability) {
	b.Helper()
	if missing := lacking(other, mine); len(missing) > 0 {
		b.Errorf("%s: osv-scanner has %d that we have not: %q", image, len(missing), missing)
	}
	why, known := explained[image]
	for _, extra := range lacking(mine, other) {
		if !known || !strings.Contains(extra, why) {
			b.Errorf("%s: we have %s and osv-scanner has not", image, extra)
		}
	}
}
