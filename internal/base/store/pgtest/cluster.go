// Package pgtest starts a private PostgreSQL cluster for tests: in a temporary
// directory, on a unix socket, gone with the test binary. Only tests may
// import it; it imports nothing of this module.
package pgtest

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// Cluster starts its server when the first database is asked for. The zero
// value is ready; Stop it in TestMain.
type Cluster struct {
	once sync.Once
	dir  string
	cmd  *exec.Cmd
	err  error
	n    int
	mu   sync.Mutex
}

// errAbsent: there is nothing to test with.
var errAbsent = errors.New("PostgreSQL is not installed (apt-get install postgresql)")

// Database gives the URL of a fresh database. It skips the test if PostgreSQL
// is not installed.
func (c *Cluster) Database(t testing.TB) string {
	t.Helper()
	c.once.Do(func() { c.err = c.start() })
	if errors.Is(c.err, errAbsent) {
		t.Skip(c.err)
	}
	if c.err != nil {
		t.Fatal(c.err)
	}
	c.mu.Lock()
	c.n++
	name := fmt.Sprintf("test%d", c.n)
	c.mu.Unlock()
	db, err := sql.Open("pgx", c.url("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return c.url(name)
}

func (c *Cluster) url(db string) string {
	return "postgres:///" + db + "?" + url.Values{"host": {c.dir}, "user": {"rampart"}}.Encode()
}

// Stop ends the server and removes its data.
func (c *Cluster) Stop() {
	if c.cmd != nil {
		_ = c.cmd.Process.Signal(os.Interrupt) // fast shutdown; the data are thrown away
		_ = c.cmd.Wait()
	}
	if c.dir != "" {
		_ = os.RemoveAll(c.dir)
	}
}

// start makes a cluster that trusts its socket and does not wait for the disk.
func (c *Cluster) start() error {
	bin, err := binaries()
	if err != nil {
		return err
	}
	if c.dir, err = os.MkdirTemp("", "pgtest"); err != nil {
		return err
	}
	attr, err := unprivileged(c.dir)
	if err != nil {
		return err
	}
	data := filepath.Join(c.dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "rampart", "-A", "trust", "-N", "-E", "UTF8", "--locale=C.UTF-8")
	initdb.SysProcAttr, initdb.Dir = attr, c.dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	var log bytes.Buffer
	cmd := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-k", c.dir, "-c", "listen_addresses=", "-F", "-c", "max_connections=60", "-c", "deadlock_timeout=50ms")
	cmd.SysProcAttr, cmd.Dir, cmd.Stderr = attr, c.dir, &log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start postgres: %w", err)
	}
	c.cmd = cmd
	return c.ready()
}

func (c *Cluster) ready() error {
	db, err := sql.Open("pgx", c.url("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	for deadline := time.Now().Add(60 * time.Second); ; {
		if err = db.Ping(); err == nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(20 * time.Millisecond) // a process of another program: nothing to wait on
	}
}

// binaries finds the server's programs: the newest of Debian's versions, or
// what is on the path.
func binaries() (string, error) {
	dirs, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	if len(dirs) > 0 {
		return filepath.Dir(slices.Max(dirs)), nil
	}
	if p, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(p), nil
	}
	return "", errAbsent
}
