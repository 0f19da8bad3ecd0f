package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

// oneLine checks that an operator gets one line that names the place.
func oneLine(t *testing.T, err, want error, place string) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
	if s := err.Error(); strings.Contains(s, "\n") || !strings.Contains(s, place) || !strings.Contains(s, ": ") {
		t.Errorf("message %q is not one line that names %s", s, place)
	}
}

func TestDirectoryInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rampart.db")
	open(t, "sqlite", "sqlite:"+path)
	_, err := store.Open(t.Context(), store.Options{URL: "sqlite:" + path})
	oneLine(t, err, store.ErrInUse, filepath.Dir(path))
	if !strings.Contains(err.Error(), fmt.Sprintf("process %d", os.Getpid())) {
		t.Errorf("%v does not say who uses it", err)
	}
}

func TestDirectoryIsFreeAfterClose(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "sub", "rampart.db") // the directory is made
	for range 2 {
		db, err := store.Open(t.Context(), store.Options{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// closed makes a store on each engine, closes it and runs the test with its
// address and a connection that knows nothing of the store.
func closed(t *testing.T, test func(t *testing.T, url string, raw *sql.DB)) {
	for engine, url := range map[string]func(*testing.T) (url, driver, dsn string){
		"sqlite": func(t *testing.T) (string, string, string) {
			p := filepath.Join(t.TempDir(), "rampart.db")
			return "sqlite:" + p, "sqlite", p
		},
		"postgres": func(t *testing.T) (string, string, string) {
			u := cluster.Database(t)
			return u, "pgx", u
		},
	} {
		t.Run(engine, func(t *testing.T) {
			url, driver, dsn := url(t)
			db, err := store.Open(t.Context(), store.Options{URL: url})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second does nothing
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
			}
			raw, err := sql.Open(driver, dsn)
			if err != nil {
				t.Fatal(err)
			}
			defer raw.Close()
			test(t, url, raw)
		})
	}
}

func TestNewerSchema(t *testing.T) {
	closed(t, func(t *testing.T, url string, raw *sql.DB) {
		if _, err := raw.ExecContext(t.Context(), `UPDATE schema_version SET version = 9999`); err != nil {
			t.Fatal(err)
		}
		_, err := store.Open(t.Context(), store.Options{URL: url})
		oneLine(t, err, store.ErrNewer, "9999")
	})
}

// TestHistoryGoes opens a store of the version that kept blocks of history
// beside moves.
func TestHistoryGoes(t *testing.T) {
	closed(t, func(t *testing.T, url string, raw *sql.DB) {
		for _, q := range []string{`CREATE TABLE history (tenant BIGINT, seq BIGINT)`, `CREATE INDEX history_by_seq ON history (tenant, seq)`,
			`INSERT INTO history VALUES (0, 1)`, `DROP TABLE alerts`, `DROP TABLE images`, `UPDATE schema_version SET version = 4`} {
			if _, err := raw.ExecContext(t.Context(), q); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 { // the second finds nothing to do
			db, err := store.Open(t.Context(), store.Options{URL: url})
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := raw.ExecContext(t.Context(), `SELECT seq FROM history`); err == nil {
			t.Error("the table is still there")
		}
	})
}

func TestDamagedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rampart.db")
	if err := os.WriteFile(path, bytes.Repeat([]byte("not a database "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := store.Open(t.Context(), store.Options{URL: "sqlite:" + path})
	if err == nil || strings.Count(err.Error(), path) != 1 || strings.Contains(err.Error(), "\n") {
		t.Errorf("a damaged file gives %v", err)
	}
}

func TestBadURL(t *testing.T) {
	for _, url := range []string{"", "rampart.db", "mysql://x", "postgres://%zz", "postgres:///x?host=/nonexistent", "postgres://u@127.0.0.1:1/x"} {
		if _, err := store.Open(t.Context(), store.Options{URL: url}); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("store %q: %v", url, err)
		}
	}
}

func init() { children["open"] = openChild }

// openChild opens the store named by its argument and prints the error.
func openChild() {
	db, err := store.Open(context.Background(), store.Options{URL: os.Getenv(childEnv + "_URL")})
	if err != nil {
		fmt.Print(err)
		os.Exit(2)
	}
	_ = db.Close()
}

// TestReadOnlyDirectory opens as another user, since root may write anywhere.
func TestReadOnlyDirectory(t *testing.T) {
	dir, err := os.MkdirTemp("", "rampart-readonly")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	exe := filepath.Join(dir, "child")
	copyExecutable(t, exe)
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childEnv+"=open", childEnv+"_URL=sqlite:"+filepath.Join(dir, "rampart.db"))
	if err := asNobody(cmd); err != nil {
		t.Skip(err)
	}
	out, err := cmd.Output()
	if err == nil {
		t.Fatal("a read-only directory opens")
	}
	if s := string(out); !strings.Contains(s, store.ErrReadOnly.Error()) || !strings.Contains(s, dir) || strings.Contains(s, "\n") {
		t.Errorf("message %q", s)
	}
}

func copyExecutable(t *testing.T, to string) {
	t.Helper()
	from, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o755); err != nil {
		t.Fatal(err)
	}
}

// TestFullDisk fills a small file system: the transaction fails with one clear
// line, everything before it is there, and writing works again once there is
// room.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	unmount, err := mountSmall(dir, 3<<20)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(unmount)
	db := open(t, "sqlite", "sqlite:"+filepath.Join(dir, "rampart.db"))
	written := 0
	for err = nil; err == nil && written < 10_000; {
		docs := []wire.Document{document(fmt.Sprintf("%s/providers/A.B/c/%d", group, written), "a", db.t, 1)}
		docs[0].Body = incompressible(8 << 10)
		err = db.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.PutResources(t.Context(), "", docs)
			return err
		})
		if err == nil {
			written++
		}
	}
	oneLine(t, err, store.ErrFull, dir)
	if !isStatus(err, 507) {
		t.Errorf("%v is not an error for clients", err)
	}
	if _, _, n, err := db.HandleRange(t.Context(), ""); err != nil || n != written {
		t.Errorf("%d documents of %d acknowledged: %v", n, written, err)
	}
	if err := grow(dir, 16<<20); err != nil {
		t.Fatal(err)
	}
	db.put(t, document(vm1, "a", db.t, 1))
}

func incompressible(n int) []byte {
	b := make([]byte, 0, n)
	for i := uint64(1); len(b) < n; i++ {
		b = fmt.Appendf(b, "%x", i*0x9e3779b97f4a7c15)
	}
	return fmt.Appendf(nil, `{"x":%q}`, b)
}
