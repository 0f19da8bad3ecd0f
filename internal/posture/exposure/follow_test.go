package exposure

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/inventory"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

// followed is a store whose exposures are followed, with the batches that were
// delivered. Each delivery takes its error from refusals first.
type followed struct {
	inv      *inventory.Inventory
	batches  chan []wire.Document
	refusals chan error
	ended    chan error
}

func follow(t *testing.T) *followed {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{URL: "sqlite:" + filepath.Join(t.TempDir(), "rampart.db")})
	if err != nil {
		t.Fatal(err)
	}
	f := &followed{inventory.New(inventory.Options{Store: db}), make(chan []wire.Document, 100), make(chan error, 1), make(chan error, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(func() {
		cancel()
		if err := <-f.ended; !errors.Is(err, context.Canceled) {
			t.Errorf("follow ended with %v", err)
		}
		_ = db.Close()
	})
	go func() {
		f.ended <- Follow(ctx, Options{Store: db, Deliver: f.deliver, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	}()
	return f
}

func (f *followed) deliver(_ context.Context, _ string, docs []wire.Document) error {
	select {
	case err := <-f.refusals:
		return err
	default:
		f.batches <- docs
		return nil
	}
}

// change stores one document of the network.
func (f *followed) change(t *testing.T, kind, name, body string, deleted bool) {
	t.Helper()
	id := rg + kinds[kind] + "/" + name
	doc := wire.Document{ID: id, Type: kinds[kind], Source: "test", ObservedAt: time.Now(), Deleted: deleted}
	if !deleted {
		doc.Body = json.RawMessage(body)
	}
	res, err := f.inv.Put(t.Context(), store.DefaultTenant, []wire.Document{doc})
	if err != nil || res.RejectedTotal > 0 {
		t.Fatalf("put %s: %+v, %v", id, res, err)
	}
}

// next is the only document of the next delivery.
func (f *followed) next(t *testing.T) wire.Document {
	t.Helper()
	select {
	case docs := <-f.batches:
		if len(docs) != 1 {
			t.Fatalf("%d documents delivered, want 1", len(docs))
		}
		return docs[0]
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was delivered")
	}
	return wire.Document{}
}

func TestFollowDeliversWhatChanges(t *testing.T) {
	f := follow(t)
	f.change(t, "vm", "web", `{"properties":{"networkProfile":{"networkInterfaces":[]}}}`, false)
	if doc := f.next(t); doc.Type != DocumentType || doc.Deleted {
		t.Errorf("delivered %+v", doc)
	}
	f.change(t, "vm", "web", "", true)
	if doc := f.next(t); !doc.Deleted {
		t.Errorf("delivered %+v for a machine that is gone", doc)
	}
}

func TestFollowOutlivesErrorsOfTheStore(t *testing.T) {
	f := follow(t)
	f.refusals <- errors.New("database or disk is full")
	f.change(t, "vm", "web", `{"properties":{"networkProfile":{"networkInterfaces":[]}}}`, false)
	for len(f.refusals) > 0 {
		time.Sleep(time.Millisecond)
	}
	f.change(t, "pip", "late", `{"properties":{}}`, false) // wakes it before its own second try
	if doc := f.next(t); doc.Type != DocumentType {
		t.Errorf("delivered %+v", doc)
	}
}
