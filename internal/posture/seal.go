package posture

import (
	"context"
	"time"

	"github.com/rampart-sec/rampart/internal/base/store"
)

// sealing says when moves are joined and when a frame is made.
type sealing struct {
	rows    int           // loose rows from which they are joined
	entries int           // entries from which a row is full
	every   time.Duration // after which they are joined however few they are
	share   int64         // a frame is made when the moves since are this part of its size
	frame   time.Duration // or when it is this old
	least   int64         // bytes of moves below which there is no frame
}

// defaultSealing was measured at a million resources with 1 % changing a day:
// reading a frame costs as much as reading the moves up to the next.
var defaultSealing = sealing{rows: 256, entries: 1 << 14, every: 24 * time.Hour, share: 16, frame: 30 * 24 * time.Hour, least: 64 << 10}

// sealBehind joins moves and makes frames in the background when there is
// enough to do; n rows were just written.
func (l *Log) sealBehind(ctx context.Context, n int) {
	l.loose.Add(int64(n))
	s := l.compaction
	if int(l.loose.Load()) < s.rows && l.now().Sub(l.sealed) < s.every || !l.sealing.CompareAndSwap(false, true) {
		return
	}
	l.sealed = l.now()
	l.background.Go(func() {
		defer l.sealing.Store(false)
		if err := l.seal(ctx); err != nil && ctx.Err() == nil {
			l.log.Warn("history could not be packed; it is tried again with the next change", "tenant", l.tenant, "error", err)
		}
	})
}

// seal joins loose moves into full rows and makes a frame if one is due. Neither
// changes what the past says, so it may be cut off anywhere.
func (l *Log) seal(ctx context.Context) error {
	if err := l.join(ctx); err != nil {
		return err
	}
	return l.frame(ctx)
}

// join joins loose moves. The last row may stay loose.
func (l *Log) join(ctx context.Context) error {
	var j joiner
	j.full = l.compaction.entries
	st := l.store
	err := st.View(ctx, func(tx *store.Tx) error {
		return tx.EachMoves(ctx, store.MovesQuery{Tenant: l.tenant, Loose: true}, j.add)
	})
	if err != nil || len(j.old) == 0 {
		return err
	}
	j.flush(false)
	if err := st.Update(ctx, func(tx *store.Tx) error { return tx.JoinMoves(ctx, j.old, j.joined) }); err != nil {
		return err
	}
	left := -len(j.old)
	if last := j.joined[len(j.joined)-1]; !last.Sealed {
		left++
	}
	l.loose.Add(int64(left))
	return nil
}

// joiner packs several rows of moves as one.
type joiner struct {
	full        int
	r           moveReader
	w           moveWriter
	old, joined []store.Moves
}

func (j *joiner) add(m *store.Moves) error {
	if err := j.r.open(m); err != nil {
		return err
	}
	ids := make(map[uint32][]byte, len(j.r.gone))
	for _, g := range j.r.gone {
		ids[g.handle] = g.id
	}
	for {
		seq, at, ok := j.r.next()
		if !ok {
			break
		}
		j.w.begin(seq, at)
		var en entry
		for j.r.entry(&en) {
			moved := j.r.moved(&en, ids)
			j.w.add(&moved)
		}
	}
	if err := j.r.damaged(); err != nil {
		return err
	}
	key := *m
	key.Packed = nil
	j.old = append(j.old, key)
	if j.w.rows.Entries >= j.full {
		j.flush(true)
	}
	return nil
}

// flush ends a row that stands where the last of those that it replaces stood.
func (j *joiner) flush(full bool) {
	if j.w.rows.Entries == 0 {
		return
	}
	last := j.old[len(j.old)-1]
	row := j.w.row()
	row.Tenant, row.Part, row.Sealed = last.Tenant, last.Part, full
	j.joined = append(j.joined, row)
	j.w = moveWriter{}
}

// frame makes a frame of all that is sealed, if one is due. Its blocks are
// written one by one, so that the judge does not wait.
func (l *Log) frame(ctx context.Context) error {
	st := l.store
	var made store.Frame
	due := false
	err := st.View(ctx, func(tx *store.Tx) error {
		last, err := tx.Frame(ctx, l.tenant, time.Time{})
		if err != nil {
			return err
		}
		seq, at, size, err := tx.SealedMoves(ctx, l.tenant, last.Seq)
		made = store.Frame{Tenant: l.tenant, Seq: seq, At: at}
		s := l.compaction
		due = size >= max(last.Size/s.share, s.least) || size > 0 && last.Seq > 0 && at.Sub(last.At) >= s.frame
		return err
	})
	if err != nil || !due {
		return err
	}
	p := l.newPast(l.view().shape, pastScope{whole: true})
	defer p.reset()
	if err := l.travel(ctx, p, trip{times: []time.Time{endOfTime}, through: made.Seq, at: func(int) {}}); err != nil {
		return err
	}
	for n := range p.blocks {
		block, err := p.frameBlock(n)
		if err != nil {
			return err
		}
		if block == nil {
			continue
		}
		err = st.Update(ctx, func(tx *store.Tx) error {
			size, err := tx.PutFrameBlock(ctx, l.tenant, made.Seq, *block)
			made.Size += size
			return err
		})
		if err != nil {
			return err
		}
	}
	return st.Update(ctx, func(tx *store.Tx) error { return tx.PutFrame(ctx, made) })
}
