package store

import (
	"context"
	"database/sql"
	_ "embed" // migration
	"encoding/json"
	"fmt"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

//go:embed migrations/0007_images.sql
var imageSchema string

// ImageRow is an image of a connected registry and where it stands in the life
// cycle of scans.
type ImageRow struct {
	Tenant    string
	Connector string
	Digest    string   // "sha256:..."
	Names     []string // REPOSITORY:TAG, or REPOSITORY of an image without a tag
	Platform  string
	Status    int    // the numbers are the writer's
	Reason    string // of the last failure
	Attempts  int    // since the last success
	Queued    time.Time
	Next      time.Time // when its turn is, if its status is one that is waited in
	Scanned   time.Time // zero if it never was
	// Inventory is what was found in it, JSON; nil if it was never scanned, or
	// was not asked for.
	Inventory json.RawMessage
}

// PutImage writes a row over the one of the same digest.
func (tx *Tx) PutImage(ctx context.Context, r ImageRow) error {
	no, err := tx.tenantNo(ctx, r.Tenant)
	if err != nil {
		return err
	}
	names, err := json.Marshal(r.Names)
	if err != nil {
		return fmt.Errorf("put image %s: %w", r.Digest, err)
	}
	if r.Inventory == nil {
		r.Inventory = json.RawMessage{}
	}
	_, err = tx.exec(ctx, `INSERT INTO images (tenant, connector, digest, names, platform, status, reason, attempts, queued_at, next_at, scanned_at, inventory)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (tenant, connector, digest) DO UPDATE SET names = excluded.names,
		platform = excluded.platform, status = excluded.status, reason = excluded.reason, attempts = excluded.attempts, queued_at = excluded.queued_at,
		next_at = excluded.next_at, scanned_at = excluded.scanned_at, inventory = excluded.inventory`, no, r.Connector, r.Digest, names, r.Platform,
		r.Status, r.Reason, r.Attempts, micros(r.Queued), micros(r.Next), micros(r.Scanned), compress(r.Inventory))
	if err != nil {
		return fmt.Errorf("put image %s: %w", r.Digest, err)
	}
	return nil
}

const imageColumns = `connector, digest, names, platform, status, reason, attempts, queued_at, next_at, scanned_at`

func scanImage(tenant string, inventory bool) func(*sql.Rows) (ImageRow, error) {
	return func(rows *sql.Rows) (ImageRow, error) {
		r := ImageRow{Tenant: tenant}
		var names, body []byte
		var queued, next, scanned int64
		into := []any{&r.Connector, &r.Digest, &names, &r.Platform, &r.Status, &r.Reason, &r.Attempts, &queued, &next, &scanned}
		if inventory {
			into = append(into, &body)
		}
		if err := rows.Scan(into...); err != nil {
			return r, err
		}
		body, err := decompress(nil, body)
		if err != nil {
			return r, err
		}
		if len(body) > 0 {
			r.Inventory = body
		}
		r.Queued, r.Next, r.Scanned = fromMicros(queued), fromMicros(next), fromMicros(scanned)
		return r, json.Unmarshal(names, &r.Names)
	}
}

// Image reads one image with its inventory; arm.NotFound if there is none.
func (tx *Tx) Image(ctx context.Context, tenant, connector, digest string) (*ImageRow, error) {
	no, err := tx.tenantNo(ctx, tenant)
	if err != nil {
		return nil, err
	}
	rows, err := collect(ctx, tx, scanImage(tenant, true), `SELECT `+imageColumns+`, inventory FROM images WHERE tenant = $1 AND connector = $2 AND digest = $3`+tx.db.forUpdate(), no, connector, digest)
	if err != nil {
		return nil, fmt.Errorf("read image %s: %w", digest, err)
	}
	if len(rows) == 0 {
		return nil, arm.NotFound(digest)
	}
	return &rows[0], nil
}

// ImageQuery selects images without their inventories, by connector and digest.
type ImageQuery struct {
	Tenant    string
	Connector string // "" is all
	Status    int
	ByStatus  bool      // those of Status alone, in the order of their turn
	Due       time.Time // with ByStatus: those whose turn is not after it
	// After continues behind an image of the page before; not with ByStatus.
	After *ImageRow
	Limit int // 0 is 1000
}

// Images lists images.
func (tx *Tx) Images(ctx context.Context, q ImageQuery) ([]ImageRow, error) {
	no, err := tx.tenantNo(ctx, q.Tenant)
	if err != nil {
		return nil, err
	}
	if q.Limit == 0 {
		q.Limit = 1000
	}
	where, args := `SELECT `+imageColumns+` FROM images WHERE tenant = $1`, []any{no}
	and := func(condition string, values ...any) {
		args = append(args, values...)
		where += " AND " + condition
	}
	if q.Connector != "" {
		and(fmt.Sprintf("connector = $%d", len(args)+1), q.Connector)
	}
	order := "connector, digest"
	switch {
	case q.ByStatus:
		and(fmt.Sprintf("status = $%d AND next_at <= $%d", len(args)+1, len(args)+2), q.Status, micros(q.Due))
		order = "next_at, connector, digest"
	case q.After != nil:
		n := len(args)
		and(fmt.Sprintf("(connector > $%d OR connector = $%d AND digest > $%d)", n+1, n+2, n+3), q.After.Connector, q.After.Connector, q.After.Digest)
	}
	rows, err := collect(ctx, tx, scanImage(q.Tenant, false), fmt.Sprintf("%s ORDER BY %s LIMIT %d", where, order, q.Limit), args...)
	if err != nil {
		return nil, fmt.Errorf("list images: %w", err)
	}
	return rows, nil
}

// DeleteImage removes an image; one that is not there is no error.
func (tx *Tx) DeleteImage(ctx context.Context, tenant, connector, digest string) error {
	no, err := tx.tenantNo(ctx, tenant)
	if err != nil {
		return err
	}
	if _, err := tx.exec(ctx, `DELETE FROM images WHERE tenant = $1 AND connector = $2 AND digest = $3`, no, connector, digest); err != nil {
		return fmt.Errorf("delete image %s: %w", digest, err)
	}
	return nil
}
