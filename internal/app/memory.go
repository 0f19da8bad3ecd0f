package app

import (
	"os"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync"
)

// Collecting garbage while a large estate is loaded or swept is a third of the
// work, and nearly all that is found is alive. Until that is done the collector is
// let run late, bounded by what is there already and a share of the machine's
// memory.
const (
	loadGCPercent   = 400
	loadMemoryLimit = 3 << 30
)

// collector is the garbage collector as the process has it, relaxed while
// somebody needs it to be.
type collector struct {
	mu      sync.Mutex
	needed  int // by how many
	percent int // what was set before
	limit   int64
}

// relax relaxes the collector until the function that it returns is called, once.
func (c *collector) relax() (restore func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.needed++; c.needed == 1 {
		c.percent = debug.SetGCPercent(loadGCPercent)
		c.limit = debug.SetMemoryLimit(relaxedLimit())
	}
	return c.restore
}

func (c *collector) restore() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.needed--; c.needed == 0 {
		debug.SetGCPercent(c.percent)
		debug.SetMemoryLimit(c.limit)
		debug.FreeOSMemory()
	}
}

// relaxedLimit is where the relaxed collector becomes strict: room for a sweep
// beside all that is alive, but not more than half of the machine.
func relaxedLimit() int64 {
	alive := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(alive)
	limit := max(loadMemoryLimit, int64(alive[0].Value.Uint64())*4)
	if total := totalMemory(); total > 0 {
		limit = min(limit, total/2)
	}
	return limit
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
