package layer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/software"
	"github.com/rampart-sec/rampart/internal/base/software/executable"
	"github.com/rampart-sec/rampart/internal/base/software/jar"
	"github.com/rampart-sec/rampart/internal/base/software/rpmdb"
	"github.com/rampart-sec/rampart/internal/vuln/image/secret"
)

// maxSpool bounds a file that needs to be read in any order: a program, an
// archive, a database of rpm.
const maxSpool = 2 << 30

// maxFiles and maxPackages bound what one layer may say.
const (
	maxFiles    = 500_000
	maxPackages = 2_000_000
)

// collector takes in the files of a layer.
type collector struct {
	o        Options
	layer    *Layer
	at       map[string]int // path to place in layer.Files
	links    map[string]link
	spool    spool
	packages int
}

type link struct {
	target string
	as     software.File
}

func newCollector(o Options) *collector {
	return &collector{o: o, layer: &Layer{}, at: map[string]int{}, links: map[string]link{}}
}

func (c *collector) close() { c.spool.close() }

func (c *collector) present(name string) { c.layer.Present = append(c.layer.Present, Hash(name)) }

// recognise says what a path is to be read as.
func (c *collector) recognise(name string) software.File {
	if as, ok := c.o.Want[name]; ok {
		return as
	}
	return software.Recognise(name)
}

// file takes in a regular file. The error ends the layer: the stream itself
// failed, or there is too much.
func (c *collector) file(name string, size int64, program bool, r io.Reader) error {
	c.forget(name)
	as := c.recognise(name)
	f := File{Path: name, Kind: as.Kind, Format: as.Format}
	var err error
	switch {
	case as.Kind == software.None && program && size >= 512:
		err = c.program(&f, size, r)
	case as.Kind == software.None && c.o.Secrets && size <= secret.MaxFile && secret.Worth(name):
		err = c.whole(&f, size, r, func(data []byte) error { f.Secrets = secret.Find(name, data); return nil })
	case as.Kind == software.None:
		return nil
	case as.Kind == software.Archive:
		err = c.spooled(&f, size, r, func(r io.ReaderAt) ([]software.Package, error) { return jar.Read(name, r, size) })
	case as.Kind == software.RPM && strings.HasSuffix(name, "-wal"):
		if size > 0 {
			f.Problem = "the database was not closed: changes in its log are not read"
		}
	case as.Kind == software.RPM:
		err = c.spooled(&f, size, r, func(r io.ReaderAt) ([]software.Package, error) { return rpmdb.Read(name, r, size) })
	default:
		err = c.whole(&f, size, r, func(data []byte) error { return c.parse(&f, as, data) })
	}
	if err != nil {
		return err
	}
	return c.keep(f)
}

func (c *collector) parse(f *File, as software.File, data []byte) (err error) {
	if as.Kind == software.OSRelease {
		release := software.ParseRelease(data)
		f.Release = &release
		return nil
	}
	f.Packages, err = as.Parse(f.Path, data)
	return err
}

// keep adds a file that says something.
func (c *collector) keep(f File) error {
	if len(f.Packages) == 0 && len(f.Secrets) == 0 && f.Release == nil && f.Problem == "" && f.Kind != software.System {
		return nil
	}
	if c.packages += len(f.Packages); len(c.layer.Files) >= maxFiles || c.packages > maxPackages {
		return refused("more packages than any image has")
	}
	c.at[f.Path] = len(c.layer.Files)
	c.layer.Files = append(c.layer.Files, f)
	return nil
}

// forget drops what an earlier entry of the same layer said of a path: the last
// one holds.
func (c *collector) forget(name string) {
	delete(c.links, name)
	if i, ok := c.at[name]; ok {
		c.layer.Files[i] = File{Path: name}
		delete(c.at, name)
	}
}

// whole reads a small file into memory. What is wrong with the file itself is its
// problem, not the layer's.
func (c *collector) whole(f *File, size int64, r io.Reader, parse func([]byte) error) error {
	if size > software.MaxFile {
		f.Problem = fmt.Sprintf("larger than %d bytes", software.MaxFile)
		return nil
	}
	data, err := c.spool.read(r, size)
	if err != nil {
		return err
	}
	f.problem(parse(data))
	return nil
}

// spooled makes a file readable in any order and reads it.
func (c *collector) spooled(f *File, size int64, r io.Reader, read func(io.ReaderAt) ([]software.Package, error)) error {
	if size > maxSpool {
		f.Problem = fmt.Sprintf("larger than %d bytes", int64(maxSpool))
		return nil
	}
	at, err := c.spool.fill(r, size)
	if err != nil {
		return err
	}
	f.Packages, err = read(at)
	f.problem(err)
	return nil
}

// program reads an executable if its beginning is one's.
func (c *collector) program(f *File, size int64, r io.Reader) error {
	head := make([]byte, 0, executable.HeadSize)
	head, err := readUpTo(head, r, min(size, executable.HeadSize))
	if err != nil || !executable.Candidate(head) {
		return err
	}
	f.Kind = software.Installed
	return c.spooled(f, size, io.MultiReader(bytes.NewReader(head), r), func(r io.ReaderAt) ([]software.Package, error) {
		return executable.Read(f.Path, r)
	})
}

func (f *File) problem(err error) {
	if err != nil {
		f.Problem = err.Error()
	}
}

// link takes in a symbolic link whose name would matter if it were a file.
func (c *collector) link(name, target string) {
	c.forget(name)
	if as := c.recognise(name); as.Kind != software.None {
		c.links[name] = link{target, as}
	}
}

// hardLink takes in a further name of a file of this layer.
func (c *collector) hardLink(name, target string) {
	c.forget(name)
	if i, ok := c.at[target]; ok {
		if as := c.recognise(name); as.Kind == c.layer.Files[i].Kind {
			return // both names say the same, once
		}
	}
	c.link(name, target)
}

// finish drops what was forgotten and the links that lead to files that were
// read.
func (c *collector) finish() *Layer {
	kept := c.layer.Files[:0]
	for i, f := range c.layer.Files {
		if at, ok := c.at[f.Path]; ok && at == i {
			kept = append(kept, f)
		}
	}
	c.layer.Files = kept
	for name, l := range c.links {
		if _, ok := c.at[l.target]; ok || name == l.target {
			continue
		}
		if c.layer.Links == nil {
			c.layer.Links = map[string]string{}
		}
		c.layer.Links[name] = l.target
	}
	return c.layer
}

// readUpTo appends exactly n bytes of r to buf.
func readUpTo(buf []byte, r io.Reader, n int64) ([]byte, error) {
	start := len(buf)
	buf = append(buf, make([]byte, n)...)
	m, err := io.ReadFull(r, buf[start:])
	if errors.Is(err, io.EOF) && n == 0 {
		err = nil
	}
	return buf[:start+m], err
}
