package main

import (
	"archive/zip"
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/base/software"
	"github.com/rampart-sec/rampart/internal/vuln/advisory"
)

// mirror writes an OSV export of npm, with KEV and EPSS beside it.
func mirror(t *testing.T, fixed string) string {
	t.Helper()
	dir := t.TempDir()
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	w, err := z.Create("GHSA-1.json")
	if err == nil {
		_, err = w.Write([]byte(`{"id":"GHSA-1","aliases":["CVE-2026-1000"],"affected":[{"package":{"ecosystem":"npm","name":"left-pad"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"` + fixed + `"}]}]}]}`))
	}
	if err == nil {
		err = z.Close()
	}
	for name, text := range map[string]string{
		"npm/all.zip": archive.String(), "kev.json": `{"vulnerabilities":[{"cveID":"CVE-2026-1000","dateAdded":"2026-11-30"}]}`, "epss.csv": "cve,epss,percentile\nCVE-2026-1000,0.5,0.9\n",
	} {
		if err == nil {
			err = os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// rampart runs a verb as a user does.
func rampart(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = run(t.Context(), stdio{strings.NewReader(""), &out, &errs}, args)
	return status, out.String(), errs.String()
}

func TestAdvisoryFetch(t *testing.T) {
	web := httptest.NewServer(http.FileServer(http.Dir(mirror(t, "2.0.0"))))
	defer web.Close()
	db := t.TempDir()
	fetch := func(more ...string) (int, string, string) {
		return rampart(t, append([]string{"advisory", "fetch", "--db", db, "--from", web.URL, "--kev", web.URL + "/kev.json"}, more...)...)
	}
	// sizes first, and nothing else on a dry run
	status, _, errs := fetch("--ecosystems", "npm", "--dry-run")
	if status != exitDone || !strings.Contains(errs, "npm: ") || !strings.Contains(errs, "to load: ") {
		t.Fatalf("dry run: %d %s", status, errs)
	}
	if _, err := advisory.Open(db); err == nil {
		t.Fatal("a dry run made a database")
	}
	// auto takes what scans have met, and only that
	if err := advisory.NoteSeen(db, []software.Package{{Name: "left-pad", Version: "1.0.0", Ecosystem: "npm"}, {Ecosystem: "Nothing:1"}}); err != nil {
		t.Fatal(err)
	}
	status, out, errs := fetch()
	if status != exitDone || !strings.Contains(out, "1 records read") {
		t.Fatalf("fetch: %d %s %s", status, out, errs)
	}
	d, err := advisory.Open(db)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	res, err := d.Match(t.Context(), []software.Package{{Name: "left-pad", Version: "1.0.0", Ecosystem: "npm"}})
	if err != nil || len(res.Findings) != 1 || !res.Findings[0].KEV {
		t.Errorf("%+v %v", res, err)
	}
	// what the server lacks is one clear line, and the database stays
	status, _, errs = fetch("--ecosystems", "npm,PyPI")
	if status != exitFailed || !strings.HasSuffix(errs, "/PyPI/all.zip answers 404 Not Found\n") {
		t.Errorf("absent: %d %q", status, errs)
	}
}

func TestAdvisoryVerbs(t *testing.T) {
	db, feed := filepath.Join(t.TempDir(), "db"), mirror(t, "2.0.0")
	status, _, errs := rampart(t, "advisory", "status", "--db", db)
	if status != exitFailed || !strings.Contains(errs, "rampart advisory fetch --db "+db) || !strings.Contains(errs, "rampart advisory import --db "+db) {
		t.Errorf("no advisories: %d %s", status, errs)
	}
	if status, out, errs := rampart(t, "advisory", "import", "--db", db, feed); status != exitDone || errs != "" || !strings.Contains(out, "the database has 1 advisories about 1 packages") {
		t.Errorf("import: %d %s %s", status, out, errs)
	}
	status, out, errs := rampart(t, "advisory", "status", "--db", db, "--verify", "--max-age", "1h")
	if status != exitDone || errs != "" || !strings.Contains(out, "npm") || !strings.Contains(out, "KEV and EPSS 0 minutes old") {
		t.Errorf("status: %d %s %s", status, out, errs)
	}
	if status, _, errs := rampart(t, "advisory", "status", "--db", db, "--max-age", "1ns"); status != exitFailed || !strings.Contains(errs, "too old: npm") {
		t.Errorf("stale: %d %s", status, errs)
	}
	if status, _, errs := rampart(t, "advisory", "import", "--db", db, t.TempDir()); status != exitFailed || strings.Count(errs, "\n") != 1 {
		t.Errorf("import of nothing: %d %s", status, errs)
	}
	if status, out, _ := rampart(t, "advisory", "status", "--db", feed); status != exitDone || !strings.Contains(out, "read in place") {
		t.Errorf("export: %d %s", status, out)
	}
}

func TestAdvisoryBundle(t *testing.T) {
	near, far, out := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "out.bundle")
	if status, _, errs := rampart(t, "advisory", "bundle", "--db", near, "-o", out); status != exitFailed || !strings.Contains(errs, "no advisories in") {
		t.Errorf("without advisories: %d %s", status, errs)
	}
	for _, fixed := range []string{"2.0.0", "3.0.0"} {
		if status, _, errs := rampart(t, "advisory", "import", "--db", near, mirror(t, fixed)); status != exitDone {
			t.Fatal(errs)
		}
		if status, _, errs := rampart(t, "advisory", "bundle", "--db", near, "-o", out); status != exitDone {
			t.Fatal(errs)
		}
		if status, _, errs := rampart(t, "advisory", "import", "--db", far, out); status != exitFailed || !strings.Contains(errs, "--trust") {
			t.Errorf("without trust: %d %s", status, errs)
		}
		status, text, errs := rampart(t, "advisory", "import", "--db", far, "--trust", filepath.Join(near, "bundle.key.pub"), out)
		if status != exitDone || !strings.Contains(text, "the database has 1 advisories") {
			t.Errorf("import: %d %s %s", status, text, errs)
		}
	}
	if status, _, errs := rampart(t, "advisory", "bundle", "--db", near); status != exitFailed || !strings.Contains(errs, "-o FILE") {
		t.Errorf("without a file: %d %s", status, errs)
	}
}
