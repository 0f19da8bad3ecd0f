package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	_ "embed" // migration
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

//go:embed migrations/0003_compliance.sql
var complianceSchema string

// ComplianceRow is what a standard said of a scope from At on.
type ComplianceRow struct {
	Tenant   string
	Standard string
	Scope    string // "" is the estate, else the id of a subscription
	At       time.Time
	Passed, Failed, Skipped,
	Unsupported int32
	// Controls are the numbers of the standard's controls at the time, States
	// has one letter of the writer's for each.
	Controls []string
	States   string
}

// PutCompliance writes history; of two rows of one scope in the same hour the
// later call's stays.
func (tx *Tx) PutCompliance(ctx context.Context, rows []ComplianceRow) error {
	outlined := map[string]bool{}
	for i := range rows {
		r := &rows[i]
		no, err := tx.tenantNo(ctx, r.Tenant)
		if err != nil {
			return err
		}
		numbers, err := json.Marshal(r.Controls)
		if err != nil {
			return fmt.Errorf("put compliance: %w", err)
		}
		sum := sha256.Sum256(numbers)
		outline := hex.EncodeToString(sum[:8])
		if key := r.Tenant + " " + r.Standard + " " + outline; !outlined[key] {
			outlined[key] = true
			_, err := tx.exec(ctx, `INSERT INTO compliance_outlines (tenant, standard, outline, numbers) VALUES ($1, $2, $3, $4)
				ON CONFLICT (tenant, standard, outline) DO NOTHING`, no, r.Standard, outline, compress(numbers))
			if err != nil {
				return fmt.Errorf("put compliance outline: %w", err)
			}
		}
		_, err = tx.exec(ctx, `INSERT INTO compliance (tenant, standard, scope_key, hour, at, passed, failed, skipped, unsupported, outline, states)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (tenant, standard, scope_key, hour) DO UPDATE SET at = excluded.at,
			passed = excluded.passed, failed = excluded.failed, skipped = excluded.skipped, unsupported = excluded.unsupported,
			outline = excluded.outline, states = excluded.states`, no, r.Standard, arm.Fold(r.Scope), micros(r.At.Truncate(time.Hour)), micros(r.At),
			r.Passed, r.Failed, r.Skipped, r.Unsupported, outline, r.States)
		if err != nil {
			return fmt.Errorf("put compliance: %w", err)
		}
	}
	return nil
}

// ComplianceQuery selects the history of one standard at one scope.
type ComplianceQuery struct {
	Tenant, Standard, Scope string
	// From and To bound the rows' times, both included; a zero bound is open.
	// The newest row before From comes first: it says what was so at From.
	From, To time.Time
}

const complianceColumns = `SELECT c.standard, c.scope_key, c.at, c.passed, c.failed, c.skipped, c.unsupported, c.states, o.numbers
	FROM compliance c JOIN compliance_outlines o ON o.tenant = c.tenant AND o.standard = c.standard AND o.outline = c.outline WHERE c.tenant = $1 `

func scanCompliance(tenant string) func(*sql.Rows) (ComplianceRow, error) {
	outlines := map[string][]string{} // rows of one standard repeat theirs
	return func(r *sql.Rows) (ComplianceRow, error) {
		row := ComplianceRow{Tenant: tenant}
		var at int64
		var numbers []byte
		err := r.Scan(&row.Standard, &row.Scope, &at, &row.Passed, &row.Failed, &row.Skipped, &row.Unsupported, &row.States, &numbers)
		row.At = fromMicros(at)
		if err != nil {
			return row, err
		}
		if row.Controls = outlines[string(numbers)]; row.Controls != nil {
			return row, nil
		}
		plain, err := decompress(nil, numbers)
		if err == nil {
			err = json.Unmarshal(plain, &row.Controls)
		}
		outlines[string(numbers)] = row.Controls
		return row, err
	}
}

