package advisory_test

import (
	"errors"
	"sync"
	"testing"

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
