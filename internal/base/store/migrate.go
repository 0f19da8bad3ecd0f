package store

import (
	"context"
	"database/sql"
	_ "embed" // migrations
	"errors"
	"fmt"
	"strings"
)

//go:embed migrations/0001_ground.sql
var ground string

// migrations are applied in order, each once and in one transaction with its
// number. Forward only: the code of the version before must still run on the
// schema after, so a migration adds and never renames. movesOnly takes a table
// away: beside it a judge of the version before fails and tries again until it is
// replaced, which loses nothing.
var migrations = []string{ground, identity, complianceSchema, movesSchema, movesOnly, alertSchema, imageSchema}

// migrate brings an empty or older schema to this program's version and
// refuses a newer one.
func (db *DB) migrate(ctx context.Context) error {
	return db.Update(ctx, func(tx *Tx) error {
		if err := db.lockSchema(ctx, tx); err != nil {
			return fmt.Errorf("lock schema: %w", err)
		}
		have, err := schemaVersion(ctx, tx)
		if err != nil {
			return err
		}
		if have > len(migrations) {
			return fmt.Errorf("%w (schema %d, this program knows %d): start the newer program or name another data directory",
				ErrNewer, have, len(migrations))
		}
		for v := have + 1; v <= len(migrations); v++ {
			if err := apply(ctx, tx, v); err != nil {
				return fmt.Errorf("migrate to schema %d: %w", v, err)
			}
		}
		return nil
	})
}

func schemaVersion(ctx context.Context, tx *Tx) (int, error) {
	if _, err := tx.exec(ctx, `CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)`); err != nil {
		return 0, fmt.Errorf("create version table: %w", err)
	}
	var v int
	err := tx.row(ctx, []any{&v}, `SELECT version FROM schema_version`)
	if errors.Is(err, sql.ErrNoRows) {
		_, err = tx.exec(ctx, `INSERT INTO schema_version (version) VALUES (0)`)
		return 0, err
	}
	return v, err
}

func apply(ctx context.Context, tx *Tx, v int) error {
	for _, stmt := range strings.Split(tx.db.schema(migrations[v-1]), ";\n") {
		if strings.TrimSpace(stmt) == "" {
			continue
		}
		if _, err := tx.exec(ctx, stmt); err != nil {
			return fmt.Errorf("%.60s: %w", strings.TrimSpace(stmt), err)
		}
	}
	_, err := tx.exec(ctx, `UPDATE schema_version SET version = $1`, v)
	return err
}
