package layer

import (
	"bufio"
	"bytes"
	"context"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxWindow bounds the memory of a zstd decoder; the standard's minimum for
// decoders is 8 MB, and builders do not go beyond it.
const maxWindow = 32 << 20

// Decompress gives the tar file in a stream that is compressed with gzip or zstd,
// or not at all, whatever anybody says of it.
func Decompress(r io.Reader) (io.ReadCloser, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	head, err := b.Peek(6)
	if err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return gzip.NewReader(b)
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}), len(head) >= 4 && head[0]&0xf0 == 0x50 && bytes.Equal(head[1:4], []byte{0x2a, 0x4d, 0x18}):
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		return z.IOReadCloser(), nil
	case bytes.HasPrefix(head, []byte("\xfd7zXZ\x00")):
		return nil, refused("layers compressed as xz are not read")
	case bytes.HasPrefix(head, []byte("BZh")):
		return nil, refused("layers compressed as bzip2 are not read")
	}
	return io.NopCloser(b), nil
}

// Unpack is Decompress within limits: reading fails once there is more than they
// allow, or when ctx ends.
func Unpack(ctx context.Context, r io.Reader, limits Limits) (io.ReadCloser, error) {
	packed := &counter{r: r}
	z, err := Decompress(packed)
	if err != nil {
		return nil, err
	}
	return &bounded{ctx: ctx, r: z, packed: packed, limits: limits}, nil
}

// counter counts the bytes that pass.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// bounded is a stream as unpacked: it fails once there is more of it than the
// limits allow, or when the context ends.
type bounded struct {
	ctx    context.Context
	r      io.ReadCloser
	packed *counter
	limits Limits
	n      int64
	next   int64 // when the context is looked at next
}

// free is what a layer may unpack to whatever its ratio.
const free = 256 << 20

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.n += int64(n)
	if b.n >= b.next {
		if err := b.ctx.Err(); err != nil {
			return n, err
		}
		b.next = b.n + 4<<20
	}
	switch {
	case b.n > b.limits.Bytes:
		return n, refused("it unpacks to more than %d bytes", b.limits.Bytes)
	case b.n > free && b.n > b.limits.Ratio*b.packed.n:
		return n, refused("%d bytes unpack to more than %d: a decompression bomb", b.packed.n, b.n)
	}
	return n, err
}

// Close ends the decoder.
func (b *bounded) Close() error { return b.r.Close() }
