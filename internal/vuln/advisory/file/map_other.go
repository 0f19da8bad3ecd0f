//go:build !unix

package file

import (
	"io"
	"os"
)

// mapFile reads the file whole where mapping is done differently.
func mapFile(f *os.File, size int64) (data []byte, unmap func() error, err error) {
	data, err = io.ReadAll(io.LimitReader(f, size))
	if err == nil && int64(len(data)) < size {
		err = io.ErrUnexpectedEOF
	}
	return data, func() error { return nil }, err
}
