package index

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/governance"
	"github.com/rampart-sec/rampart/internal/posture/record"
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
	sel := v.Resolve(q.Scope)
	words := strings.Fields(strings.ToLower(q.Text))
	l := v.totalsWith(q.totalsKey(), sel, func(slot uint16) bool {
		still := q
		still.State, still.Status = nil, nil // which there are is what the totals tells
		r := v.schema.Slots[slot]
		return r != nil && still.selects(r, RecommendationCounts{}, words)
	})
	score := v.ScoreOf(sel)
	rows := make([]RecommendationRow, 0, len(v.schema.List))
	for i, r := range v.schema.List {
		slot := v.schema.SlotOf[i]
		if q.selects(r, l.Of(slot), words) {
			rows = append(rows, v.RecommendationRow(sel, l, slot, score.Max))
		}
	}
	return rows
}

// totalsKey tells apart what a query wants of a scope's totals.
func (q *RecommendationQuery) totalsKey() totalsKey {
	return totalsKey{q.Scope, fmt.Sprintf("%q %q %q %q %q", q.Severity, q.Control, q.Type, q.Standard, q.Text)}
}

// RecommendationRow describes a recommendation within a selection of which l are the
// counts and maximum is the highest score.
func (v *View) RecommendationRow(sel Selection, l *Totals, slot uint16, maximum int) RecommendationRow {
	r, t := v.schema.Slots[slot], l.Of(slot)
	return RecommendationRow{
		Recommendation: r, Counts: t.counts(), Risk: t.worst(),
		Gain: v.gain(sel, l, slot), PotentialIncrease: v.potential(l, slot, maximum),
		LastChange: lastChange(t), Unassigned: t.tasks(governance.Unassigned), OnTime: t.tasks(governance.OnTime),
		Overdue: t.tasks(governance.Overdue), Completed: t.tasks(governance.Completed),
		FixAvailable: r.Content != nil && r.Content.HasFix(),
	}
}

func lastChange(t RecommendationCounts) time.Time { return record.UnixTime(int64(t.changed)) }

// selects applies the filters of a query to one recommendation.
func (q *RecommendationQuery) selects(r *record.Recommendation, t RecommendationCounts, words []string) bool {
	switch {
	case len(q.Severity) > 0 && !slices.Contains(q.Severity, r.Severity):
		return false
	case len(q.Control) > 0 && (r.Control == nil || !slices.Contains(q.Control, r.Control.ID)):
		return false
	case q.Type != "" && !slices.ContainsFunc(r.Types, func(t string) bool { return strings.EqualFold(t, q.Type) }):
		return false
	case q.Standard != "" && (r.Content == nil || len(r.Content.Standards[q.Standard]) == 0):
		return false
	case len(q.State) > 0 && !slices.ContainsFunc(q.State, func(s record.State) bool { return s <= record.Exempt && t.ByState[s] > 0 }):
		return false
	case len(q.Status) > 0 && !slices.ContainsFunc(q.Status, func(s governance.Status) bool { return t.tasks(s) > 0 }):
		return false
	}
	return r.HasWords(words)
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
			return cmp.Or(cmp.Compare(record.SeverityRank(b.Severity), record.SeverityRank(a.Severity)), cmp.Compare(b.Unhealthy, a.Unhealthy))
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
