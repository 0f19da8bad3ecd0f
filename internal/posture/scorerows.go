package posture

import (
	"math"

	"github.com/rampart-sec/rampart/internal/base/store"
)

// summaryControl is the control of the row that holds a scope's whole score:
// a weighted score cannot be computed from counts per control. Its counts are
// Percent, Low and High in millionths of a percent and the maximum in points.
const summaryControl = "*"

const millionths = 1e6

// scoreRows are the counts that differ between two epochs, for the estate and
// for every subscription that was touched. If was has nothing because the judge
// has just started, the past says how things stood.
func scoreRows(tenant string, was, now *View, past *past) []store.ScoreRow {
	w := &scoreWriter{tenant: tenant, now: now}
	if past != nil {
		w.since(past)
		return w.rows
	}
	w.estate(was.totals().controls, was.estateScore())
	now.eachSubscription(func(n uint32, s *subscription) bool {
		if n == noSub || s.ledger.epoch != now.seq {
			return true
		}
		var before []tally
		if old := was.subscription(n); old != nil {
			before = old.ledger.controls
		}
		w.scope(s.id, before, s.ledger.controls, s.ledger.score(now.shape))
		return true
	})
	return w.rows
}

type scoreWriter struct {
	tenant string
	now    *View
	rows   []store.ScoreRow
}

// since adds what differs from the end of the past, in subscriptions that are
// gone too.
func (w *scoreWriter) since(p *past) {
	all := pool{tallies: make([]tally, len(w.now.shape.controls))}
	for _, l := range p.pools {
		all.merge(l)
	}
	w.estate(all.tallies, p.score())
	none := newLedger(0, w.now.shape)
	for id, n := range p.subOf {
		sub, known := w.now.names.subs.find(id)
		if id != "" && (!known || w.now.subscription(sub) == nil) {
			w.scope(id, p.pools[n].tallies, none.controls, none.score(w.now.shape))
		}
	}
	w.now.eachSubscription(func(n uint32, s *subscription) bool {
		if n == noSub {
			return true
		}
		var before []tally
		if n, known := p.subOf[s.id]; known {
			before = p.pools[n].tallies
		}
		w.scope(s.id, before, s.ledger.controls, s.ledger.score(w.now.shape))
		return true
	})
}

// estate adds the rows of the estate. Its summary also changes with the weight
// of the parts.
func (w *scoreWriter) estate(was []tally, before Score) {
	now := w.now.estateScore()
	w.scope("", was, w.now.totals().controls, now)
	if len(w.rows) == 0 && before != now {
		w.summary("", now)
	}
}

// scope adds the rows of one scope: changed controls and, with them, the
// summary.
func (w *scoreWriter) scope(id string, was, now []tally, score Score) {
	n := len(w.rows)
	for i, t := range now {
		if i < len(was) && was[i] == t || i >= len(was) && t == (tally{}) {
			continue
		}
		w.add(id, w.now.shape.controls[i].ID, t)
	}
	if len(w.rows) > n {
		w.summary(id, score)
	}
}

func (w *scoreWriter) summary(id string, score Score) {
	w.add(id, summaryControl, tally{
		healthy: scaled(score.Percent), unhealthy: scaled(score.Low), unknown: scaled(score.High), notApplicable: int32(score.Max),
	})
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
