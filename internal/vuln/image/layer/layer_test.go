package layer

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/rampart-sec/rampart/internal/base/software"
)

// pack makes a tar file of entries "name", "name=content", "name/", "name->link"
// or "name=>hard link".
func pack(t testing.TB, entries ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Mode: 0o644, Format: tar.FormatPAX}
		content := ""
		switch {
		case strings.Contains(e, "->"):
			h.Typeflag = tar.TypeSymlink
			h.Name, h.Linkname, _ = strings.Cut(e, "->")
		case strings.Contains(e, "=>"):
			h.Typeflag = tar.TypeLink
			h.Name, h.Linkname, _ = strings.Cut(e, "=>")
		case strings.HasSuffix(e, "/"):
			h.Typeflag, h.Name = tar.TypeDir, e
		default:
			h.Typeflag = tar.TypeReg
			h.Name, content, _ = strings.Cut(e, "=")
			h.Size = int64(len(content))
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zstandard(t testing.TB, data []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(data, nil)
}

func read(t testing.TB, data []byte) *Layer {
	t.Helper()
	l, err := Read(context.Background(), bytes.NewReader(data), Options{Limits: DefaultLimits(), Secrets: true})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// said gives what a layer's files say, one line each.
func said(l *Layer) []string {
	var all []string
	for _, f := range l.Files {
		line := f.Path
		for _, p := range f.Packages {
			line += " " + p.Name + "@" + p.Version
		}
		for _, s := range f.Secrets {
			line += " " + s.Rule
		}
		if f.Release != nil {
			line += " " + f.Release.ID
		}
		if f.Problem != "" {
			line += " problem"
		}
		all = append(all, line)
	}
	return all
}

const dpkg = "Package: a\nStatus: install ok installed\nVersion: 1\n"

func TestReadsEveryCompression(t *testing.T) {
	data := pack(t, "etc/", "etc/os-release=ID=debian", "./var/lib/dpkg/status="+dpkg, "/usr/bin/x=x")
	want := []string{"etc/os-release debian", "var/lib/dpkg/status a@1"}
	for name, data := range map[string][]byte{"plain": data, "gzip": zipped(t, data), "zstd": zstandard(t, data), "two-members": append(zipped(t, data[:1024]), zipped(t, data[1024:])...)} {
		if diff := cmp.Diff(want, said(read(t, data))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestWhiteouts(t *testing.T) {
	l := read(t, pack(t, "a/.wh.gone", "a/.wh..wh..opq", "b/.wh..package-lock.json", ".wh..wh.plnk/x", "c/.wh..wh.aufs", ".wh.top"))
	if diff := cmp.Diff([]string{"a/gone", "b/.package-lock.json", "top"}, l.Whiteouts); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a"}, l.Opaque); diff != "" {
		t.Error(diff)
	}
}

func TestLinks(t *testing.T) {
	for _, tt := range []struct {
		name    string
		entries []string
		said    []string
		links   map[string]string
	}{
		{"symbolic-to-known", []string{"usr/lib/os-release=ID=debian", "etc/os-release->../usr/lib/os-release"}, []string{"usr/lib/os-release debian"}, nil},
		{"symbolic-to-unknown", []string{"data/status=x", "var/lib/dpkg/status->/data/status"}, nil, map[string]string{"var/lib/dpkg/status": "data/status"}},
		{"hard-to-unknown", []string{"data/status=x", "var/lib/dpkg/status=>data/status"}, nil, map[string]string{"var/lib/dpkg/status": "data/status"}},
		{"hard-to-known", []string{"a/package-lock.json={\"dependencies\":{\"x\":{\"version\":\"1\"}}}", "b/package-lock.json=>a/package-lock.json"}, []string{"a/package-lock.json x@1"}, nil},
		{"out-of-the-root", []string{"etc/os-release->../../../../../etc/passwd"}, nil, map[string]string{"etc/os-release": "etc/passwd"}},
		{"itself", []string{"etc/os-release->os-release"}, nil, nil},
		{"the-last-entry-holds", []string{"etc/os-release=ID=a", "etc/os-release=ID=b"}, []string{"etc/os-release b"}, nil},
		{"replaced-by-a-link", []string{"etc/os-release=ID=a", "etc/os-release->x"}, nil, map[string]string{"etc/os-release": "etc/x"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := read(t, pack(t, tt.entries...))
			if diff := cmp.Diff(tt.said, said(l)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.links, l.Links); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWantedPathsAreRead(t *testing.T) {
	l, err := Read(context.Background(), bytes.NewReader(pack(t, "data/status="+dpkg)), Options{Limits: DefaultLimits(), Want: map[string]software.File{"data/status": software.Recognise("var/lib/dpkg/status")}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"data/status a@1"}, said(l)); diff != "" {
		t.Error(diff)
	}
}

func TestADamagedFileIsItsOwnProblem(t *testing.T) {
	l := read(t, pack(t, "app/package-lock.json={", "opt/x.jar=not a zip", "var/lib/rpm/rpmdb.sqlite=x", "var/lib/rpm/rpmdb.sqlite-wal=y", "var/lib/dpkg/status="+dpkg))
	if diff := cmp.Diff([]string{"app/package-lock.json problem", "opt/x.jar problem", "var/lib/rpm/rpmdb.sqlite problem", "var/lib/rpm/rpmdb.sqlite-wal problem", "var/lib/dpkg/status a@1"}, said(l)); diff != "" {
		t.Error(diff)
	}
}

func TestPathsStayBelowTheRoot(t *testing.T) {
	for name, want := range map[string]string{"../../etc/x": "etc/x", "/etc/x": "etc/x", "./etc//x/": "etc/x", "etc/./x": "etc/x", "a/../../x": "x", "": "", "/": "", "..": "", "a..b/c": "a..b/c"} {
		if got := Clean(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"etc/os-release": "ID=debian", "var/lib/dpkg/status": dpkg, "proc/x/package-lock.json": "{", "app/.env": "AWS=AKIAQWERTYUIOPASDFGH"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	outside := filepath.Join(t.TempDir(), "yarn.lock")
	if err := os.WriteFile(outside, []byte("x@1:\n  version \"1\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "app/yarn.lock")); err != nil {
		t.Fatal(err)
	}
	l, err := Folder(context.Background(), dir, Options{Limits: DefaultLimits(), Secrets: true})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"app/.env aws-access-key", "etc/os-release debian", "var/lib/dpkg/status a@1"}, said(l)); diff != "" {
		t.Error(diff)
	}
}

// endless gives zeros for ever.
type endless struct{}

func (endless) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// entries writes n empty files as a tar file.
func empties(w io.Writer, n int) error {
	t := tar.NewWriter(w)
	for i := range n {
		if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: fmt.Sprintf("d/%d", i)}); err != nil {
			return err
		}
	}
	return t.Close()
}

func TestHostileLayersAreRefused(t *testing.T) {
	limits := DefaultLimits()
	limits.Entries = 10_000
	for _, tt := range []struct {
		name string
		make func(w io.Writer) error
		want string
	}{
		{"many-files", func(w io.Writer) error { return empties(w, 20_000) }, "more than 10000 files"},
		{"gzip-bomb", func(w io.Writer) error {
			z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
			if err != nil {
				return err
			}
			tw := tar.NewWriter(z)
			if err := tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "zeros", Size: 64 << 30}); err != nil {
				return err
			}
			_, err = io.CopyN(tw, endless{}, 600<<20)
			return err
		}, "decompression bomb"},
		{"zstd-bomb", func(w io.Writer) error {
			z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
			if err != nil {
				return err
			}
			tw := tar.NewWriter(z)
			if err := tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "zeros", Size: 64 << 30}); err != nil {
				return err
			}
			_, err = io.CopyN(tw, endless{}, 600<<20)
			return err
		}, "decompression bomb"},
		{"deep", func(w io.Writer) error {
			tw := tar.NewWriter(w)
			return tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: strings.Repeat("d/", 10_000) + "x", Format: tar.FormatPAX})
		}, "nest deeper"},
		{"xz", func(w io.Writer) error { _, err := io.WriteString(w, "\xfd7zXZ\x00rest"); return err }, "xz"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, w := io.Pipe()
			go func() { w.CloseWithError(tt.make(w)) }()
			_, err := Read(context.Background(), r, Options{Limits: limits})
			r.Close()
			if !errors.Is(err, ErrHostile) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// TestASparseFileCostsNothing: files of 50 GB without one byte of data, as GNU
// tar packs them in each of its formats.
func TestASparseFileCostsNothing(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"package-lock.json", "data"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(filepath.Join(dir, name), 50<<30); err != nil {
			t.Skipf("no sparse files here: %v", err)
		}
	}
	for _, format := range []string{"--format=gnu", "--format=posix"} {
		data, err := exec.Command("tar", "-C", dir, "-S", format, "-cf", "-", "package-lock.json", "data").Output()
		if err != nil {
			t.Skipf("tar: %v", err)
		}
		if diff := cmp.Diff([]string{"package-lock.json problem"}, said(read(t, data))); diff != "" {
			t.Errorf("%s: %s", format, diff)
		}
	}
}

func TestADamagedLayerIsAnError(t *testing.T) {
	data := pack(t, "a=1", "var/lib/dpkg/status="+strings.Repeat(dpkg, 100))
	packed := zipped(t, data)
	flipped := bytes.Clone(packed)
	flipped[len(flipped)-6] ^= 1 // gzip's checksum
	for name, data := range map[string][]byte{"cut": data[:len(data)-3000], "cut-gzip": packed[:len(packed)/2], "checksum": flipped, "text": []byte(strings.Repeat("no tar file ", 100))} {
		if _, err := Read(context.Background(), bytes.NewReader(data), Options{Limits: DefaultLimits()}); err == nil {
			t.Errorf("%s was read without an error", name)
		}
	}
}

func TestACancelledReadEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Read(ctx, io.MultiReader(bytes.NewReader(pack(t, "a=1")[:1024]), endless{}), Options{Limits: DefaultLimits()}); !errors.Is(err, context.Canceled) {
		t.Skipf("the layer ended first: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	data := pack(f, "etc/os-release=ID=debian", "a/.wh.b", "x->y", "var/lib/dpkg/status="+dpkg, "a.jar=PK")
	f.Add(data)
	f.Add(zipped(f, data))
	f.Add(zstandard(f, data))
	f.Fuzz(func(t *testing.T, data []byte) {
		limits := DefaultLimits()
		limits.Bytes, limits.Entries = 16<<20, 1000
		l, err := Read(context.Background(), bytes.NewReader(data), Options{Limits: limits, Secrets: true})
		if err != nil {
			return
		}
		for _, file := range l.Files {
			if file.Path != Clean(file.Path) || strings.HasPrefix(file.Path, "..") {
				t.Errorf("path %q", file.Path)
			}
		}
	})
}
