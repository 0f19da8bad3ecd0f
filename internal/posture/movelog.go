package posture

import (
	"time"

	"github.com/rampart-sec/rampart/internal/base/store"
)

// moveLog is the rows of moves of one transaction.
type moveLog struct {
	tenant string
	seq    uint64
	at     time.Time
	w      *moveWriter
	rows   []store.Moves
}

func (l *moveLog) note(m *moved) {
	if l.w == nil {
		l.w = &moveWriter{}
		l.w.begin(l.seq, l.at)
	}
	l.w.add(m)
	if l.w.rows.Entries == maxEntries {
		l.flush()
	}
}

func (l *moveLog) flush() {
	row := l.w.row()
	row.Tenant, row.Part = l.tenant, uint32(len(l.rows))
	l.rows = append(l.rows, row)
	l.w = nil
}

// finish gives the rows; there are none, but not nil, if nothing moved.
func (l *moveLog) finish() []store.Moves {
	if l.w != nil {
		l.flush()
	}
	if l.rows == nil {
		l.rows = []store.Moves{}
	}
	return l.rows
}
