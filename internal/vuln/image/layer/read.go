package layer

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// Read reads a layer: a tar file, compressed with gzip or zstd or not. An error
// is the reason why nothing of the layer is known.
func Read(ctx context.Context, r io.Reader, o Options) (*Layer, error) {
	z, err := Unpack(ctx, r, o.Limits)
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	defer z.Close() //nolint:errcheck // only read
	b := &counter{r: z}
	c := newCollector(o)
	defer c.close()
	if err := c.tar(tar.NewReader(b)); err != nil {
		return nil, err
	}
	// What follows the end of the tar file is part of the stream: gzip's own
	// checksum comes there.
	if _, err := io.Copy(io.Discard, b); err != nil {
		return nil, err
	}
	c.layer.Bytes = b.n
	return c.finish(), nil
}

// tar takes in every entry of a tar file.
func (c *collector) tar(t *tar.Reader) error {
	for {
		h, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			if errors.Is(err, tar.ErrHeader) || errors.Is(err, io.ErrUnexpectedEOF) {
				return fmt.Errorf("damaged layer after %d entries: %w", c.layer.Entries, err)
			}
			return err
		}
		if err := c.entry(h, t); err != nil {
			return err
		}
	}
}

func (c *collector) entry(h *tar.Header, r io.Reader) error {
	name := Clean(h.Name)
	if err := c.count(name); err != nil || name == "" {
		return err
	}
	if c.whiteout(name) {
		return nil
	}
	switch h.Typeflag {
	case tar.TypeDir:
	case tar.TypeReg, tar.TypeGNUSparse:
		c.present(name)
		return c.file(name, h.Size, h.Mode&0o111 != 0, r)
	case tar.TypeSymlink:
		c.present(name)
		c.link(name, symlinkTarget(name, h.Linkname))
	case tar.TypeLink:
		c.present(name)
		c.hardLink(name, Clean(h.Linkname))
	default: // devices and FIFOs
		c.present(name)
	}
	return nil
}

// count bounds the number of entries and the depth of their paths.
func (c *collector) count(name string) error {
	if c.layer.Entries++; c.layer.Entries > c.o.Limits.Entries {
		return refused("more than %d files", c.o.Limits.Entries)
	}
	if len(name) > 4096 && strings.Count(name, "/") > c.o.Limits.Depth {
		return refused("folders nest deeper than %d", c.o.Limits.Depth)
	}
	return nil
}

// Names of the marks by which a layer removes what is below it (OCI image
// specification, layer.md, "Whiteouts"; names that begin with both prefixes are
// AUFS's own bookkeeping).
const (
	whiteoutPrefix = ".wh."
	opaqueMark     = ".wh..wh..opq"
	aufsPrefix     = ".wh..wh."
)

func (c *collector) whiteout(name string) bool {
	if !strings.Contains(name, whiteoutPrefix) {
		return false
	}
	dir, base := path.Split(name)
	switch {
	case base == opaqueMark:
		c.layer.Opaque = append(c.layer.Opaque, strings.TrimSuffix(dir, "/"))
	case strings.HasPrefix(base, aufsPrefix):
	case strings.HasPrefix(base, whiteoutPrefix) && len(base) > len(whiteoutPrefix):
		c.layer.Whiteouts = append(c.layer.Whiteouts, dir+base[len(whiteoutPrefix):])
	default:
		return false
	}
	return true
}

// symlinkTarget is where a link leads, below the root.
func symlinkTarget(name, target string) string {
	if strings.HasPrefix(target, "/") {
		return Clean(target)
	}
	return Clean(path.Dir(name) + "/" + target)
}
