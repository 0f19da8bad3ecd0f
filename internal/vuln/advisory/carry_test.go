package advisory_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/base/software"
	"github.com/rampart-sec/rampart/internal/vuln/advisory"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/bundle"
)

// sides is a connected folder, one behind an air gap, and a key.
type sides struct {
	near, far string
	key       ed25519.PrivateKey
	public    ed25519.PublicKey
	made      int
}

func newSides(t *testing.T) *sides {
	t.Helper()
	dir := t.TempDir()
	key, created, err := bundle.LoadOrCreateKey(filepath.Join(dir, "key"))
	if err != nil || !created {
		t.Fatal(created, err)
	}
	public, err := bundle.LoadTrusted(filepath.Join(dir, "key.pub"))
	if err != nil {
		t.Fatal(err)
	}
	if again, created, err := bundle.LoadOrCreateKey(filepath.Join(dir, "key")); err != nil || created || !again.Equal(key) {
		t.Fatalf("the key is another the second time: %v", err)
	}
	return &sides{near: t.TempDir(), far: t.TempDir(), key: key, public: public[0]}
}

func (s *sides) bundle(t *testing.T, whole bool) (string, *advisory.BundleReport) {
	t.Helper()
	s.made++
	out := filepath.Join(t.TempDir(), "advisories.bundle")
	r, err := advisory.MakeBundle(advisory.BundleOptions{Dir: s.near, Out: out, Key: s.key, Whole: whole, Now: now.Add(time.Duration(s.made) * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	return out, r
}

func (s *sides) carry(path string, trusted ...ed25519.PublicKey) (*advisory.ImportReport, error) {
	return advisory.Import(context.Background(), advisory.ImportOptions{Dir: s.far, Paths: []string{path}, Now: now, Trusted: trusted})
}

func TestBundle(t *testing.T) {
	s := newSides(t)
	pad := []software.Package{{Name: "left-pad", Version: "0.5.0", Ecosystem: "npm"}, {Name: "right-pad", Version: "0.5.0", Ecosystem: "npm"}}
	importInto(t, s.near, exportOf(t, map[string]string{
		"npm/1.json": rec("GHSA-1", "npm", "left-pad", fixedIn("1.0.0")), "npm/2.json": rec("GHSA-2", "npm", "right-pad", fixedIn("1.0.0")),
		"npm/3.json": rec("GHSA-3", "npm", "mid-pad", fixedIn("1.0.0")), "kev.json": `{"vulnerabilities":[{"cveID":"CVE-2026-1234","dateAdded":"2026-11-30"}]}`}))
	first, r := s.bundle(t, false)
	if !r.Whole || r.Advisories != 3 {
		t.Errorf("first: %+v", r)
	}
	if got, err := s.carry(first, s.public); err != nil || len(got.Changed) != 3 {
		t.Fatalf("first: %+v %v", got, err)
	}
	importInto(t, s.near, exportOf(t, map[string]string{
		"npm/1.json": `{"id":"GHSA-1","withdrawn":"2026-01-01T00:00:00Z"}`, "npm/2.json": rec("GHSA-2", "npm", "right-pad", fixedIn("2.0.0")),
		"npm/4.json": `{"id":"GHSA-4","aliases":["CVE-2026-1234"],"affected":[{"package":{"ecosystem":"npm","name":"left-pad"},` + fixedIn("3.0.0") + `}]}`}))
	second, r := s.bundle(t, false)
	if r.Whole || r.Advisories != 2 || r.Removed != 2 {
		t.Errorf("second: %+v", r)
	}
	got, err := s.carry(second, s.public)
	if err != nil || !slices.Equal(keys(got.Changed), []string{"npm/left-pad", "npm/right-pad"}) {
		t.Fatalf("second: %+v %v", got, err)
	}
	a, b := matchIn(t, s.near, pad...), matchIn(t, s.far, pad...)
	for i := range b.Feeds {
		b.Feeds[i].Imported = a.Feeds[i].Imported
	}
	if diff := cmp.Diff(a, b); diff != "" || len(a.Findings) != 2 || !a.Findings[0].KEV {
		t.Errorf("the far side differs: %s %+v", diff, a)
	}
	// what does not fit is refused, and the database stays
	if _, err := s.carry(second, s.public); !errors.Is(err, advisory.ErrBase) {
		t.Errorf("changes twice: %v", err)
	}
	if _, err := s.carry(first, s.public); !errors.Is(err, advisory.ErrBase) {
		t.Errorf("an older bundle: %v", err)
	}
	s.far = t.TempDir()
	if _, err := s.carry(second, s.public); !errors.Is(err, advisory.ErrBase) {
		t.Errorf("changes onto nothing: %v", err)
	}
	whole, r := s.bundle(t, true)
	if got, err := s.carry(whole, s.public); err != nil || !r.Whole || got.Advisories != 3 {
		t.Errorf("whole: %+v %v", got, err)
	}
}

// TestForeignBundles changes every byte of a bundle: none may be taken.
func TestForeignBundles(t *testing.T) {
	s := newSides(t)
	importInto(t, s.near, exportOf(t, map[string]string{"npm/1.json": rec("GHSA-1", "npm", "left-pad", fixedIn("1.0.0"))}))
	path, _ := s.bundle(t, true)
	if _, err := s.carry(path); err == nil {
		t.Error("a bundle is taken without a trusted key")
	}
	other, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.carry(path, other); !errors.Is(err, bundle.ErrSignature) {
		t.Errorf("another key: %v", err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		flipped := slices.Clone(whole)
		flipped[i] ^= 1
		for _, data := range [][]byte{flipped, whole[:i]} {
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := s.carry(path, s.public); err == nil {
				t.Fatalf("a bundle changed at byte %d of %d is taken", i, len(whole))
			}
		}
	}
	if left, _ := filepath.Glob(filepath.Join(s.far, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if left, _ := filepath.Glob(filepath.Join(s.far, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
