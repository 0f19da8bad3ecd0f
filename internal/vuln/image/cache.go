package image

import (
	"bytes"
	"cmp"
	"encoding/gob"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/rampart-sec/rampart/internal/vuln/image/layer"
)

// Cache keeps what was read of layers, by their digest, in a folder: images
// share most of their layers. Only layers whose digest was checked are put into
// it. Damaged entries count as absent. It is safe for concurrent use, also by
// several processes.
type Cache struct {
	Dir string
	Max int64 // bytes of the folder; beyond them the oldest entries go. 0 is 512 MB.
}

// maxEntry bounds an entry as unpacked.
const maxEntry = 256 << 20

func (c *Cache) path(digest string) string {
	return filepath.Join(c.Dir, fmt.Sprintf("%s-%d", strings.TrimPrefix(digest, "sha256:"), layer.Version))
}

// get gives the layer of a digest, nil if it is not there.
func (c *Cache) get(digest string) *layer.Layer {
	if c == nil || digest == "" {
		return nil
	}
	f, err := os.Open(c.path(digest))
	if err != nil {
		return nil
	}
	defer f.Close() //nolint:errcheck // only read
	z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxEntry))
	if err != nil {
		return nil
	}
	defer z.Close()
	var l layer.Layer
	if gob.NewDecoder(io.LimitReader(z, maxEntry)).Decode(&l) != nil {
		return nil
	}
	return &l
}

// put keeps a layer. What goes wrong costs the next scan time and nothing else.
func (c *Cache) put(digest string, l *layer.Layer) {
	if c == nil || digest == "" {
		return
	}
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	if err != nil || gob.NewEncoder(z).Encode(l) != nil || z.Close() != nil || os.MkdirAll(c.Dir, 0o700) != nil {
		return
	}
	f, err := os.CreateTemp(c.Dir, "new-*")
	if err != nil {
		return
	}
	_, err = f.Write(b.Bytes())
	if f.Close() != nil || err != nil || os.Rename(f.Name(), c.path(digest)) != nil {
		_ = os.Remove(f.Name()) // nothing to be done about it
	}
}

// Trim removes the oldest entries beyond Max.
func (c *Cache) Trim() {
	entries, err := os.ReadDir(c.Dir)
	if err != nil {
		return
	}
	var files []os.FileInfo
	total := int64(0)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			files, total = append(files, info), total+info.Size()
		}
	}
	slices.SortFunc(files, func(a, b os.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	for _, f := range files {
		if total <= cmp.Or(c.Max, 512<<20) {
			return
		}
		_ = os.Remove(filepath.Join(c.Dir, f.Name())) // somebody else may have
		total -= f.Size()
	}
}
