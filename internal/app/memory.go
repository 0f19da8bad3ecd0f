package app

import (
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

// Collecting garbage while a large estate is loaded is a third of the work, and
// nearly all that is found is alive. Until the first view is there the collector
// is let run late, bounded by a share of the machine's memory.
const (
	loadGCPercent   = 400
	loadMemoryLimit = 3 << 30
)

// relaxGC relaxes the collector and returns what sets it back.
func relaxGC() (restore func()) {
	limit := int64(loadMemoryLimit)
	if total := totalMemory(); total > 0 {
		limit = min(limit, total/2)
	}
	percent := debug.SetGCPercent(loadGCPercent)
	before := debug.SetMemoryLimit(limit)
	return func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(before)
		debug.FreeOSMemory()
	}
}

// totalMemory is the machine's memory in bytes, 0 where it isn't known.
func totalMemory() int64 {
	data, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) >= 2 && f[0] == "MemTotal:" {
			kib, _ := strconv.ParseInt(f[1], 10, 64) // 0 where it isn't a number
			return kib << 10
		}
	}
	return 0
}
