package history

import (
	"context"
	"time"

	"github.com/rampart-sec/rampart/internal/base/store"
)

// Compaction says when moves are joined and when a frame is made.
type Compaction struct {
	Rows    int           // loose rows from which they are joined
	Entries int           // entries from which a row is full
	Every   time.Duration // after which they are joined however few they are
	Share   int64         // a frame is made when the moves since are this part of its size
	Frame   time.Duration // or when it is this old
	Least   int64         // bytes of moves below which there is no frame
}

// DefaultCompaction was measured at a million resources with 1 % changing a day:
// reading a frame costs as much as reading the moves up to the next.
var DefaultCompaction = Compaction{Rows: 256, Entries: 1 << 14, Every: 24 * time.Hour, Share: 16, Frame: 30 * 24 * time.Hour, Least: 64 << 10}

// CompactBehind joins moves and makes frames in the background when there is
// enough to do; n rows were just written.
func (l *Log) CompactBehind(ctx context.Context, n int) {
	l.Loose.Add(int64(n))
	s := l.Compaction
	if int(l.Loose.Load()) < s.Rows && l.Now().Sub(l.compacted) < s.Every || !l.compacting.CompareAndSwap(false, true) {
		return
	}
	l.compacted = l.Now()
	l.background.Go(func() {
		defer l.compacting.Store(false)
		if err := l.Compact(ctx); err != nil && ctx.Err() == nil {
			l.Log.Warn("history could not be packed; it is tried again with the next change", "tenant", l.Tenant, "error", err)
		}
	})
}

// Compact joins loose blocks into full rows and makes a frame if one is due. Neither
// changes what the past says, so it may be cut off anywhere.
func (l *Log) Compact(ctx context.Context) error {
	if err := l.MergeBlocks(ctx); err != nil {
		return err
	}
	return l.frame(ctx)
}

// MergeBlocks joins loose blocks. The last row may stay loose.
func (l *Log) MergeBlocks(ctx context.Context) error {
	var j blockMerger
	j.full = l.Compaction.Entries
	st := l.Store
	err := st.View(ctx, func(tx *store.Tx) error {
		return tx.EachMoves(ctx, store.MovesQuery{Tenant: l.Tenant, Loose: true}, j.add)
	})
	if err != nil || len(j.old) == 0 {
		return err
	}
	j.flush(false)
	if err := st.Update(ctx, func(tx *store.Tx) error { return tx.JoinMoves(ctx, j.old, j.merged) }); err != nil {
		return err
	}
	left := -len(j.old)
	if last := j.merged[len(j.merged)-1]; !last.Sealed {
		left++
	}
	l.Loose.Add(int64(left))
	return nil
}

// blockMerger packs several rows of moves as one.
type blockMerger struct {
	full        int
	r           BlockReader
	w           BlockWriter
	old, merged []store.Moves
}

func (j *blockMerger) add(m *store.Moves) error {
	if err := j.r.Open(m); err != nil {
		return err
	}
	ids := make(map[uint32][]byte, len(j.r.gone))
	for _, g := range j.r.gone {
		ids[g.handle] = g.id
	}
	for {
		seq, at, ok := j.r.Next()
		if !ok {
			break
		}
		j.w.begin(seq, at)
		var en Entry
		for j.r.Entry(&en) {
			moved := j.r.moved(&en, ids)
			j.w.add(&moved)
		}
	}
	if err := j.r.Damaged(); err != nil {
		return err
	}
	key := *m
	key.Packed = nil
	j.old = append(j.old, key)
	if j.w.Rows.Entries >= j.full {
		j.flush(true)
	}
	return nil
}

// flush ends a row that stands where the last of those that it replaces stood.
func (j *blockMerger) flush(full bool) {
	if j.w.Rows.Entries == 0 {
		return
	}
	last := j.old[len(j.old)-1]
	row := j.w.row()
	row.Tenant, row.Part, row.Sealed = last.Tenant, last.Part, full
	j.merged = append(j.merged, row)
	j.w = BlockWriter{}
}

// frame makes a frame of all that is compacted, if one is due. Its blocks are
// written one by one, so that the judge does not wait.
func (l *Log) frame(ctx context.Context) error {
	st := l.Store
	var made store.Frame
	due := false
	err := st.View(ctx, func(tx *store.Tx) error {
		last, err := tx.Frame(ctx, l.Tenant, time.Time{})
		if err != nil {
			return err
		}
		seq, at, size, err := tx.SealedMoves(ctx, l.Tenant, last.Seq)
		made = store.Frame{Tenant: l.Tenant, Seq: seq, At: at}
		s := l.Compaction
		due = size >= max(last.Size/s.Share, s.Least) || size > 0 && last.Seq > 0 && at.Sub(last.At) >= s.Frame
		return err
	})
	if err != nil || !due {
		return err
	}
	p := l.NewSnapshot(l.View().Schema(), SnapshotScope{Whole: true})
	defer p.Reset()
	if err := l.Replay(ctx, p, ReplayOptions{Times: []time.Time{EndOfTime}, through: made.Seq, At: func(int) {}}); err != nil {
		return err
	}
	for n := range p.Blocks {
		block, err := p.FrameBlock(n)
		if err != nil {
			return err
		}
		if block == nil {
			continue
		}
		err = st.Update(ctx, func(tx *store.Tx) error {
			size, err := tx.PutFrameBlock(ctx, l.Tenant, made.Seq, *block)
			made.Size += size
			return err
		})
		if err != nil {
			return err
		}
	}
	return st.Update(ctx, func(tx *store.Tx) error { return tx.PutFrame(ctx, made) })
}
