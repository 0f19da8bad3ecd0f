package inventory

import (
	"context"
	"slices"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

// load is valid documents with distinct ids, ready for one transaction.
type load struct {
	tenant   string
	docs     []wire.Document
	prepared []store.Prepared
	at       []Rejection // where each came from
}

// write stores the load and what containers it needs, clears away what lies
// below deleted documents, and counts into res once it is committed.
func (v *Inventory) write(ctx context.Context, b *load, res *Result) error {
	if len(b.docs) == 0 {
		return nil
	}
	missing := v.known.missing(b.tenant, b.docs)
	var written []store.Written
	err := v.store.Update(ctx, func(tx *store.Tx) error {
		var err error
		if written, err = tx.PutPrepared(ctx, b.tenant, b.prepared); err != nil {
			return err
		}
		for i, w := range written {
			switch w.Outcome {
			case store.Deleted:
				err = v.clearAway(ctx, tx, b.tenant, b.docs[i].ID)
			case store.Created:
				err = v.tell(ctx, tx, b.tenant, b.docs[i].ID, true)
			}
			if err != nil {
				return err
			}
		}
		made, err := tx.PutResources(ctx, b.tenant, missing)
		for i := range made {
			if err == nil && made[i].Outcome == store.Created {
				err = v.tell(ctx, tx, b.tenant, missing[i].ID, true)
			}
		}
		return err
	})
	if err != nil {
		v.known.forget(b.tenant)
		return err
	}
	v.known.add(b.tenant, missing)
	if slices.ContainsFunc(written, func(w store.Written) bool { return w.Outcome == store.Deleted }) {
		v.known.forget(b.tenant) // a container may be among what went
	}
	for i, w := range written {
		b.at[i].ID = b.docs[i].ID
		res.count(w, b.at[i])
	}
	return nil
}
