package inventory_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/bus"
	"github.com/rampart-sec/rampart/internal/base/inventory"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

// node is an inventory of a cluster: a store of its own stands for the shared
// one, since only wake-ups are looked at.
func node(t *testing.T, b *bus.Bus) *inventory.Inventory {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{URL: "sqlite:" + filepath.Join(t.TempDir(), "rampart.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return inventory.New(inventory.Options{Store: db, Wake: b})
}

func TestNodesWakeEachOther(t *testing.T) {
	b := bus.New(bus.Options{Dir: t.TempDir()})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		if err := b.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	one, two := node(t, b), node(t, b)
	ctx, cancel := context.WithCancel(t.Context())
	relayed := make(chan error)
	woken := two.Watch(ctx)
	go func() { relayed <- one.Relay(ctx) }()
	for deadline := time.After(10 * time.Second); ; {
		// Relay may not listen yet: commit until the other node wakes.
		if _, err := one.Put(t.Context(), "", []wire.Document{document(group+"a", "agent", int(time.Now().UnixNano()))}); err != nil {
			t.Fatal(err)
		}
		select {
		case <-woken:
			cancel()
			if err := <-relayed; err != nil {
				t.Error(err)
			}
			return
		case <-time.After(10 * time.Millisecond):
		case <-deadline:
			t.Fatal("the other node was not woken")
		}
	}
}
