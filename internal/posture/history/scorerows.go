package history

import (
	"math"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// summaryControl is the control of the row that holds a scope's whole score:
// a weighted score cannot be computed from counts per control. Its counts are
// Percent, Low and High in millionths of a percent and the maximum in points.
const summaryControl = "*"

const millionths = 1e6

// ScoreRows are the counts that differ between two epochs, for the estate and
// for every subscription that was touched. If was has nothing because the judge
// has just started, the past says how things stood.
func ScoreRows(tenant string, was, now *index.View, past *Snapshot) []store.ScoreRow {
	w := &ScoreWriter{tenant: tenant, Now: now}
	if past != nil {
		w.since(past)
		return w.Rows
	}
	w.estate(was.Totals().Controls, was.EstateScore())
	now.EachSubscription(func(n uint32, s *index.Subscription) bool {
		if n == record.NoSubscription || s.Totals.Epoch != now.Seq() {
			return true
		}
		var before []index.ControlCounts
		if old := was.Subscription(n); old != nil {
			before = old.Totals.Controls
		}
		w.Scope(s.ID, before, s.Totals.Controls, s.Totals.Score(now.Schema()))
		return true
	})
	return w.Rows
}

// ScoreWriter collects the score rows of one transaction.
type ScoreWriter struct {
	tenant string
	Now    *index.View
	Rows   []store.ScoreRow
}

// since adds what differs from the end of the past, in subscriptions that are
// gone too.
func (w *ScoreWriter) since(p *Snapshot) {
	all := index.Pool{Controls: make([]index.ControlCounts, len(w.Now.Schema().Controls))}
	for _, l := range p.Pools {
		all.Merge(l)
	}
	w.estate(all.Controls, p.Score())
	none := index.NewTotals(0, w.Now.Schema())
	for id, n := range p.subOf {
		sub, known := w.Now.Names().Subscriptions.Find(id)
		if id != "" && (!known || w.Now.Subscription(sub) == nil) {
			w.Scope(id, p.Pools[n].Controls, none.Controls, none.Score(w.Now.Schema()))
		}
	}
	w.Now.EachSubscription(func(n uint32, s *index.Subscription) bool {
		if n == record.NoSubscription {
			return true
		}
		var before []index.ControlCounts
		if n, known := p.subOf[s.ID]; known {
			before = p.Pools[n].Controls
		}
		w.Scope(s.ID, before, s.Totals.Controls, s.Totals.Score(w.Now.Schema()))
		return true
	})
}

// estate adds the rows of the estate. Its summary also changes with the weight
// of the parts.
func (w *ScoreWriter) estate(was []index.ControlCounts, before index.Score) {
	now := w.Now.EstateScore()
	w.Scope("", was, w.Now.Totals().Controls, now)
	if len(w.Rows) == 0 && before != now {
		w.summary("", now)
	}
}

// Scope adds the rows of one scope: changed controls and, with them, the
// summary.
func (w *ScoreWriter) Scope(id string, was, now []index.ControlCounts, score index.Score) {
	n := len(w.Rows)
	for i, t := range now {
		if i < len(was) && was[i] == t || i >= len(was) && t == (index.ControlCounts{}) {
			continue
		}
		w.add(id, w.Now.Schema().Controls[i].ID, t)
	}
	if len(w.Rows) > n {
		w.summary(id, score)
	}
}

func (w *ScoreWriter) summary(id string, score index.Score) {
	w.add(id, summaryControl, index.ControlCounts{
		Healthy: scaled(score.Percent), Unhealthy: scaled(score.Low), Unknown: scaled(score.High), NotApplicable: int32(score.Max),
	})
}

func (w *ScoreWriter) add(scope, control string, t index.ControlCounts) {
	w.Rows = append(w.Rows, store.ScoreRow{
		Tenant: w.tenant, Scope: scope, Control: control, At: w.Now.At(), Seq: w.Now.Seq(),
		Healthy: t.Healthy, Unhealthy: t.Unhealthy, Unknown: t.Unknown, NotApplicable: t.NotApplicable,
	})
}

func scaled(percent float64) int32 { return int32(math.Round(percent * millionths)) }

// summary is the score that a summary row holds, without the counts.
func summary(r store.ScoreRow) index.Score {
	s := index.Score{
		Percent: float64(r.Healthy) / millionths, Low: float64(r.Unhealthy) / millionths,
		High: float64(r.Unknown) / millionths, Max: int(r.NotApplicable),
	}
	s.Current = s.Percent / 100 * float64(s.Max)
	return s
}
