package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// ScoreRow counts the resources of one control at one scope from At on.
type ScoreRow struct {
	Tenant  string
	Scope   string // "" is the estate, else the id of a subscription or group
	Control string
	At      time.Time // truncated to the second
	Seq     uint64    // of the feed, as the writer counts it
	Healthy, Unhealthy, Unknown,
	NotApplicable int32
}

// PutScoreRows writes history; two rows of the same second are one, the later
// seq wins.
func (tx *Tx) PutScoreRows(ctx context.Context, rows []ScoreRow) error {
	for i := range rows {
		r := &rows[i]
		no, err := tx.tenantNo(ctx, r.Tenant)
		if err != nil {
			return err
		}
		_, err = tx.exec(ctx, `INSERT INTO scores (tenant, scope_key, control, at, seq, healthy, unhealthy, unknown, not_applicable)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (tenant, scope_key, control, at) DO UPDATE SET seq = excluded.seq,
			healthy = excluded.healthy, unhealthy = excluded.unhealthy, unknown = excluded.unknown, not_applicable = excluded.not_applicable
			WHERE scores.seq <= excluded.seq`, no, arm.Fold(r.Scope), r.Control, micros(r.At.Truncate(time.Second)), int64(r.Seq),
			r.Healthy, r.Unhealthy, r.Unknown, r.NotApplicable)
		if err != nil {
			return fmt.Errorf("put score row: %w", err)
		}
	}
	return nil
}

// ScoreQuery selects score rows of one scope.
type ScoreQuery struct {
	Tenant, Scope string
	// Control narrows to one control; "" is all.
	Control string
	// AsOf, if set, asks for the newest row of each control at or before it;
	// From and To are ignored.
	AsOf time.Time
	// From and To bound the rows' times, both included; a zero bound is open.
	From, To time.Time
}

// controls walks the distinct controls of a scope through the primary key, so
// that a long history is not read to learn fifteen names.
const controls = `WITH RECURSIVE names (control) AS (
	SELECT min(control) FROM scores WHERE tenant = $1 AND scope_key = $2
	UNION ALL
	SELECT (SELECT min(s.control) FROM scores s WHERE s.tenant = $1 AND s.scope_key = $2 AND s.control > names.control)
	FROM names WHERE names.control IS NOT NULL)
	SELECT s.control, s.at, s.seq, s.healthy, s.unhealthy, s.unknown, s.not_applicable
	FROM names n JOIN scores s ON s.tenant = $1 AND s.scope_key = $2 AND s.control = n.control AND `

// ScoreRows reads history ordered by time, then control.
func (tx *Tx) ScoreRows(ctx context.Context, q ScoreQuery) ([]ScoreRow, error) {
	no, err := tx.tenantNo(ctx, q.Tenant)
	if err != nil {
		return nil, err
	}
	args := []any{no, arm.Fold(q.Scope)}
	cond := `s.at = (SELECT max(x.at) FROM scores x WHERE x.tenant = $1 AND x.scope_key = $2 AND x.control = n.control AND x.at <= $3)`
	if q.AsOf.IsZero() {
		cond = `s.at >= $3 AND s.at <= $4`
		args = append(args, lowerBound(q.From), upperBound(q.To))
	} else {
		args = append(args, micros(q.AsOf))
	}
	if q.Control != "" {
		args = append(args, q.Control)
		cond += fmt.Sprintf(` AND s.control = $%d`, len(args))
	}
	rows, err := collect(ctx, tx, func(r *sql.Rows) (ScoreRow, error) {
		row := ScoreRow{Tenant: q.Tenant, Scope: q.Scope}
		var at int64
		err := r.Scan(&row.Control, &at, &row.Seq, &row.Healthy, &row.Unhealthy, &row.Unknown, &row.NotApplicable)
		row.At = fromMicros(at)
		return row, err
	}, controls+cond+` ORDER BY s.at, s.control`, args...)
	if err != nil {
		return nil, fmt.Errorf("read score rows: %w", err)
	}
	return rows, nil
}

func lowerBound(t time.Time) int64 {
	if t.IsZero() {
		return -1 << 62
	}
	return micros(t)
}

func upperBound(t time.Time) int64 {
	if t.IsZero() {
		return 1 << 62
	}
	return micros(t)
}
