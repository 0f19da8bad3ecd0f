package layer

import (
	"bytes"
	"io"
	"os"
)

// maxMemory is the size up to which a file that must be read in any order stays
// in memory; beyond it, it goes to a temporary file that has no name.
const maxMemory = 4 << 20

// spool holds one file at a time. Its zero value is ready.
type spool struct {
	buf  []byte
	file *os.File
}

// read gives n bytes of r, until the next call.
func (s *spool) read(r io.Reader, n int64) ([]byte, error) {
	var err error
	s.buf, err = readUpTo(s.buf[:0], r, n)
	data := s.buf
	if cap(s.buf) > maxMemory {
		s.buf = nil // a large one is not worth keeping
	}
	return data, err
}

// fill gives n bytes of r for reading in any order, until the next call.
func (s *spool) fill(r io.Reader, n int64) (io.ReaderAt, error) {
	if n <= maxMemory {
		data, err := s.read(r, n)
		return bytes.NewReader(data), err
	}
	if s.file == nil {
		f, err := os.CreateTemp("", "rampart-layer-*")
		if err != nil {
			return nil, err
		}
		if err := os.Remove(f.Name()); err != nil {
			f.Close() //nolint:errcheck // nothing was written
			return nil, err
		}
		s.file = f
	}
	if err := s.file.Truncate(0); err != nil {
		return nil, err
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	if _, err := io.CopyN(s.file, r, n); err != nil {
		return nil, err
	}
	return s.file, nil
}

func (s *spool) close() {
	if s.file != nil {
		s.file.Close() //nolint:errcheck // it has no name and is gone
	}
}
