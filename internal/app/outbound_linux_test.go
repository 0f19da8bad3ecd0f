package app

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestNoOutboundSocket proves that a default run dials nobody. The server runs
// in a network namespace that has a loopback interface and no route: the kernel
// counts every attempt to send elsewhere, name look-ups included.
func TestNoOutboundSocket(t *testing.T) {
	if os.Getenv("RAMPART_TEST_NAMESPACE") == "1" {
		inNamespace(t)
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("a network namespace needs root")
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestNoOutboundSocket$", "-test.v")
	cmd.Env = append(os.Environ(), "RAMPART_TEST_NAMESPACE=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func inNamespace(t *testing.T) {
	loopbackUp(t)
	a := start(t, Config{Agent: true, Demo: true})
	waitFor(t, a, "this machine's first verdicts", func(s snapshot) bool { return s.assessed > 0 })
	if n := unroutable(t); n != 0 {
		t.Errorf("the server tried to send %d packets to other machines", n)
	}
	// the counter does count
	if c, err := net.DialTimeout("tcp", "192.0.2.1:9", time.Second); err == nil {
		c.Close()
	}
	if unroutable(t) == 0 {
		t.Error("the kernel's counter missed a dial: this test proves nothing here")
	}
}

func loopbackUp(t *testing.T) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	req, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	req.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, req); err != nil {
		t.Fatal(err)
	}
}

// unroutable reads how many packets found no route (RFC 1213, ipOutNoRoutes).
func unroutable(t *testing.T) (n int) {
	t.Helper()
	data, err := os.ReadFile("/proc/net/snmp")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if f[0] != "Ip:" {
			continue
		}
		if names == nil {
			names = f
			continue
		}
		for i, name := range names {
			if name == "OutNoRoutes" {
				fmt.Sscan(f[i], &n)
			}
		}
	}
	return n
}
