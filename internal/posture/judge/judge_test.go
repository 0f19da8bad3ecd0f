package judge

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/inventory"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// clock is a clock that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) Pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// world is a store with a judge that tests step by hand.
type world struct {
	t     testing.TB
	Clock *clock
	Db    *store.DB
	Inv   *inventory.Inventory
	Judge *Judge
	slow  bool         // judge by the oracle
	late  *writeBehind // nil: as by default
	// together has every change written as one that reaches very many rows.
	together bool
	lib      *content.Library // nil: the small one
	close    func() error
}

// smallLibrary has two storage recommendations in one control, one on vaults
// in another, one that looks for a related resource, and one uncounted.
func smallLibrary(t testing.TB) *content.Library {
	t.Helper()
	lib, err := content.LoadFS(testContent)
	if err != nil {
		t.Fatal(err)
	}
	return lib
}

func NewWorld(t testing.TB) *world {
	t.Helper()
	return NewWorldOf(t, nil)
}

// NewWorldOf is a world with a library of its own.
func NewWorldOf(t testing.TB, lib *content.Library) *world {
	t.Helper()
	w := &world{t: t, Clock: newClock(), lib: lib}
	w.open(filepath.Join(t.TempDir(), "posture.db"))
	return w
}

// bookTogether sets together from now on.
func (w *world) bookTogether(together bool) {
	w.together = together
	w.restart()
}

func (w *world) open(path string) {
	w.t.Helper()
	db, err := store.Open(w.t.Context(), store.Options{URL: "sqlite:" + path, Now: w.Clock.Now})
	if err != nil {
		w.t.Fatal(err)
	}
	w.close = db.Close
	w.t.Cleanup(func() { _ = w.close() })
	w.Db = db
	w.Inv = inventory.New(inventory.Options{Store: db, Now: w.Clock.Now})
	w.restart()
}

// restart makes a new judge over the same store.
func (w *world) restart() {
	w.t.Helper()
	lib := w.lib
	if lib == nil {
		lib = smallLibrary(w.t)
	}
	judge, err := New(Options{
		Store: w.Db, Inventory: w.Inv, Library: lib, Now: w.Clock.Now,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if w.slow {
		judge.newEvaluator = func(e *Estate) evaluator { return newOracle(judge.opt.Aliases, e.delivered.known) }
	}
	if w.late != nil {
		judge.behind = *w.late
	}
	if w.together {
		judge.together = 0
	}
	w.Judge = judge
	w.Step()
}

// Step lets the judge catch up.
func (w *world) Step() *index.View {
	w.t.Helper()
	if err := w.Judge.step(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	return w.Judge.Estate("").View()
}

// Put delivers documents and lets the judge catch up.
func (w *world) Put(docs ...wire.Document) *index.View {
	w.t.Helper()
	res, err := w.Inv.Put(w.t.Context(), "", docs)
	if err != nil || len(res.Rejected) > 0 {
		w.t.Fatal(err, res.Rejected)
	}
	return w.Step()
}

func (w *world) object(kind, id string, properties any) *index.View {
	w.t.Helper()
	w.putObject(kind, id, properties)
	return w.Step()
}

func (w *world) putObject(kind, id string, properties any) {
	w.t.Helper()
	body := mustJSON(w.t, map[string]any{"id": id, "properties": properties})
	w.update(func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.PutObject(ctx, store.Object{Kind: kind, ID: id, Body: body}, "")
		return err
	})
}

func (w *world) update(f func(context.Context, *store.Tx) error) {
	w.t.Helper()
	if err := w.Db.Update(w.t.Context(), func(tx *store.Tx) error { return f(w.t.Context(), tx) }); err != nil {
		w.t.Fatal(err)
	}
}

const TestSub = "/subscriptions/11111111-1111-1111-1111-111111111111"

// Account is a storage account document.
func (w *world) Account(name string, https, public bool) wire.Document {
	return w.Doc("Microsoft.Storage/storageAccounts", name, map[string]any{
		"supportsHttpsTrafficOnly": https, "allowBlobPublicAccess": public,
	})
}

func (w *world) Doc(typ, name string, properties map[string]any) wire.Document {
	w.t.Helper()
	id := fmt.Sprintf("%s/resourceGroups/rg/providers/%s/%s", TestSub, typ, name)
	body, err := json.Marshal(map[string]any{"id": id, "name": name, "type": typ, "location": "westeurope", "tags": map[string]string{"env": "test"}, "properties": properties})
	if err != nil {
		w.t.Fatal(err)
	}
	return wire.Document{ID: id, Type: typ, Source: "test", ObservedAt: w.Clock.Now(), Body: body}
}

func (w *world) state(v *index.View, resource, name string) record.State {
	w.t.Helper()
	for _, r := range w.Judge.opt.Library.Recommendations {
		if r.Name == name {
			a, _ := v.Assessment(resource, r.ID)
			return a.State
		}
	}
	w.t.Fatalf("no recommendation %s", name)
	return 0
}

func mustJSON(t testing.TB, v any) json.RawMessage {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
