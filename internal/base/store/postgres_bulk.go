package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// PostgreSQL's bulk path is COPY: straight into the table for rows whose ids
// do not exist (should another transaction create one meanwhile, the unique
// index fails this one and it runs again), through a staging table for rows to
// update, where the guard skips what would not change.

// few rows are written one statement each: staging costs round trips too.
const few = 16

var resourceCopy = []string{"handle", "tenant", "id_key", "id", "type", "api_version", "source", "source_version",
	"observed_at", "updated_at", "deleted_at", "digest", "unavailable", "body"}

func (e *postgresEngine) insertResources(ctx context.Context, tx *Tx, rows []row) error {
	return copyRows(ctx, tx, "resources", rows)
}

func (e *postgresEngine) updateResources(ctx context.Context, tx *Tx, rows []row) error {
	if len(rows) <= few {
		for i := range rows {
			if err := updateResource(ctx, tx, &rows[i]); err != nil {
				return err
			}
		}
		return nil
	}
	_, err := tx.exec(ctx, `CREATE TEMPORARY TABLE IF NOT EXISTS staging (LIKE resources) ON COMMIT DELETE ROWS`)
	if err != nil {
		return fmt.Errorf("create staging: %w", err)
	}
	if _, err := tx.exec(ctx, `DELETE FROM staging`); err != nil {
		return fmt.Errorf("empty staging: %w", err)
	}
	if err := copyRows(ctx, tx, "staging", rows); err != nil {
		return err
	}
	_, err = tx.exec(ctx, `UPDATE resources r SET id = s.id, type = s.type, api_version = s.api_version, source = s.source,
		source_version = s.source_version, observed_at = s.observed_at, updated_at = s.updated_at, deleted_at = s.deleted_at,
		digest = s.digest, unavailable = s.unavailable, body = s.body FROM staging s WHERE r.handle = s.handle
		AND (r.digest, r.source, r.source_version, r.observed_at, r.deleted_at)
		IS DISTINCT FROM (s.digest, s.source, s.source_version, s.observed_at, s.deleted_at)`)
	if err != nil {
		return fmt.Errorf("update from staging: %w", err)
	}
	return nil
}

func copyRows(ctx context.Context, tx *Tx, table string, rows []row) error {
	source := pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
		r := &rows[i]
		return []any{int64(r.handle), r.tenant, r.key[:], r.doc.ID, r.doc.Type, r.doc.APIVersion, r.doc.Source, r.doc.SourceVersion,
			micros(r.doc.ObservedAt), r.updatedAt, r.deletedAt, r.digest, r.unavailable, r.body}, nil
	})
	err := tx.session.conn.Raw(func(c any) error {
		_, err := c.(*stdlib.Conn).Conn().CopyFrom(ctx, pgx.Identifier{table}, resourceCopy, source)
		return err
	})
	if err != nil {
		return fmt.Errorf("copy into %s: %w", table, err)
	}
	return nil
}
