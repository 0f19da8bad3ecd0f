package history

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// Log is the history of one tenant: every change of an assessment, in blocks that
// the store keeps, and the scores that were. Any goroutine may read it; its writer
// is the judge.
type Log struct {
	Store      *store.DB
	Tenant     string
	Log        *slog.Logger
	Compaction *Compaction
	View       func() *index.View
	Now        func() time.Time
	Retired    func(id string) *record.Recommendation // one that is assigned no more

	Numbers []uint16 // of the content's controls, in its order; constant once loaded
	recent  recentChanges
	blocks  blockIndex
	room    sync.Pool // of blocks of snapshots

	Loose      atomic.Int64 // rows of moves that are not compacted
	compacted  time.Time    // when they were compacted last
	compacting atomic.Bool  // moves are being compacted in the background
	background sync.WaitGroup
}

// Restore counts what a start finds.
func (l *Log) Restore(ctx context.Context, tx *store.Tx) error {
	n, err := tx.LooseMoves(ctx, l.Tenant)
	l.Loose.Store(int64(n))
	l.compacted = l.Now()
	return err
}

// Wait returns when nothing is done in the background.
func (l *Log) Wait() { l.background.Wait() }
