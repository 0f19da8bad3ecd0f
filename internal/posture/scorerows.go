package posture

import (
	"math"

	"github.com/rampart-sec/rampart/internal/store"
)

// summaryControl is the control of the row that holds a scope's whole score:
// a weighted score cannot be computed from counts per control. Its counts are
// Percent, Low and High in millionths of a percent and the maximum in points.
const summaryControl = "*"

const millionths = 1e6

// scoreRows are the counts that differ between two epochs, for the estate and
// for every subscription that was touched.
func scoreRows(tenant string, was, now *View) []store.ScoreRow {
	w := &scoreWriter{tenant: tenant, was: was, now: now}
	w.scope("", was.total, now.total, now.estateScore())
	now.subs.each(func(n uint32, s *subscription) bool {
		if n == noSub || s.ledger.epoch != now.seq {
			return true
		}
		var before *ledger
		if old := was.subs.at(n); old != nil {
			before = old.ledger
		}
		w.scope(s.id, before, s.ledger, s.ledger.score(now.shape))
		return true
	})
	return w.rows
}

type scoreWriter struct {
	tenant   string
	was, now *View
	rows     []store.ScoreRow
}

// scope adds the rows of one scope: changed controls and, with them or with a
// changed weight of the parts, the summary.
func (w *scoreWriter) scope(id string, was, now *ledger, score Score) {
	n := len(w.rows)
	for i, t := range now.controls {
		if was == nil && t == (tally{}) || was != nil && i < len(was.controls) && was.controls[i] == t {
			continue
		}
		w.add(id, w.now.shape.controls[i].ID, t)
	}
	if len(w.rows) > n || id == "" && w.was.estateScore() != score {
		w.add(id, summaryControl, tally{
			healthy: scaled(score.Percent), unhealthy: scaled(score.Low), unknown: scaled(score.High), notApplicable: int32(score.Max),
		})
	}
}

func (w *scoreWriter) add(scope, control string, t tally) {
	w.rows = append(w.rows, store.ScoreRow{
		Tenant: w.tenant, Scope: scope, Control: control, At: w.now.at, Seq: w.now.seq,
		Healthy: t.healthy, Unhealthy: t.unhealthy, Unknown: t.unknown, NotApplicable: t.notApplicable,
	})
}

func scaled(percent float64) int32 { return int32(math.Round(percent * millionths)) }

// summary is the score that a summary row holds, without the counts.
func summary(r store.ScoreRow) Score {
	s := Score{
		Percent: float64(r.Healthy) / millionths, Low: float64(r.Unhealthy) / millionths,
		High: float64(r.Unknown) / millionths, Max: int(r.NotApplicable),
	}
	s.Current = s.Percent / 100 * float64(s.Max)
	return s
}
