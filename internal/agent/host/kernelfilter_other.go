//go:build !linux

package host

import "errors"

// kernelFilter: only Linux is asked.
func kernelFilter() (packetFilter, error) { return nil, errors.ErrUnsupported }
