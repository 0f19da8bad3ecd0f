//go:build !windows

package spool

import (
	"errors"
	"syscall"
)

// isFull reports whether a write failed for want of space.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
