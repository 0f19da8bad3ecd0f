package sca

import (
	"io/fs"
	"os/exec"
)

// group: the time limit ends the program itself on Windows.
func group(*exec.Cmd) {}

// ownedByRoot: programs are looked for in directories that only administrators
// may write to.
func ownedByRoot(fs.FileInfo) bool { return true }
