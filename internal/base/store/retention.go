package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// TombstoneAge is how long a deleted document's id remembers the deletion.
const TombstoneAge = 24 * time.Hour

// Keep says for how long what is past is kept.
type Keep struct {
	// Changes is the age from which changes that every stored position is
	// beyond are forgotten.
	Changes time.Duration
	// History is the age from which moves, frames and score rows are forgotten;
	// what is needed to tell how things stood at that age stays. 0 keeps all.
	History time.Duration
	// Scores thins score rows by age; nil keeps all.
	Scores []Grain
}

// most bounds the rows that one step of a sweep removes.
const most = 5000

// Sweep forgets tombstones older than TombstoneAge and what need not be kept. It
// removes at most a bounded number of rows, so that it never holds the writer
// for long, and reports whether more is left.
func (db *DB) Sweep(ctx context.Context, keep Keep) (more bool, err error) {
	for _, sweep := range []func(*Tx, context.Context, Keep) (bool, error){
		(*Tx).sweepTombstones, (*Tx).sweepChanges, (*Tx).sweepPast, (*Tx).thinScores, (*Tx).sweepScores, (*Tx).sweepAlerts,
	} {
		err := db.Update(ctx, func(tx *Tx) error {
			left, err := sweep(tx, ctx, keep)
			more = more || left
			return err
		})
		if err != nil {
			return false, err
		}
	}
	return more, nil
}

func (tx *Tx) sweepTombstones(ctx context.Context, _ Keep) (more bool, err error) {
	n, err := tx.exec(ctx, `DELETE FROM resources WHERE handle IN
		(SELECT handle FROM resources WHERE deleted_at > 0 AND deleted_at < $1 LIMIT $2)`, micros(tx.at.Add(-TombstoneAge)), most)
	if err != nil {
		return false, fmt.Errorf("sweep tombstones: %w", err)
	}
	return n == most, nil
}

func (tx *Tx) sweepChanges(ctx context.Context, keep Keep) (more bool, err error) {
	n, err := tx.exec(ctx, `DELETE FROM changes WHERE (tenant, part, last_seq) IN
		(SELECT c.tenant, c.part, c.last_seq FROM changes c WHERE c.at < $1
		AND NOT EXISTS (SELECT 1 FROM positions p WHERE p.tenant = c.tenant AND p.part = c.part AND p.seq < c.last_seq) LIMIT $2)`,
		micros(tx.at.Add(-keep.Changes)), most)
	if err != nil {
		return false, fmt.Errorf("sweep changes: %w", err)
	}
	return n == most, nil
}

// bases are the latest frame of each tenant that is at least as old as $1:
// what it tells of what was before can go.
const bases = `SELECT tenant, max(seq) AS seq FROM frames WHERE at < $1 GROUP BY tenant`

// sweepPast removes frames and moves before the frame that history begins with,
// at once: what is left of a past must be whole. Most moves are sealed by then,
// so there are few rows.
func (tx *Tx) sweepPast(ctx context.Context, keep Keep) (more bool, err error) {
	if keep.History == 0 {
		return false, nil
	}
	for _, q := range []string{
		`DELETE FROM moves WHERE EXISTS (SELECT 1 FROM (` + bases + `) b WHERE b.tenant = moves.tenant AND moves.last_seq <= b.seq)`,
		`DELETE FROM frame_blocks WHERE EXISTS (SELECT 1 FROM (` + bases + `) b WHERE b.tenant = frame_blocks.tenant AND frame_blocks.seq < b.seq)`,
		`DELETE FROM frames WHERE EXISTS (SELECT 1 FROM (` + bases + `) b WHERE b.tenant = frames.tenant AND frames.seq < b.seq)`,
	} {
		if _, err := tx.exec(ctx, q, micros(tx.at.Add(-keep.History))); err != nil {
			return false, fmt.Errorf("sweep past: %w", err)
		}
	}
	return false, nil
}

// sweepScores removes the score rows of each scope and control before the one
// that held when history begins. It goes from key to key through the index: most
// have nothing to remove.
func (tx *Tx) sweepScores(ctx context.Context, keep Keep) (more bool, err error) {
	if keep.History == 0 {
		return false, nil
	}
	before := micros(tx.at.Add(-keep.History))
	tenant, scope, control := int64(-1), "", ""
	for removed := int64(0); removed < most; {
		err := tx.row(ctx, []any{&tenant, &scope, &control}, `SELECT tenant, scope_key, control FROM scores
			WHERE (tenant, scope_key, control) > ($1, $2, $3) ORDER BY tenant, scope_key, control LIMIT 1`, tenant, scope, control)
		if errors.Is(err, sql.ErrNoRows) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("sweep score rows: %w", err)
		}
		n, err := tx.exec(ctx, `DELETE FROM scores WHERE tenant = $1 AND scope_key = $2 AND control = $3 AND at IN
			(SELECT s.at FROM scores s WHERE s.tenant = $1 AND s.scope_key = $2 AND s.control = $3 AND s.at <
			(SELECT max(b.at) FROM scores b WHERE b.tenant = $1 AND b.scope_key = $2 AND b.control = $3 AND b.at <= $4) ORDER BY s.at LIMIT $5)`,
			tenant, scope, control, before, most)
		if err != nil {
			return false, fmt.Errorf("sweep score rows: %w", err)
		}
		removed += n
	}
	return true, nil
}
