package store_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/store/pgtest"
)

var cluster pgtest.Cluster

func TestMain(m *testing.M) {
	if f := os.Getenv(childEnv); f != "" {
		children[f]() // this process is a child of one of the tests
		return
	}
	code := m.Run()
	cluster.Stop()
	os.Exit(code)
}

// clock is a hand-moved clock; every test owns one.
type clock struct{ t time.Time }

func newClock() *clock { return &clock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time          { return c.t }
func (c *clock) advance(d time.Duration) { c.t = c.t.Add(d) }

// fixture is an empty store with its clock.
type fixture struct {
	*store.DB
	*clock
	engine string
}

// onEachEngine runs the test on SQLite and on PostgreSQL: one contract.
func onEachEngine(t *testing.T, test func(t *testing.T, db *fixture)) {
	t.Run("sqlite", func(t *testing.T) {
		test(t, open(t, "sqlite", "sqlite:"+filepath.Join(t.TempDir(), "rampart.db")))
	})
	t.Run("postgres", func(t *testing.T) {
		test(t, open(t, "postgres", cluster.Database(t)))
	})
}

func open(t testing.TB, engine, url string) *fixture {
	t.Helper()
	c := newClock()
	db, err := store.Open(t.Context(), store.Options{URL: url, Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return &fixture{DB: db, clock: c, engine: engine}
}

// update runs f in a transaction that must succeed.
func (db *fixture) update(t testing.TB, f func(ctx context.Context, tx *store.Tx) error) {
	t.Helper()
	if err := db.Update(t.Context(), func(tx *store.Tx) error { return f(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

// view runs f on a snapshot; it must succeed.
func (db *fixture) view(t testing.TB, f func(ctx context.Context, tx *store.Tx) error) {
	t.Helper()
	if err := db.View(t.Context(), func(tx *store.Tx) error { return f(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}
