package bench

import (
	"syscall"
	"testing"
	"time"
)

// processTime is the processor time of the process, the collector's too: on a
// busy machine the wall clock measures the others.
func processTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
