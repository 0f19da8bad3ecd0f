package history

import (
	"fmt"
	"time"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// BlockReader reads what a moveWriter wrote. Its tables point into the row and
// hold until the next one is opened.
type BlockReader struct {
	gone    []removedResource
	states  []record.ControlStates
	Changes [][]byte
	homes   []homeText

	d      record.PackedReader
	seq    uint64
	at     int64
	n      uint64 // entries left of the transaction
	handle uint32
}

// removedResource is a resource that is gone.
type removedResource struct {
	handle uint32
	id     []byte
}

// homeText is a home as it was read.
type homeText struct{ container, tags []byte }

// Entry is one resource of a transaction, by numbers in the reader's tables;
// -1 is none.
type Entry struct {
	Handle                uint32
	States, home, Changes int
	created               bool
}

// Open reads the tables of a row.
func (r *BlockReader) Open(m *store.Moves) error {
	*r = BlockReader{gone: r.gone[:0], states: r.states[:0], Changes: r.Changes[:0], homes: r.homes[:0], seq: m.First}
	if len(m.Packed) == 0 || m.Packed[0] != movesVersion {
		return record.ErrPacked
	}
	r.d.Data = m.Packed[1:]
	for range r.d.Count() {
		r.gone = append(r.gone, removedResource{uint32(r.d.Uvarint()), r.d.Bytes()})
	}
	for range r.d.Count() {
		r.states = append(r.states, record.ControlStates(r.d.Uvarint()))
	}
	for range r.d.Count() {
		r.Changes = append(r.Changes, r.d.Bytes())
	}
	for range r.d.Count() {
		r.homes = append(r.homes, homeText{r.d.Bytes(), r.d.Bytes()})
	}
	return r.Damaged()
}

// Next goes to the next transaction, ok false after the last.
func (r *BlockReader) Next() (seq uint64, at time.Time, ok bool) {
	if !r.d.More() {
		return 0, at, false
	}
	r.seq += r.d.Uvarint()
	r.at += r.d.Varint()
	r.n, r.handle = r.d.Count(), 0
	return r.seq, time.UnixMicro(r.at).UTC(), !r.d.Bad
}

// Entry reads the next resource of the transaction, ok false after the last.
func (r *BlockReader) Entry(e *Entry) (ok bool) {
	if r.n == 0 {
		return false
	}
	r.n--
	r.handle += uint32(r.d.Uvarint())
	code := r.d.Uvarint()
	*e = Entry{Handle: r.handle, States: int(code>>entryBits) - 1, home: -1, Changes: -1, created: code&bornBit != 0}
	if code&homeBit != 0 {
		e.home = int(r.d.Uvarint())
	}
	if code&flipsBit != 0 {
		e.Changes = int(r.d.Uvarint())
	}
	if e.States >= len(r.states) || e.home >= len(r.homes) || e.Changes >= len(r.Changes) {
		r.d.Bad = true
	}
	return !r.d.Bad
}

// Damaged is an error if what was read so far makes no sense.
func (r *BlockReader) Damaged() error {
	if r.d.Bad {
		return fmt.Errorf("moves up to %d: %w", r.seq, record.ErrPacked)
	}
	return nil
}

// moved is an entry with what its numbers stand for. ids are those of the
// reader's gone resources.
func (r *BlockReader) moved(e *Entry, ids map[uint32][]byte) RowChange {
	m := RowChange{Handle: e.Handle, States: record.Absent, Created: e.created}
	if e.States >= 0 {
		m.States = r.states[e.States]
	} else {
		m.ID = string(ids[e.Handle])
	}
	if e.home >= 0 {
		h := &r.homes[e.home]
		m.Relocated, m.Placement = true, record.Placement{Container: string(h.container), Tags: string(h.tags)}
	}
	if e.Changes >= 0 {
		m.Changes = r.Changes[e.Changes]
	}
	return m
}

// UnpackChanges decodes changes of a handle.
func UnpackChanges(flips []record.Change, handle uint32, b []byte) ([]record.Change, error) {
	d := record.PackedReader{Data: b}
	for d.More() {
		slot := d.Uvarint()
		from, to, cause, err := record.DecodeChange(d.Byte())
		if err != nil || d.Bad || slot > record.MaxSlots {
			return nil, record.ErrPacked
		}
		flips = append(flips, record.Change{Handle: handle, Slot: uint16(slot), From: from, To: to, Cause: cause})
	}
	return flips, nil
}
