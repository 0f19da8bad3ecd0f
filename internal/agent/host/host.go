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
	touched map[string]bool // paths looked at; true for listed directories
	memo    map[string]any
	files   map[string]file
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
	return &Host{
		root: path.Clean(root), now: now, cache: cache,
		touched: map[string]bool{}, memo: map[string]any{}, files: map[string]file{},
	}
}

// Now is the instant of the reading.
func (h *Host) Now() time.Time { return h.now }

// Touched lists the paths that this reading looked at, whether they exist or
// not, below the root and sorted; kernel interfaces (/proc, /sys, /dev) are
// left out because nothing announces their changes. Listed directories end in
// a slash: any change of an entry matters.
func (h *Host) Touched() []string {
	var all []string
	for p, listed := range h.touched {
		if volatile(p) {
			continue
		}
		if listed && p != "/" {
			p += "/"
		}
		all = append(all, p)
	}
	slices.Sort(all)
	return all
}

func volatile(p string) bool {
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
