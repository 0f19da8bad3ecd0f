package store_test

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// asNobody drops root's rights for the child; another user has none to drop.
func asNobody(cmd *exec.Cmd) error {
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	return nil
}

// mountSmall puts a memory file system of the size over dir.
func mountSmall(dir string, size int) (unmount func(), err error) {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		return nil, fmt.Errorf("a full disk needs the right to mount one: %w", err)
	}
	return func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) }, nil
}

func grow(dir string, size int) error {
	return syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, fmt.Sprintf("size=%d", size))
}
