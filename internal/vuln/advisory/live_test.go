package advisory_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/base/software"
	"github.com/rampart-sec/rampart/internal/vuln/advisory"
)

func TestLive(t *testing.T) {
	dir := t.TempDir()
	live := advisory.NewLive(dir)
	if _, _, err := live.Acquire(); !errors.Is(err, advisory.ErrNone) {
		t.Fatalf("an empty folder: %v", err)
	}
	first := exportOf(t, map[string]string{"npm/1.json": rec("GHSA-1", "npm", "left-pad", fixedIn("1.0.0"))})
	second := exportOf(t, map[string]string{"npm/2.json": rec("GHSA-2", "npm", "left-pad", fixedIn("2.0.0"))})
	importInto(t, dir, first)
	pad := []software.Package{{Name: "left-pad", Version: "0.1.0", Ecosystem: "npm"}}
	count := func(db *advisory.DB) int {
		res, err := db.Match(t.Context(), pad)
		if err != nil {
			t.Error(err)
			return 0
		}
		return len(res.Findings)
	}
	old, release, err := live.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	importInto(t, dir, second)
	if err := live.Reload(); err != nil {
		t.Fatal(err)
	}
	// many read while others renew: nobody's map goes away beneath them
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				db, done, err := live.Acquire()
				if err != nil {
					t.Error(err)
					return
				}
				if n := count(db); n != 2 {
					t.Errorf("%d findings", n)
				}
				done()
			}
		})
	}
	for range 20 {
		if err := live.Reload(); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	if n := count(old); n != 1 {
		t.Errorf("what was acquired before has %d findings", n)
	}
	release()
	release() // twice does no harm
}

// TestChangedSince compares two databases as whole files with what the imports
// between them called changed.
func TestChangedSince(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	start := exportOf(t, map[string]string{"npm/1.json": rec("GHSA-1", "npm", "left-pad", fixedIn("1.0.0")), "npm/2.json": rec("GHSA-2", "npm", "right-pad", fixedIn("1.0.0")),
		"npm/3.json": `{"id":"GHSA-3","aliases":["CVE-2026-1234"],"affected":[{"package":{"ecosystem":"npm","name":"mid-pad"},` + fixedIn("3.0.0") + `}]}`})
	importInto(t, first, start)
	importInto(t, second, start)
	open := func(dir string) *advisory.DB {
		db, err := advisory.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	changed := func() []string {
		list, known, err := open(second).ChangedSince(open(first))
		if err != nil || !known {
			t.Fatal(known, err)
		}
		return keys(list)
	}
	if got := changed(); len(got) != 0 {
		t.Errorf("the same twice: %q", got)
	}
	r := importInto(t, second, exportOf(t, map[string]string{"npm/1.json": `{"id":"GHSA-1","modified":"2026-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"left-pad"},` + fixedIn("1.0.0") + `}]}`,
		"npm/2.json": rec("GHSA-2", "npm", "right-pad", fixedIn("1.0.1")), "npm/4.json": rec("GHSA-4", "npm", "new-pad", fixedIn("1"))}))
	if diff := cmp.Diff(keys(r.Changed), changed()); diff != "" {
		t.Error(diff)
	}
	importInto(t, second, exportOf(t, map[string]string{"kev.json": `{"vulnerabilities":[{"cveID":"CVE-2026-1234","dateAdded":"2026-11-30"}]}`}))
	if diff := cmp.Diff([]string{"npm/mid-pad", "npm/new-pad", "npm/right-pad"}, changed()); diff != "" {
		t.Error(diff)
	}
	if _, known, err := open(second).ChangedSince(open(start)); known || err != nil {
		t.Errorf("an export in place: %t %v", known, err)
	}
}

func TestFeedsOf(t *testing.T) {
	export := exportOf(t, map[string]string{"npm/1.json": rec("GHSA-1", "npm", "left-pad", fixedIn("1.0.0")), "PyPI/1.json": rec("PYSEC-1", "PyPI", "x", fixedIn("1"))})
	db := t.TempDir()
	importInto(t, db, export)
	pad := []software.Package{{Name: "left-pad", Version: "0.1.0", Ecosystem: "npm"}}
	for _, dir := range []string{db, export} {
		d, err := advisory.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		feeds, err := d.FeedsOf(pad)
		if err != nil || len(feeds) != 1 || feeds[0].Name != "npm" || feeds[0].Taken.IsZero() {
			t.Errorf("%+v %v", feeds, err)
		}
	}
}
