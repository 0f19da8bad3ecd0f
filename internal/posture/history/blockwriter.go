package history

import (
	"encoding/binary"
	"time"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// movesVersion is the first byte of packed moves.
const movesVersion = 1

// RowChange is what a transaction made of one resource.
type RowChange struct {
	Handle uint32
	States record.ControlStates // nowhere: it is gone
	// Relocated says that home is new: the resource moved, or it was not there before,
	// which born says.
	Relocated bool
	Created   bool
	Placement record.Placement
	ID        string // of a resource that is gone; "" if nobody knows
	Changes   []byte // its assessments that changed, as packFlips encodes them
}

// PackChanges encodes the slot and the code of each change.
func PackChanges(b []byte, flips []record.Change) []byte {
	for _, f := range flips {
		b = append(binary.AppendUvarint(b, uint64(f.Slot)), f.Code())
	}
	return b
}

// numbered numbers values in the order in which they come. It remembers the
// latest, because neighbours are often alike.
type numbered[T comparable] struct {
	numbers map[T]uint64
	list    []T
	last    uint64
}

func (t *numbered[T]) of(v T) uint64 {
	if len(t.list) > 0 && t.list[t.last] == v {
		return t.last
	}
	n, ok := t.numbers[v]
	if !ok {
		if t.numbers == nil {
			t.numbers = map[T]uint64{}
		}
		n = uint64(len(t.list))
		t.numbers[v] = n
		t.list = append(t.list, v)
	}
	t.last = n
	return n
}

// BlockWriter packs what became of resources in successive transactions, after
// the version byte:
//
//	n, n times (handle, id)         resources that are gone
//	n, n times control states
//	n, n times changes
//	n, n times (container, tags)
//	then to the end (seq, at, n, n times entry)
//
// Strings and changes have their length before them. seq, at and the handle in
// an entry are written less the one before. After the handle comes the number of
// the control states from 1 on (0: gone), above bits that say whether the numbers of a
// home and of changes follow, and whether the resource was not there before.
type BlockWriter struct {
	Rows store.Moves // but for Packed

	goners int
	gone   []byte
	states numbered[record.ControlStates]
	flips  numbered[string]
	homes  numbered[record.Placement]
	body   []byte // transactions that ended

	head   []byte // of the current transaction
	tx     []byte // entries of it
	n      int
	handle uint32
	at     int64
}

const (
	homeBit = 1 << iota
	flipsBit
	bornBit
	entryBits = iota
)

// begin starts a transaction; seq never falls.
func (w *BlockWriter) begin(seq uint64, at time.Time) {
	w.end()
	r := &w.Rows
	if len(w.body) == 0 {
		r.First, r.Seq, r.From, r.To = seq, seq, at, at
	}
	w.head = binary.AppendUvarint(w.head[:0], seq-r.Seq)
	w.head = binary.AppendVarint(w.head, at.UnixMicro()-w.at)
	r.Seq, w.at = seq, at.UnixMicro()
	if at.Before(r.From) {
		r.From = at
	}
	if at.After(r.To) {
		r.To = at
	}
}

// end closes the current transaction; one without entries leaves nothing.
func (w *BlockWriter) end() {
	if w.n > 0 {
		w.body = append(w.body, w.head...)
		w.body = binary.AppendUvarint(w.body, uint64(w.n))
		w.body = append(w.body, w.tx...)
	}
	w.tx, w.n, w.handle = w.tx[:0], 0, 0
}

// add writes a resource of the current transaction; handles ascend.
func (w *BlockWriter) add(m *RowChange) {
	w.tx = binary.AppendUvarint(w.tx, uint64(m.Handle-w.handle))
	code := uint64(0)
	if m.States != record.Absent {
		code = w.states.of(m.States) + 1
	} else if m.ID != "" {
		w.goners++
		w.gone = appendText(binary.AppendUvarint(w.gone, uint64(m.Handle)), m.ID)
	}
	code <<= entryBits
	if m.Relocated {
		code |= homeBit
	}
	if len(m.Changes) > 0 {
		code |= flipsBit
	}
	if m.Created {
		code |= bornBit
	}
	w.tx = binary.AppendUvarint(w.tx, code)
	if m.Relocated {
		w.tx = binary.AppendUvarint(w.tx, w.homes.of(m.Placement))
	}
	if len(m.Changes) > 0 {
		w.tx = binary.AppendUvarint(w.tx, w.flips.of(string(m.Changes)))
	}
	w.handle = m.Handle
	w.n++
	w.Rows.Entries++
}

// row is all that was written, as the store takes it.
func (w *BlockWriter) row() store.Moves {
	w.end()
	b := append([]byte{movesVersion}, binary.AppendUvarint(nil, uint64(w.goners))...)
	b = append(b, w.gone...)
	b = binary.AppendUvarint(b, uint64(len(w.states.list)))
	for _, s := range w.states.list {
		b = binary.AppendUvarint(b, uint64(s))
	}
	b = binary.AppendUvarint(b, uint64(len(w.flips.list)))
	for _, f := range w.flips.list {
		b = appendText(b, f)
	}
	b = binary.AppendUvarint(b, uint64(len(w.homes.list)))
	for _, h := range w.homes.list {
		b = appendText(appendText(b, h.Container), h.Tags)
	}
	w.Rows.Packed = append(b, w.body...)
	return w.Rows
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}
