package host

import (
	"io/fs"
	"time"
)

// Info describes a file as far as checks care. UID and GID are -1 where the
// platform has none.
type Info struct {
	Path     string
	Mode     fs.FileMode
	UID, GID int
	Size     int64
	Inode    uint64
	Modified time.Time
}

// Bits are the twelve permission bits as chmod knows them.
func (i Info) Bits() uint32 {
	bits := uint32(i.Mode.Perm())
	if i.Mode&fs.ModeSetuid != 0 {
		bits |= 0o4000
	}
	if i.Mode&fs.ModeSetgid != 0 {
		bits |= 0o2000
	}
	if i.Mode&fs.ModeSticky != 0 {
		bits |= 0o1000
	}
	return bits
}
