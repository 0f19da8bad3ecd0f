package posture

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/governance"
)

// Recommendations is a page of the recommendations of a scope. A bad sort or
// cursor is an *arm.Error.
func (v *View) Recommendations(q RecommendationQuery) (Page[RecommendationRow], error) {
	var page Page[RecommendationRow]
	sort, err := readSort(q.Sort, "risk", "severity", "title", "gain", "unhealthy", "control")
	if err != nil {
		return page, err
	}
	after, paged, err := readCursor(q.After, "recommendations", sort, q.Desc)
	if err != nil {
		return page, err
	}
	rows := v.recommendationRows(q)
	order := recommendationOrder(sort, q.Desc)
	slices.SortFunc(rows, order)
	page.Total = len(rows)
	if paged {
		i := slices.IndexFunc(rows, func(r RecommendationRow) bool { return strings.EqualFold(r.ID, after.Rec) })
		if i < 0 {
			return page, arm.Invalid("The last row of the previous page is gone; ask for the first page again.")
		}
		rows = rows[i+1:]
	}
	if limit := readLimit(q.Limit); len(rows) > limit {
		rows = rows[:limit]
		page.Next = cursor{List: "recommendations", Sort: sort, Desc: q.Desc, Rec: rows[limit-1].ID}.encode()
	}
	page.Rows = rows
	return page, nil
}

// recommendationRows are the rows that a query selects, in no order.
func (v *View) recommendationRows(q RecommendationQuery) []RecommendationRow {
	sel := v.resolve(q.Scope)
	words := strings.Fields(strings.ToLower(q.Text))
	l := v.ledgerWith(q.ledgerKey(), sel, func(slot uint16) bool {
		still := q
		still.State, still.Status = nil, nil // which there are is what the ledger tells
		r := v.shape.slots[slot]
		return r != nil && still.selects(r, recTally{}, words)
	})
	score := v.scoreOf(sel)
	rows := make([]RecommendationRow, 0, len(v.shape.list))
	for i, r := range v.shape.list {
		slot := v.shape.slotOf[i]
		if q.selects(r, l.rec(slot), words) {
			rows = append(rows, v.recommendationRow(sel, l, slot, score.Max))
		}
	}
	return rows
}

// ledgerKey tells apart what a query wants of a scope's ledger.
func (q *RecommendationQuery) ledgerKey() ledgerKey {
	return ledgerKey{q.Scope, fmt.Sprintf("%q %q %q %q %q", q.Severity, q.Control, q.Type, q.Standard, q.Text)}
}

func (v *View) recommendationRow(sel selection, l *ledger, slot uint16, maximum int) RecommendationRow {
	r, t := v.shape.slots[slot], l.rec(slot)
	return RecommendationRow{
		Recommendation: r, Counts: t.counts(), Risk: t.worst(),
		Gain: v.gain(sel, l, slot), PotentialIncrease: v.potential(l, slot, maximum),
		LastChange: lastChange(t), Unassigned: t.tasks(governance.Unassigned), OnTime: t.tasks(governance.OnTime),
		Overdue: t.tasks(governance.Overdue), Completed: t.tasks(governance.Completed),
		FixAvailable: r.Content != nil && r.Content.HasFix(),
	}
}

func lastChange(t recTally) time.Time { return unixTime(int64(t.changed)) }

// selects applies the filters of a query to one recommendation.
func (q *RecommendationQuery) selects(r *Recommendation, t recTally, words []string) bool {
	switch {
	case len(q.Severity) > 0 && !slices.Contains(q.Severity, r.Severity):
		return false
	case len(q.Control) > 0 && (r.Control == nil || !slices.Contains(q.Control, r.Control.ID)):
		return false
	case q.Type != "" && !slices.ContainsFunc(r.Types, func(t string) bool { return strings.EqualFold(t, q.Type) }):
		return false
	case q.Standard != "" && (r.Content == nil || len(r.Content.Standards[q.Standard]) == 0):
		return false
	case len(q.State) > 0 && !slices.ContainsFunc(q.State, func(s State) bool { return s <= Exempt && t.by[s] > 0 }):
		return false
	case len(q.Status) > 0 && !slices.ContainsFunc(q.Status, func(s governance.Status) bool { return t.tasks(s) > 0 }):
		return false
	}
	return r.hasWords(words)
}

// recommendationOrder compares rows: each sort has its natural direction
// (worst, most, first letter first), which desc turns round; ties go by title
// and id.
func recommendationOrder(sort string, desc bool) func(a, b RecommendationRow) int {
	by := map[string]func(a, b RecommendationRow) int{
		"risk": func(a, b RecommendationRow) int {
			return cmp.Or(cmp.Compare(b.Risk, a.Risk), cmp.Compare(b.Gain, a.Gain), cmp.Compare(b.Unhealthy, a.Unhealthy))
		},
		"severity": func(a, b RecommendationRow) int {
			return cmp.Or(cmp.Compare(severityRank(b.Severity), severityRank(a.Severity)), cmp.Compare(b.Unhealthy, a.Unhealthy))
		},
		"title":     func(a, b RecommendationRow) int { return cmp.Compare(a.Title, b.Title) },
		"gain":      func(a, b RecommendationRow) int { return cmp.Compare(b.Gain, a.Gain) },
		"unhealthy": func(a, b RecommendationRow) int { return cmp.Compare(b.Unhealthy, a.Unhealthy) },
		"control":   func(a, b RecommendationRow) int { return cmp.Compare(controlTitle(a), controlTitle(b)) },
	}[sort]
	return func(a, b RecommendationRow) int {
		c := by(a, b)
		if desc {
			c = -c
		}
		return cmp.Or(c, cmp.Compare(a.Title, b.Title), cmp.Compare(a.ID, b.ID))
	}
}

// controlTitle sorts recommendations without a control last.
func controlTitle(r RecommendationRow) string {
	if r.Control == nil {
		return "\xff"
	}
	return r.Control.Title
}
