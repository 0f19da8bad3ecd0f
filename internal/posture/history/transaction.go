package history

import (
	"time"

	"github.com/rampart-sec/rampart/internal/base/store"
)

// TransactionWriter is the rows of moves of one transaction.
type TransactionWriter struct {
	Tenant string
	Seq    uint64
	At     time.Time
	W      *BlockWriter
	rows   []store.Moves
}

// Note adds a row's change; handles ascend.
func (l *TransactionWriter) Note(m *RowChange) {
	if l.W == nil {
		l.W = &BlockWriter{}
		l.W.begin(l.Seq, l.At)
	}
	l.W.add(m)
	if l.W.Rows.Entries == maxEntries {
		l.Flush()
	}
}

// Flush ends a block before it is full.
func (l *TransactionWriter) Flush() {
	row := l.W.row()
	row.Tenant, row.Part = l.Tenant, uint32(len(l.rows))
	l.rows = append(l.rows, row)
	l.W = nil
}

// Finish gives the rows; there are none, but not nil, if nothing moved.
func (l *TransactionWriter) Finish() []store.Moves {
	if l.W != nil {
		l.Flush()
	}
	if l.rows == nil {
		l.rows = []store.Moves{}
	}
	return l.rows
}
