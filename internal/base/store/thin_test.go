package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/base/store"
)

// someScores are rows of a scope at random times of the last days: bursts of
// seconds, then hours of nothing.
func (db *fixture) someScores(rnd *rand.Rand, scope, control string, days int) (rows []store.ScoreRow) {
	at := db.t.Add(time.Duration(-days) * 24 * time.Hour)
	for at.Before(db.t) {
		for range 1 + rnd.IntN(8) {
			at = at.Add(time.Duration(1+rnd.IntN(200)) * time.Second)
			rows = append(rows, store.ScoreRow{Scope: scope, Control: control, At: at, Seq: uint64(len(rows) + 1), Healthy: int32(len(rows))})
		}
		at = at.Add(time.Duration(rnd.IntN(days*3600/10)) * time.Second)
	}
	return rows
}

// thinned are the rows of one scope and control that must stay: the first, and
// each that no other follows in its step.
func thinned(rows []store.ScoreRow, now time.Time, grains []store.Grain) (stay []store.ScoreRow) {
	for i, r := range rows {
		keep := true
		for _, g := range grains {
			end := r.At.Truncate(g.Step).Add(g.Step)
			if end.After(now.Add(-g.Age)) {
				continue // the step is not old enough
			}
			keep = keep && !slices.ContainsFunc(rows[i+1:], func(l store.ScoreRow) bool { return l.At.Before(end) })
		}
		if keep || i == 0 {
			stay = append(stay, r)
		}
	}
	return stay
}

// sweep sweeps until nothing is left to do.
func (db *fixture) sweep(t testing.TB, keep store.Keep) (steps int) {
	t.Helper()
	for more := true; more; steps++ {
		var err error
		if more, err = db.Sweep(t.Context(), keep); err != nil {
			t.Fatal(err)
		}
	}
	return steps
}

func (db *fixture) scores(t testing.TB, scope, control string) (rows []store.ScoreRow) {
	t.Helper()
	db.view(t, func(ctx context.Context, tx *store.Tx) (err error) {
		rows, err = tx.ScoreRows(ctx, store.ScoreQuery{Scope: scope, Control: control})
		return err
	})
	return rows
}

// TestThinScores thins rows again and again while time passes and more come.
func TestThinScores(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		rnd := rand.New(rand.NewPCG(4, 4))
		db.t = time.Date(2026, 3, 1, 12, 17, 3, 0, time.UTC)
		all := map[[2]string][]store.ScoreRow{}
		for _, scope := range []string{"", "/subscriptions/a", "/subscriptions/b"} {
			for _, control := range []string{"*", "x"} {
				rows := db.someScores(rnd, scope, control, 800)
				all[[2]string{scope, control}] = rows
				db.update(t, func(ctx context.Context, tx *store.Tx) error { return tx.PutScoreRows(ctx, rows) })
			}
		}
		keep := store.Keep{Changes: time.Hour, Scores: store.Grains}
		before, after := 0, 0
		for range 6 {
			db.sweep(t, keep)
			before, after = 0, 0
			for key, rows := range all {
				got := db.scores(t, key[0], key[1])
				before, after = before+len(rows), after+len(got)
				if diff := cmp.Diff(thinned(rows, db.t, store.Grains), got); diff != "" {
					t.Fatalf("%v at %v (-want +got):\n%s", key, db.t, diff)
				}
			}
			// A whole number of hours: rows are thinned no more often.
			db.advance(time.Duration(1+rnd.IntN(24*40)) * time.Hour)
		}
		if after > before/2 {
			t.Errorf("%d of %d rows stay: this tests little", after, before)
		}
	})
}

// TestThinnedAsOf asks at random times what is left of rows: it must be what held
// then or less than a step before, back to the age to which history is kept.
func TestThinnedAsOf(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		for _, days := range []int{3, 40, 700} {
			rnd := rand.New(rand.NewPCG(uint64(days), 5))
			scope := fmt.Sprintf("/subscriptions/%d", days)
			rows := db.someScores(rnd, scope, "*", 2*days)
			db.update(t, func(ctx context.Context, tx *store.Tx) error { return tx.PutScoreRows(ctx, rows) })
			history := time.Duration(days)*24*time.Hour + time.Duration(rnd.IntN(3600))*time.Second
			for range 5 {
				db.sweep(t, store.Keep{Changes: time.Hour, History: history, Scores: store.Grains})
				db.view(t, func(ctx context.Context, tx *store.Tx) error {
					for range 200 {
						at := db.t.Add(-time.Duration(rnd.Int64N(int64(history))))
						got, err := tx.ScoreRows(ctx, store.ScoreQuery{Scope: scope, Control: "*", AsOf: at})
						if err != nil {
							return err
						}
						if len(got) != 1 || !heldThen(rows, got[0], at, db.t) {
							t.Fatalf("history of %v, as of %v: %+v", history, at, got)
						}
					}
					return nil
				})
				db.advance(time.Duration(rnd.IntN(7200)) * time.Second)
			}
		}
	})
}

// heldThen reports whether a row held at a time or less than a step of its age
// before.
func heldThen(rows []store.ScoreRow, got store.ScoreRow, at, now time.Time) bool {
	var step time.Duration
	for _, g := range store.Grains {
		if now.Sub(at) >= g.Age {
			step = g.Step
		}
	}
	i := slices.IndexFunc(rows, func(r store.ScoreRow) bool { return r.At.Equal(got.At) })
	return i >= 0 && !got.At.After(at) && (i+1 == len(rows) || rows[i+1].At.After(at.Add(-step)))
}
