package rematch_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/base/software"
	"github.com/rampart-sec/rampart/internal/vuln/advisory"
	"github.com/rampart-sec/rampart/internal/vuln/rematch"
)

// feed writes records about npm packages: name -> fixed version.
func feed(tb testing.TB, fixed map[string]string) string {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), "npm")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		tb.Fatal(err)
	}
	for name, v := range fixed {
		text := fmt.Sprintf(`{"id":"GHSA-%s","affected":[{"package":{"ecosystem":"npm","name":%q},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":%q}]}]}]}`, name, name, v)
		if err := os.WriteFile(filepath.Join(dir, name+".json"), []byte(text), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return dir
}

func add(tb testing.TB, db, path string) []advisory.PackageKey {
	tb.Helper()
	r, err := advisory.Import(tb.Context(), advisory.ImportOptions{Dir: db, Paths: []string{path}, Now: time.Unix(1e9, 0)})
	if err != nil {
		tb.Fatal(err)
	}
	return r.Changed
}

func open(tb testing.TB, dir string) *advisory.DB {
	tb.Helper()
	db, err := advisory.Open(dir)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = db.Close() })
	return db
}

func npm(name, version, path string) software.Package {
	return software.Package{Name: name, Version: version, Ecosystem: "npm", Path: path}
}

func verdicts(tb testing.TB, x *rematch.Index, db *advisory.DB, changed []advisory.PackageKey) (lines []string) {
	tb.Helper()
	err := x.Rematch(tb.Context(), db, changed, func(v rematch.Verdict) error {
		line := v.ID + ":"
		for _, f := range v.Findings {
			line += " " + f.Package + "@" + f.Version + "=" + f.ID
		}
		lines = append(lines, line)
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return lines
}

func TestRematch(t *testing.T) {
	dir := t.TempDir()
	add(t, dir, feed(t, map[string]string{"left": "1.0.0"}))
	x := rematch.NewIndex()
	x.Set("image-1", []software.Package{npm("left", "1.5.0", "/a"), npm("right", "1.0.0", "/a")})
	x.Set("image-2", []software.Package{npm("left", "2.5.0", "/a"), npm("left", "2.5.0", "/b")})
	x.Set("machine-1", []software.Package{npm("right", "1.0.0", "/c")})

	changed := add(t, dir, feed(t, map[string]string{"left": "2.0.0"}))
	want := []string{"image-1: left@1.5.0=GHSA-left", "image-2:"}
	if diff := cmp.Diff(want, verdicts(t, x, open(t, dir), changed)); diff != "" {
		t.Error(diff)
	}
	changed = add(t, dir, feed(t, map[string]string{"right": "9.0.0"}))
	x.Remove("image-1")
	x.Set("image-3", []software.Package{npm("right", "2.0.0", "")}) // takes the place of the removed one
	want = []string{"image-3: right@2.0.0=GHSA-right", "machine-1: right@1.0.0=GHSA-right"}
	if diff := cmp.Diff(want, verdicts(t, x, open(t, dir), changed)); diff != "" {
		t.Error(diff)
	}
	if got := x.Holders(changed); !slices.Equal(got, []string{"image-3", "machine-1"}) {
		t.Errorf("holders %q", got)
	}
	if got := verdicts(t, x, open(t, dir), nil); got != nil {
		t.Errorf("nothing changed, yet %q", got)
	}
}

func TestRematchStopsAtAnError(t *testing.T) {
	dir := t.TempDir()
	changed := add(t, dir, feed(t, map[string]string{"left": "2.0.0"}))
	x := rematch.NewIndex()
	x.Set("a", []software.Package{npm("left", "1.0.0", "")})
	x.Set("b", []software.Package{npm("left", "1.0.0", "")})
	calls := 0
	want := errors.New("stop")
	err := x.Rematch(t.Context(), open(t, dir), changed, func(rematch.Verdict) error { calls++; return want })
	if !errors.Is(err, want) || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

// TestRematchIsMatch compares verdicts with matching every inventory alone.
func TestRematchIsMatch(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	dir := t.TempDir()
	names := []string{"a", "b", "c", "d", "e", "f"}
	fixed := map[string]string{}
	for _, n := range names[:4] {
		fixed[n] = fmt.Sprint(rng.IntN(5), ".0.0")
	}
	changed := add(t, dir, feed(t, fixed))
	x := rematch.NewIndex()
	db := open(t, dir)
	want := map[string]int{}
	for i := range 200 {
		id := fmt.Sprint(i)
		seen := map[software.Package]bool{}
		var list []software.Package
		for range rng.IntN(6) {
			p := npm(names[rng.IntN(len(names))], fmt.Sprint(rng.IntN(5), ".0.0"), "")
			if !seen[p] {
				seen[p] = true
				list = append(list, p)
			}
		}
		x.Set(id, list)
		res, err := db.Match(t.Context(), list)
		if err != nil {
			t.Fatal(err)
		}
		want[id] = len(res.Findings)
	}
	for i := range 50 {
		x.Remove(fmt.Sprint(i))
		delete(want, fmt.Sprint(i))
	}
	err := x.Rematch(t.Context(), db, changed, func(v rematch.Verdict) error {
		if len(v.Findings) != want[v.ID] {
			t.Errorf("inventory %s: %d findings, alone %d", v.ID, len(v.Findings), want[v.ID])
		}
		delete(want, v.ID)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for id, n := range want {
		if n > 0 {
			t.Errorf("inventory %s with %d findings has no verdict", id, n)
		}
	}
}

// BenchmarkRematch judges 10,000 inventories of 400 packages after a change that
// concerns 50 names, which every inventory has some of.
func BenchmarkRematch(b *testing.B) {
	dir := b.TempDir()
	rng := rand.New(rand.NewPCG(1, 1))
	fixed := map[string]string{}
	for i := range 50 {
		fixed[fmt.Sprint("p", i*40)] = "5.0.0"
	}
	changed := add(b, dir, feed(b, fixed))
	x := rematch.NewIndex()
	for i := range 10_000 {
		list := make([]software.Package, 400)
		for j := range list {
			list[j] = npm(fmt.Sprint("p", rng.IntN(2000)), fmt.Sprint(rng.IntN(10), ".0.0"), "")
		}
		x.Set(fmt.Sprint(i), list)
	}
	db := open(b, dir)
	b.ResetTimer()
	for b.Loop() {
		findings := 0
		err := x.Rematch(b.Context(), db, changed, func(v rematch.Verdict) error { findings += len(v.Findings); return nil })
		if err != nil || findings == 0 {
			b.Fatal(findings, err)
		}
	}
}
