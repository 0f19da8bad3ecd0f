package record

import (
	"strings"
	"sync"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// Dictionary numbers strings: types, groups, locations, reasons. Numbers start at 0
// and never change, so views of all epochs share one dictionary. It only grows; what
// it holds is bounded by what the estate holds.
type Dictionary struct {
	mu    sync.RWMutex
	ids   map[string]uint32
	names []string
}

func newDictionary() *Dictionary { return &Dictionary{ids: map[string]uint32{}} }

// ID is the number of s, a new one if need be.
func (d *Dictionary) ID(s string) uint32 { return d.Intern(s, s) }

// number is id for a text that is about to change.
func (d *Dictionary) number(s []byte) uint32 {
	d.mu.RLock()
	n, ok := d.ids[string(s)]
	d.mu.RUnlock()
	if ok {
		return n
	}
	return d.ID(string(s))
}

// Fold is the number of a text whose case does not count, as it is written.
func (d *Dictionary) Fold(s string) uint32 {
	if n, ok := d.Find(s); ok {
		return n
	}
	folded := arm.Fold(s)
	n := d.ID(folded)
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.ids) < maxSpellings {
		d.ids[strings.Clone(s)] = n
	}
	return n
}

// maxSpellings bounds the other spellings that a dictionary remembers.
const maxSpellings = 1 << 20

// Intern is id for a key that is shown as name; the first name stays, and is
// another key of the number.
func (d *Dictionary) Intern(key, name string) uint32 {
	if n, ok := d.Find(key); ok {
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

// Find is the number of a string, without case; ok is false if it has none.
func (d *Dictionary) Find(s string) (uint32, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	n, ok := d.ids[s]
	return n, ok
}

// Name is the string numbered n.
func (d *Dictionary) Name(n uint32) string {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.names[n]
}

// All are the strings by number; the caller must not change the slice.
func (d *Dictionary) All() []string {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.names[:len(d.names):len(d.names)]
}
