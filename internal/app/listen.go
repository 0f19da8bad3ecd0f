package app

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// portSteps is how many ports after a busy default one are tried.
const portSteps = 20

// listen opens a TCP listener. With step, a busy port steps to the next free
// one, so that a second copy or another program is no obstacle to a first look.
func listen(addr string, step bool) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err == nil {
		return l, nil
	}
	if !errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	host, portText, splitErr := net.SplitHostPort(addr)
	port, convErr := strconv.Atoi(portText)
	if !step || splitErr != nil || convErr != nil {
		return nil, fmt.Errorf("%s is in use by another program: stop it, or choose another address", addr)
	}
	for i := 1; i <= portSteps; i++ {
		next := net.JoinHostPort(host, strconv.Itoa(port+i))
		if l, err := net.Listen("tcp", next); err == nil {
			return l, nil
		}
	}
	return nil, fmt.Errorf("%s and the %d ports after it are in use: choose another address", addr, portSteps)
}
