package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// postgresEngine is the dialect of PostgreSQL through pgx.
type postgresEngine struct{ name string }

// openPostgres connects to a server. The pool is bounded: a node needs few
// connections and the server has a limit for all.
func openPostgres(ctx context.Context, o Options) (*DB, error) {
	cfg, err := pgx.ParseConfig(o.URL)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err) // pgx leaves the password out
	}
	pool := stdlib.OpenDB(*cfg)
	db := &DB{dialect: &postgresEngine{name: cfg.Database}, pool: pool, now: o.Now, log: o.Log}
	open := func(ctx context.Context) (*session, error) {
		conn, err := pool.Conn(ctx)
		if err != nil {
			return nil, connectError{err}
		}
		return &session{conn: conn}, nil
	}
	db.writers, db.readers = newSessions(8, open), newSessions(8, open)
	return db, nil
}

// schema: text sorts by bytes, as in SQLite, so that pages have one order.
func (e *postgresEngine) schema(ddl string) string {
	return strings.NewReplacer("BYTES", "BYTEA", "HANDLE_KEY", "BIGINT PRIMARY KEY", "AUDIT_KEY", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
		" COMPACT", "", " TEXT ", ` TEXT COLLATE "C" `).Replace(ddl) + ";\nCREATE SEQUENCE IF NOT EXISTS handles AS BIGINT"
}

// Keys of the advisory locks, arbitrary but fixed.
const (
	schemaLock = 7023186457
	queueLock  = 7023186458
)

func (e *postgresEngine) lockSchema(ctx context.Context, tx *Tx) error {
	_, err := tx.exec(ctx, `SELECT pg_advisory_xact_lock($1)`, schemaLock)
	return err
}

func (e *postgresEngine) queue(ctx context.Context, tx *Tx) error {
	_, err := tx.exec(ctx, `SELECT pg_advisory_xact_lock($1)`, queueLock)
	return err
}

// beginWrite: with row locks taken before rows are judged, READ COMMITTED is
// enough, and a partition's hot row does not make transactions fail.
func (e *postgresEngine) beginWrite() string { return "BEGIN ISOLATION LEVEL READ COMMITTED" }
func (e *postgresEngine) beginRead() string {
	return "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
}
func (e *postgresEngine) forUpdate() string { return " FOR UPDATE" }

func (e *postgresEngine) handles(ctx context.Context, tx *Tx, n int) ([]uint32, error) {
	return collect(ctx, tx, func(r *sql.Rows) (uint32, error) {
		var h int64
		err := r.Scan(&h)
		if h > maxHandle {
			return 0, errHandles
		}
		return uint32(h), err
	}, `SELECT nextval('handles') FROM generate_series(1, $1)`, n)
}

func (e *postgresEngine) inKeys(keys [][]byte) (string, []any) { return "= ANY ($2)", []any{keys} }

func (e *postgresEngine) inHandles(hs []uint32) (string, []any) {
	wide := make([]int64, len(hs))
	for i, h := range hs {
		wide[i] = int64(h)
	}
	return "= ANY ($1)", []any{wide}
}

// retriable: serialization failure, deadlock, or two transactions that created
// the same row (the second then finds it).
func (e *postgresEngine) retriable(err error) bool {
	var pe *pgconn.PgError
	return errors.As(err, &pe) && (pe.Code == "40001" || pe.Code == "40P01" || pe.Code == "23505")
}

func (e *postgresEngine) explain(err error) error {
	var pe *pgconn.PgError
	if errors.Is(err, ErrNewer) {
		return fmt.Errorf("database %s: %w", e.name, err)
	}
	if !errors.As(err, &pe) {
		return err
	}
	switch pe.Code {
	case "53100": // disk_full
		return fmt.Errorf("%w: %w", ErrFull, insufficientStorage("the disk of the PostgreSQL server is full: free some space, nothing acknowledged is lost"))
	case "25006": // read_only_sql_transaction
		return fmt.Errorf("%w: %w", ErrReadOnly, insufficientStorage("the PostgreSQL server takes no writes (a standby?): name the primary"))
	}
	return err
}

// connectError says on one line what pgx says on several.
type connectError struct{ err error }

func (e connectError) Error() string {
	return "connect to PostgreSQL: " + strings.Join(strings.Fields(e.err.Error()), " ")
}

func (e connectError) Unwrap() error { return e.err }
