package posture

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rampart-sec/rampart/internal/base/store"
)

// Log is the history of one tenant: every change of an assessment, in blocks that
// the store keeps, and the scores that were. Any goroutine may read it; its writer
// is the judge.
type Log struct {
	store      *store.DB
	tenant     string
	log        *slog.Logger
	compaction *sealing
	view       func() *View
	now        func() time.Time
	retired    func(id string) *Recommendation // one that is assigned no more

	numbers []uint16  // of the content's controls, in its order; constant once loaded
	room    sync.Pool // of blocks of pasts

	loose      atomic.Int64 // rows of moves that are not sealed
	sealed     time.Time    // when they were sealed last
	sealing    atomic.Bool  // moves are being sealed in the background
	background sync.WaitGroup
}

// restore counts what a start finds.
func (l *Log) restore(ctx context.Context, tx *store.Tx) error {
	n, err := tx.LooseMoves(ctx, l.tenant)
	l.loose.Store(int64(n))
	l.sealed = l.now()
	return err
}

// wait returns when nothing is done in the background.
func (l *Log) wait() { l.background.Wait() }
