package store

import (
	"context"
	"fmt"
)

// SQLite's bulk path is one prepared statement per row: with a single
// connection and no round trip, packing rows into one statement gains nothing
// that binding thousands of parameters does not lose again.

func (e *sqliteEngine) insertResources(ctx context.Context, tx *Tx, rows []row) error {
	stmt, err := tx.session.stmt(ctx, `INSERT INTO resources (handle, tenant, id_key, id, type, api_version, source, source_version,
		observed_at, updated_at, deleted_at, digest, unavailable, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
	if err != nil {
		return err
	}
	for i := range rows {
		r := &rows[i]
		_, err := stmt.ExecContext(ctx, int64(r.handle), r.tenant, r.key[:], r.doc.ID, r.doc.Type, r.doc.APIVersion, r.doc.Source, r.doc.SourceVersion,
			micros(r.doc.ObservedAt), r.updatedAt, r.deletedAt, r.digest, r.unavailable, r.body)
		if err != nil {
			return fmt.Errorf("insert %s: %w", r.doc.ID, err)
		}
	}
	return nil
}

func (e *sqliteEngine) updateResources(ctx context.Context, tx *Tx, rows []row) error {
	for i := range rows {
		if err := updateResource(ctx, tx, &rows[i]); err != nil {
			return err
		}
	}
	return nil
}

// updateResource rewrites one row; both engines use it for few rows.
func updateResource(ctx context.Context, tx *Tx, r *row) error {
	_, err := tx.exec(ctx, `UPDATE resources SET id = $2, type = $3, api_version = $4, source = $5, source_version = $6,
		observed_at = $7, updated_at = $8, deleted_at = $9, digest = $10, unavailable = $11, body = $12 WHERE handle = $1`,
		int64(r.handle), r.doc.ID, r.doc.Type, r.doc.APIVersion, r.doc.Source, r.doc.SourceVersion,
		micros(r.doc.ObservedAt), r.updatedAt, r.deletedAt, r.digest, r.unavailable, r.body)
	if err != nil {
		return fmt.Errorf("update %s: %w", r.doc.ID, err)
	}
	return nil
}
