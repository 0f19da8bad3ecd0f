package posture

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/rampart-sec/rampart/internal/base/store"
)

// tail brings the old cells of rows up to date with the moves that packed states
// lack. Rows ascend by handle. Those that it changes are behind until their
// states are written. A row whose states were written in the meantime, and so have
// some of these moves in them, comes out the same.
func (l *Log) tail(ctx context.Context, behind uint64, rows []*row) (changed []uint32, err error) {
	if behind == 0 {
		return nil, nil
	}
	late := latecomers{from: behind, rows: rows}
	err = l.store.View(ctx, func(tx *store.Tx) error {
		return tx.EachMoves(ctx, store.MovesQuery{Tenant: l.tenant, After: behind - 1}, late.add)
	})
	return late.changed, err
}

// latecomers are rows that take in moves from a transaction on.
type latecomers struct {
	from    uint64
	rows    []*row // ascending
	changed []uint32
	r       moveReader
	flips   []flip
}

// add takes in the transactions of one row of moves. A joined one may begin
// before those that are wanted.
func (l *latecomers) add(m *store.Moves) error {
	if err := l.r.open(m); err != nil {
		return fmt.Errorf("moves up to %d: %w", m.Seq, err)
	}
	for {
		seq, at, ok := l.r.next()
		if !ok {
			return l.r.damaged()
		}
		rest, second := l.rows, uint32(at.Unix())
		var en entry
		for l.r.entry(&en) {
			if seq < l.from || en.flips < 0 {
				continue
			}
			i, known := slices.BinarySearchFunc(rest, en.handle, func(r *row, h uint32) int { return cmp.Compare(r.handle, h) })
			rest = rest[i:]
			if !known {
				continue // gone since
			}
			if err := l.turn(rest[0], l.r.flips[en.flips], second); err != nil {
				return fmt.Errorf("moves of %d: %w", seq, err)
			}
		}
	}
}

func (l *latecomers) turn(r *row, packed []byte, at uint32) error {
	var err error
	if l.flips, err = unpackFlips(l.flips[:0], r.handle, packed); err != nil {
		return err
	}
	for _, f := range l.flips {
		r.turn(f, at)
	}
	l.changed = append(l.changed, r.handle)
	return nil
}
