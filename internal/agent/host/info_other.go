//go:build !linux

package host

import (
	"errors"
	"io/fs"
)

const openFlags = 0

var errNotDir = errors.New("not a directory")

func infoOf(name string, info fs.FileInfo) Info {
	return Info{Path: name, Mode: info.Mode(), UID: -1, GID: -1, Size: info.Size(), Modified: info.ModTime()}
}
