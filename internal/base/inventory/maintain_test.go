package inventory_test

import (
	"context"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rampart-sec/rampart/internal/base/inventory"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

func TestMaintainSweepsTombstones(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rampart.db")
	synctest.Test(t, func(t *testing.T) {
		db, err := store.Open(t.Context(), store.Options{URL: "sqlite:" + path})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		v := inventory.New(inventory.Options{Store: db})
		if _, err := v.Put(t.Context(), "", []wire.Document{{ID: group + "a", Source: "agent", Body: []byte(`{}`)}}); err != nil {
			t.Fatal(err)
		}
		if err := v.Delete(t.Context(), "", group+"a", ""); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- v.Maintain(ctx) }()
		counts := func(after time.Duration) int {
			time.Sleep(after) // the bubble's clock
			synctest.Wait()
			_, _, n, err := db.HandleRange(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		const containers = 2
		if n := counts(23 * time.Hour); n != containers+1 {
			t.Errorf("after 23 hours %d rows, want the tombstone kept", n)
		}
		if n := counts(3 * time.Hour); n != containers {
			t.Errorf("after 26 hours %d rows, want the tombstone gone", n)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
