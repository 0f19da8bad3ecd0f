package source

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/rampart-sec/rampart/internal/vuln/image/layer"
)

// Archive is a tar file with images in it. Close it after the last layer was
// read.
type Archive struct {
	file    *os.File
	entries map[string]entry
	name    string
}

type entry struct {
	at, size int64
	link     string // of a link: the entry that it names
	sparse   bool   // its bytes do not lie together
}

// maxEntries is how many entries an archive of images may have before it is
// taken for a root file system: images have a few for each layer.
const maxEntries = 20_000

// maxArchive bounds what is unpacked of a compressed archive, or taken from a
// pipe.
const maxArchive = 64 << 30

// OpenArchive opens a tar file, compressed or not; "-" reads it from in, which may
// be a pipe.
func OpenArchive(ctx context.Context, name string, in io.Reader) (*Archive, error) {
	var f *os.File
	var err error
	if name == "-" {
		name = "standard input"
		f, err = temporary(ctx, in)
	} else {
		f, err = os.Open(name)
	}
	if err != nil {
		return nil, err
	}
	a := &Archive{file: f, name: name}
	if err := a.index(ctx); err != nil {
		a.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return a, nil
}

// Close gives back the file.
func (a *Archive) Close() { a.file.Close() } //nolint:errcheck // only read

// temporary spools a stream, unpacked, into a file that has no name.
func temporary(ctx context.Context, r io.Reader) (*os.File, error) {
	limits := layer.DefaultLimits()
	limits.Bytes = maxArchive
	z, err := layer.Unpack(ctx, r, limits)
	if err != nil {
		return nil, err
	}
	defer z.Close() //nolint:errcheck // only read
	f, err := os.CreateTemp("", "rampart-image-*")
	if err != nil {
		return nil, err
	}
	err = os.Remove(f.Name())
	if err == nil {
		_, err = io.Copy(f, z)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		f.Close() //nolint:errcheck // given up
		return nil, err
	}
	return f, nil
}

// index notes where each entry lies. A compressed archive is unpacked first.
func (a *Archive) index(ctx context.Context) error {
	if err := a.unpack(ctx); err != nil {
		return err
	}
	a.entries = map[string]entry{}
	t := tar.NewReader(a.file)
	for len(a.entries) < maxEntries {
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			if len(a.entries) == 0 {
				return fmt.Errorf("%w: it is no tar file", ErrNotAnImage)
			}
			return fmt.Errorf("damaged archive: %w", err)
		}
		at, err := a.file.Seek(0, io.SeekCurrent) // the reader of headers does not read ahead
		if err != nil {
			return err
		}
		e := entry{at: at, size: h.Size}
		switch h.Typeflag {
		case tar.TypeSymlink:
			e.link = layer.Clean(path.Dir(h.Name) + "/" + h.Linkname)
		case tar.TypeLink:
			e.link = layer.Clean(h.Linkname)
		}
		// A sparse file has less data than its size says.
		e.sparse = h.Typeflag == tar.TypeGNUSparse || h.PAXRecords["GNU.sparse.major"] != "" || h.PAXRecords["GNU.sparse.map"] != ""
		a.entries[layer.Clean(h.Name)] = e
	}
	if len(a.entries) == 0 {
		return fmt.Errorf("%w: it is empty", ErrNotAnImage)
	}
	return nil
}

func (a *Archive) unpack(ctx context.Context) error {
	head := make([]byte, 512)
	n, err := a.file.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return err
	}
	if n > 262 && string(head[257:262]) == "ustar" {
		return nil
	}
	if n < 4 || string(head[:2]) != "\x1f\x8b" && string(head[:4]) != "\x28\xb5\x2f\xfd" {
		return nil // what it is, its headers tell
	}
	packed := a.file
	if a.file, err = temporary(ctx, packed); err != nil {
		a.file = packed
		return err
	}
	return packed.Close()
}

func (a *Archive) find(name string) (entry, bool) {
	e, ok := a.entries[name]
	for range 8 {
		if !ok || e.link == "" {
			return e, ok
		}
		e, ok = a.entries[e.link]
	}
	return entry{}, false
}

// open gives an entry's bytes.
func (a *Archive) open(name string) (io.ReadCloser, int64, error) {
	e, ok := a.find(name)
	if !ok {
		return nil, 0, fmt.Errorf("%s is not in the archive", name)
	}
	if e.sparse {
		return nil, 0, fmt.Errorf("%s is a sparse file", name)
	}
	return io.NopCloser(io.NewSectionReader(a.file, e.at, e.size)), e.size, nil
}

func (a *Archive) decode(name string, v any) error {
	r, _, err := a.open(name)
	if err != nil {
		return err
	}
	if err := decode(r, v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// Images gives the images of the archive: those of an OCI layout, those of docker
// save, or the one that a root file system is. An archive of docker save that is
// an OCI layout too has digests that can be checked there.
func (a *Archive) Images() ([]*Image, error) {
	_, layout := a.find("index.json")
	_, docker := a.find("manifest.json")
	switch {
	case layout:
		images, err := readLayout(a)
		if err != nil || len(images) == 0 && !docker {
			return nil, or(err, fmt.Errorf("%w: its index names none", ErrNotAnImage))
		}
		if docker {
			a.nameDocker(images)
		}
		return images, nil
	case docker:
		return a.docker()
	case !a.looksLikeRoot():
		return nil, fmt.Errorf("%w: %s has no manifest.json, no index.json, and no root file system", ErrNotAnImage, a.name)
	}
	return []*Image{{Names: []string{a.name}, Layers: []Layer{{Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(io.NewSectionReader(a.file, 0, 1<<62)), nil
	}}}}}, nil
}

func or(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// looksLikeRoot says whether the archive has a folder that every system has, or
// a file that says something of itself.
func (a *Archive) looksLikeRoot() bool {
	for name := range a.entries {
		top, _, _ := strings.Cut(name, "/")
		switch top {
		case "etc", "usr", "bin", "lib", "var", "opt", "app", "srv", "home", "root":
			return true
		}
	}
	return false
}
