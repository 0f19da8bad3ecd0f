package inventory

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// maxUnpacked bounds what a packed stream may unpack to: some ten million
// resources with all their properties.
const maxUnpacked = 64 << 30

// unpacker passes a stream on, unpacked if it is gzip.
type unpacker struct {
	packed *bufio.Reader
	plain  io.Reader // nil until the first read has told what the stream is
}

func newUnpacker(r io.Reader) *unpacker { return &unpacker{packed: bufio.NewReader(r)} }

func (u *unpacker) Read(b []byte) (int, error) {
	if u.plain == nil {
		if err := u.open(); err != nil {
			return 0, err
		}
	}
	return u.plain.Read(b)
}

func (u *unpacker) open() error {
	u.plain = u.packed
	if magic, _ := u.packed.Peek(2); string(magic) != "\x1f\x8b" { // shorter streams are none
		return nil
	}
	z, err := gzip.NewReader(u.packed)
	if err != nil {
		return fmt.Errorf("unpack: %w", err)
	}
	u.plain = &bounded{r: z, left: maxUnpacked}
	return nil
}

// bounded fails, instead of ending, where a stream is too long.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errors.New("unpack: it is larger than the limit")
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("unpack: %w", err)
	}
	return n, err
}
