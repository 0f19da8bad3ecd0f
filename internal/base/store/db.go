package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Options says where the data are and what the store may rely on.
type Options struct {
	// URL is "sqlite:PATH" (the file is made if absent, its directory is not)
	// or "postgres://...".
	URL string
	// SyncFull makes every SQLite commit wait for the disk. Without it a kill
	// of the process loses nothing, but a power cut may lose the last commits
	// (never the consistency of the file). PostgreSQL follows its own setting.
	SyncFull bool
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Log takes what an operator should know; nil discards it.
	Log *slog.Logger
}

// DB is an open store. It is safe for concurrent use.
type DB struct {
	dialect
	pool    *sql.DB
	writers *sessions // SQLite has one
	readers *sessions
	now     func() time.Time
	log     *slog.Logger

	closing sync.Once
	closed  error        // what Close says
	unlock  func() error // releases the data directory; nil if there is none
	wakeups broadcast
	tenants sync.Map // tenant id -> int64; dropped tenants are removed
}

// Open opens or creates the store and migrates it forward. What an operator
// must act on is one of ErrInUse, ErrNewer, ErrReadOnly and ErrFull, wrapped
// in a message that says what to do.
func Open(ctx context.Context, o Options) (*DB, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	db, err := connect(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := db.prepare(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// connect chooses the engine by the URL's scheme.
func connect(ctx context.Context, o Options) (*DB, error) {
	scheme, rest := cutScheme(o.URL)
	switch scheme {
	case "sqlite":
		return openSQLite(ctx, o, rest)
	case "postgres", "postgresql":
		return openPostgres(ctx, o)
	}
	return nil, fmt.Errorf("open store: %q is neither sqlite:PATH nor a postgres:// URL", scheme)
}

// prepare brings the schema and the default tenant to where the code expects
// them.
func (db *DB) prepare(ctx context.Context) error {
	if err := db.migrate(ctx); err != nil {
		return err
	}
	return db.Update(ctx, func(tx *Tx) error {
		_, err := tx.PutTenant(ctx, Tenant{ID: DefaultTenant, Name: "Default directory", Kind: TenantReal})
		return err
	})
}

// Close waits for transactions under way and releases connections and the data
// directory. The DB is of no use afterwards; closing it again says the same.
func (db *DB) Close() error {
	db.closing.Do(func() { db.closed = db.release() })
	return db.closed
}

func (db *DB) release() error {
	errs := []error{db.writers.close(), db.readers.close(), db.pool.Close()}
	if db.unlock != nil {
		errs = append(errs, db.unlock())
	}
	return errors.Join(errs...)
}

// Update runs f in one write transaction and commits it if f returns nil. A
// statement that failed dooms the transaction even if f ignores its error.
// SQLite has a single writer, so f should not wait for anything. On PostgreSQL
// f runs again when the engine reports a conflict with another transaction: it
// must have no effect outside the Tx until Update returns nil.
func (db *DB) Update(ctx context.Context, f func(*Tx) error) error {
	const attempts = 10
	var err error
	for i := range attempts {
		if err = db.update(ctx, i > 0, f); err == nil || !db.retriable(err) {
			return db.explain(err)
		}
		if err := pause(ctx, time.Duration(i+1)*5*time.Millisecond); err != nil {
			return err
		}
	}
	return fmt.Errorf("transaction lost %d times against others: %w", attempts, err)
}

func (db *DB) update(ctx context.Context, again bool, f func(*Tx) error) error {
	changed := false
	err := db.within(ctx, db.writers, db.beginWrite(), func(tx *Tx) error {
		if again {
			if err := db.queue(ctx, tx); err != nil {
				return err
			}
		}
		err := f(tx)
		changed = tx.changed
		return err
	})
	if err == nil && changed {
		db.wakeups.wake()
	}
	return err
}

// View runs f on one consistent snapshot that sees no later commit. Writes
// through its Tx fail.
func (db *DB) View(ctx context.Context, f func(*Tx) error) error {
	return db.explain(db.within(ctx, db.readers, db.beginRead(), f))
}

// Watch gives a channel that receives after any transaction of this process
// that appended changes has committed. Wakes coalesce: read the feed until it
// is empty, then wait again. The channel is never closed; it is dropped when
// ctx ends.
func (db *DB) Watch(ctx context.Context) <-chan struct{} {
	return db.wakeups.subscribe(ctx)
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
