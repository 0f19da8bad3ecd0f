package source

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/klauspost/compress/gzip"
)

// made is an image of two layers for a platform.
func made(t testing.TB, os, arch string) v1.Image {
	t.Helper()
	m, err := random.Image(512, 2)
	if err != nil {
		t.Fatal(err)
	}
	c, err := m.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	c = c.DeepCopy()
	c.OS, c.Architecture = os, arch
	c.History = []v1.History{{CreatedBy: "base"}, {CreatedBy: "ENV x", EmptyLayer: true}, {CreatedBy: "RUN second"}}
	if m, err = mutate.ConfigFile(m, c); err != nil {
		t.Fatal(err)
	}
	return m
}

func saveDocker(t testing.TB, m v1.Image, tag string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image.tar")
	ref, err := name.NewTag(tag)
	if err != nil {
		t.Fatal(err)
	}
	if err := tarball.WriteToFile(path, ref, m); err != nil {
		t.Fatal(err)
	}
	return path
}

// saveLayout writes an OCI layout with an index of two platforms and an
// attestation in it.
func saveLayout(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	add := func(m v1.Image, p *v1.Platform, annotations map[string]string) mutate.IndexAddendum {
		return mutate.IndexAddendum{Add: m, Descriptor: v1.Descriptor{Platform: p, Annotations: annotations}}
	}
	inner := mutate.AppendManifests(empty.Index,
		add(made(t, "linux", "amd64"), &v1.Platform{OS: "linux", Architecture: "amd64"}, nil),
		add(made(t, "linux", "arm64"), &v1.Platform{OS: "linux", Architecture: "arm64"}, nil),
		add(made(t, "unknown", "unknown"), &v1.Platform{OS: "unknown", Architecture: "unknown"}, map[string]string{annotationReference: "attestation-manifest"}))
	outer := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: inner, Descriptor: v1.Descriptor{Annotations: map[string]string{annotationName: "app:1"}}})
	if _, err := layout.Write(dir, outer); err != nil {
		t.Fatal(err)
	}
	return dir
}