// ComplianceHistory reads rows ordered by time.
func (tx *Tx) ComplianceHistory(ctx context.Context, q ComplianceQuery) ([]ComplianceRow, error) {
	no, err := tx.tenantNo(ctx, q.Tenant)
	if err != nil {
		return nil, err
	}
	rows, err := collect(ctx, tx, scanCompliance(q.Tenant), complianceColumns+`AND c.standard = $2 AND c.scope_key = $3 AND c.at <= $5
		AND c.hour >= coalesce((SELECT max(x.hour) FROM compliance x WHERE x.tenant = $1 AND x.standard = $2 AND x.scope_key = $3 AND x.at <= $4), $4)
		ORDER BY c.hour`, no, q.Standard, arm.Fold(q.Scope), lowerBound(q.From), upperBound(q.To))
	if err != nil {
		return nil, fmt.Errorf("read compliance history: %w", err)
	}
	return rows, nil
}

// LatestCompliance reads the newest row of every standard at every scope.
func (tx *Tx) LatestCompliance(ctx context.Context, tenant string) ([]ComplianceRow, error) {
	no, err := tx.tenantNo(ctx, tenant)
	if err != nil {
		return nil, err
	}
	rows, err := collect(ctx, tx, scanCompliance(tenant), complianceColumns+`AND (c.standard, c.scope_key, c.hour) IN
		(SELECT standard, scope_key, max(hour) FROM compliance WHERE tenant = $1 GROUP BY standard, scope_key)`, no)
	if err != nil {
		return nil, fmt.Errorf("read compliance: %w", err)
	}
	return rows, nil
}

// ForgetCompliance removes the history of a standard.
func (tx *Tx) ForgetCompliance(ctx context.Context, tenant, standard string) error {
	no, err := tx.tenantNo(ctx, tenant)
	if err != nil {
		return err
	}
	for _, table := range []string{"compliance", "compliance_outlines"} {
		if _, err := tx.exec(ctx, `DELETE FROM `+table+` WHERE tenant = $1 AND standard = $2`, no, standard); err != nil {
			return fmt.Errorf("forget compliance of %s: %w", standard, err)
		}
	}
	return nil
}

// Retention of compliance history: every hour's row for two days, a day's last
// one for 400 days. The newest row beyond that stays: it says what was so at
// the beginning of what is kept.
const (
	hourlyCompliance = 48 * time.Hour
	dailyCompliance  = 400 * 24 * time.Hour
)

// SweepCompliance removes history beyond its retention, at most a bounded
// number of rows, and reports whether more is left. Days before since are
// taken as swept; zero looks at all.
func (db *DB) SweepCompliance(ctx context.Context, since time.Time) (more bool, err error) {
	const most, day = 5000, int64(24 * time.Hour / time.Microsecond)
	const later = ` AND EXISTS (SELECT 1 FROM compliance x WHERE x.tenant = c.tenant AND x.standard = c.standard AND x.scope_key = c.scope_key AND x.hour > c.hour AND x.hour < `
	sweep := func(tx *Tx, where string, args ...any) error {
		n, err := tx.exec(ctx, `DELETE FROM compliance WHERE (tenant, standard, scope_key, hour) IN
			(SELECT c.tenant, c.standard, c.scope_key, c.hour FROM compliance c WHERE `+where+`) LIMIT $1)`, append([]any{most}, args...)...)
		more = more || n == most
		return err
	}
	err = db.Update(ctx, func(tx *Tx) error {
		more = false
		err := sweep(tx, `c.hour < $2`+later+`$2`, micros(tx.at.Add(-dailyCompliance)))
		if err != nil {
			return fmt.Errorf("sweep compliance: %w", err)
		}
		err = sweep(tx, `c.hour < $2 AND c.hour >= $3`+later+`c.hour - c.hour % $4 + $4`, micros(tx.at.Add(-hourlyCompliance).Truncate(24*time.Hour)), lowerBound(since), day)
		if err != nil {
			return fmt.Errorf("thin compliance: %w", err)
		}
		return nil
	})
	return more, err
}
