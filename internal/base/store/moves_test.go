package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/base/store"
)

// moves reads what a query selects, with bytes of its own.
func (db *fixture) moves(t testing.TB, q store.MovesQuery) []store.Moves {
	t.Helper()
	var all []store.Moves
	db.view(t, func(ctx context.Context, tx *store.Tx) error {
		return tx.EachMoves(ctx, q, func(m *store.Moves) error {
			kept := *m
			kept.Packed = append([]byte(nil), m.Packed...)
			all = append(all, kept)
			return nil
		})
	})
	return all
}

// hourly are n rows of one transaction each, an hour apart.
func (db *fixture) hourly(n int) []store.Moves {
	rows := make([]store.Moves, n)
	for i := range rows {
		at := db.t.Add(time.Duration(i) * time.Hour)
		rows[i] = store.Moves{First: uint64(i + 1), Seq: uint64(i + 1), From: at, To: at, Entries: 1, Packed: fmt.Appendf(nil, "%300d", i)}
	}
	return rows
}

func TestMoves(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		rows := db.hourly(6)
		rows[5].Seq, rows[5].Part = 5, 1
		db.update(t, func(ctx context.Context, tx *store.Tx) error { return tx.PutMoves(ctx, append(rows, rows[0])) })
		joined := store.Moves{First: 1, Seq: 3, From: rows[0].From, To: rows[2].To, Entries: 3, Sealed: true, Packed: []byte("three")}
		for name, tt := range map[string]struct {
			q    store.MovesQuery
			want []store.Moves
		}{
			"all":     {store.MovesQuery{}, rows},
			"after":   {store.MovesQuery{After: 4}, rows[4:]},
			"through": {store.MovesQuery{After: 1, Through: 3}, rows[1:3]},
			"until":   {store.MovesQuery{Until: rows[1].From}, rows[:2]},
		} {
			if diff := cmp.Diff(tt.want, db.moves(t, tt.q)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		db.update(t, func(ctx context.Context, tx *store.Tx) error {
			return tx.JoinMoves(ctx, rows[:3], []store.Moves{joined})
		})
		if diff := cmp.Diff(append([]store.Moves{joined}, rows[3:]...), db.moves(t, store.MovesQuery{})); diff != "" {
			t.Errorf("after joining (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(rows[3:], db.moves(t, store.MovesQuery{Loose: true})); diff != "" {
			t.Errorf("loose (-want +got):\n%s", diff)
		}
		db.view(t, func(ctx context.Context, tx *store.Tx) error {
			n, err := tx.LooseMoves(ctx, "")
			if n != 3 || err != nil {
				t.Errorf("loose = %d, %v; want 3", n, err)
			}
			seq, at, size, err := tx.SealedMoves(ctx, "", 0)
			if seq != 3 || !at.Equal(rows[2].To) || size != 5 || err != nil {
				t.Errorf("sealed to %d at %v, %d bytes, %v", seq, at, size, err)
			}
			return err
		})
		across := store.Moves{First: 3, Seq: 8, From: db.t, To: db.t, Packed: []byte{1}} // a part of 3 is loose
		db.update(t, func(ctx context.Context, tx *store.Tx) error { return tx.PutMoves(ctx, []store.Moves{across}) })
		db.view(t, func(ctx context.Context, tx *store.Tx) error {
			seq, _, size, err := tx.SealedMoves(ctx, "", 0)
			if seq != 0 || size != 0 || err != nil {
				t.Errorf("sealed to %d, %d bytes, %v; want 0", seq, size, err)
			}
			return err
		})
		if err := db.Update(t.Context(), func(tx *store.Tx) error { return tx.JoinMoves(t.Context(), rows[:3], nil) }); err == nil {
			t.Error("rows that are gone were joined again")
		}
	})
}

// frame writes a frame of two blocks.
func (db *fixture) frame(t testing.TB, seq uint64, at time.Time) {
	t.Helper()
	db.update(t, func(ctx context.Context, tx *store.Tx) error {
		var size int64
		for block := range uint32(2) {
			n, err := tx.PutFrameBlock(ctx, "", seq, store.FrameBlock{Block: block, Stances: fmt.Appendf(nil, "%d.%d", seq, block), Tags: []byte("tags")})
			if err != nil {
				return err
			}
			size += n
		}
		return tx.PutFrame(ctx, store.Frame{Seq: seq, At: at, Size: size})
	})
}

func TestFrames(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		start := db.t
		db.update(t, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.PutFrameBlock(ctx, "", 2, store.FrameBlock{Stances: []byte("left behind"), Tags: []byte{}})
			return err
		})
		db.update(t, func(ctx context.Context, tx *store.Tx) error {
			return tx.PutMoves(ctx, []store.Moves{{First: 1, Seq: 1, From: start, To: start, Packed: []byte{1}}})
		})
		db.frame(t, 3, start)
		db.frame(t, 7, start.Add(time.Hour))
		for _, tt := range []struct {
			at   time.Time
			want uint64
		}{{start.Add(-time.Second), 0}, {start, 3}, {start.Add(59 * time.Minute), 3}, {start.Add(time.Hour), 7}, {time.Time{}, 7}} {
			db.view(t, func(ctx context.Context, tx *store.Tx) error {
				f, err := tx.Frame(ctx, "", tt.at)
				if f.Seq != tt.want || err != nil {
					t.Errorf("frame at %v = %d, %v; want %d", tt.at, f.Seq, err, tt.want)
				}
				var got []string
				for _, tags := range []bool{false, true} {
					err = tx.EachFrameBlock(ctx, f, tags, func(b *store.FrameBlock) error {
						got = append(got, string(b.Stances)+string(b.Tags))
						return nil
					})
				}
				if want := []string{"7.0", "7.1", "7.0tags", "7.1tags"}; tt.want == 7 && cmp.Diff(want, got) != "" {
					t.Errorf("blocks = %q, want %q", got, want)
				}
				return err
			})
		}
		db.view(t, func(ctx context.Context, tx *store.Tx) error {
			return tx.EachFrameBlock(ctx, store.Frame{Seq: 2}, false, func(*store.FrameBlock) error {
				t.Error("a frame that was never put has a block")
				return nil
			})
		})
	})
}

