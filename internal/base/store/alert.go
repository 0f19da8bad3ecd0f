package store

import (
	"context"
	"database/sql"
	_ "embed" // migration
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

//go:embed migrations/0006_alerts.sql
var alertSchema string

// AlertAge is how long alerts are kept after their last event.
const AlertAge = 90 * 24 * time.Hour

// AlertRow is a security alert, or an incident that joins several. What it says
// is in Body; the other fields are what it is found by.
type AlertRow struct {
	Tenant       string
	ID           string
	Subscription string // GUID
	Resource     string // ARM id of what is attacked; compared without case
	Rule         string // id of the rule that raised it
	Group        string // alerts of one group repeat each other
	Incident     string // id of the incident that it belongs to, "" if none
	IsIncident   bool
	Severity     int // higher is worse; the numbers are the writer's
	Status       int
	First, Last  time.Time // of its events
	Body         json.RawMessage
}

// PutAlerts writes alerts over those with the same ids and appends a change of
// KindAlert for each, in the partition of its subscription.
func (tx *Tx) PutAlerts(ctx context.Context, rows []AlertRow) error {
	for i := range rows {
		r := &rows[i]
		no, err := tx.tenantNo(ctx, r.Tenant)
		if err != nil {
			return err
		}
		incident := 0
		if r.IsIncident {
			incident = 1
		}
		_, err = tx.exec(ctx, `INSERT INTO alerts (tenant, id, subscription, resource_key, rule, group_key, incident, is_incident, severity, status, first_at, last_at, body)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (tenant, id) DO UPDATE SET subscription = excluded.subscription,
			resource_key = excluded.resource_key, rule = excluded.rule, group_key = excluded.group_key, incident = excluded.incident,
			is_incident = excluded.is_incident, severity = excluded.severity, status = excluded.status, first_at = excluded.first_at,
			last_at = excluded.last_at, body = excluded.body`, no, r.ID, arm.Fold(r.Subscription), arm.Fold(r.Resource), r.Rule, r.Group, r.Incident,
			incident, r.Severity, r.Status, micros(r.First), micros(r.Last), compress(r.Body))
		if err != nil {
			return fmt.Errorf("put alert %s: %w", r.ID, err)
		}
		part := objectPartition("/subscriptions/" + r.Subscription)
		if _, err := tx.AppendChange(ctx, Change{Tenant: r.Tenant, Partition: part, Kind: KindAlert, Key: r.ID}); err != nil {
			return err
		}
	}
	return nil
}

const alertColumns = `id, subscription, resource_key, rule, group_key, incident, is_incident, severity, status, first_at, last_at, body FROM alerts WHERE tenant = $1`

func scanAlert(tenant string) func(*sql.Rows) (AlertRow, error) {
	return func(r *sql.Rows) (AlertRow, error) {
		row := AlertRow{Tenant: tenant}
		var first, last int64
		var incident int
		var body []byte
		err := r.Scan(&row.ID, &row.Subscription, &row.Resource, &row.Rule, &row.Group, &row.Incident, &incident, &row.Severity, &row.Status, &first, &last, &body)
		if err == nil {
			body, err = decompress(nil, body)
		}
		row.Body, row.IsIncident, row.First, row.Last = body, incident != 0, fromMicros(first), fromMicros(last)
		return row, err
	}
}

// Alert reads one alert or incident; arm.NotFound if there is none.
func (tx *Tx) Alert(ctx context.Context, tenant, id string) (*AlertRow, error) {
	return tx.alert(ctx, tenant, id, "")
}

// LockAlert is Alert for a transaction that will write it back.
func (tx *Tx) LockAlert(ctx context.Context, tenant, id string) (*AlertRow, error) {
	return tx.alert(ctx, tenant, id, tx.db.forUpdate())
}

func (tx *Tx) alert(ctx context.Context, tenant, id, lock string) (*AlertRow, error) {
	no, err := tx.tenantNo(ctx, tenant)
	if err != nil {
		return nil, err
	}
	rows, err := collect(ctx, tx, scanAlert(tenant), `SELECT `+alertColumns+` AND id = $2`+lock, no, id)
	if err != nil {
		return nil, fmt.Errorf("read alert %s: %w", id, err)
	}
	if len(rows) == 0 {
		return nil, arm.NotFound(id)
	}
	return &rows[0], nil
}

// LastAlert reads the newest alert of a group, nil if there is none.
func (tx *Tx) LastAlert(ctx context.Context, tenant, group string) (*AlertRow, error) {
	no, err := tx.tenantNo(ctx, tenant)
	if err != nil {
		return nil, err
	}
	rows, err := collect(ctx, tx, scanAlert(tenant), `SELECT `+alertColumns+` AND group_key = $2 ORDER BY last_at DESC, id DESC LIMIT 1`, no, group)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return &rows[0], nil
}

// AlertQuery selects alerts, the newest first. Zero fields select all.
type AlertQuery struct {
	Tenant       string
	Subscription string // GUID
	Under        string // ARM id: alerts of it and of what is below it
	Rule         string
	Incident     string // the alerts that belong to it
	Incidents    bool   // incidents alone; else alerts alone, unless Both
	Both         bool
	Statuses     []int
	MinSeverity  int
	Since, Until time.Time // bounds of the last event, both included
	// After continues behind an alert of the page before.
	After *AlertPlace
	Limit int // 0 is 100
}

// AlertPlace is where an alert stands in a list.
type AlertPlace struct {
	Last time.Time
	ID   string
}

// where gives the query's conditions and their arguments, numbered from $1.
func (q *AlertQuery) where(no int64) (string, []any) {
	var b strings.Builder
	args := []any{no}
	add := func(clause string, values ...any) {
		for _, v := range values {
			args = append(args, v)
			clause = strings.Replace(clause, "?", fmt.Sprintf("$%d", len(args)), 1)
		}
		b.WriteString(" AND " + clause)
	}
	if q.Subscription != "" {
		add("subscription = ?", arm.Fold(q.Subscription))
	}
	if q.Under != "" {
		key := arm.Fold(q.Under)
		add("(resource_key = ? OR resource_key >= ? AND resource_key < ?)", key, key+"/", key+"0") // '0' follows '/'
	}
	if q.Rule != "" {
		add("rule = ?", q.Rule)
	}
	if q.Incident != "" {
		add("incident = ?", q.Incident)
	}
	if !q.Both {
		kind := 0
		if q.Incidents {
			kind = 1
		}
		add("is_incident = ?", kind)
	}
	if len(q.Statuses) > 0 {
		values := make([]any, len(q.Statuses))
		for i, s := range q.Statuses {
			values[i] = s
		}
		add("status IN (?"+strings.Repeat(", ?", len(values)-1)+")", values...)
	}
	if q.MinSeverity > 0 {
		add("severity >= ?", q.MinSeverity)
	}
	if !q.Since.IsZero() {
		add("last_at >= ?", micros(q.Since))
	}
	if !q.Until.IsZero() {
		add("last_at <= ?", micros(q.Until))
	}
	if q.After != nil {
		at := micros(q.After.Last)
		add("(last_at < ? OR last_at = ? AND id < ?)", at, at, q.After.ID)
	}
	return b.String(), args
}

// Alerts reads a page of alerts.
func (tx *Tx) Alerts(ctx context.Context, q AlertQuery) ([]AlertRow, error) {
	no, err := tx.tenantNo(ctx, q.Tenant)
	if err != nil {
		return nil, err
	}
	where, args := q.where(no)
	if q.Limit == 0 {
		q.Limit = 100
	}
	args = append(args, q.Limit)
	rows, err := collect(ctx, tx, scanAlert(q.Tenant), `SELECT `+alertColumns+where+fmt.Sprintf(` ORDER BY last_at DESC, id DESC LIMIT $%d`, len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("read alerts: %w", err)
	}
	return rows, nil
}

// AlertCount is the number of alerts of a severity and status.
type AlertCount struct {
	Severity, Status, N int
}

// CountAlerts counts what a query selects; After and Limit do not matter.
func (tx *Tx) CountAlerts(ctx context.Context, q AlertQuery) ([]AlertCount, error) {
	no, err := tx.tenantNo(ctx, q.Tenant)
	if err != nil {
		return nil, err
	}
	q.After = nil
	where, args := q.where(no)
	counts, err := collect(ctx, tx, func(r *sql.Rows) (c AlertCount, err error) {
		return c, r.Scan(&c.Severity, &c.Status, &c.N)
	}, `SELECT severity, status, count(*) FROM alerts WHERE tenant = $1`+where+` GROUP BY severity, status ORDER BY severity, status`, args...)
	if err != nil {
		return nil, fmt.Errorf("count alerts: %w", err)
	}
	return counts, nil
}

func (tx *Tx) sweepAlerts(ctx context.Context, _ Keep) (more bool, err error) {
	n, err := tx.exec(ctx, `DELETE FROM alerts WHERE (tenant, id) IN (SELECT tenant, id FROM alerts WHERE last_at < $1 LIMIT $2)`, micros(tx.at.Add(-AlertAge)), most)
	if err != nil {
		return false, fmt.Errorf("sweep alerts: %w", err)
	}
	return n == most, nil
}
