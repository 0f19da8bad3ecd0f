package lines

import (
	"bytes"
	"fmt"
	"io"
)

// MaxLine is the most bytes that one line may have.
const MaxLine = 1 << 20

const firstBuffer = 256 << 10

// Reader splits a stream into lines. It is not safe for concurrent use.
type Reader struct {
	in         io.Reader
	buf        []byte
	start, end int
	base       int64 // of buf[0] in the stream
	err        error // of the stream, once it gave one
	// At is where the line that Next gave starts in the stream.
	At int64
}

// NewReader reads lines from a stream.
func NewReader(in io.Reader) *Reader { return &Reader{in: in} }

// LongError says that a line was left out.
type LongError struct{ Bytes int64 }

// Error is one line.
func (e *LongError) Error() string {
	return fmt.Sprintf("its line has %d bytes, more than %d", e.Bytes, MaxLine)
}

// Next gives the next line without what ends it; it is valid until the next
// call. The error is io.EOF at the end, a *LongError for a line that was left
// out, or the stream's.
func (r *Reader) Next() ([]byte, error) {
	seen := 0 // bytes that have no end of line
	for {
		r.At = r.base + int64(r.start)
		if i := bytes.IndexByte(r.buf[r.start+seen:r.end], '\n'); i >= 0 {
			line := r.buf[r.start : r.start+seen+i]
			r.start += seen + i + 1
			return bytes.TrimSuffix(line, []byte{'\r'}), nil
		}
		seen = r.end - r.start
		if seen > MaxLine {
			return nil, r.skipLong()
		}
		if !r.more() {
			return r.last()
		}
	}
}

// NextFrame is Next for streams whose messages may be framed by a count of bytes
// (RFC 6587 3.4.1): "123 <34>1 ...". Such a message may hold ends of line.
func (r *Reader) NextFrame() ([]byte, error) {
	r.trimBreaks()
	n, head := r.frame()
	if n == 0 {
		return r.Next()
	}
	r.At = r.base + int64(r.start)
	for r.end-r.start < head+n {
		if !r.more() {
			break // cut off: what is there
		}
	}
	from := r.start + head
	r.start = min(from+n, r.end)
	return bytes.TrimRight(r.buf[from:r.start], "\r\n"), nil
}

func (r *Reader) trimBreaks() {
	for r.start < r.end || r.more() {
		if r.buf[r.start] != '\n' {
			return
		}
		r.start++
	}
}

// frame reads a count and a space before "<"; 0 if there is none.
func (r *Reader) frame() (n, head int) {
	const digits = 7
	for r.end-r.start < digits+2 && r.more() {
	}
	b := r.buf[r.start:min(r.end, r.start+digits+2)]
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9' && i < digits:
			n = n*10 + int(c-'0')
		case c == ' ' && i > 0 && i+1 < len(b) && b[i+1] == '<' && n <= MaxLine:
			return n, i + 1
		default:
			return 0, 0
		}
	}
	return 0, 0
}

// last is what follows the last end of line.
func (r *Reader) last() ([]byte, error) {
	if r.start == r.end || r.err != io.EOF {
		return nil, r.err
	}
	line := r.buf[r.start:r.end]
	r.start = r.end
	return bytes.TrimSuffix(line, []byte{'\r'}), nil
}

// skipLong goes behind a line that is too long.
func (r *Reader) skipLong() error {
	from := r.At
	for {
		if i := bytes.IndexByte(r.buf[r.start:r.end], '\n'); i >= 0 {
			r.start += i + 1
			break
		}
		r.start = r.end
		if !r.more() {
			break
		}
	}
	return &LongError{Bytes: r.base + int64(r.start) - from}
}

// more reads further; false at the end of the stream.
func (r *Reader) more() bool {
	if r.err != nil {
		return false
	}
	if r.start > 0 && (r.start == r.end || len(r.buf)-r.end < len(r.buf)/2) {
		r.base += int64(r.start)
		r.end = copy(r.buf, r.buf[r.start:r.end])
		r.start = 0
	}
	if r.end == len(r.buf) {
		r.buf = append(r.buf, make([]byte, max(firstBuffer, len(r.buf)))...)
	}
	for range 100 {
		n, err := r.in.Read(r.buf[r.end:])
		r.end += n
		r.err = err
		if n > 0 || err != nil {
			return n > 0
		}
	}
	r.err = io.ErrNoProgress
	return false
}
