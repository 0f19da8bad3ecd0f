package history

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// CatchUp brings the old statuses of rows up to date with the moves that packed states
// lack. Rows ascend by handle. Those that it changes are behind until their
// states are written. A row whose states were written in the meantime, and so have
// some of these moves in them, comes out the same.
func (l *Log) CatchUp(ctx context.Context, behind uint64, rows []*record.Row) (changed []uint32, err error) {
	if behind == 0 {
		return nil, nil
	}
	late := lateChanges{from: behind, rows: rows}
	err = l.Store.View(ctx, func(tx *store.Tx) error {
		return tx.EachMoves(ctx, store.MovesQuery{Tenant: l.Tenant, After: behind - 1}, late.add)
	})
	return late.changed, err
}

// lateChanges are rows that take in moves from a transaction on.
type lateChanges struct {
	from    uint64
	rows    []*record.Row // ascending
	changed []uint32
	r       BlockReader
	flips   []record.Change
}

// add takes in the transactions of one row of moves. A joined one may begin
// before those that are wanted.
func (l *lateChanges) add(m *store.Moves) error {
	if err := l.r.Open(m); err != nil {
		return fmt.Errorf("moves up to %d: %w", m.Seq, err)
	}
	for {
		seq, at, ok := l.r.Next()
		if !ok {
			return l.r.Damaged()
		}
		rest, second := l.rows, uint32(at.Unix())
		var en Entry
		for l.r.Entry(&en) {
			if seq < l.from || en.Changes < 0 {
				continue
			}
			i, known := slices.BinarySearchFunc(rest, en.Handle, func(r *record.Row, h uint32) int { return cmp.Compare(r.Handle, h) })
			rest = rest[i:]
			if !known {
				continue // gone since
			}
			if err := l.turn(rest[0], l.r.Changes[en.Changes], second); err != nil {
				return fmt.Errorf("moves of %d: %w", seq, err)
			}
		}
	}
}

func (l *lateChanges) turn(r *record.Row, packed []byte, at uint32) error {
	var err error
	if l.flips, err = UnpackChanges(l.flips[:0], r.Handle, packed); err != nil {
		return err
	}
	for _, f := range l.flips {
		r.Apply(f, at)
	}
	l.changed = append(l.changed, r.Handle)
	return nil
}
