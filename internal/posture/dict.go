package posture

import (
	"strings"
	"sync"
)

// dict numbers strings: types, groups, locations, reasons. Numbers start at 0
// and never change, so views of all epochs share one dict. It only grows; what
// it holds is bounded by what the estate holds.
type dict struct {
	mu    sync.RWMutex
	ids   map[string]uint32
	names []string
}

func newDict() *dict { return &dict{ids: map[string]uint32{}} }

// id is the number of s, a new one if need be.
func (d *dict) id(s string) uint32 { return d.spell(s, s) }

// spell is id for a key that is shown as name; the first name stays.
func (d *dict) spell(key, name string) uint32 {
	if n, ok := d.find(key); ok {
		return n
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if n, ok := d.ids[key]; ok {
		return n
	}
	n := uint32(len(d.names))
	d.ids[strings.Clone(key)] = n
	d.names = append(d.names, strings.Clone(name))
	return n
}

func (d *dict) find(s string) (uint32, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	n, ok := d.ids[s]
	return n, ok
}

// name is the string numbered n.
func (d *dict) name(n uint32) string {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.names[n]
}

// all are the strings by number; the caller must not change the slice.
func (d *dict) all() []string {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.names[:len(d.names):len(d.names)]
}
