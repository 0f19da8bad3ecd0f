package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/arm"
	"github.com/rampart-sec/rampart/internal/store"
	"github.com/rampart-sec/rampart/internal/wire"
)

const vm1 = "/subscriptions/s1/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm1"

func document(id, source string, at time.Time, n int) wire.Document {
	return wire.Document{ID: id, Type: arm.MustParseID(id).Type(), Source: source, ObservedAt: at,
		Body: json.RawMessage(fmt.Sprintf(`{"id":%q,"properties":{"n":%d}}`, id, n))}
}

func put(t testing.TB, db *store.DB, docs ...wire.Document) []store.Written {
	t.Helper()
	var w []store.Written
	update(t, db, func(ctx context.Context, tx *store.Tx) (err error) {
		w, err = tx.PutResources(ctx, "", docs)
		return err
	})
	return w
}

func TestSmoke(t *testing.T) {
	c := newClock()
	db := openSQLite(t, c)
	w := put(t, db, document(vm1, "a", c.t, 1))
	if w[0].Outcome != store.Created || w[0].Handle == 0 {
		t.Fatal(w)
	}
	n := 0
	if err := db.ScanResources(t.Context(), store.ScanRange{To: 100}, func(r *store.Resource) error { n++; return nil }); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	cs, err := db.Changes(t.Context(), "", store.Partition(arm.MustParseID(vm1)), 0, 10)
	if err != nil || len(cs) != 1 || cs[0].Key != vm1 {
		t.Fatal(cs, err)
	}
}
