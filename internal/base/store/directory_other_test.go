//go:build !linux

package store_test

import (
	"errors"
	"os/exec"
)

var errLinux = errors.New("only tested on Linux")

func asNobody(*exec.Cmd) error { return errLinux }

func mountSmall(string, int) (unmount func(), err error) { return nil, errLinux }

func grow(string, int) error { return errLinux }
