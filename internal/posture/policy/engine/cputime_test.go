//go:build linux

package engine

import (
	"runtime"
	"syscall"
	"testing"
	"time"
)

// threadTime is the processor time of the calling thread, which must be locked
// to its goroutine: on a busy machine the wall clock measures the others.
func threadTime(tb testing.TB) time.Duration {
	tb.Helper()
	return usage(tb, 1) // RUSAGE_THREAD
}

// processTime is the processor time of the whole process, the collector's too.
func processTime(tb testing.TB) time.Duration {
	tb.Helper()
	return usage(tb, syscall.RUSAGE_SELF)
}

func usage(tb testing.TB, who int) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// cpu runs the loop of a benchmark and returns the processor time it took.
func cpu(b *testing.B, step func()) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var start time.Duration
	first := true
	for b.Loop() {
		if first {
			start, first = threadTime(b), false
		}
		step()
	}
	return threadTime(b) - start
}