// TestSweepHistory removes what is older than it is to be kept, and leaves what
// tells how things stood then.
func TestSweepHistory(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		start := db.t
		rows := db.hourly(6)
		var scores []store.ScoreRow
		for i, m := range rows {
			for _, control := range []string{"a", "b"} {
				scores = append(scores, store.ScoreRow{Scope: "/subscriptions/s", Control: control, At: m.From, Seq: m.Seq, Healthy: int32(i)})
			}
		}
		db.update(t, func(ctx context.Context, tx *store.Tx) error {
			if err := tx.PutMoves(ctx, rows); err != nil {
				return err
			}
			return tx.PutScoreRows(ctx, scores)
		})
		db.frame(t, 2, rows[1].From)
		db.frame(t, 4, rows[3].From)
		db.advance(10 * time.Hour)
		for range 2 {
			for more := true; more; {
				var err error
				if more, err = db.Sweep(t.Context(), store.Keep{Changes: 365 * 24 * time.Hour, History: db.t.Sub(rows[2].From)}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if diff := cmp.Diff(rows[2:], db.moves(t, store.MovesQuery{})); diff != "" {
			t.Errorf("moves after the frame before the limit stay (-want +got):\n%s", diff)
		}
		db.view(t, func(ctx context.Context, tx *store.Tx) error {
			for _, at := range []time.Time{start, start.Add(2 * time.Hour)} {
				if f, err := tx.Frame(ctx, "", at); f.Seq != 2 || err != nil {
					t.Errorf("the frame that history at %v begins with = %d, %v; want 2", at, f.Seq, err)
				}
			}
			left, err := tx.ScoreRows(ctx, store.ScoreQuery{Scope: "/subscriptions/s"})
			if diff := cmp.Diff(scores[4:], left); diff != "" {
				t.Errorf("score rows (-want +got):\n%s", diff)
			}
			return err
		})
	})
}
