package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Tx is a transaction: reads see its own writes. It belongs to the function it
// was handed to and must not be used after that returned or by two goroutines.
type Tx struct {
	db      *DB
	session *session
	at      time.Time
	changed bool  // a change row was appended: the commit wakes readers
	failed  error // first statement that failed; nothing commits after it
}

// within runs f in a transaction on a session of the pool.
func (db *DB) within(ctx context.Context, pool *sessions, begin string, f func(*Tx) error) error {
	s, err := pool.get(ctx)
	if err != nil {
		return err
	}
	defer pool.put(s)
	if _, err := s.conn.ExecContext(ctx, begin); err != nil {
		s.rollback(ctx) // a cancelled begin may still have begun
		return fmt.Errorf("begin: %w", err)
	}
	tx := &Tx{db: db, session: s, at: db.now()}
	done := false
	defer func() {
		if !done {
			s.rollback(ctx)
		}
	}()
	if err := cmp.Or(f(tx), tx.failed); err != nil {
		return err
	}
	if _, err := s.conn.ExecContext(ctx, "COMMIT"); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	done = true
	return nil
}

// Now is the transaction's instant: every row it writes carries the same.
func (tx *Tx) Now() time.Time { return tx.at }

func (tx *Tx) exec(ctx context.Context, q string, args ...any) (int64, error) {
	r, err := tx.session.exec(ctx, q, args)
	if err != nil {
		return 0, tx.fail(err)
	}
	return r.RowsAffected()
}

func (tx *Tx) query(ctx context.Context, q string, args ...any) (*sql.Rows, error) {
	rows, err := tx.session.query(ctx, q, args)
	return rows, tx.fail(err)
}

// row scans the only row of q into dest; no row is sql.ErrNoRows.
func (tx *Tx) row(ctx context.Context, dest []any, q string, args ...any) error {
	rows, err := tx.query(ctx, q, args...)
	if err != nil {
		return err
	}
	err = one(rows, dest)
	if !errors.Is(err, sql.ErrNoRows) {
		tx.fail(err)
	}
	return err
}

// fail remembers the first failure of a statement and gives err back.
func (tx *Tx) fail(err error) error {
	if err != nil && tx.failed == nil {
		tx.failed = err
	}
	return err
}

// one reads exactly one row and closes.
func one(rows *sql.Rows, dest []any) error {
	defer rows.Close()
	if !rows.Next() {
		return cmp.Or(rows.Err(), sql.ErrNoRows)
	}
	if err := rows.Scan(dest...); err != nil {
		return err
	}
	return rows.Err()
}

// collect runs q and reads all rows through scan, which reads one.
func collect[T any](ctx context.Context, tx *Tx, scan func(*sql.Rows) (T, error), q string, args ...any) ([]T, error) {
	rows, err := tx.query(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("read row: %w", err)
		}
		all = append(all, v)
	}
	return all, tx.fail(rows.Err())
}
