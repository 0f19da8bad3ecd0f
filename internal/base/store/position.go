package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Position is how far the named reader has come in one partition; 0 if it
// never stored one.
func (tx *Tx) Position(ctx context.Context, reader, tenant string, partition int) (uint64, error) {
	no, err := tx.tenantNo(ctx, tenant)
	if err != nil {
		return 0, err
	}
	var seq int64
	err = tx.row(ctx, []any{&seq}, `SELECT seq FROM positions WHERE reader = $1 AND tenant = $2 AND part = $3`, reader, no, partition)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("read position of %s: %w", reader, err)
	}
	return uint64(seq), nil
}

// Cursor names a place in the feed.
type Cursor struct {
	Reader    string
	Tenant    string
	Partition int
	Seq       uint64
}

// SetPosition stores the reader's place. Call it in the transaction that holds
// the effect of what was read.
func (tx *Tx) SetPosition(ctx context.Context, c Cursor) error {
	no, err := tx.tenantNo(ctx, c.Tenant)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `INSERT INTO positions (reader, tenant, part, seq) VALUES ($1, $2, $3, $4)
		ON CONFLICT (reader, tenant, part) DO UPDATE SET seq = excluded.seq`, c.Reader, no, c.Partition, int64(c.Seq))
	if err != nil {
		return fmt.Errorf("set position of %s: %w", c.Reader, err)
	}
	return nil
}
