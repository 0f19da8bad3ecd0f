package layer

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/rampart-sec/rampart/internal/base/software"
	"github.com/rampart-sec/rampart/internal/vuln/image/secret"
)

// skipped are folders of a running system that are no files of it.
var skipped = map[string]bool{"proc": true, "sys": true, "dev": true, "run": true}

// Folder reads a root file system in a folder as if it were a layer. Links are
// never followed out of it. What may not be read is a problem of its path.
func Folder(ctx context.Context, dir string, o Options) (*Layer, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close() //nolint:errcheck // only read
	c := newCollector(o)
	defer c.close()
	files := root.FS()
	err = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case name == ".":
			return err
		case err != nil:
			return c.keep(File{Path: name, Problem: reason(err)})
		case d.IsDir() && skipped[name]:
			return fs.SkipDir
		}
		if err := c.count(name); err != nil {
			return err
		}
		return c.folderEntry(root, name, d)
	})
	if err != nil {
		return nil, err
	}
	return c.finish(), nil
}

func (c *collector) folderEntry(root *os.Root, name string, d fs.DirEntry) error {
	switch d.Type() {
	case 0:
		return c.folderFile(root, name, d)
	case fs.ModeSymlink:
		if target, err := root.Readlink(name); err == nil {
			c.link(name, symlinkTarget(name, target))
		}
	}
	return nil
}

// folderFile opens only what says something.
func (c *collector) folderFile(root *os.Root, name string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return nil // it went away
	}
	c.layer.Bytes += info.Size()
	program := info.Mode()&0o111 != 0
	if !program && !c.reads(name, info.Size()) {
		return nil
	}
	f, err := root.Open(name)
	if err != nil {
		return c.keep(File{Path: name, Problem: reason(err)})
	}
	defer f.Close() //nolint:errcheck // only read
	if now, err := f.Stat(); err != nil || !now.Mode().IsRegular() {
		return nil
	}
	err = c.file(name, info.Size(), program, f)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.As(err, new(*fs.PathError)) {
		return c.keep(File{Path: name, Problem: reason(err)})
	}
	return err
}

func reason(err error) string {
	var of *fs.PathError
	if errors.As(err, &of) {
		return of.Err.Error()
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return "it changed while it was read"
	}
	return err.Error()
}

// reads says whether a file of this path is read at all.
func (c *collector) reads(name string, size int64) bool {
	return c.recognise(name).Kind != software.None || c.o.Secrets && size <= secret.MaxFile && secret.Worth(name)
}
