package advisory_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/base/software"
	"github.com/rampart-sec/rampart/internal/vuln/advisory"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/affected"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/export"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/file"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/osv"
)

var now = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)

func importInto(t *testing.T, dir string, paths ...string) *advisory.ImportReport {
	t.Helper()
	r, err := advisory.Import(t.Context(), advisory.ImportOptions{Dir: dir, Paths: paths, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func keys(list []advisory.PackageKey) (all []string) {
	for _, k := range list {
		all = append(all, k.Base+"/"+k.Name)
	}
	return all
}

func TestImportChanges(t *testing.T) {
	db := t.TempDir()
	pad := software.Package{Name: "left-pad", Version: "1.0.0", Ecosystem: "npm"}
	first := exportOf(t, map[string]string{
		"npm/GHSA-1.json": rec("GHSA-1", "npm", "left-pad", fixedIn("1.1.0")),
		"npm/GHSA-2.json": rec("GHSA-2", "npm", "right-pad", fixedIn("1.1.0")),
		"npm/bad.json":    `[]`,
	})
	r := importInto(t, db, first)
	if diff := cmp.Diff([]string{"npm/left-pad", "npm/right-pad"}, keys(r.Changed)); diff != "" || r.Records != 3 || r.Skipped != 1 || r.Advisories != 2 {
		t.Errorf("first import: %+v %s", r, diff)
	}
	// the same again: nothing changed
	if r = importInto(t, db, first); len(r.Changed) != 0 || r.Advisories != 2 {
		t.Errorf("again: %+v", r)
	}
	// one is withdrawn, one is new; what is not named stays
	second := exportOf(t, map[string]string{
		"npm/GHSA-2.json": `{"id":"GHSA-2","withdrawn":"2026-01-01T00:00:00Z","affected":[]}`,
		"npm/GHSA-3.json": `{"id":"GHSA-3","aliases":["CVE-2026-1234"],"affected":[{"package":{"ecosystem":"npm","name":"left-pad"},` + fixedIn("1.2.0") + `}]}`,
	})
	r = importInto(t, db, second)
	if diff := cmp.Diff([]string{"npm/left-pad", "npm/right-pad"}, keys(r.Changed)); diff != "" || r.Advisories != 2 || r.Withdrawn != 1 {
		t.Errorf("delta: %+v %s", r, diff)
	}
	if diff := cmp.Diff([]string{"left-pad CVE-2026-1234 fixed 1.2.0 GHSA-3", "left-pad GHSA-1 fixed 1.1.0 "}, briefs(matchIn(t, db, pad))); diff != "" {
		t.Error(diff)
	}
	// known exploitation comes by a file of its own, and keeps the rest
	kev := filepath.Join(t.TempDir(), "kev.json")
	if err := os.WriteFile(kev, []byte(`{"vulnerabilities":[{"cveID":"CVE-2026-1234","dateAdded":"2026-11-30"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	r = importInto(t, db, kev)
	got := matchIn(t, db, pad)
	if !slices.Equal(r.Exploited, []string{"CVE-2026-1234"}) || !got.Findings[0].KEV || got.Findings[0].KEVAdded != "2026-11-30" {
		t.Errorf("%+v %+v", r, got.Findings[0])
	}
}

func TestImportFailuresKeepTheOld(t *testing.T) {
	db := t.TempDir()
	importInto(t, db, exportOf(t, map[string]string{"npm/1.json": rec("GHSA-1", "npm", "left-pad", fixedIn("1.1.0"))}))
	before, err := os.ReadFile(advisory.FileOf(db))
	if err != nil {
		t.Fatal(err)
	}
	bad := exportOf(t, map[string]string{"npm/all.zip": "PK no archive"})
	for _, paths := range [][]string{{bad}, {t.TempDir()}, {filepath.Join(bad, "absent")}, {exportOf(t, map[string]string{"npm/1.json": "no"})}} {
		if _, err := advisory.Import(t.Context(), advisory.ImportOptions{Dir: db, Paths: paths, Now: now}); err == nil {
			t.Errorf("Import(%v) took it", paths)
		}
	}
	after, err := os.ReadFile(advisory.FileOf(db))
	if err != nil || !slices.Equal(before, after) {
		t.Errorf("the database changed: %v", err)
	}
}

// TestDamagedDatabase cuts and flips a database everywhere: it is an error, or
// the answer is as before; never a crash.
func TestDamagedDatabase(t *testing.T) {
	db := t.TempDir()
	importInto(t, db, exportOf(t, map[string]string{
		"npm/1.json": rec("GHSA-1", "npm", "left-pad", fixedIn("1.1.0")), "PyPI/1.json": rec("PYSEC-1", "PyPI", "x", fixedIn("2"))}))
	whole, err := os.ReadFile(advisory.FileOf(db))
	if err != nil {
		t.Fatal(err)
	}
	try := func(what string, data []byte) {
		if err := os.WriteFile(advisory.FileOf(db), data, 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := advisory.Open(db)
		if err != nil {
			return
		}
		defer d.Close()
		res, err := d.Match(t.Context(), []software.Package{{Name: "left-pad", Version: "1.0.0", Ecosystem: "npm"}})
		verr := d.Verify()
		if err == nil && verr == nil && len(res.Findings) != 1 {
			t.Errorf("%s: %d findings from a database that calls itself whole", what, len(res.Findings))
		}
	}
	for i := range whole {
		try("cut", whole[:i])
		flipped := slices.Clone(whole)
		flipped[i] ^= 0x41
		try("flip", flipped)
	}
	if err := os.WriteFile(advisory.FileOf(db), whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := advisory.Open(db); !errors.Is(err, file.ErrDamaged) {
		t.Errorf("half a database: %v", err)
	}
}

func devData(t testing.TB) string {
	dir, err := filepath.Abs("../../../../shared/data/vuln/osv")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no advisories for development here")
	}
	return dir
}

// TestImportedIsInPlace matches many packages with the development advisories in
// place and imported: the database must lose nothing. Every version that an
// advisory names is a package, so that both sides of every bound are met.
func TestImportedIsInPlace(t *testing.T) {
	dev, db := devData(t), t.TempDir()
	importInto(t, db, dev)
	rng := rand.New(rand.NewPCG(1, 2))
	var all []software.Package
	sources, err := export.Find(dev)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sources {
		err := s.Walk(t.Context(), func(_ string, data []byte, problem error) error {
			if problem != nil || rng.IntN(100) != 0 {
				return nil
			}
			r, err := osv.Parse(data)
			if err != nil {
				return nil
			}
			_, packages, _ := osv.Compile(r)
			for _, p := range packages {
				if p.Name != "linux" || rng.IntN(20) == 0 { // each has thousands of findings
					all = append(all, packagesOf(p)...)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	a, b := matchIn(t, dev, all...), matchIn(t, db, all...)
	t.Logf("%d packages, %d findings", len(all), len(a.Findings))
	if len(a.Findings) < len(all)/2 {
		t.Errorf("%d findings of %d packages at the bounds of advisories", len(a.Findings), len(all))
	}
	forget := func(r *advisory.Result) []advisory.Finding {
		for i := range r.Findings { // the database also knows ratings from other ecosystems
			r.Findings[i].Severity, r.Findings[i].CVSS = 0, 0
			r.Findings[i].Published = nil
		}
		return r.Findings
	}
	x, y := forget(a), forget(b)
	for i := range min(len(x), len(y)) {
		if !reflect.DeepEqual(x[i], y[i]) {
			t.Fatal(cmp.Diff(x[i], y[i]))
		}
	}
	if len(x) != len(y) {
		t.Errorf("%d findings in place, %d imported", len(x), len(y))
	}
	if diff := cmp.Diff(a.Gaps, b.Gaps); diff != "" {
		t.Error(diff)
	}
}

func packagesOf(p affected.Package) (list []software.Package) {
	add := func(v string) {
		if v != "" && v != "0" {
			list = append(list, software.Package{Name: p.Name, Version: v, Ecosystem: p.Ecosystem.String()})
		}
	}
	for _, in := range p.Intervals {
		add(in.Introduced)
		add(in.Fixed)
		add(in.LastAffected)
	}
	if len(p.Versions) > 0 {
		add(p.Versions[0])
	}
	return list
}
