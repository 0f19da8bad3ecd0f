package host

import (
	"io/fs"
	"syscall"
)

const openFlags = syscall.O_NONBLOCK | syscall.O_NOCTTY | syscall.O_CLOEXEC

// errNotDir is what a path below a file gives; for us it is absent.
const errNotDir = syscall.ENOTDIR

func infoOf(name string, info fs.FileInfo) Info {
	i := Info{Path: name, Mode: info.Mode(), UID: -1, GID: -1, Size: info.Size(), Modified: info.ModTime()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		i.UID, i.GID, i.Inode = int(st.Uid), int(st.Gid), st.Ino
	}
	return i
}
