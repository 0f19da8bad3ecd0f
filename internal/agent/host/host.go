package host

import (
	"path"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Supported says whether this build can collect facts: the readers know Linux
// only.
const Supported = runtime.GOOS == "linux"

// Host is one reading of a host: whatever was read once stays as it was, so
// all facts of one Host agree with one another. It is not safe for concurrent
// use; a new reading is a new Host.
type Host struct {
	root    string
	now     time.Time
	cache   *Cache
	touched map[string]Touch
	memo    map[string]any
	files   map[string]file
	remote  []string // mount points of network file systems
}

type file struct {
	data []byte
	err  error
}

// Cache keeps what is dear to parse from one reading to the next, by size,
// time and inode of the files. It belongs to one root and is not safe for
// concurrent use.
type Cache struct{ entries map[string]cached }

type cached struct {
	signature string
	value     any
}

// NewCache returns an empty cache.
func NewCache() *Cache { return &Cache{entries: map[string]cached{}} }

// New starts a reading of the host below root ("/" is the host itself) as of
// now. A nil cache is allowed.
func New(root string, now time.Time, cache *Cache) *Host {
	if root == "" {
		root = "/"
	}
	if cache == nil {
		cache = NewCache()
	}
	h := &Host{
		root: path.Clean(root), now: now, cache: cache,
		touched: map[string]Touch{}, memo: map[string]any{}, files: map[string]file{},
	}
	h.remote = h.remoteMounts()
	return h
}

// Now is the instant of the reading.
func (h *Host) Now() time.Time { return h.now }

// Touch is a path that a reading depends on, whether it exists or not. Of a
// path that was neither read nor listed only existence, owner and permissions
// mattered.
type Touch struct {
	Path   string
	Read   bool // its content mattered
	Listed bool // a directory of which any entry mattered
}

// Touched lists what this reading looked at, below the root and sorted by
// path. Kernel interfaces (/proc, /sys, /dev) are left out because nothing
// announces their changes; /proc/sys stays, as writing to it is announced.
func (h *Host) Touched() []Touch {
	var all []Touch
	for p, t := range h.touched {
		if !volatile(p) {
			all = append(all, t)
		}
	}
	slices.SortFunc(all, func(a, b Touch) int { return strings.Compare(a.Path, b.Path) })
	return all
}

// touch notes one more way in which a path matters.
func (h *Host) touch(t Touch) {
	t.Path = path.Clean("/" + t.Path)
	old := h.touched[t.Path]
	t.Read, t.Listed = t.Read || old.Read, t.Listed || old.Listed
	h.touched[t.Path] = t
}

func volatile(p string) bool {
	if strings.HasPrefix(p, "/proc/sys/") {
		return false
	}
	for _, dir := range []string{"/proc", "/sys", "/dev"} {
		if p == dir || strings.HasPrefix(p, dir+"/") {
			return true
		}
	}
	return false
}

// memo computes a fact once per reading.
func memo[T any](h *Host, key string, compute func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	if r, ok := h.memo[key].(result); ok {
		return r.value, r.err
	}
	value, err := compute()
	h.memo[key] = result{value, err}
	return value, err
}

// memoCached computes a value once per signature of its files, across readings.
func memoCached[T any](h *Host, key, signature string, compute func() (T, error)) (T, error) {
	if c, ok := h.cache.entries[key]; ok && c.signature == signature {
		if v, ok := c.value.(T); ok {
			return v, nil
		}
	}
	value, err := compute()
	if err == nil {
		h.cache.entries[key] = cached{signature, value}
	}
	return value, err
}
