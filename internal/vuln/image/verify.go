package image

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/rampart-sec/rampart/internal/vuln/image/layer"
	"github.com/rampart-sec/rampart/internal/vuln/image/source"
)

// readLayer reads a layer and checks that it is what its image claims: the size
// and digest of its bytes, or where no digest is claimed of those, the digest of
// what they unpack to.
func readLayer(ctx context.Context, l source.Layer, o layer.Options) (read *layer.Layer, err error) {
	r, err := l.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	c := &claims{r: r}
	if l.Digest != "" {
		c.hash = sha256.New()
	}
	in := io.Reader(c)
	if l.Size > 0 {
		// One byte more than claimed is enough to see the lie.
		in = io.LimitReader(c, l.Size+1)
	}
	unpacked := sha256.New()
	if l.Digest == "" && l.DiffID != "" {
		z, err := layer.Decompress(in)
		if err != nil {
			return nil, err
		}
		defer z.Close() //nolint:errcheck // only read
		in = io.TeeReader(z, unpacked)
	}
	read, err = layer.Read(ctx, in, o)
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return nil, err
	}
	switch {
	case l.Size > 0 && c.n > l.Size:
		return nil, fmt.Errorf("it has more than the %d bytes that its manifest claims", l.Size)
	case l.Size > 0 && c.n < l.Size:
		return nil, fmt.Errorf("it has %d bytes where its manifest claims %d", c.n, l.Size)
	case l.Digest != "":
		return read, compare(c.hash, l.Digest)
	case l.DiffID != "":
		return read, compare(unpacked, l.DiffID)
	}
	return read, nil
}

func compare(h hash.Hash, claimed string) error {
	if got := "sha256:" + hex.EncodeToString(h.Sum(nil)); got != claimed {
		return fmt.Errorf("its digest is %s where its manifest claims %s", got, claimed)
	}
	return nil
}

// claims counts and hashes the bytes of a layer as they pass.
type claims struct {
	r    io.Reader
	n    int64
	hash hash.Hash // nil if no digest is claimed
}

func (c *claims) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if c.hash != nil {
		c.hash.Write(p[:n])
	}
	return n, err
}
