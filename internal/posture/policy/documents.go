package policy

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// documents walks folders, files and archives for JSON documents. What cannot
// be read fails alone.
type documents struct {
	visit func(file string, data []byte)
	fail  func(file string, err error)
}

func (d *documents) tree(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			if path == dir {
				return err
			}
			d.fail(path, err)
			return nil
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		if err := d.open(path); err != nil {
			d.fail(path, err)
		}
		return nil
	})
}

// open visits one file by what its name says; other files are not ours.
func (d *documents) open(path string) error {
	name := folded(path)
	archive := strings.HasSuffix(name, ".tar.gz") || strings.HasSuffix(name, ".tgz")
	if !archive && !strings.HasSuffix(name, ".json") {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	if archive {
		return d.archive(path, f)
	}
	data, err := readLimited(f)
	if err != nil {
		return err
	}
	d.visit(path, data)
	return nil
}

// readLimited reads at most MaxDocument bytes, so that a huge file costs
// nothing.
func readLimited(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	if len(data) > MaxDocument {
		return nil, fmt.Errorf("the file is larger than %d bytes", MaxDocument)
	}
	return data, nil
}

// maxArchive bounds what an archive unpacks to.
const maxArchive = 4 << 30

func (d *documents) archive(path string, r io.Reader) error {
	z, err := gzip.NewReader(r)
	if err != nil {
		return fmt.Errorf("unpack: %w", err)
	}
	t := tar.NewReader(io.LimitReader(z, maxArchive))
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("unpack: %w", err)
		}
		if h.Typeflag != tar.TypeReg || !strings.HasSuffix(folded(h.Name), ".json") {
			continue
		}
		inner := path + "!" + h.Name
		data, err := readLimited(t)
		if err != nil {
			d.fail(inner, err)
			continue
		}
		d.visit(inner, data)
	}
}

// EachDefinition calls take for every policy definition below the directories
// (as CheckDirs finds them), with the id that it has or, without one, that of a
// tenant-level definition of its name. What cannot be used is in failed; the
// error is for a directory that cannot be read at all.
func EachDefinition(dirs []string, take func(id string, body []byte) error) (failed []CheckFailure, err error) {
	fail := func(file string, err error) { failed = append(failed, CheckFailure{File: file, Reason: err.Error()}) }
	files := documents{fail: fail, visit: func(file string, data []byte) {
		d, err := ParseDefinition(data)
		if err == nil {
			id := d.ID
			if id == "" {
				id = "/providers/Microsoft.Authorization/policyDefinitions/" + d.nameOr(file)
			}
			err = take(id, data)
		}
		if err != nil {
			fail(file, err)
		}
	}}
	var errs []error
	for _, dir := range dirs {
		if err := files.tree(dir); err != nil {
			errs = append(errs, fmt.Errorf("read %s: %w", dir, err))
		}
	}
	return failed, errors.Join(errs...)
}

// nameOr is the definition's name, or that of the file it is in.
func (d *Definition) nameOr(file string) string {
	if d.Name != "" {
		return d.Name
	}
	base := filepath.Base(file)
	return strings.TrimSuffix(base, filepath.Ext(base))
}
