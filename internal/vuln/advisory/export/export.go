// Package export reads advisories from where people put them: the export layout
// of osv.dev (<ecosystem>/all.zip), folders of records, single records.
//
// Archives come from outside: their entries are bounded in number and size, a
// bad one is reported alone and the rest goes on. The package must never import
// the database or what is installed anywhere.
package export

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/flate"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/ecosystem"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/exploit"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/osv"
)

// Bounds of one archive. The whole of osv.dev has fewer than half a million
// records and about 5 GB of text.
const (
	maxEntries = 4_000_000
	maxTotal   = 64 << 30
)

// ErrNone says that a path holds no advisories.
var ErrNone = errors.New("no advisories")

// Source is one archive or folder of records.
type Source struct {
	Path  string
	Base  string    // the ecosystem that it is the export of; "" if it mixes them
	Full  bool      // it holds all there is of its ecosystem: what it lacks is gone
	Taken time.Time // when the file was made, as the file system says
}

// Find lists the sources under a path: a folder in the layout of an export, one
// of osv-scanner's, a folder of records, an archive, a record. The error is of
// the kind ErrNone if there is none.
func Find(path string) ([]Source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		base := ""
		if filepath.Base(path) == "all.zip" {
			base = baseOf(filepath.Dir(path))
		}
		return []Source{{Path: path, Base: base, Full: base != "", Taken: info.ModTime()}}, nil
	}
	for _, inner := range []string{"osv-scalibr", "osv-scanner"} {
		if sub := filepath.Join(path, inner); isDir(sub) {
			path = sub
		}
	}
	return findInFolder(path)
}

func findInFolder(path string) (found []Source, err error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	loose := false
	for _, e := range entries {
		full := filepath.Join(path, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), "_") || strings.HasPrefix(e.Name(), "."):
		case isDir(full):
			s, ok, err := folderSource(full)
			if err != nil {
				return nil, err
			}
			if ok {
				found = append(found, s)
			}
		case e.Name() == "all.zip":
			s, err := Find(full)
			if err != nil {
				return nil, err
			}
			found = append(found, s...)
		case isRecord(e.Name()):
			loose = true
		}
	}
	if loose {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		found = append(found, Source{Path: path, Base: baseOf(path), Taken: info.ModTime()})
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%w in %s: neither <ecosystem>/all.zip nor records (*.json)", ErrNone, path)
	}
	return found, nil
}

// folderSource looks for the archive of one ecosystem, or its records.
func folderSource(dir string) (Source, bool, error) {
	archive := filepath.Join(dir, "all.zip")
	info, err := os.Stat(archive)
	if err == nil {
		base := baseOf(dir)
		return Source{Path: archive, Base: base, Full: base != "", Taken: info.ModTime()}, true, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return Source{}, false, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return Source{}, false, err
	}
	if !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return isRecord(e.Name()) }) {
		return Source{}, false, nil
	}
	info, err = os.Stat(dir)
	if err != nil {
		return Source{}, false, err
	}
	return Source{Path: dir, Base: baseOf(dir), Taken: info.ModTime()}, true, nil
}

// baseOf reads the ecosystem from a folder's name, "" if it names none.
func baseOf(dir string) string {
	if e := ecosystem.Parse(filepath.Base(dir)); ecosystem.Known(e.Base) {
		return e.Base
	}
	return ""
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func isRecord(name string) bool {
	return strings.HasSuffix(name, ".json") && name != "manifest.json" && !strings.HasPrefix(name, ".") && !exploit.IsKEV(name)
}

// Walk gives every record's name and text to fn, in the order of the source. A
// record that cannot be read has a problem instead of its text; the text is only
// valid until fn returns. An error of fn, or one that concerns the whole source,
// ends the walk.
func (s Source) Walk(ctx context.Context, fn func(name string, data []byte, problem error) error) error {
	switch {
	case isDir(s.Path):
		return s.walkFolder(ctx, fn)
	case strings.HasSuffix(s.Path, ".zip"):
		return s.walkZip(ctx, fn)
	}
	data, err := readBounded(s.Path)
	if err != nil {
		return err
	}
	return fn(filepath.Base(s.Path), data, nil)
}

func (s Source) walkFolder(ctx context.Context, fn func(string, []byte, error) error) error {
	entries, err := os.ReadDir(s.Path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !isRecord(e.Name()) {
			continue
		}
		data, problem := readBounded(filepath.Join(s.Path, e.Name()))
		if err := fn(e.Name(), data, problem); err != nil {
			return err
		}
	}
	return nil
}

// readBounded reads a regular file that is no larger than a record may be.
func readBounded(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, osv.MaxRecord+1))
	if err == nil && len(data) > osv.MaxRecord {
		err = fmt.Errorf("more than %d bytes", osv.MaxRecord)
	}
	return data, err
}

func (s Source) walkZip(ctx context.Context, fn func(string, []byte, error) error) error {
	z, err := zip.OpenReader(s.Path)
	if err != nil {
		return fmt.Errorf("read %s: %w", s.Path, err)
	}
	defer z.Close()
	if len(z.File) > maxEntries {
		return fmt.Errorf("read %s: %d entries, more than %d", s.Path, len(z.File), maxEntries)
	}
	inflater := &inflater{}
	z.RegisterDecompressor(zip.Deflate, inflater.open)
	var buf bytes.Buffer
	total := 0
	for _, f := range z.File {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !strings.HasSuffix(f.Name, ".json") {
			continue
		}
		problem := readEntry(f, &buf)
		if total += buf.Len(); total > maxTotal {
			return fmt.Errorf("read %s: more than %d bytes in it", s.Path, int64(maxTotal))
		}
		if err := fn(f.Name, buf.Bytes(), problem); err != nil {
			return err
		}
	}
	return nil
}

// readEntry fills buf with an entry's text; the size that the archive claims is
// not believed.
func readEntry(f *zip.File, buf *bytes.Buffer) error {
	buf.Reset()
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	n, err := buf.ReadFrom(io.LimitReader(r, osv.MaxRecord+1))
	if n > osv.MaxRecord {
		buf.Reset()
		return fmt.Errorf("more than %d bytes", osv.MaxRecord)
	}
	return err
}

// inflater reuses one decompressor for all entries of an archive, which are read
// one after another: making a new one costs more than inflating a small record.
type inflater struct {
	io.ReadCloser
}

func (i *inflater) open(r io.Reader) io.ReadCloser {
	if i.ReadCloser == nil {
		i.ReadCloser = flate.NewReader(r)
		return i
	}
	if err := i.ReadCloser.(flate.Resetter).Reset(r, nil); err != nil {
		i.ReadCloser = flate.NewReader(r)
	}
	return i
}
