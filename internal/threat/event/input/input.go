package input

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Limits bound what is unpacked.
type Limits struct {
	Ratio   int64 // of unpacked to packed bytes, beyond Free
	Free    int64 // bytes that may unpack at any ratio
	Members int   // of an archive
	Spool   int64 // bytes of a zip archive that comes from a pipe
	Window  uint64
}

// DefaultLimits are wide enough for any log: text packs to about a twentieth, the
// most repetitive logs to a two-hundredth.
var DefaultLimits = Limits{Ratio: 500, Free: 64 << 20, Members: 100_000, Spool: 8 << 30, Window: 128 << 20}

// BombError says that something unpacks to far more than it is.
type BombError struct {
	Name  string
	Ratio int64
}

// Error is one line.
func (e *BombError) Error() string {
	return fmt.Sprintf("%s: refused: it unpacks to more than %d times its size", e.Name, e.Ratio)
}

var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
	zipMagic  = []byte("PK\x03\x04")
	zipEmpty  = []byte("PK\x05\x06")
)

// Walk calls fn with each stream of events that an input holds: itself, or the
// members of an archive under archive!member. Reading may give a *BombError or
// another reason why the stream was refused. Walk ends with the first error of
// fn, or when the input itself cannot be opened.
func Walk(name string, in io.Reader, l Limits, fn func(name string, in io.Reader) error) error {
	packed := &counter{in: in}
	b := bufio.NewReaderSize(packed, 64<<10)
	head, err := b.Peek(len(zstdMagic))
	if err != nil && err != io.EOF {
		return fmt.Errorf("%s: %w", name, err)
	}
	if bytes.HasPrefix(head, zipMagic) || bytes.Equal(head, zipEmpty) {
		return walkZip(name, in, b, l, fn)
	}
	plain, end := unpack(name, b, head, packed, l)
	defer end()
	start := bufio.NewReaderSize(plain, 4096)
	if isTar(start) {
		return walkTar(name, start, l, fn)
	}
	return fn(name, text(start))
}

// isTar looks for the mark of POSIX and GNU archives.
func isTar(b *bufio.Reader) bool {
	const at = 257
	head, _ := b.Peek(at + 5)
	return len(head) == at+5 && string(head[at:]) == "ustar"
}

// walkTar reads the regular files of an archive, compressed ones too.
func walkTar(name string, in io.Reader, l Limits, fn func(string, io.Reader) error) error {
	archive := tar.NewReader(in)
	for members := 0; ; members++ {
		m, err := archive.Next()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return fn(name, failing{fmt.Errorf("%s: %w", name, err)})
		case members >= l.Members:
			return fn(name, failing{fmt.Errorf("%s: refused: it has more than %d members", name, l.Members)})
		case m.Typeflag != tar.TypeReg:
			continue
		}
		inner := name + "!" + m.Name
		packed := &counter{in: archive, name: inner}
		b := bufio.NewReaderSize(packed, 64<<10)
		head, _ := b.Peek(len(zipMagic))
		if bytes.HasPrefix(head, zipMagic) {
			err = fn(inner, failing{fmt.Errorf("%s: refused: it is an archive in an archive", inner)})
		} else {
			plain, end := unpack(inner, b, head, packed, l)
			err = fn(inner, text(plain))
			end()
		}
		if err != nil || packed.err != nil { // whoever read the member was told
			return err
		}
	}
}

// text is a stream as UTF-8 without a byte order mark; Windows tools write
// UTF-16 with one.
func text(in io.Reader) io.Reader {
	b := bufio.NewReaderSize(in, 4096)
	head, _ := b.Peek(3)
	switch {
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return transform.NewReader(b, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder())
	case bytes.HasPrefix(head, []byte("\ufeff")):
		b.Discard(len("\ufeff"))
	}
	return b
}