func tarOf(t testing.TB, dir string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "layout.tar")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(f)
	if err := w.AddFS(os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func images(t testing.TB, path string, in io.Reader) []*Image {
	t.Helper()
	a, err := OpenArchive(context.Background(), path, in)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	all, err := a.Images()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// checkLayers reads every layer and compares it with what the image claims.
func checkLayers(t testing.TB, m *Image) {
	t.Helper()
	if len(m.Layers) != 2 || m.Layers[0].CreatedBy != "base" || m.Layers[1].CreatedBy != "RUN second" {
		t.Fatalf("layers %+v", m.Layers)
	}
	for _, l := range m.Layers {
		r, err := l.Open(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		h, n, err := v1.SHA256(r)
		if err != nil || h.String() != l.Digest || n != l.Size {
			t.Errorf("%s of %d bytes where %s of %d is claimed: %v", h, n, l.Digest, l.Size, err)
		}
	}
}

func TestDockerArchive(t *testing.T) {
	path := saveDocker(t, made(t, "linux", "amd64"), "example.test/app:1")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	zipped := path + ".gz"
	if err := os.WriteFile(zipped, packed.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, all := range map[string][]*Image{"file": images(t, path, nil), "gzip": images(t, zipped, nil), "pipe": images(t, "-", bytes.NewReader(data)), "gzip-pipe": images(t, "-", &packed)} {
		if len(all) != 1 || all[0].Names[0] != "example.test/app:1" || all[0].Platform != "linux/amd64" || !strings.HasPrefix(all[0].Digest, "sha256:") {
			t.Fatalf("%s: %+v", name, all[0])
		}
		checkLayers(t, all[0])
	}
}

func TestLayouts(t *testing.T) {
	dir := saveLayout(t)
	ofDir, err := OpenLayout(dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, all := range map[string][]*Image{"folder": ofDir, "tar": images(t, tarOf(t, dir), nil)} {
		if len(all) != 2 {
			t.Fatalf("%s: %d images: the attestation is none", name, len(all))
		}
		m, err := Pick{Platform: "linux/arm64"}.From(all)
		if err != nil || m.Platform != "linux/arm64" || m.Names[0] != "app:1" {
			t.Fatalf("%s: %+v, error %v", name, m, err)
		}
		checkLayers(t, m)
	}
}

// TestDockerArchiveThatIsALayoutToo: docker save writes both since version 25;
// the layout has digests, and the tags are beside it.
func TestDockerArchiveThatIsALayoutToo(t *testing.T) {
	dir := t.TempDir()
	one, two := made(t, "linux", "amd64"), made(t, "linux", "arm64")
	if _, err := layout.Write(dir, mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: one}, mutate.IndexAddendum{Add: two})); err != nil {
		t.Fatal(err)
	}
	id, err := two.ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "manifest.json"), []byte(`[{"Config":"blobs/sha256/`+id.Hex+`","RepoTags":["app:2"],"Layers":[]}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := Pick{Name: "app:2"}.From(images(t, tarOf(t, dir), nil))
	if err != nil || m.Platform != "linux/arm64" || m.ID != id.String() {
		t.Errorf("%+v, error %v", m, err)
	}
}

func TestPick(t *testing.T) {
	all := []*Image{{Names: []string{"a"}, Platform: "linux/amd64", Digest: "1"}, {Names: []string{"a"}, Platform: "linux/arm/v7", Digest: "2"}, {Names: []string{"b"}, Platform: "linux/amd64", Digest: "3"}}
	for _, tt := range []struct {
		pick Pick
		want string // digest, or a word of the error
	}{
		{Pick{Name: "a", Default: "linux/amd64"}, "1"},
		{Pick{Name: "a", Platform: "linux/arm"}, "2"},
		{Pick{Name: "b"}, "3"},
		{Pick{Name: "2"}, "2"},
		{Pick{Name: "c"}, "no such image"},
		{Pick{Default: "linux/amd64"}, "several"},
		{Pick{Name: "a", Default: "linux/s390x"}, "several"},
	} {
		m, err := tt.pick.From(all)
		if err != nil && !strings.Contains(err.Error(), tt.want) || err == nil && m.Digest != tt.want {
			t.Errorf("%+v: %v, error %v", tt.pick, m, err)
		}
	}
}

func TestDamagedSourcesAreErrors(t *testing.T) {
	write := func(entries map[string]string) string {
		dir := t.TempDir()
		for name, text := range entries {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return tarOf(t, dir)
	}
	text := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(text, []byte(strings.Repeat("text ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"text":             text,
		"no-manifest":      write(map[string]string{"readme": "x"}),
		"broken-manifest":  write(map[string]string{"manifest.json": "["}),
		"layer-missing":    write(map[string]string{"manifest.json": `[{"Config":"c.json","Layers":["l.tar"]}]`, "c.json": `{"rootfs":{"diff_ids":[]}}`}),
		"config-missing":   write(map[string]string{"manifest.json": `[{"Config":"c.json","Layers":[]}]`}),
		"layers-disagree":  write(map[string]string{"manifest.json": `[{"Config":"c.json","Layers":["l"]}]`, "c.json": `{"rootfs":{"diff_ids":[]}}`, "l": "x"}),
		"layout-digest":    write(map[string]string{"oci-layout": "{}", "index.json": `{"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":2,"digest":"sha256:` + strings.Repeat("0", 64) + `"}]}`, "blobs/sha256/" + strings.Repeat("0", 64): "{}"}),
		"layout-size":      write(map[string]string{"oci-layout": "{}", "index.json": `{"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":9,"digest":"sha256:` + strings.Repeat("0", 64) + `"}]}`, "blobs/sha256/" + strings.Repeat("0", 64): "{}"}),
		"layout-of-itself": write(map[string]string{"oci-layout": "{}", "index.json": `{"manifests":[]}`}),
	} {
		a, err := OpenArchive(context.Background(), path, nil)
		if err == nil {
			_, err = a.Images()
			a.Close()
		}
		if err == nil {
			t.Errorf("%s was read without an error", name)
		}
	}
	if _, err := OpenArchive(context.Background(), filepath.Join(t.TempDir(), "none"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

func FuzzImages(f *testing.F) {
	data, err := os.ReadFile(saveDocker(f, made(f, "linux", "amd64"), "a:1"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	if data, err = os.ReadFile(tarOf(f, saveLayout(f))); err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := OpenArchive(context.Background(), "-", bytes.NewReader(data))
		if err != nil {
			return
		}
		defer a.Close()
		all, err := a.Images()
		for _, m := range all {
			if err == nil && m.Config != nil && len(m.Config.RootFS.DiffIDs) != len(m.Layers) {
				t.Error("layers without an identity")
			}
		}
	})
}
