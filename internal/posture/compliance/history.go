package compliance

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/index"
)

// letters are the states in history rows.
var letters = map[State]byte{Passed: 'P', Failed: 'F', Skipped: 'S', Unsupported: 'U'}

func stateOfLetter(b byte) State {
	for state, letter := range letters {
		if letter == b {
			return state
		}
	}
	return Unsupported
}

// HistoryQuery asks what a standard said of a scope over time: the estate or a
// subscription, see Kept.
type HistoryQuery struct {
	Standard string // id
	Scope    string
	Control  string    // its number: points have its state; "": none have
	From, To time.Time // To zero: now; From zero: 30 days before To
}

// Point is what was so from At on.
type Point struct {
	At time.Time
	Counts
	Control State // of the control asked for, "" where it was not in the standard
}

// Kept reports whether history is kept of a scope.
func Kept(scope index.Scope) bool {
	id, err := arm.ParseID("/" + scope.ID)
	return scope.Tag == "" && err == nil && (scope.ID == "" || id.Type() == arm.TypeSubscription)
}

// History are the changes between two times, oldest first; the first point is
// what was so at From, if that is known.
func (c *Records) History(ctx context.Context, tenant string, q HistoryQuery) ([]Point, error) {
	if q.To.IsZero() {
		q.To = c.opt.Now()
	}
	if q.From.IsZero() {
		q.From = q.To.AddDate(0, 0, -30)
	}
	rows, err := c.rows(ctx, tenant, q)
	if err != nil {
		return nil, err
	}
	points := make([]Point, 0, len(rows))
	for i := range rows {
		p := Point{At: rows[i].At, Counts: countsOf(&rows[i]), Control: stateIn(&rows[i], q.Control)}
		if p.At.Before(q.From) {
			p.At = q.From
		}
		same := len(points) > 0 && points[len(points)-1].Counts == p.Counts && points[len(points)-1].Control == p.Control
		if !same {
			points = append(points, p)
		}
	}
	return points, nil
}

func (c *Records) rows(ctx context.Context, tenant string, q HistoryQuery) (rows []store.ComplianceRow, err error) {
	err = c.view(ctx, func(tx *store.Tx) error {
		rows, err = tx.ComplianceHistory(ctx, store.ComplianceQuery{Tenant: tenant, Standard: q.Standard, Scope: strings.TrimSuffix(q.Scope, "/"), From: q.From, To: q.To})
		return err
	})
	return rows, err
}

// Past is what a standard said at a time.
type Past struct {
	At time.Time // since when it was so
	Counts
	states map[string]State
}

// State is that of a control then, "" if the standard did not have it.
func (p *Past) State(number string) State { return p.states[number] }

// AsOf is what a standard said of a scope at a time; nil if nothing was written
// by then.
func (c *Records) AsOf(ctx context.Context, tenant, standard, scope string, at time.Time) (*Past, error) {
	rows, err := c.rows(ctx, tenant, HistoryQuery{Standard: standard, Scope: scope, From: at, To: at})
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	r := &rows[len(rows)-1]
	p := &Past{At: r.At, Counts: countsOf(r), states: map[string]State{}}
	for i, number := range r.Controls {
		p.states[number] = stateOfLetter(r.States[i])
	}
	return p, nil
}

func countsOf(r *store.ComplianceRow) Counts {
	return Counts{int(r.Passed), int(r.Failed), int(r.Skipped), int(r.Unsupported)}
}

func stateIn(r *store.ComplianceRow, number string) State {
	if i := slices.Index(r.Controls, number); number != "" && i >= 0 {
		return stateOfLetter(r.States[i])
	}
	return ""
}

// Row is a report as a row of history.
func (r *Report) Row(tenant string) store.ComplianceRow {
	row := store.ComplianceRow{Tenant: tenant, Standard: r.Standard.ID, Scope: r.Scope.ID, At: r.At, Passed: int32(r.Passed), Failed: int32(r.Failed),
		Skipped: int32(r.Skipped), Unsupported: int32(r.Unsupported)}
	var states strings.Builder
	for _, c := range r.Controls {
		row.Controls = append(row.Controls, c.Number)
		states.WriteByte(letters[c.State])
	}
	row.States = states.String()
	return row
}
