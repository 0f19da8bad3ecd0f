package export

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/osv"
)

func write(t *testing.T, path string, data []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// archive zips entries; a nil text is a bomb of zeros.
func archive(t *testing.T, entries map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	for name, text := range entries {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if text == nil {
			text = make([]byte, osv.MaxRecord+10)
		}
		if _, err := w.Write(text); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func walked(t *testing.T, s Source) (good, bad []string, err error) {
	t.Helper()
	err = s.Walk(t.Context(), func(name string, data []byte, problem error) error {
		if problem != nil {
			bad = append(bad, name)
			return nil
		}
		good = append(good, name+"="+string(data))
		return nil
	})
	slices.Sort(good)
	slices.Sort(bad)
	return good, bad, err
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "Debian", "all.zip"), archive(t, nil))
	write(t, filepath.Join(dir, "Alpine:v3.20", "all.zip"), archive(t, nil))
	write(t, filepath.Join(dir, "npm", "GHSA-1.json"), []byte("{}"))
	write(t, filepath.Join(dir, "npm", "readme.txt"), nil)
	write(t, filepath.Join(dir, "_enrich", "x.json"), nil)
	write(t, filepath.Join(dir, "empty", "x.txt"), nil)
	write(t, filepath.Join(dir, "single.json"), []byte("{}"))
	write(t, filepath.Join(dir, "manifest.json"), []byte("{}"))
	write(t, filepath.Join(dir, "kev.json"), []byte("{}"))
	list, err := Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range list {
		rel, err := filepath.Rel(dir, s.Path)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %s %t", rel, s.Base, s.Full))
	}
	slices.Sort(got)
	want := []string{". " + " false", "Alpine:v3.20/all.zip Alpine true", "Debian/all.zip Debian true", "npm npm false"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// osv-scanner's own cache is such a layout one folder deeper
	cache := t.TempDir()
	write(t, filepath.Join(cache, "osv-scalibr", "npm", "all.zip"), archive(t, nil))
	if list, err := Find(cache); err != nil || len(list) != 1 || list[0].Base != "npm" {
		t.Errorf("%+v %v", list, err)
	}
	if _, err := Find(t.TempDir()); !errors.Is(err, ErrNone) {
		t.Errorf("an empty folder: %v", err)
	}
}

func TestHostileArchives(t *testing.T) {
	dir := t.TempDir()
	path := write(t, filepath.Join(dir, "npm", "all.zip"), archive(t, map[string][]byte{"good.json": []byte("{}"), "bomb.json": nil, "../../escape.json": []byte("[]"), "other.txt": []byte("x")}))
	s := Source{Path: path, Base: "npm"}
	good, bad, err := walked(t, s)
	if err != nil || !slices.Equal(good, []string{"../../escape.json=[]", "good.json={}"}) || !slices.Equal(bad, []string{"bomb.json"}) {
		t.Errorf("%v %v %v", good, bad, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "..", "escape.json")); err == nil {
		t.Error("an entry was written")
	}
	// a broken entry fails alone
	data := archive(t, map[string][]byte{"a.json": bytes.Repeat([]byte("abcdefgh"), 100)})
	data[60] ^= 0xff
	write(t, path, data)
	good, bad, err = walked(t, s)
	if err != nil || len(good) != 0 || len(bad) != 1 {
		t.Errorf("%v %v %v", good, bad, err)
	}
	for _, data := range [][]byte{nil, []byte("PK"), data[:len(data)/2]} {
		write(t, path, data)
		if _, _, err := walked(t, s); err == nil {
			t.Errorf("an archive of %d bytes is whole", len(data))
		}
	}
}

func TestWalkFolder(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.json"), []byte("1"))
	if err := os.Mkdir(filepath.Join(dir, "folder.json"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/nowhere", filepath.Join(dir, "dangling.json")); err != nil {
		t.Fatal(err)
	}
	good, bad, err := walked(t, Source{Path: dir})
	if err != nil || !slices.Equal(good, []string{"a.json=1"}) || !slices.Equal(bad, []string{"dangling.json", "folder.json"}) {
		t.Errorf("%v %v %v", good, bad, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = Source{Path: dir}.Walk(ctx, func(string, []byte, error) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a walk that nobody waits for: %v", err)
	}
}

func TestSieve(t *testing.T) {
	s := NewSieve([]string{"zope-interface", "openssl"})
	tests := map[string]bool{
		`{"affected":[{"package":{"ecosystem":"PyPI","name":"Zope.Interface"}}]}`:           true,
		`{"affected":[{"package":{"name" : "openssl" ,"ecosystem":"Debian:12"}}]}`:          true,
		`{"affected":[{"package":{"ecosystem":"Debian:11","name":"openssl3"}}]}`:            false,
		`{"details":"\"name\":\"openssl\"","affected":[{"package":{"name":"other"}}]}`:      false,
		`{"affected":[{"package":{"ecosystem":"npm","name":"esc\u0061ped"}}]}`:              true,
		`{"affected":[{"package":{"ecosystem":"npm","name":7}},{"package":{"name":"openssl`: false,
		`{"affected":[]}`: false,
	}
	for record, want := range tests {
		if got := s.Admits([]byte(record)); got != want {
			t.Errorf("Admits(%s) = %t", record, got)
		}
	}
	got := s.Ecosystems()
	slices.Sort(got)
	if !slices.Equal(got, []string{"Debian:11", "Debian:12", "PyPI", "npm"}) {
		t.Errorf("ecosystems %q", got)
	}
}

// FuzzSieve: what parses and names a package must pass the sieve for it.
func FuzzSieve(f *testing.F) {
	f.Add([]byte(`{"id":"X","affected":[{"package":{"ecosystem":"npm","name":"left-pad"},"versions":["1"]}]}`))
	f.Add([]byte(`{"id":"X","affected":[{"package":{"ecosystem":"npm","n\u0061me":"left-pad"},"versions":["1"]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := osv.Parse(data)
		if err != nil || bytes.Contains(data, []byte(`\`)) || !strings.Contains(string(data), `"name"`) {
			_ = NewSieve([]string{"x"}).Admits(data)
			return
		}
		_, packages, _ := osv.Compile(r)
		for _, p := range packages {
			if !NewSieve([]string{p.Name}).Admits(data) && bytes.Count(data, []byte(`"name"`)) == bytes.Count(bytes.ToLower(data), []byte(`"name"`)) {
				t.Errorf("%q is sieved out of %s", p.Name, data)
			}
		}
	})
}
