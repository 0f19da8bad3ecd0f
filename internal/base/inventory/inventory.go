package inventory

import (
	"context"
	"log/slog"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

// Options wires an Inventory.
type Options struct {
	Store *store.DB
	// Wake carries wake-ups to and from other nodes; nil on a single node,
	// where the store's own are enough.
	Wake Waker
	Now  func() time.Time // nil is time.Now
	Log  *slog.Logger     // nil discards
	// KeepHistory is the age from which Maintain removes what the judge keeps of
	// the past; 0 keeps all.
	KeepHistory time.Duration
	// Subscription, if not nil, runs in the transaction in which the document of
	// a subscription (an ARM id) came, perhaps again, or went.
	Subscription func(ctx context.Context, tx *store.Tx, tenant, id string, there bool) error
}

// Inventory is safe for concurrent use.
type Inventory struct {
	store *store.DB
	wake  Waker
	now   func() time.Time
	log   *slog.Logger
	known containers

	subscription func(ctx context.Context, tx *store.Tx, tenant, id string, there bool) error
	keepHistory  time.Duration
}

// New gives an Inventory over an open store.
func New(o Options) *Inventory {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Inventory{store: o.Store, wake: o.Wake, now: o.Now, log: o.Log, keepHistory: o.KeepHistory, subscription: o.Subscription}
}

// MaxBatch is how many documents one Put takes.
const MaxBatch = 10_000

// Put writes documents of one tenant in one transaction. Each document is
// judged alone: what is wrong with it is in the result, and the others land.
// The error is for what concerns them all: the tenant, the store, a batch
// beyond MaxBatch.
func (v *Inventory) Put(ctx context.Context, tenant string, docs []wire.Document) (Result, error) {
	if len(docs) > MaxBatch {
		return Result{}, arm.Invalid("A batch has at most %d documents, this one has %d.", MaxBatch, len(docs))
	}
	var res Result
	b := load{tenant: tenant}
	last := map[string]int{} // folded id -> place in b
	for i := range docs {
		doc, err := valid(docs[i], tenant, v.now())
		if err != nil {
			res.reject(Rejection{Index: i, ID: docs[i].ID, Reason: err.Error()})
			continue
		}
		if before, ok := last[arm.Fold(doc.ID)]; ok {
			res.reject(duplicate(Rejection{Index: b.at[before].Index, ID: doc.ID}))
			b.docs[before], b.at[before].Index = doc, i
			continue
		}
		last[arm.Fold(doc.ID)] = len(b.docs)
		b.docs, b.at = append(b.docs, doc), append(b.at, Rejection{Index: i})
	}
	var err error
	if b.prepared, err = store.Prepare(b.docs); err != nil {
		return res, err
	}
	return res, v.write(ctx, &b, &res)
}

// Get reads a document with what the store keeps beside it; arm.NotFound if
// there is none.
func (v *Inventory) Get(ctx context.Context, tenant, id string) (r *store.Resource, err error) {
	err = v.store.View(ctx, func(tx *store.Tx) error {
		r, err = tx.Resource(ctx, tenant, id)
		return err
	})
	return r, err
}

// Children reads the documents directly below id.
func (v *Inventory) Children(ctx context.Context, tenant, id string) (rs []store.Resource, err error) {
	err = v.store.View(ctx, func(tx *store.Tx) error {
		rs, err = tx.Children(ctx, tenant, id)
		return err
	})
	return rs, err
}

// Delete removes a document that source owns ("" whoever owns it) and, as in
// ARM, everything below it, whoever owns that.
func (v *Inventory) Delete(ctx context.Context, tenant, id, source string) error {
	err := v.store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.DeleteResource(ctx, tenant, id, source); err != nil {
			return err
		}
		return v.clearAway(ctx, tx, tenant, id)
	})
	v.known.forget(tenant)
	return err
}

// clearAway removes what a deleted document leaves: the claim to its id and
// what lies below it. Breadth first; ids nest at most a few levels.
func (v *Inventory) clearAway(ctx context.Context, tx *store.Tx, tenant, id string) error {
	if err := v.tell(ctx, tx, tenant, id, false); err != nil {
		return err
	}
	if err := unclaim(ctx, tx, tenant, id); err != nil {
		return err
	}
	for ids := []string{id}; len(ids) > 0; ids = ids[1:] {
		children, err := tx.Children(ctx, tenant, ids[0])
		if err != nil {
			return err
		}
		for i := range children {
			child := children[i].Doc.ID
			if err := tx.DeleteResource(ctx, tenant, child, ""); err != nil {
				return err
			}
			ids = append(ids, child)
		}
	}
	return nil
}

// tell says that a document came or went, if it is a subscription's.
func (v *Inventory) tell(ctx context.Context, tx *store.Tx, tenant, id string, there bool) error {
	parsed, err := arm.ParseID(id)
	if err != nil || parsed.Type() != arm.TypeSubscription || v.subscription == nil {
		return err
	}
	return v.subscription(ctx, tx, tenant, id, there)
}

// DropTenant removes a tenant with all it holds; the sample estate goes so.
func (v *Inventory) DropTenant(ctx context.Context, tenant string) error {
	err := v.store.Update(ctx, func(tx *store.Tx) error { return tx.DropTenant(ctx, tenant) })
	v.known.forget(tenant)
	return err
}
