package file

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/affected"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/cvss"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/ecosystem"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/exploit"
)

func randomTexts(r *rand.Rand, word string) (list []string) {
	for range r.IntN(4) {
		list = append(list, fmt.Sprint(word, r.IntN(1000)))
	}
	return list
}

func randomPackage(r *rand.Rand) affected.Package {
	p := affected.Package{Ecosystem: ecosystem.Ecosystem{Base: []string{"npm", "Debian", "Red Hat"}[r.IntN(3)]}, Name: fmt.Sprint("p", r.IntN(20)),
		Versions: randomTexts(r, "1."), Binaries: randomTexts(r, "b"), Status: affected.Status(r.IntN(8)), Severity: cvss.Severity(r.IntN(6)), Source: r.IntN(2) == 0}
	if p.Ecosystem.Base != "npm" {
		p.Ecosystem.Release, p.Ecosystem.Channel = fmt.Sprint(r.IntN(3)), []string{"", "rhel_eus"}[r.IntN(2)]
		p.Module = []string{"", "nodejs:18"}[r.IntN(2)]
	}
	for range r.IntN(3) {
		p.Intervals = append(p.Intervals, affected.Interval{Introduced: "0", Fixed: fmt.Sprint(r.IntN(9)), LastAffected: fmt.Sprint(r.IntN(9))})
	}
	return p
}

func randomAdvisory(r *rand.Rand, i int) affected.Advisory {
	a := affected.Advisory{ID: fmt.Sprint("X-", i), CVEs: randomTexts(r, "CVE-2024-"), Aliases: randomTexts(r, "GHSA-"), Severity: cvss.Severity(r.IntN(6)), Score: float64(r.IntN(101)) / 10,
		Vector: "v", Summary: "s\x00ü", Disputed: r.IntN(2) == 0}
	if r.IntN(2) == 0 {
		a.Published, a.Modified = time.Unix(r.Int64N(2e9)+1, 0).UTC(), time.Unix(r.Int64N(2e9)+1, 0).UTC()
	}
	return a
}

// TestRoundTrip writes random advisories, drops some, and reads all of the rest
// back, directly and through a copy.
func TestRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	w := NewWriter()
	want := map[string][]affected.Package{}
	advisories := map[string]affected.Advisory{}
	for i := range 300 {
		a := randomAdvisory(r, i)
		ref := w.Advisory(&a, "feed")
		var list []affected.Package
		for range r.IntN(4) {
			p := randomPackage(r)
			w.Claim(ref, &p)
			list = append(list, p)
		}
		if r.IntN(4) == 0 {
			w.Drop(ref)
			continue
		}
		want[a.ID], advisories[a.ID] = list, a
	}
	facts := exploit.Facts{Added: time.Unix(86400*20000, 0).UTC(), EPSS: 0.12345, Score: 9.8, Severity: cvss.Critical}
	w.SetFacts("CVE-2024-1234", facts)
	w.SetFacts("not a CVE", facts)
	dir := t.TempDir()
	first, second := filepath.Join(dir, "1"), filepath.Join(dir, "2")
	if err := w.Commit(first, []byte("meta")); err != nil {
		t.Fatal(err)
	}
	check(t, first, want, advisories, facts)

	reader := openFile(t, first)
	again := NewWriter()
	if err := again.CopyFrom(reader, func(*affected.Advisory, string) bool { return true }); err != nil {
		t.Fatal(err)
	}
	again.SetFacts("CVE-2024-1234", facts)
	if err := again.Commit(second, []byte("meta")); err != nil {
		t.Fatal(err)
	}
	check(t, second, want, advisories, facts)
	a, errA := reader.Digests()
	b, errB := openFile(t, second).Digests()
	if errA != nil || errB != nil || State(a) != State(b) || len(a) != len(want) {
		t.Errorf("states differ: %v %v", errA, errB)
	}
}

func openFile(t *testing.T, path string) *Reader {
	t.Helper()
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func check(t *testing.T, path string, want map[string][]affected.Package, advisories map[string]affected.Advisory, facts exploit.Facts) {
	t.Helper()
	r := openFile(t, path)
	if err := r.Verify(); err != nil || string(r.Meta()) != "meta" || r.Len() != len(want) {
		t.Fatalf("%v, %q, %d advisories of %d", err, r.Meta(), r.Len(), len(want))
	}
	for ref := range r.Len() {
		a, feed, err := r.Advisory(ref)
		if err != nil || feed != "feed" {
			t.Fatal(feed, err)
		}
		if diff := cmp.Diff(advisories[a.ID], a); diff != "" {
			t.Fatal(diff)
		}
		for _, p := range want[a.ID] {
			found := 0
			err := r.Candidates(p.Ecosystem.Base, p.Name, p.Ecosystem.Release, func(got *affected.Package, from int) {
				if from == ref && cmp.Equal(p, *got) {
					found++
				}
			})
			if err != nil || found == 0 {
				t.Fatalf("%s says nothing of %+v: %v", a.ID, p, err)
			}
		}
	}
	total := 0
	for _, list := range want {
		total += len(list)
	}
	err := r.EachPackage(func(*affected.Package, int) error { total--; return nil })
	if err != nil || total != 0 {
		t.Errorf("%d packages are missing: %v", total, err)
	}
	if diff := cmp.Diff(facts, r.Facts("CVE-2024-1234")); diff != "" || r.Facts("CVE-2024-1235") != (exploit.Facts{}) {
		t.Error(diff)
	}
}

func FuzzDecode(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 1))
	for i := range 5 {
		a, p := randomAdvisory(r, i), randomPackage(r)
		f.Add(string(encodeAdvisory(&a, "feed")))
		f.Add(string(encodeClaim(&p)))
	}
	f.Fuzz(func(t *testing.T, s string) {
		_, _, _ = decodeAdvisory(s)
		var p affected.Package
		_ = decodeClaim(s, &p)
		_ = eachClaimOf(s, func(int, string) error { return nil })
	})
}
