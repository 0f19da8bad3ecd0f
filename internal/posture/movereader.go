package posture

import (
	"fmt"
	"time"

	"github.com/rampart-sec/rampart/internal/base/store"
)

// moveReader reads what a moveWriter wrote. Its tables point into the row and
// hold until the next one is opened.
type moveReader struct {
	gone    []goner
	stances []stance
	flips   [][]byte
	homes   []homeText

	d      packedReader
	seq    uint64
	at     int64
	n      uint64 // entries left of the transaction
	handle uint32
}

// goner is a resource that is gone.
type goner struct {
	handle uint32
	id     []byte
}

// homeText is a home as it was read.
type homeText struct{ container, tags []byte }

// entry is one resource of a transaction, by numbers in the reader's tables;
// -1 is none.
type entry struct {
	handle              uint32
	stance, home, flips int
	born                bool
}

// open reads the tables of a row.
func (r *moveReader) open(m *store.Moves) error {
	*r = moveReader{gone: r.gone[:0], stances: r.stances[:0], flips: r.flips[:0], homes: r.homes[:0], seq: m.First}
	if len(m.Packed) == 0 || m.Packed[0] != movesVersion {
		return errPacked
	}
	r.d.b = m.Packed[1:]
	for range r.d.count() {
		r.gone = append(r.gone, goner{uint32(r.d.uvarint()), r.d.bytes()})
	}
	for range r.d.count() {
		r.stances = append(r.stances, stance(r.d.uvarint()))
	}
	for range r.d.count() {
		r.flips = append(r.flips, r.d.bytes())
	}
	for range r.d.count() {
		r.homes = append(r.homes, homeText{r.d.bytes(), r.d.bytes()})
	}
	return r.damaged()
}

// next goes to the next transaction, ok false after the last.
func (r *moveReader) next() (seq uint64, at time.Time, ok bool) {
	if !r.d.more() {
		return 0, at, false
	}
	r.seq += r.d.uvarint()
	r.at += r.d.varint()
	r.n, r.handle = r.d.count(), 0
	return r.seq, time.UnixMicro(r.at).UTC(), !r.d.bad
}

// entry reads the next resource of the transaction, ok false after the last.
func (r *moveReader) entry(e *entry) (ok bool) {
	if r.n == 0 {
		return false
	}
	r.n--
	r.handle += uint32(r.d.uvarint())
	code := r.d.uvarint()
	*e = entry{handle: r.handle, stance: int(code>>entryBits) - 1, home: -1, flips: -1, born: code&bornBit != 0}
	if code&homeBit != 0 {
		e.home = int(r.d.uvarint())
	}
	if code&flipsBit != 0 {
		e.flips = int(r.d.uvarint())
	}
	if e.stance >= len(r.stances) || e.home >= len(r.homes) || e.flips >= len(r.flips) {
		r.d.bad = true
	}
	return !r.d.bad
}

// damaged is an error if what was read so far makes no sense.
func (r *moveReader) damaged() error {
	if r.d.bad {
		return fmt.Errorf("moves up to %d: %w", r.seq, errPacked)
	}
	return nil
}

// moved is an entry with what its numbers stand for. ids are those of the
// reader's gone resources.
func (r *moveReader) moved(e *entry, ids map[uint32][]byte) moved {
	m := moved{handle: e.handle, stance: nowhere, born: e.born}
	if e.stance >= 0 {
		m.stance = r.stances[e.stance]
	} else {
		m.id = string(ids[e.handle])
	}
	if e.home >= 0 {
		h := &r.homes[e.home]
		m.moved, m.home = true, home{string(h.container), string(h.tags)}
	}
	if e.flips >= 0 {
		m.flips = r.flips[e.flips]
	}
	return m
}

// unpackFlips decodes flips of a handle.
func unpackFlips(flips []flip, handle uint32, b []byte) ([]flip, error) {
	d := packedReader{b: b}
	for d.more() {
		slot := d.uvarint()
		from, to, cause, err := decodeFlip(d.byte())
		if err != nil || d.bad || slot > maxSlots {
			return nil, errPacked
		}
		flips = append(flips, flip{handle, uint16(slot), from, to, cause})
	}
	return flips, nil
}
