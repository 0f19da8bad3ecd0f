package input_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/rampart-sec/rampart/internal/threat/event/input"
)

func gz(parts ...string) []byte {
	var out bytes.Buffer
	for _, p := range parts {
		w := gzip.NewWriter(&out)
		w.Write([]byte(p))
		w.Close()
	}
	return out.Bytes()
}

func zst(s string) []byte {
	w, _ := zstd.NewWriter(nil)
	return w.EncodeAll([]byte(s), nil)
}

func archive(members ...string) []byte { // name, content, name, content
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for i := 0; i < len(members); i += 2 {
		w, _ := z.Create(members[i])
		w.Write([]byte(members[i+1]))
	}
	z.Close()
	return out.Bytes()
}

func tarball(members ...string) string {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	w.WriteHeader(&tar.Header{Name: "d/", Typeflag: tar.TypeDir, Mode: 0o700})
	for i := 0; i < len(members); i += 2 {
		w.WriteHeader(&tar.Header{Name: members[i], Typeflag: tar.TypeReg, Mode: 0o600, Size: int64(len(members[i+1]))})
		w.Write([]byte(members[i+1]))
	}
	w.Close()
	return out.String()
}

// walk gives each stream as name=content or name: error.
func walk(in io.Reader, l input.Limits) (string, error) {
	var out []string
	err := input.Walk("f", in, l, func(name string, in io.Reader) error {
		b, err := io.ReadAll(in)
		if err != nil {
			out = append(out, err.Error())
			return nil
		}
		if len(b) > 20 {
			b = fmt.Appendf(nil, "%d bytes", len(b))
		}
		out = append(out, name+"="+string(b))
		return nil
	})
	return strings.Join(out, " "), err
}

func TestWalk(t *testing.T) {
	small := input.Limits{Ratio: 20, Free: 10_000, Members: 3, Spool: 1 << 20, Window: 1 << 20}
	zeros := strings.Repeat("0", 1<<20)
	for _, c := range []struct {
		name string
		in   []byte
		want string
		err  string
	}{
		{"plain", []byte("a\n"), "f=a\n", ""},
		{"empty", nil, "f=", ""},
		{"UTF-16", []byte("\xff\xfea\x00\xe4\x00"), "f=aä", ""},
		{"UTF-16 in zip, big endian", archive("a", "\xfe\xff\x00a"), "f!a=a", ""},
		{"UTF-8 with a mark", []byte("\ufeffa"), "f=a", ""},
		{"gzip in two parts", gz("a", "b"), "f=ab", ""},
		{"zstd", zst("a"), "f=a", ""},
		{"zip", archive("a", "1", "d/", "", "d/b", "2"), "f!a=1 f!d/b=2", ""},
		{"empty zip", archive(), "", ""},
		{"gzip in zip", archive("a.gz", string(gz("1"))), "f!a.gz=1", ""},
		{"tar.gz", gz(tarball("a", "1", "b.gz", string(gz("2")))), "f!a=1 f!b.gz=2", ""},
		{"cut tar", []byte(tarball("a", "1")[:1024]), "f!a: unexpected EOF", ""},
		{"zip in tar, then more", []byte(tarball("a", string(archive("x", "y")), "b", "2")), "f!a: refused: it is an archive in an archive f!b=2", ""},
		{"bomb in tar.gz", gz(tarball("a", zeros)), "f!a: f: refused: it unpacks to more than 20 times its size", ""},
		{"many in tar", []byte(tarball("a", "1", "b", "", "c", "", "d", "")), "f!a=1 f!b= f: refused: it has more than 3 members", ""},
		{"zip in zip", archive("a", string(archive("x", "y")), "b", "2"), "f!a: refused: it is an archive in an archive f!b=2", ""},
		{"gzip bomb", gz(zeros), "f: refused: it unpacks to more than 20 times its size", ""},
		{"zstd bomb", zst(zeros), "f: refused: it unpacks to more than 20 times its size", ""},
		{"zip bomb", archive("a", zeros, "b", "2"), "f!a: refused: it unpacks to more than 20 times its size f!b=2", ""},
		{"bomb in two layers", archive("a", string(gz(zeros))), "f!a: refused: it unpacks to more than 20 times its size", ""},
		{"too many members", archive("a", "", "b", "", "c", "", "d", ""), "", "f: refused: it has 4 members, more than 3"},
		{"cut gzip", gz("hello")[:12], "f: unexpected EOF", ""},
		{"cut zip", archive("a", "1")[:20], "", "f: zip: not a valid zip file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := walk(bytes.NewReader(c.in), small)
			if got != c.want || fmt.Sprint(err) != map[bool]string{true: "<nil>", false: c.err}[c.err == ""] {
				t.Errorf("%q, %v; want %q, %s", got, err, c.want, c.err)
			}
		})
	}
}

func TestFilesAreReadInPlace(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(name, archive("a", "1"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	limits := input.DefaultLimits
	limits.Spool = 0 // no copy is made
	if got, err := walk(f, limits); got != "f!a=1" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := walk(bytes.NewReader(archive("a", "1")), limits); err == nil || !strings.Contains(err.Error(), "too long to be kept") {
		t.Error(err)
	}
}

func TestErrorsOfFnEndTheWalk(t *testing.T) {
	stop, calls := errors.New("stop"), 0
	err := input.Walk("f", bytes.NewReader(archive("a", "1", "b", "2")), input.DefaultLimits, func(string, io.Reader) error { calls++; return stop })
	if err != stop || calls != 1 {
		t.Error(err, calls)
	}
}

func FuzzWalk(f *testing.F) {
	for _, b := range [][]byte{gz("a"), zst("b"), archive("c", "d"), []byte(tarball("e", "f"))} {
		f.Add(b)
	}
	l := input.Limits{Ratio: 100, Free: 1 << 16, Members: 10, Spool: 1 << 20, Window: 1 << 20}
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = input.Walk("f", bytes.NewReader(b), l, func(_ string, in io.Reader) error {
			n, _ := io.Copy(io.Discard, in)
			if n > l.Free+l.Ratio*int64(len(b))*l.Ratio {
				t.Errorf("%d bytes of %d", n, len(b))
			}
			return nil
		})
	})
}
