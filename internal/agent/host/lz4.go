package host

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// apt keeps package lists in LZ4 frames where space matters. This reads such a
// frame (LZ4 Frame Format 1.6): blocks of at most 4 MiB, linked or not;
// checksums are skipped, a damaged list only makes the updates unknown.

const (
	lz4Magic     = 0x184D2204
	lz4Window    = 64 << 10
	lz4BlockSize = 4 << 20
)

var errLZ4 = errors.New("damaged lz4 data")

type lz4Reader struct {
	r             *bufio.Reader
	out           []byte // window and decoded block
	unread        []byte // tail of out that the caller has not had
	in            []byte
	blockChecksum bool
	done          bool
}

// newLZ4Reader reads the frame header.
func newLZ4Reader(r io.Reader) (*lz4Reader, error) {
	z := &lz4Reader{r: bufio.NewReaderSize(r, 64<<10)}
	head := make([]byte, 7)
	if _, err := io.ReadFull(z.r, head); err != nil {
		return nil, fmt.Errorf("reading lz4 header: %w", err)
	}
	flags := head[4]
	if binary.LittleEndian.Uint32(head) != lz4Magic || flags>>6 != 1 {
		return nil, errLZ4
	}
	z.blockChecksum = flags&0x10 != 0
	skip := 0
	if flags&0x08 != 0 { // content size
		skip += 8
	}
	if flags&0x01 != 0 { // dictionary id: we have none
		return nil, errLZ4
	}
	_, err := z.r.Discard(skip)
	return z, err
}

// Read implements io.Reader.
func (z *lz4Reader) Read(p []byte) (int, error) {
	for len(z.unread) == 0 {
		if z.done {
			return 0, io.EOF
		}
		if err := z.block(); err != nil {
			return 0, err
		}
	}
	n := copy(p, z.unread)
	z.unread = z.unread[n:]
	return n, nil
}

// block reads and decodes the next block behind the last 64 KiB of output.
func (z *lz4Reader) block() error {
	var word [4]byte
	if _, err := io.ReadFull(z.r, word[:]); err != nil {
		return fmt.Errorf("reading lz4 block: %w", err)
	}
	size := binary.LittleEndian.Uint32(word[:])
	if size == 0 {
		z.done = true
		return nil
	}
	stored := size&(1<<31) != 0
	size &^= 1 << 31
	if size > lz4BlockSize+lz4BlockSize/255+16 {
		return errLZ4
	}
	if cap(z.in) < int(size) {
		z.in = make([]byte, size)
	}
	z.in = z.in[:size]
	if _, err := io.ReadFull(z.r, z.in); err != nil {
		return fmt.Errorf("reading lz4 block: %w", err)
	}
	if z.blockChecksum {
		if _, err := z.r.Discard(4); err != nil {
			return errLZ4
		}
	}
	keep := min(len(z.out), lz4Window)
	copy(z.out, z.out[len(z.out)-keep:])
	z.out = z.out[:keep]
	var err error
	if stored {
		z.out = append(z.out, z.in...)
	} else {
		z.out, err = lz4Decode(z.out, z.in)
	}
	z.unread = z.out[keep:]
	return err
}

// lz4Decode appends the decoded block to out; matches may reach back into what
// out already holds.
func lz4Decode(out, in []byte) ([]byte, error) {
	limit := len(out) + lz4BlockSize
	for len(in) > 0 {
		token := in[0]
		literals, rest, ok := lz4Length(int(token>>4), in[1:])
		if !ok || literals > len(rest) || len(out)+literals > limit {
			return out, errLZ4
		}
		out, in = append(out, rest[:literals]...), rest[literals:]
		if len(in) == 0 {
			return out, nil // the last sequence has no match
		}
		if len(in) < 2 {
			return out, errLZ4
		}
		offset := int(binary.LittleEndian.Uint16(in))
		match, rest, ok := lz4Length(int(token&15), in[2:])
		match, in = match+4, rest
		if !ok || offset == 0 || offset > len(out) || len(out)+match > limit {
			return out, errLZ4
		}
		out = lz4Copy(out, offset, match)
	}
	return out, nil
}

// lz4Length extends a 4-bit length by bytes while they are 255.
func lz4Length(n int, in []byte) (int, []byte, bool) {
	if n < 15 {
		return n, in, true
	}
	for i, b := range in {
		n += int(b)
		if b != 255 {
			return n, in[i+1:], n <= lz4BlockSize
		}
	}
	return 0, nil, false
}

// lz4Copy appends n bytes from offset back; they may overlap what is appended.
func lz4Copy(out []byte, offset, n int) []byte {
	for n > 0 {
		from := len(out) - offset
		chunk := min(n, offset)
		out = append(out, out[from:from+chunk]...)
		n -= chunk
	}
	return out
}
