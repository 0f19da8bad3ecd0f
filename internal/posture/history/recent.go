package history

import (
	"context"
	"errors"
	"time"

	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/index"
)

// maxRecent bounds the scopes whose latest changes are kept.
const maxRecent = 16

// recentChanges keeps, per scope, the reader of the latest changes where it stopped:
// who asks again reads the transactions since, not the history from the frame on.
type recentChanges struct {
	mu     sync.Mutex
	scopes map[index.Scope]*recent
}

// recent is the reader of one scope.
type recent struct {
	mu     sync.Mutex
	used   time.Time // guarded by the mutex of recentChanges
	from   time.Time // what changed after this was read
	seq    uint64    // the last transaction that was read
	reader *whyReader
}

// of is the entry of a scope. When there is no room the one that was not used for
// longest goes; whoever reads it meanwhile keeps it to the end.
func (r *recentChanges) of(scope index.Scope, now time.Time) *recent {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.scopes[scope]
	if e == nil {
		if r.scopes == nil {
			r.scopes = map[index.Scope]*recent{}
		}
		if len(r.scopes) >= maxRecent {
			var oldest index.Scope
			for s, other := range r.scopes {
				if old := r.scopes[oldest]; old == nil || other.used.Before(old.used) {
					oldest = s
				}
			}
			delete(r.scopes, oldest)
		}
		e = &recent{}
		r.scopes[scope] = e
	}
	e.used = now
	return e
}

// latest is the first page of the changes of a scope, read from where the last
// asker stopped.
func (l *Log) latest(ctx context.Context, v *index.View, q WhyQuery) (WhyPage, error) {
	e := l.recent.of(q.Scope, l.Now())
	e.mu.Lock()
	defer e.mu.Unlock()
	w := e.reader
	fresh := w == nil || w.past.Schema != v.Schema() || q.From.Before(e.from) && !w.more
	if !fresh {
		err := l.followRecent(ctx, e)
		if fresh = errors.Is(err, errWider); err != nil && !fresh {
			e.forget()
			return WhyPage{}, err
		}
	}
	if fresh {
		if err := l.beginRecent(ctx, v, q, e); err != nil {
			return WhyPage{}, err
		}
	}
	return l.named(ctx, v, e.reader, e.reader.pick(q), q.From)
}

func (e *recent) forget() {
	if e.reader != nil {
		e.reader.past.Reset()
	}
	e.reader = nil
}

// beginRecent reads a scope's changes from the history.
func (l *Log) beginRecent(ctx context.Context, v *index.View, q WhyQuery, e *recent) error {
	e.forget()
	q.Limit = maxChanges
	w, from, err := l.search(ctx, v, q, endOfReading)
	if err != nil {
		return err
	}
	w.gone = map[uint32]string{}
	e.reader, e.from, e.seq = w, from, w.reached
	return nil
}

// followRecent reads what came since.
func (l *Log) followRecent(ctx context.Context, e *recent) error {
	w := e.reader
	t := ReplayOptions{Times: []time.Time{endOfReading}, At: func(int) {}, step: w.step, after: e.seq, reached: &w.reached}
	reached := 0
	err := l.Store.View(ctx, func(tx *store.Tx) error {
		var r BlockReader
		return tx.EachMoves(ctx, store.MovesQuery{Tenant: l.Tenant, After: e.seq}, func(m *store.Moves) error {
			if err := r.Open(m); err != nil {
				return err
			}
			w.leave(r.gone)
			return w.past.follow(&r, &t, &reached)
		})
	})
	switch {
	case err != nil:
		return err
	case w.err != nil:
		return w.err
	case w.past.wider:
		return errWider
	}
	e.seq = w.reached
	w.cut()
	return nil
}

// pick are the changes that a query asks for, oldest first; more says whether
// there are older ones.
func (w *whyReader) pick(q WhyQuery) picked {
	var p picked
	for i := range w.found {
		if n := &w.found[i]; n.at.After(q.From) && !n.at.After(q.To) {
			p.found = append(p.found, *n)
		} else if n.at.After(q.From) {
			continue
		} else {
			p.older = true
		}
	}
	p.more = w.more && !p.older
	if drop := len(p.found) - q.Limit; drop > 0 {
		p.found, p.more = p.found[drop:], true
	}
	return p
}

// leave keeps the ids of resources that went, as long as a change tells of them.
func (w *whyReader) leave(gone []removedResource) {
	for _, g := range gone {
		w.gone[g.handle] = string(g.id)
	}
	if len(w.gone) < 8*maxChanges {
		return
	}
	told := map[uint32]string{}
	for i := range w.found {
		h := w.found[i].flip.Handle
		if id, ok := w.gone[h]; ok {
			told[h] = id
		}
	}
	w.gone = told
}

// warmDays is how far back pages look.
const warmDays = 30

// Warm reads the latest history in the background, so that no reader waits for it.
// That ends early, and says nothing, when ctx does or the store fails.
func (l *Log) Warm(ctx context.Context) {
	l.background.Go(func() {
		now := l.Now()
		from := now.AddDate(0, 0, -warmDays)
		if _, err := l.Changes(ctx, WhyQuery{From: from, To: now}); err != nil {
			return
		}
		p := l.NewSnapshot(l.View().Schema(), SnapshotScope{handles: roaring.New()})
		defer p.Reset()
		_ = l.Replay(ctx, p, ReplayOptions{Times: []time.Time{from, now}, At: func(int) {}}) // notes what blocks are about
	})
}
