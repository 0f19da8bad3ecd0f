package history

import (
	"context"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// HistoryQuery asks for a score over time.
type HistoryQuery struct {
	Scope    index.Scope
	From, To time.Time // To zero: now; From zero: 30 days before To
	Points   int       // number of equal steps; 0 means 30, at most 1000
}

// HistoryPoint is a score at one time.
type HistoryPoint struct {
	At        time.Time
	Percent   float64
	Current   float64
	Max       int
	Low, High float64 // percent
}

const (
	defaultPoints = 30
	maxPoints     = 1000
)

// times are the instants of a query, oldest first.
func (q HistoryQuery) times(now time.Time) []time.Time {
	if q.To.IsZero() || q.To.After(now) {
		q.To = now
	}
	if q.From.IsZero() {
		q.From = q.To.AddDate(0, 0, -30)
	}
	n := min(q.Points, maxPoints)
	if n <= 0 {
		n = defaultPoints
	}
	if n == 1 || !q.From.Before(q.To) {
		return []time.Time{q.To}
	}
	all := make([]time.Time, n)
	for i := range all {
		all[i] = q.From.Add(q.To.Sub(q.From) * time.Duration(i) / time.Duration(n-1))
	}
	return all
}

// Scores is the score at equal steps between two times. Steps before anything
// was known are left out.
func (l *Log) Scores(ctx context.Context, q HistoryQuery) ([]HistoryPoint, error) {
	v := l.View()
	times := q.times(l.Now())
	var scores []index.Score
	var err error
	if id, ok := Kept(v, q.Scope); ok {
		scores, err = l.summaries(ctx, id, times)
	} else {
		scores, err = l.scoresAt(ctx, v, q.Scope, times)
	}
	if err != nil {
		return nil, err
	}
	points := make([]HistoryPoint, 0, len(times))
	for i, s := range scores {
		if s.Max > 0 || s.High > 0 {
			points = append(points, HistoryPoint{times[i], s.Percent, s.Current, s.Max, s.Low, s.High})
		}
	}
	return points, nil
}

// AsOf is the score as it was at a time, of the resources that were in the scope
// then. For the estate and a subscription it is read from what was written then,
// to the second and, as it gets older, to a step of store.Grains; for other scopes it is computed from the past, see past.
func (l *Log) AsOf(ctx context.Context, scope index.Scope, at time.Time) (index.Score, error) {
	v := l.View()
	id, ok := Kept(v, scope)
	if !ok {
		scores, err := l.scoresAt(ctx, v, scope, []time.Time{at})
		if err != nil {
			return index.Score{}, err
		}
		return scores[0], nil
	}
	var rows []store.ScoreRow
	err := l.Store.View(ctx, func(tx *store.Tx) error {
		var err error
		rows, err = tx.ScoreRows(ctx, store.ScoreQuery{Tenant: l.Tenant, Scope: id, AsOf: at})
		return err
	})
	return readScore(v, rows), err
}

// scoresAt are the scores of a scope at some ascending instants, from its past.
func (l *Log) scoresAt(ctx context.Context, v *index.View, scope index.Scope, times []time.Time) ([]index.Score, error) {
	p, err := l.snapshotOf(ctx, v, scope, times[0])
	if err != nil {
		return nil, err
	}
	defer p.Reset()
	scores := make([]index.Score, len(times))
	err = l.Replay(ctx, p, ReplayOptions{Times: times, At: func(i int) { scores[i] = p.Score() }})
	return scores, err
}

// summaries are the kept scores of a scope at some instants.
func (l *Log) summaries(ctx context.Context, scope string, times []time.Time) ([]index.Score, error) {
	scores := make([]index.Score, len(times))
	err := l.Store.View(ctx, func(tx *store.Tx) error {
		for i, at := range times {
			rows, err := tx.ScoreRows(ctx, store.ScoreQuery{Tenant: l.Tenant, Scope: scope, Control: summaryControl, AsOf: at})
			if err != nil {
				return err
			}
			if len(rows) > 0 {
				scores[i] = summary(rows[0])
			}
		}
		return nil
	})
	return scores, err
}

// Kept reports whether a scope's score is written whenever it changes, and
// under which scope.
func Kept(v *index.View, scope index.Scope) (id string, ok bool) {
	if scope.Tag != "" {
		return "", false
	}
	folded := arm.Fold(scope.ID)
	if folded == "" {
		return "", true
	}
	n, ok := v.Names().Subscriptions.Find(folded)
	return folded, ok && n != record.NoSubscription
}

// readScore puts a score together from its rows.
func readScore(v *index.View, rows []store.ScoreRow) index.Score {
	tallies := make([]index.ControlCounts, len(v.Schema().Controls))
	var s index.Score
	for _, r := range rows {
		if r.Control == summaryControl {
			s = summary(r)
			continue
		}
		for i, c := range v.Schema().Controls {
			if c.ID == r.Control {
				tallies[i] = index.ControlCounts{Healthy: r.Healthy, Unhealthy: r.Unhealthy, Unknown: r.Unknown, NotApplicable: r.NotApplicable}
			}
		}
	}
	pool := index.PoolScore(v.Schema().Controls, tallies, 0)
	s.Known, s.Applicable = pool.Known, pool.Applicable
	return s
}
