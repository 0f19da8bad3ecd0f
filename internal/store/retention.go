package store

import (
	"context"
	"fmt"
	"time"
)

// TombstoneAge is how long a deleted document's id remembers the deletion.
const TombstoneAge = 24 * time.Hour

// Sweep forgets tombstones older than TombstoneAge and changes of keep ago or
// older that every stored position is beyond. It removes at most a bounded
// number of rows, so that it never holds the writer for long, and reports
// whether more is left.
func (db *DB) Sweep(ctx context.Context, keep time.Duration) (more bool, err error) {
	const most = 5000
	err = db.Update(ctx, func(tx *Tx) error {
		dead, err := tx.exec(ctx, `DELETE FROM resources WHERE handle IN
			(SELECT handle FROM resources WHERE deleted_at > 0 AND deleted_at < $1 LIMIT $2)`, micros(tx.at.Add(-TombstoneAge)), most)
		if err != nil {
			return fmt.Errorf("sweep tombstones: %w", err)
		}
		read, err := tx.exec(ctx, `DELETE FROM changes WHERE (tenant, part, last_seq) IN
			(SELECT c.tenant, c.part, c.last_seq FROM changes c WHERE c.at < $1
			AND NOT EXISTS (SELECT 1 FROM positions p WHERE p.tenant = c.tenant AND p.part = c.part AND p.seq < c.last_seq) LIMIT $2)`,
			micros(tx.at.Add(-keep)), most)
		if err != nil {
			return fmt.Errorf("sweep changes: %w", err)
		}
		more = dead == most || read == most
		return nil
	})
	return more, err
}