// unpack wraps a stream by what its first bytes say.
func unpack(name string, b *bufio.Reader, head []byte, packed *counter, l Limits) (io.Reader, func()) {
	none := func() {}
	switch {
	case bytes.HasPrefix(head, gzipMagic):
		z, err := gzip.NewReader(b)
		if err != nil {
			return failing{fmt.Errorf("%s: %w", name, err)}, none
		}
		return &guard{in: z, name: name, packed: packed, limits: l}, none
	case bytes.HasPrefix(head, zstdMagic):
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(l.Window))
		if err != nil {
			return failing{fmt.Errorf("%s: %w", name, err)}, none
		}
		return &guard{in: z, name: name, packed: packed, limits: l}, z.Close
	}
	return b, none
}

// counter counts what was read.
type counter struct {
	in   io.Reader
	name string // for errors, if they do not name it themselves
	n    int64
	err  error // other than io.EOF
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.in.Read(b)
	c.n += int64(n)
	if err != nil && err != io.EOF {
		if c.name != "" {
			err = fmt.Errorf("%s: %w", c.name, err)
		}
		c.err = err
	}
	return n, err
}

// guard refuses what unpacks to too much.
type guard struct {
	in     io.Reader
	name   string
	packed *counter
	limits Limits
	n      int64
}

func (g *guard) Read(b []byte) (int, error) {
	n, err := g.in.Read(b)
	g.n += int64(n)
	if g.n > g.limits.Free && g.n > g.limits.Ratio*g.packed.n {
		return 0, &BombError{Name: g.name, Ratio: g.limits.Ratio}
	}
	if err != nil && err != io.EOF {
		err = fmt.Errorf("%s: %w", g.name, err)
	}
	return n, err
}

// failing gives one error.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// readerAt is a file.
type readerAt interface {
	io.ReaderAt
	Stat() (os.FileInfo, error)
}

// walkZip reads the members of an archive; rest is what follows the start of in
// that was looked at.
func walkZip(name string, in io.Reader, rest io.Reader, l Limits, fn func(string, io.Reader) error) error {
	file, size, end, err := seekable(in, rest, l)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	defer end()
	archive, err := zip.NewReader(file, size)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if len(archive.File) > l.Members {
		return fmt.Errorf("%s: refused: it has %d members, more than %d", name, len(archive.File), l.Members)
	}
	for _, m := range archive.File {
		if m.FileInfo().IsDir() {
			continue
		}
		if err := walkMember(name+"!"+m.Name, m, l, fn); err != nil {
			return err
		}
	}
	return nil
}

const encrypted = 1 // a flag of members

func walkMember(name string, m *zip.File, l Limits, fn func(string, io.Reader) error) error {
	if m.Flags&encrypted != 0 {
		return fn(name, failing{fmt.Errorf("%s: refused: it is encrypted", name)})
	}
	in, err := m.Open()
	if err != nil {
		return fn(name, failing{fmt.Errorf("%s: %w", name, err)})
	}
	defer in.Close()
	size := &counter{n: int64(m.CompressedSize64)}
	b := bufio.NewReaderSize(&guard{in: in, name: name, packed: size, limits: l}, 64<<10)
	head, err := b.Peek(len(zipMagic))
	switch {
	case err != nil && err != io.EOF:
		return fn(name, failing{err})
	case bytes.HasPrefix(head, zipMagic):
		return fn(name, failing{fmt.Errorf("%s: refused: it is an archive in an archive", name)})
	}
	plain, end := unpack(name, b, head, size, l)
	defer end()
	return fn(name, text(plain))
}

// seekable gives a file to read at places: in itself, or a temporary one with
// what a pipe holds.
func seekable(in, rest io.Reader, l Limits) (io.ReaderAt, int64, func(), error) {
	if f, ok := in.(readerAt); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			return f, info.Size(), func() {}, nil
		}
	}
	f, err := os.CreateTemp("", "rampart-events-*.zip")
	if err != nil {
		return nil, 0, nil, err
	}
	end := func() {
		f.Close()
		os.Remove(f.Name())
	}
	n, err := io.Copy(f, io.LimitReader(rest, l.Spool+1))
	if err == nil && n > l.Spool {
		err = errors.New("refused: the archive is too long to be kept while it is read")
	}
	if err != nil {
		end()
		return nil, 0, nil, err
	}
	return f, n, end, nil
}
