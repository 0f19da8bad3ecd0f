package image

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rampart-sec/rampart/internal/vuln/image/source"
)

func now() time.Time { return time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC) }

// files makes a tar file of name, content pairs.
func files(t testing.TB, pairs ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: pairs[i], Size: int64(len(pairs[i+1])), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, pairs[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// stacked makes an image of layers.
func stacked(layers ...[]byte) *source.Image {
	m := &source.Image{Names: []string{"test"}}
	for _, data := range layers {
		m.Layers = append(m.Layers, source.Layer{Digest: digest(data), Size: int64(len(data)), Open: func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(data)), nil
		}})
	}
	return m
}

func inventory(t testing.TB, m *source.Image, o Options) *Inventory {
	t.Helper()
	o.Now = now
	v, err := Read(context.Background(), m, o)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// brought gives "name@version layer" of every package.
func brought(v *Inventory) []string {
	var all []string
	for _, p := range v.Packages {
		all = append(all, fmt.Sprintf("%s@%s %d", p.Name, p.Version, p.LayerIndex))
	}
	return all
}

func module(name, version string) (string, string) {
	return "app/node_modules/" + name + "/package.json", fmt.Sprintf(`{"name":%q,"version":%q}`, name, version)
}

func dpkg(packages ...string) string {
	var b strings.Builder
	for _, p := range packages {
		name, version, _ := strings.Cut(p, "@")
		fmt.Fprintf(&b, "Package: %s\nStatus: install ok installed\nVersion: %s\n\n", name, version)
	}
	return b.String()
}

func TestLayersCoverOneAnother(t *testing.T) {
	a1, a2 := module("a", "1")
	b1, b2 := module("b", "1")
	base := files(t, "etc/os-release", "ID=debian\nVERSION_ID=12", "var/lib/dpkg/status", dpkg("x@1", "y@1"), a1, a2, b1, b2)
	for _, tt := range []struct {
		name string
		top  [][]byte
		want []string
	}{
		{"alone", nil, []string{"a@1 0", "b@1 0", "x@1 0", "y@1 0"}},
		{"database-rewritten", [][]byte{files(t, "var/lib/dpkg/status", dpkg("x@1", "y@2", "z@1"))}, []string{"a@1 0", "b@1 0", "x@1 0", "y@2 1", "z@1 1"}},
		{"rewritten-twice", [][]byte{files(t, "var/lib/dpkg/status", dpkg("x@1", "z@1")), files(t, "var/lib/dpkg/status", dpkg("x@1", "y@1", "z@1"))}, []string{"a@1 0", "b@1 0", "x@1 0", "y@1 2", "z@1 1"}},
		{"file-removed", [][]byte{files(t, "app/node_modules/a/.wh.package.json", "")}, []string{"b@1 0", "x@1 0", "y@1 0"}},
		{"folder-removed", [][]byte{files(t, "app/.wh.node_modules", "")}, []string{"x@1 0", "y@1 0"}},
		{"opaque", [][]byte{files(t, "app/node_modules/.wh..wh..opq", "", a1, `{"name":"a","version":"2"}`)}, []string{"a@2 1", "x@1 0", "y@1 0"}},
		{"opaque-root", [][]byte{files(t, ".wh..wh..opq", "")}, nil},
		{"folder-becomes-file", [][]byte{files(t, "app/node_modules", "text")}, []string{"x@1 0", "y@1 0"}},
		{"removed-and-back", [][]byte{files(t, "app/.wh.node_modules", ""), files(t, a1, a2)}, []string{"a@1 0", "x@1 0", "y@1 0"}},
		{"no-such-file", [][]byte{files(t, "app/.wh.no", "", "app/node_modules2/.wh.a", "")}, []string{"a@1 0", "b@1 0", "x@1 0", "y@1 0"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := inventory(t, stacked(append([][]byte{base}, tt.top...)...), Options{})
			if diff := cmp.Diff(tt.want, brought(v)); diff != "" {
				t.Error(diff)
			}
			for _, p := range v.Packages {
				if p.Layer == "" || p.PURL == "" {
					t.Errorf("%+v lacks its layer or its purl", p)
				}
			}
		})
	}
}

// TestStackAgreesWithAnOverlay compares with the slow, obvious way: write every
// layer's files into one map of paths, by the rules of the specification.
func TestStackAgreesWithAnOverlay(t *testing.T) {
	names := []string{"a", "b", "a/node_modules/x/package.json", "a/node_modules/y/package.json", "b/node_modules/x/package.json"}
	seed := uint64(1)
	random := func(n int) int { seed = seed*6364136223846793005 + 1442695040888963407; return int(seed>>33) % n }
	for range 300 {
		tree := map[string]string{}
		var layers [][]byte
		for n := range 4 {
			var pairs []string
			lower := map[string]string{}
			for k, v := range tree {
				lower[k] = v
			}
			drop := func(prefix string, itself bool) {
				for k := range lower {
					if itself && k == prefix || strings.HasPrefix(k, prefix+"/") {
						delete(tree, k)
					}
				}
			}
			switch random(4) {
			case 0:
				name := names[random(len(names))]
				dir, base := filepath.Split(name)
				pairs = append(pairs, dir+".wh."+base, "")
				drop(name, true)
			case 1:
				name := names[random(2)]
				pairs = append(pairs, name+"/.wh..wh..opq", "")
				drop(name, false)
			}
			name := names[2+random(3)]
			version := fmt.Sprint(n)
			pairs = append(pairs, name, fmt.Sprintf(`{"name":"p","version":%q}`, version))
			tree[name] = version
			layers = append(layers, files(t, pairs...))
		}
		got := map[string]string{}
		for _, p := range inventory(t, stacked(layers...), Options{}).Packages {
			got[p.Path] = p.Version
		}
		if diff := cmp.Diff(tree, got); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestLayersThatLie(t *testing.T) {
	data := files(t, "etc/os-release", "ID=debian")
	for _, tt := range []struct {
		name string
		lie  func(l *source.Layer)
		want string
	}{
		{"digest", func(l *source.Layer) { l.Digest = digest([]byte("x")) }, "its digest is"},
		{"diff-id", func(l *source.Layer) { l.Digest, l.DiffID = "", digest([]byte("x")) }, "its digest is"},
		{"too-small", func(l *source.Layer) { l.Size-- }, "more than"},
		{"too-large", func(l *source.Layer) { l.Size++ }, "where its manifest claims"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := stacked(data)
			tt.lie(&m.Layers[0])
			dir := t.TempDir()
			_, err := Read(context.Background(), m, Options{Now: now, Cache: &Cache{Dir: dir}})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if kept, _ := os.ReadDir(dir); len(kept) > 0 {
				t.Error("a layer that lies was kept")
			}
		})
	}
}

func TestCacheGivesTheSame(t *testing.T) {
	name, text := module("a", "1")
	m := stacked(files(t, "etc/os-release", "ID=debian\nVERSION_ID=12", "var/lib/dpkg/status", dpkg("x@1"), "app/.env", "K=AKIAQWERTYUIOPASDFGH"), files(t, name, text, ".wh.etc", ""))
	cache := &Cache{Dir: t.TempDir()}
	first := inventory(t, m, Options{Cache: cache})
	for i := range m.Layers {
		m.Layers[i].Open = func(context.Context) (io.ReadCloser, error) { return nil, os.ErrNotExist }
	}
	if diff := cmp.Diff(first, inventory(t, m, Options{Cache: cache})); diff != "" {
		t.Error(diff)
	}
	kept, err := os.ReadDir(cache.Dir)
	if err != nil || len(kept) != 2 {
		t.Fatalf("%d kept, error %v", len(kept), err)
	}
	for _, f := range kept {
		if err := os.WriteFile(filepath.Join(cache.Dir, f.Name()), []byte("damaged"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Read(context.Background(), m, Options{Now: now, Cache: cache}); err == nil {
		t.Error("damaged entries were used")
	}
	cache.Max = 1
	cache.Trim()
	if kept, _ := os.ReadDir(cache.Dir); len(kept) > 0 {
		t.Errorf("%d entries are left beyond the bound", len(kept))
	}
}

func TestLinkedDatabaseIsFound(t *testing.T) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range []*tar.Header{{Typeflag: tar.TypeSymlink, Name: "var/lib/dpkg/status", Linkname: "/data/status"}, {Typeflag: tar.TypeReg, Name: "etc/os-release", Size: 23}} {
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.WriteString(w, "ID=debian\nVERSION_ID=12"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	v := inventory(t, stacked(files(t, "data/status", dpkg("x@1")), b.Bytes()), Options{})
	if diff := cmp.Diff([]string{"x@1 0"}, brought(v)); diff != "" || v.Packages[0].Ecosystem != "Debian:12" {
		t.Error(diff, v.Packages)
	}
}

func TestWhatIsNotKnownIsSaid(t *testing.T) {
	m := stacked(files(t, "var/lib/dpkg/status", dpkg("x@1"), "app/package-lock.json", "{"))
	m.Layers = append(m.Layers, source.Layer{Digest: "sha256:f", Foreign: true})
	var got []string
	for _, p := range inventory(t, m, Options{}).Problems {
		got = append(got, p.Path)
	}
	if diff := cmp.Diff([]string{"app/package-lock.json", "", "etc/os-release"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestRemovedSecretsAreStillInTheImage: a later layer hides a file and takes
// nothing away.
func TestRemovedSecretsAreStillInTheImage(t *testing.T) {
	key := "K=AKIAQWERTYUIOPASDFGH"
	v := inventory(t, stacked(files(t, "app/.env", key, "app/old", key, "app/new", key), files(t, "app/.wh..env", "", "app/old", "nothing")), Options{})
	got := map[string]bool{}
	for _, s := range v.Secrets {
		got[s.Path] = s.Removed
	}
	if diff := cmp.Diff(map[string]bool{"app/.env": true, "app/old": true, "app/new": false}, got); diff != "" {
		t.Error(diff)
	}
}

func TestConfiguration(t *testing.T) {
	var c v1.ConfigFile
	if err := json.Unmarshal([]byte(`{"os":"linux","config":{"User":"root","ExposedPorts":{"22/tcp":{}},"Env":["PATH=/bin","DB_PASSWORD=hunter2000","TOKEN_FILE=/run/t","KEY=AKIAQWERTYUIOPASDFGH"]},
		"history":[{"created_by":"/bin/sh -c #(nop) ADD https://example.test/x.tgz /"},{"created_by":"RUN |1 NPM_TOKEN=abcdefgh /bin/sh -c npm ci"},{"created_by":"RUN echo"}]}`), &c); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range configuration(&c) {
		got = append(got, f.ID)
		if strings.Contains(f.Evidence, "hunter2000") || strings.Contains(f.Evidence, "abcdefgh") {
			t.Errorf("the secret is in %q", f.Evidence)
		}
	}
	if diff := cmp.Diff([]string{"runs-as-root", "no-healthcheck", "remote-login", "secret-in-env", "secret-in-env", "add-from-url", "secret-in-history"}, got); diff != "" {
		t.Error(diff)
	}
	good := v1.ConfigFile{Config: v1.Config{User: "1000", Healthcheck: &v1.HealthConfig{Test: []string{"CMD", "x"}}}}
	if all := configuration(&good); len(all) > 0 {
		t.Errorf("%v", all)
	}
}
