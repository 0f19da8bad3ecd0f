package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"
)

// AuditRow is one entry of the audit trail: who did what to what, and how it
// ended. Rows are only ever appended.
type AuditRow struct {
	No      int64 // given by the store, ascending
	Tenant  string
	At      time.Time // given by the store
	Actor   string
	Action  string
	Target  string
	Outcome string
	Detail  json.RawMessage // may be empty
}

// AppendAudit adds an entry, in the transaction of what it tells of.
func (tx *Tx) AppendAudit(ctx context.Context, r AuditRow) error {
	no, err := tx.tenantNo(ctx, r.Tenant)
	if err != nil {
		return err
	}
	if r.Detail == nil {
		r.Detail = json.RawMessage{}
	}
	_, err = tx.exec(ctx, `INSERT INTO audit (tenant, at, actor, action, target, outcome, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		no, micros(tx.at), r.Actor, r.Action, r.Target, r.Outcome, []byte(r.Detail))
	if err != nil {
		return fmt.Errorf("append audit: %w", err)
	}
	return nil
}

// AuditQuery selects a page of a tenant's audit trail, newest first.
type AuditQuery struct {
	Tenant string
	Before int64 // continue below this No; 0 starts at the newest
	Limit  int   // 0 is 100
}

// AuditRows reads a page of the audit trail.
func (tx *Tx) AuditRows(ctx context.Context, q AuditQuery) ([]AuditRow, error) {
	no, err := tx.tenantNo(ctx, q.Tenant)
	if err != nil {
		return nil, err
	}
	if q.Before == 0 {
		q.Before = 1 << 62
	}
	if q.Limit == 0 {
		q.Limit = 100
	}
	rows, err := collect(ctx, tx, func(r *sql.Rows) (AuditRow, error) {
		a := AuditRow{Tenant: q.Tenant}
		var at int64
		var detail []byte
		err := r.Scan(&a.No, &at, &a.Actor, &a.Action, &a.Target, &a.Outcome, &detail)
		a.At, a.Detail = fromMicros(at), detail
		return a, err
	}, `SELECT no, at, actor, action, target, outcome, detail FROM audit WHERE tenant = $1 AND no < $2 ORDER BY no DESC LIMIT $3`, no, q.Before, q.Limit)
	if err != nil {
		return nil, fmt.Errorf("read audit: %w", err)
	}
	return rows, nil
}
