package store_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

// oracle is the slow, obvious statement of the rules: a map.
type oracle struct {
	live map[string]wire.Document
	dead map[string]wire.Document // last state of deleted ids
}

func newer(a, b wire.Document) bool {
	if a.SourceVersion != b.SourceVersion {
		return a.SourceVersion > b.SourceVersion
	}
	return a.ObservedAt.After(b.ObservedAt)
}

func (o *oracle) put(d wire.Document) store.Outcome {
	old, ok := o.live[d.ID]
	if !ok {
		if d.Deleted {
			return store.Unchanged
		}
		if gone, was := o.dead[d.ID]; was {
			if d.Source == gone.Source && !newer(d, gone) || d.Source != gone.Source && !d.ObservedAt.After(gone.ObservedAt) {
				return store.Stale
			}
			delete(o.dead, d.ID)
		}
		o.live[d.ID] = d
		return store.Created
	}
	switch {
	case old.Source != d.Source:
		return store.Foreign
	case newer(old, d):
		return store.Stale
	case d.Deleted:
		delete(o.live, d.ID)
		o.dead[d.ID] = d
		return store.Deleted
	}
	o.live[d.ID] = d
	if bytes.Equal(old.Body, d.Body) {
		return store.Unchanged
	}
	return store.Updated
}

// mirror follows the feed as a reader would: it reads a document whose change
// it sees and forgets one whose deletion it sees.
type mirror struct {
	position map[int]uint64
	docs     map[uint32]wire.Document
}

func (m *mirror) follow(t *testing.T, db *fixture) {
	t.Helper()
	parts, err := db.ChangedPartitions(t.Context(), "", m.position)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range parts {
		changes, err := db.Changes(t.Context(), "", part, m.position[part], 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range changes {
			if m.position[part]++; c.Seq != m.position[part] {
				t.Fatalf("partition %d: seq %d after %d", part, c.Seq, m.position[part]-1)
			}
			m.apply(t, db, c)
		}
	}
}

func (m *mirror) apply(t *testing.T, db *fixture, c store.Change) {
	t.Helper()
	switch c.Kind {
	case store.KindResourceDeleted:
		delete(m.docs, c.Handle)
	case store.KindResource, store.KindResourceSeen:
		db.view(t, func(ctx context.Context, tx *store.Tx) error {
			r, err := tx.ResourceByHandle(ctx, c.Handle)
			if isStatus(err, 404) { // deleted since; that change is on its way
				delete(m.docs, c.Handle)
				return nil
			}
			if err == nil {
				m.docs[c.Handle] = r.Doc
			}
			return err
		})
	}
}

// TestRandomEdits compares every outcome, the final rows and a mirror built
// from nothing but the feed with the oracle.
func TestRandomEdits(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		rnd := rand.New(rand.NewPCG(seed, 0))
		o := oracle{live: map[string]wire.Document{}, dead: map[string]wire.Document{}}
		m := mirror{position: map[int]uint64{}, docs: map[uint32]wire.Document{}}
		for round := range 150 {
			db.advance(time.Duration(rnd.IntN(3)) * time.Second)
			docs := randomDocuments(rnd, db.t)
			for i, w := range db.put(t, docs...) {
				if want := o.put(docs[i]); w.Outcome != want {
					t.Fatalf("round %d: %+v: outcome %d, want %d", round, docs[i], w.Outcome, want)
				}
			}
			if rnd.IntN(4) == 0 {
				m.follow(t, db)
			}
		}
		m.follow(t, db)
		want := sorted(o.live)
		rows := map[uint32]wire.Document{}
		err := db.ScanResources(t.Context(), store.ScanRange{To: 1 << 31}, func(r *store.Resource) error {
			d := r.Doc
			d.Body = bytes.Clone(d.Body)
			rows[r.Handle] = d
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, sorted(rows)); diff != "" {
			t.Errorf("rows (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, sorted(m.docs)); diff != "" {
			t.Errorf("mirror of the feed (-want +got):\n%s", diff)
		}
	})
}

func randomDocuments(rnd *rand.Rand, now time.Time) []wire.Document {
	docs := make([]wire.Document, 1+rnd.IntN(40))
	for i := range docs {
		id := fmt.Sprintf("/subscriptions/s%d/resourceGroups/g/providers/A.B/c/%d", rnd.IntN(4), rnd.IntN(12))
		source := []string{"a", "a", "a", "b"}[rnd.IntN(4)]
		docs[i] = document(id, source, now.Add(-time.Duration(rnd.IntN(3))*time.Second), rnd.IntN(3))
		docs[i].SourceVersion = int64(rnd.IntN(2))
		if rnd.IntN(5) == 0 {
			docs[i].Deleted, docs[i].Body = true, nil
		}
	}
	return docs
}

func sorted[K comparable](m map[K]wire.Document) []wire.Document {
	var all []wire.Document
	for _, d := range m {
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b wire.Document) int { return bytes.Compare([]byte(a.ID), []byte(b.ID)) })
	return all
}
