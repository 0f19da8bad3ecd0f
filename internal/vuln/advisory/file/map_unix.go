//go:build unix

package file

import (
	"os"

	"golang.org/x/sys/unix"
)

// mapFile maps a file for reading. A file in use is never changed, only replaced
// by another of its name, so the map stays whole.
func mapFile(f *os.File, size int64) (data []byte, unmap func() error, err error) {
	data, err = unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, nil, err
	}
	return data, func() error { return unix.Munmap(data) }, nil
}
