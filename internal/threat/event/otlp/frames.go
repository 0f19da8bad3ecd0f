package otlp

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/rampart-sec/rampart/internal/threat/event"
)

// maxBatch is the most bytes of one message.
const maxBatch = 4 * event.MaxRecord

var (
	errLong = fmt.Errorf("its batch has more than %d bytes", maxBatch)
	errCut  = errors.New("the input ends inside of its batch")
)

// frames parts a stream into messages.
type frames struct {
	in      *bufio.Reader
	started bool
	json    bool
	framed  bool // lengths stand in front
	buf     []byte
	offset  int64 // behind what was read
	at      int64 // of the message that next gave
}

// next gives the next message, valid until the next call. errLong and errCut are
// of one message; other errors end the stream.
func (f *frames) next() ([]byte, error) {
	if !f.started {
		if err := f.start(); err != nil {
			return nil, err
		}
	}
	f.buf = f.buf[:0]
	switch {
	case f.json:
		return f.object()
	case f.framed:
		return f.lengthFirst()
	}
	f.at = f.offset
	return f.whole()
}

// start tells the encoding.
func (f *frames) start() error {
	f.started = true
	head, err := f.in.Peek(5)
	if len(head) == 0 {
		return err
	}
	switch {
	case head[0] != '\n' && head[0] != 0: // 0x0a is both a line end and the first tag
		f.json = true
	case len(head) == 5 && head[0] == 0:
		f.framed = true
	case len(head) > 1 && (head[1] == '{' || head[1] == '\n' || head[1] == ' ' || head[1] == '\r'):
		f.json = !f.isProto()
	}
	return nil
}

// isProto reports whether the first message is as long as its second byte says:
// a line end and a brace may start a message of 123 bytes too.
func (f *frames) isProto() bool {
	head, _ := f.in.Peek(3)
	return len(head) == 3 && head[2] == 0x0a
}

func (f *frames) whole() ([]byte, error) {
	for {
		var part [64 << 10]byte
		n, err := f.in.Read(part[:])
		f.offset += int64(n)
		if len(f.buf)+n > maxBatch {
			_, err := io.Copy(io.Discard, f.in)
			return nil, errors.Join(errLong, err)
		}
		f.buf = append(f.buf, part[:n]...)
		if err == io.EOF && len(f.buf) > 0 {
			return f.buf, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func (f *frames) lengthFirst() ([]byte, error) {
	f.at = f.offset
	var head [4]byte
	n, err := io.ReadFull(f.in, head[:])
	f.offset += int64(n)
	if err == io.ErrUnexpectedEOF {
		return nil, errCut
	}
	if err != nil {
		return nil, err
	}
	size := int64(binary.BigEndian.Uint32(head[:]))
	if size > maxBatch {
		skipped, err := io.CopyN(io.Discard, f.in, size)
		f.offset += skipped
		if err != nil && err != io.EOF {
			return nil, err
		}
		return nil, errLong
	}
	for int64(len(f.buf)) < size { // grows as far as there are bytes
		var part [64 << 10]byte
		n, err := f.in.Read(part[:min(int64(len(part)), size-int64(len(f.buf)))])
		f.buf = append(f.buf, part[:n]...)
		f.offset += int64(n)
		if err == io.EOF {
			return nil, errCut
		}
		if err != nil {
			return nil, err
		}
	}
	return f.buf, nil
}

// object takes a JSON object with balanced braces.
func (f *frames) object() ([]byte, error) {
	depth, quoted, escaped, long := 0, false, false, false
	for {
		c, err := f.in.ReadByte()
		if err == io.EOF && depth > 0 {
			return nil, errCut
		}
		if err != nil {
			return nil, err
		}
		f.offset++
		if depth == 0 && c != '{' {
			if c > ' ' && c != ',' && c != '[' && c != ']' {
				return nil, f.badLine(c)
			}
			continue
		}
		if depth == 0 {
			f.at = f.offset - 1
		}
		if long = long || len(f.buf) >= maxBatch; !long {
			f.buf = append(f.buf, c)
		}
		switch {
		case escaped:
			escaped = false
		case quoted:
			escaped, quoted = c == '\\', c != '"'
		case c == '"':
			quoted = true
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				if long {
					return nil, errLong
				}
				return f.buf, nil
			}
		}
	}
}

var errNoObject = errors.New("it is no JSON object")

// badLine goes behind a line that is no object.
func (f *frames) badLine(c byte) error {
	f.at = f.offset - 1
	for c != '\n' {
		var err error
		if c, err = f.in.ReadByte(); err != nil {
			break // the next call gives it
		}
		f.offset++
	}
	return errNoObject
}
