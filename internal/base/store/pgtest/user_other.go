//go:build !linux

package pgtest

import "syscall"

// unprivileged: elsewhere tests are not run as root.
func unprivileged(string) (*syscall.SysProcAttr, error) { return nil, nil }
