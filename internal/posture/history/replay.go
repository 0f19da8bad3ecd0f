package history

import (
	"context"
	"errors"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// ReplayOptions is a journey of a snapshot through some instants.
type ReplayOptions struct {
	Times   []time.Time // ascending; at least one
	through uint64      // transaction to stop after; 0: none
	// At is called at each instant in turn, when the past is as it was then.
	At func(i int)
	// step, if set, is told of every resource after it has moved; the step holds
	// during the call.
	step    func(s *step)
	after   uint64  // transactions up to this one are left out
	reached *uint64 // if set, the last transaction that was read
	// again, if set, is called when the trip begins anew.
	again func()
}

// step is one resource that moved.
type step struct {
	handle  uint32
	seq     uint64
	at      time.Time
	was, is RowState
	created bool   // the resource was not there before, not even outside the scope
	flips   []byte // see packFlips
}

// errWider says that a snapshot must travel once more.
var errWider = errors.New("the scope was wider than it is")

// Replay moves an empty past from the frame before the first instant on to the
// last. Transactions later than the last are left out, wherever they stand: a
// clock that was ahead for a while does not hide what came after.
func (l *Log) Replay(ctx context.Context, p *Snapshot, t ReplayOptions) error {
	for {
		err := l.replayOnce(ctx, p, t)
		if !errors.Is(err, errWider) {
			return err
		}
		p.Reset()
		if t.again != nil {
			t.again()
		}
	}
}

func (l *Log) replayOnce(ctx context.Context, p *Snapshot, t ReplayOptions) error {
	return l.Store.View(ctx, func(tx *store.Tx) error {
		frame, err := tx.Frame(ctx, l.Tenant, t.Times[0])
		if err != nil {
			return err
		}
		reached := 0
		for ; reached < len(t.Times) && t.Times[reached].Before(frame.At); reached++ {
			t.At(reached) // before the past begins
		}
		if reached == len(t.Times) {
			return nil
		}
		if err := tx.EachFrameBlock(ctx, frame, p.needsTags(), p.load); err != nil {
			return err
		}
		var r BlockReader
		query := store.MovesQuery{Tenant: l.Tenant, After: frame.Seq, Through: t.through, Until: t.Times[len(t.Times)-1]}
		if some := p.scope.handles; some != nil {
			query.Want = func(m *store.Moves) bool { return !l.blocks.without(m, some) }
		}
		err = tx.EachMoves(ctx, query, func(m *store.Moves) error {
			if err := r.Open(m); err != nil {
				return err
			}
			if p.scope.handles == nil || !m.Sealed {
				return p.follow(&r, &t, &reached)
			}
			p.seen = roaring.New()
			err := p.follow(&r, &t, &reached)
			if err == nil && !p.wider {
				l.blocks.put(m, &r, p.seen)
			}
			p.seen = nil
			return err
		})
		if err == nil && p.wider {
			return errWider
		}
		for ; err == nil && reached < len(t.Times); reached++ {
			t.At(reached)
		}
		return err
	})
}

// follow takes in the transactions of a row.
func (p *Snapshot) follow(r *BlockReader, t *ReplayOptions, reached *int) error {
	var m blockTables
	m.open(p, r)
	if p.wider {
		return nil
	}
	last := len(t.Times) - 1
	var s step // one for all: it is handed out by address
	for {
		seq, at, ok := r.Next()
		if !ok {
			return r.Damaged()
		}
		skip := at.After(t.Times[last]) || seq <= t.after
		if t.reached != nil {
			*t.reached = max(*t.reached, seq)
		}
		for ; !skip && t.Times[*reached].Before(at); *reached++ {
			t.At(*reached)
		}
		var en Entry
		for r.Entry(&en) {
			if p.seen != nil {
				p.seen.Add(en.Handle)
			}
			if skip {
				continue
			}
			was, is := p.Set(en.Handle, m.held(&en), en.home >= 0)
			if t.step != nil && (was != is || en.Changes >= 0) && (was.Class != 0 || is.Class != 0) {
				s = step{handle: en.Handle, seq: seq, at: at, was: was, is: is, created: en.created}
				if en.Changes >= 0 {
					s.flips = r.Changes[en.Changes]
				}
				t.step(&s)
			}
		}
	}
}

// blockTables are the tables of a moveReader in the numbers of a snapshot.
type blockTables struct {
	classes []uint32
	homes   []RowState
}

func (m *blockTables) open(p *Snapshot, r *BlockReader) {
	for _, s := range r.states {
		m.classes = append(m.classes, p.Class(s))
	}
	for _, h := range r.homes {
		in := RowState{Container: p.Contained(h.container)}
		if p.needsTags() {
			in.Tags = p.Tagged(h.tags)
		}
		m.homes = append(m.homes, in)
	}
}

func (m *blockTables) held(en *Entry) RowState {
	var h RowState
	if en.home >= 0 {
		h = m.homes[en.home]
	}
	if en.States >= 0 {
		h.Class = m.classes[en.States]
	}
	return h
}

// snapshotOf is the past of a scope before anything was; it is to travel no further
// back than since.
func (l *Log) snapshotOf(ctx context.Context, v *index.View, scope index.Scope, since time.Time) (*Snapshot, error) {
	s := newSnapshotScope(scope)
	if s.above != "" {
		s.subs = map[string]bool{}
		for _, sub := range v.Under(s.above).Subs {
			s.subs[sub.ID] = true
		}
	}
	if s.handles == nil {
		return l.NewSnapshot(v.Schema(), s), nil
	}
	id := arm.Fold(scope.ID)
	s.handles.Or(v.Below(id).Bits)
	err := l.eachGone(ctx, since, func(g goneResource) bool {
		if (&record.Row{ID: g.id}).Within(id) {
			s.handles.Add(g.handle)
		}
		return true
	})
	return l.NewSnapshot(v.Schema(), s), err
}

// eachGone calls fn for resources that went since the frame before a time, until
// it returns false.
func (l *Log) eachGone(ctx context.Context, since time.Time, fn func(goneResource) bool) error {
	return l.Store.View(ctx, func(tx *store.Tx) error {
		frame, err := tx.Frame(ctx, l.Tenant, since)
		if err != nil {
			return err
		}
		var r BlockReader
		more := true
		query := store.MovesQuery{Tenant: l.Tenant, After: frame.Seq, Want: func(m *store.Moves) bool {
			all, known := l.blocks.gone(m)
			for _, g := range all {
				more = more && fn(g)
			}
			return more && !known
		}}
		return tx.EachMoves(ctx, query, func(m *store.Moves) error {
			if err := r.Open(m); err != nil {
				return err
			}
			l.blocks.put(m, &r, nil)
			for _, g := range r.gone {
				more = more && fn(goneResource{g.handle, string(g.id)})
			}
			return nil
		})
	})
}

// endOfReading is when recent changes end: transactions may carry any time.
var endOfReading = EndOfTime

// EndOfTime is later than every transaction.
var EndOfTime = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// maxEntries bounds the resources in one row of moves: a change that reaches
// more writes several.
const maxEntries = 1 << 16
