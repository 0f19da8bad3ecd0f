package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// sqliteEngine is the dialect of modernc.org/sqlite, the cgo-free build.
type sqliteEngine struct{ path string }

// openSQLite locks the data directory and opens the file in it. One session
// writes, a few read; WAL mode keeps them out of each other's way.
func openSQLite(ctx context.Context, o Options, path string) (*DB, error) {
	e := &sqliteEngine{path: path}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, e.explain(err)
	}
	unlock, err := lockDirectory(filepath.Dir(path))
	if err != nil {
		return nil, e.explain(fmt.Errorf("open %s: %w", path, err))
	}
	if err := writable(path); err != nil {
		return nil, errors.Join(e.explain(err), unlock())
	}
	pool, err := sql.Open("sqlite", e.dsn(o.SyncFull))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), unlock())
	}
	db := &DB{dialect: e, pool: pool, now: o.Now, log: o.Log, unlock: unlock}
	open := func(pragmas string) func(context.Context) (*session, error) {
		return func(ctx context.Context) (*session, error) {
			conn, err := pool.Conn(ctx)
			if err != nil {
				return nil, err
			}
			if _, err := conn.ExecContext(ctx, pragmas); err != nil {
				return nil, errors.Join(err, conn.Close())
			}
			return &session{conn: conn, stmts: map[string]*sql.Stmt{}}, nil
		}
	}
	// Caches in KB. The writer's holds the inner pages of the indexes of a
	// million documents; readers have the operating system's behind theirs.
	db.writers = newSessions(1, open("PRAGMA cache_size(-65536)"))
	db.readers = newSessions(max(4, runtime.GOMAXPROCS(0)+2), open("PRAGMA cache_size(-8192); PRAGMA query_only(1)"))
	pool.SetMaxIdleConns(1 + cap(db.readers.free))
	return db, nil
}

// dsn sets what every connection needs. NORMAL syncs the log only at
// checkpoints (Options.SyncFull). The log is written back every 128 MB, not
// every 4: an import then writes a page that it changes often once, and waits
// for the disk less.
func (e *sqliteEngine) dsn(full bool) string {
	sync := "normal"
	if full {
		sync = "full"
	}
	q := url.Values{"_pragma": {
		"busy_timeout(10000)", "journal_mode(wal)", "synchronous(" + sync + ")", "foreign_keys(off)",
		"temp_store(memory)", "wal_autocheckpoint(32768)", "journal_size_limit(134217728)",
	}}
	return "file:" + (&url.URL{Path: filepath.ToSlash(e.path)}).EscapedPath() + "?" + q.Encode()
}

// writable says early, and in the operating system's words, what SQLite would
// say late: that the file or its directory cannot be written.
func writable(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func (e *sqliteEngine) schema(ddl string) string {
	return strings.NewReplacer("BYTES", "BLOB", "HANDLE_KEY", "INTEGER PRIMARY KEY", "AUDIT_KEY", "INTEGER PRIMARY KEY AUTOINCREMENT",
		"COMPACT", "WITHOUT ROWID").Replace(ddl)
}

func (e *sqliteEngine) lockSchema(context.Context, *Tx) error { return nil } // the writer is alone
func (e *sqliteEngine) queue(context.Context, *Tx) error      { return nil }
func (e *sqliteEngine) beginWrite() string                    { return "BEGIN IMMEDIATE" }
func (e *sqliteEngine) beginRead() string                     { return "BEGIN DEFERRED" }
func (e *sqliteEngine) forUpdate() string                     { return "" }

func (e *sqliteEngine) handles(ctx context.Context, tx *Tx, n int) ([]uint32, error) {
	var last int64
	err := tx.row(ctx, []any{&last}, `UPDATE counters SET value = value + $1 WHERE name = 'handle' RETURNING value`, n)
	if err != nil {
		return nil, err
	}
	if last > maxHandle {
		return nil, errHandles
	}
	hs := make([]uint32, n)
	for i := range hs {
		hs[i] = uint32(last - int64(n) + 1 + int64(i))
	}
	return hs, nil
}

func (e *sqliteEngine) inKeys(keys [][]byte) (string, []any) {
	args := make([]any, len(keys))
	for i, k := range keys {
		args[i] = k
	}
	return "IN (" + placeholders(len(keys)) + ")", args
}

func (e *sqliteEngine) inHandles(hs []uint32) (string, []any) {
	args := make([]any, len(hs))
	for i, h := range hs {
		args[i] = int64(h)
	}
	return "IN (" + placeholders(len(hs)) + ")", args
}

// placeholders gives "?,?,?": unnumbered, they follow the numbered ones.
func placeholders(n int) string { return strings.TrimSuffix(strings.Repeat("?,", n), ",") }

// retriable is false: the single writer conflicts with nobody.
func (e *sqliteEngine) retriable(error) bool { return false }

func (e *sqliteEngine) explain(err error) error {
	if err == nil || errors.Is(err, ErrNewer) || errors.Is(err, ErrInUse) {
		return e.at(err)
	}
	var se *sqlite.Error
	code := 0
	if errors.As(err, &se) {
		code = se.Code() & 0xff
	}
	switch {
	case code == sqlite3.SQLITE_FULL || errors.Is(err, syscall.ENOSPC):
		msg := fmt.Sprintf("the disk under %s is full: free some space, nothing acknowledged is lost", filepath.Dir(e.path))
		return fmt.Errorf("%w: %w", ErrFull, insufficientStorage(msg))
	case code == sqlite3.SQLITE_READONLY || errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS):
		msg := fmt.Sprintf("%s cannot be written: give this user write permission or name another data directory", filepath.Dir(e.path))
		return fmt.Errorf("%w: %w", ErrReadOnly, insufficientStorage(msg))
	case code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%s is damaged or no Rampart database, restore it from a backup: %w", e.path, err)
	}
	return err
}

// at names the file in an operator's error that does not.
func (e *sqliteEngine) at(err error) error {
	if err == nil || strings.Contains(err.Error(), filepath.Dir(e.path)) {
		return err
	}
	return fmt.Errorf("%s: %w", e.path, err)
}

func alreadyRolledBack(err error) bool {
	var se *sqlite.Error // "cannot rollback - no transaction is active"
	return errors.As(err, &se) && se.Code() == sqlite3.SQLITE_ERROR
}
