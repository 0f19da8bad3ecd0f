package posture

import (
	"context"
	"errors"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
)

// trip is a journey of a past through some instants.
type trip struct {
	times   []time.Time // ascending; at least one
	through uint64      // transaction to stop after; 0: none
	// at is called at each instant in turn, when the past is as it was then.
	at func(i int)
	// step, if set, is told of every resource after it has moved; the step holds
	// during the call.
	step func(s *step)
	// again, if set, is called when the trip begins anew.
	again func()
}

// step is one resource that moved.
type step struct {
	handle  uint32
	seq     uint64
	at      time.Time
	was, is held
	born    bool   // the resource was not there before, not even outside the scope
	flips   []byte // see packFlips
}

// errWider says that a past must travel once more.
var errWider = errors.New("the scope was wider than it is")

// travel moves an empty past from the frame before the first instant on to the
// last. Transactions later than the last are left out, wherever they stand: a
// clock that was ahead for a while does not hide what came after.
func (l *Log) travel(ctx context.Context, p *past, t trip) error {
	for {
		err := l.travelOnce(ctx, p, t)
		if !errors.Is(err, errWider) {
			return err
		}
		p.reset()
		if t.again != nil {
			t.again()
		}
	}
}

func (l *Log) travelOnce(ctx context.Context, p *past, t trip) error {
	return l.store.View(ctx, func(tx *store.Tx) error {
		frame, err := tx.Frame(ctx, l.tenant, t.times[0])
		if err != nil {
			return err
		}
		reached := 0
		for ; reached < len(t.times) && t.times[reached].Before(frame.At); reached++ {
			t.at(reached) // before the past begins
		}
		if reached == len(t.times) {
			return nil
		}
		if err := tx.EachFrameBlock(ctx, frame, p.needsTags(), p.load); err != nil {
			return err
		}
		var r moveReader
		err = tx.EachMoves(ctx, store.MovesQuery{Tenant: l.tenant, After: frame.Seq, Through: t.through, Until: t.times[len(t.times)-1]}, func(m *store.Moves) error {
			if err := r.open(m); err != nil {
				return err
			}
			return p.follow(&r, &t, &reached)
		})
		if err == nil && p.wider {
			return errWider
		}
		for ; err == nil && reached < len(t.times); reached++ {
			t.at(reached)
		}
		return err
	})
}

// follow takes in the transactions of a row.
func (p *past) follow(r *moveReader, t *trip, reached *int) error {
	var m movesIn
	m.open(p, r)
	if p.wider {
		return nil
	}
	last := len(t.times) - 1
	var s step // one for all: it is handed out by address
	for {
		seq, at, ok := r.next()
		if !ok {
			return r.damaged()
		}
		skip := at.After(t.times[last])
		for ; !skip && t.times[*reached].Before(at); *reached++ {
			t.at(*reached)
		}
		var en entry
		for r.entry(&en) {
			if skip {
				continue
			}
			was, is := p.set(en.handle, m.held(&en), en.home >= 0)
			if t.step != nil && (was != is || en.flips >= 0) && (was.class != 0 || is.class != 0) {
				s = step{handle: en.handle, seq: seq, at: at, was: was, is: is, born: en.born}
				if en.flips >= 0 {
					s.flips = r.flips[en.flips]
				}
				t.step(&s)
			}
		}
	}
}

// movesIn are the tables of a moveReader in the numbers of a past.
type movesIn struct {
	classes []uint32
	homes   []held
}

func (m *movesIn) open(p *past, r *moveReader) {
	for _, s := range r.stances {
		m.classes = append(m.classes, p.class(s))
	}
	for _, h := range r.homes {
		in := held{container: p.contained(h.container)}
		if p.needsTags() {
			in.tags = p.tagged(h.tags)
		}
		m.homes = append(m.homes, in)
	}
}

func (m *movesIn) held(en *entry) held {
	var h held
	if en.home >= 0 {
		h = m.homes[en.home]
	}
	if en.stance >= 0 {
		h.class = m.classes[en.stance]
	}
	return h
}

// pastOf is the past of a scope before anything was; it is to travel no further
// back than since.
func (l *Log) pastOf(ctx context.Context, v *View, scope Scope, since time.Time) (*past, error) {
	s := newPastScope(scope)
	if s.above != "" {
		s.subs = map[string]bool{}
		for _, sub := range v.under(s.above).subs {
			s.subs[sub.id] = true
		}
	}
	if s.handles == nil {
		return l.newPast(v.shape, s), nil
	}
	id := arm.Fold(scope.ID)
	s.handles.Or(v.below(id).bits)
	err := l.eachGone(ctx, since, func(g goner) bool {
		if (&row{id: string(g.id)}).lies(id) {
			s.handles.Add(g.handle)
		}
		return true
	})
	return l.newPast(v.shape, s), err
}

// eachGone calls fn for resources that went since the frame before a time, until
// it returns false.
func (l *Log) eachGone(ctx context.Context, since time.Time, fn func(goner) bool) error {
	return l.store.View(ctx, func(tx *store.Tx) error {
		frame, err := tx.Frame(ctx, l.tenant, since)
		if err != nil {
			return err
		}
		var r moveReader
		more := true
		return tx.EachMoves(ctx, store.MovesQuery{Tenant: l.tenant, After: frame.Seq}, func(m *store.Moves) error {
			if !more {
				return nil
			}
			if err := r.open(m); err != nil {
				return err
			}
			for _, g := range r.gone {
				more = more && fn(g)
			}
			return nil
		})
	})
}

// endOfTime is later than every transaction.
var endOfTime = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// maxEntries bounds the resources in one row of moves: a change that reaches
// more writes several.
const maxEntries = 1 << 16
