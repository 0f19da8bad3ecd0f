package posture

import (
	"context"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
)

// HistoryQuery asks for a score over time.
type HistoryQuery struct {
	Scope    Scope
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
	v := l.view()
	times := q.times(l.now())
	var scores []Score
	var err error
	if id, ok := kept(v, q.Scope); ok {
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
func (l *Log) AsOf(ctx context.Context, scope Scope, at time.Time) (Score, error) {
	v := l.view()
	id, ok := kept(v, scope)
	if !ok {
		scores, err := l.scoresAt(ctx, v, scope, []time.Time{at})
		if err != nil {
			return Score{}, err
		}
		return scores[0], nil
	}
	var rows []store.ScoreRow
	err := l.store.View(ctx, func(tx *store.Tx) error {
		var err error
		rows, err = tx.ScoreRows(ctx, store.ScoreQuery{Tenant: l.tenant, Scope: id, AsOf: at})
		return err
	})
	return readScore(v, rows), err
}

// scoresAt are the scores of a scope at some ascending instants, from its past.
func (l *Log) scoresAt(ctx context.Context, v *View, scope Scope, times []time.Time) ([]Score, error) {
	p, err := l.pastOf(ctx, v, scope, times[0])
	if err != nil {
		return nil, err
	}
	defer p.reset()
	scores := make([]Score, len(times))
	err = l.travel(ctx, p, trip{times: times, at: func(i int) { scores[i] = p.score() }})
	return scores, err
}

// summaries are the kept scores of a scope at some instants.
func (l *Log) summaries(ctx context.Context, scope string, times []time.Time) ([]Score, error) {
	scores := make([]Score, len(times))
	err := l.store.View(ctx, func(tx *store.Tx) error {
		for i, at := range times {
			rows, err := tx.ScoreRows(ctx, store.ScoreQuery{Tenant: l.tenant, Scope: scope, Control: summaryControl, AsOf: at})
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

// kept reports whether a scope's score is written whenever it changes, and
// under which scope.
func kept(v *View, scope Scope) (id string, ok bool) {
	if scope.Tag != "" {
		return "", false
	}
	folded := arm.Fold(scope.ID)
	if folded == "" {
		return "", true
	}
	n, ok := v.names.subs.find(folded)
	return folded, ok && n != noSub
}

// readScore puts a score together from its rows.
func readScore(v *View, rows []store.ScoreRow) Score {
	tallies := make([]tally, len(v.shape.controls))
	var s Score
	for _, r := range rows {
		if r.Control == summaryControl {
			s = summary(r)
			continue
		}
		for i, c := range v.shape.controls {
			if c.ID == r.Control {
				tallies[i] = tally{r.Healthy, r.Unhealthy, r.Unknown, r.NotApplicable}
			}
		}
	}
	pool := poolScore(v.shape.controls, tallies, 0)
	s.Known, s.Applicable = pool.Known, pool.Applicable
	return s
}
