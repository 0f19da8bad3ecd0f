package posture

import (
	"strings"
	"sync"

	"github.com/rampart-sec/rampart/internal/base/arm"
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

// number is id for a text that is about to change.
func (d *dict) number(s []byte) uint32 {
	d.mu.RLock()
	n, ok := d.ids[string(s)]
	d.mu.RUnlock()
	if ok {
		return n
	}
	return d.id(string(s))
}

// fold is the number of a text whose case does not count, as it is written.
func (d *dict) fold(s string) uint32 {
	if n, ok := d.find(s); ok {
		return n
	}
	folded := arm.Fold(s)
	n := d.id(folded)
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.ids) < maxSpellings {
		d.ids[strings.Clone(s)] = n
	}
	return n
}

// maxSpellings bounds the other spellings that a dict remembers.
const maxSpellings = 1 << 20

// spell is id for a key that is shown as name; the first name stays, and is
// another key of the number.
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
	name = strings.Clone(name)
	d.ids[strings.Clone(key)], d.ids[name] = n, n
	d.names = append(d.names, name)
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
