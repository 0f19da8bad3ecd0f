package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

const (
	group = "/subscriptions/s1/resourceGroups/rg"
	vm1   = group + "/providers/Microsoft.Compute/virtualMachines/vm1"
	vm2   = group + "/providers/Microsoft.Compute/virtualMachines/vm2"
)

func document(id, source string, at time.Time, n int) wire.Document {
	return wire.Document{ID: id, Type: arm.MustParseID(id).Type(), Source: source, ObservedAt: at,
		Body: json.RawMessage(fmt.Sprintf(`{"id":%q,"properties":{"n":%d}}`, id, n))}
}

func (db *fixture) put(t testing.TB, docs ...wire.Document) []store.Written {
	t.Helper()
	var w []store.Written
	db.update(t, func(ctx context.Context, tx *store.Tx) (err error) {
		w, err = tx.PutResources(ctx, "", docs)
		return err
	})
	return w
}

// get reads a document, nil if there is none.
func (db *fixture) get(t testing.TB, id string) *store.Resource {
	t.Helper()
	var r *store.Resource
	db.view(t, func(ctx context.Context, tx *store.Tx) (err error) {
		if r, err = tx.Resource(ctx, "", id); isStatus(err, 404) {
			return nil
		}
		return err
	})
	return r
}

func isStatus(err error, status int) bool {
	var e *arm.Error
	return errors.As(err, &e) && e.Status == status
}

func TestDocumentRoundTrip(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		want := document(vm1, "agent", db.t.Add(-time.Second), 1)
		want.APIVersion, want.SourceVersion = "2024-01-01", 7
		want.Unavailable = []string{"properties.a not delivered", "Microsoft.Insights/diagnosticSettings"}
		want.Body = json.RawMessage(`{"id":"x","long":"` + strings.Repeat("compressible ", 500) + `"}`)
		w := db.put(t, want)
		got := db.get(t, strings.ToUpper(vm1))
		if diff := cmp.Diff(want, got.Doc); diff != "" {
			t.Errorf("stored document (-want +got):\n%s", diff)
		}
		if got.Handle != w[0].Handle || !got.UpdatedAt.Equal(db.t) || got.States != nil {
			t.Errorf("handle %d, updated %v, states %v", got.Handle, got.UpdatedAt, got.States)
		}
	})
}

// TestRules walks the ownership and order rules: each step is one delivery.
func TestRules(t *testing.T) {
	type step struct {
		after   time.Duration // of the previous step
		source  string
		version int64
		age     time.Duration // how long before now it was observed
		n       int
		deleted bool
		want    store.Outcome
	}
	tests := map[string][]step{
		"same content":               {{source: "a", n: 1, want: store.Created}, {source: "a", n: 1, want: store.Unchanged}},
		"new content":                {{source: "a", n: 1, want: store.Created}, {after: time.Minute, source: "a", n: 2, want: store.Updated}},
		"same time, other content":   {{source: "a", n: 1, want: store.Created}, {source: "a", n: 2, want: store.Updated}},
		"older":                      {{source: "a", n: 1, want: store.Created}, {source: "a", age: time.Second, n: 2, want: store.Stale}},
		"version beats time":         {{source: "a", version: 2, n: 1, want: store.Created}, {after: time.Hour, source: "a", version: 1, n: 2, want: store.Stale}, {source: "a", version: 3, age: 9 * time.Hour, n: 3, want: store.Updated}},
		"seen again, then older":     {{source: "a", n: 1, want: store.Created}, {after: time.Minute, source: "a", n: 1, want: store.Unchanged}, {source: "a", age: time.Second, n: 2, want: store.Stale}},
		"foreign":                    {{source: "a", n: 1, want: store.Created}, {after: time.Minute, source: "b", n: 2, want: store.Foreign}},
		"foreign deletion":           {{source: "a", n: 1, want: store.Created}, {after: time.Minute, source: "b", deleted: true, want: store.Foreign}},
		"deletion":                   {{source: "a", n: 1, want: store.Created}, {source: "a", deleted: true, want: store.Deleted}, {source: "a", deleted: true, want: store.Unchanged}},
		"deletion of nothing":        {{source: "a", deleted: true, want: store.Unchanged}, {source: "a", n: 1, want: store.Created}},
		"late after deletion":        {{source: "a", n: 1, want: store.Created}, {after: time.Hour, source: "a", deleted: true, want: store.Deleted}, {source: "a", age: time.Minute, n: 2, want: store.Stale}},
		"again after deletion":       {{source: "a", n: 1, want: store.Created}, {after: time.Hour, source: "a", deleted: true, want: store.Deleted}, {after: time.Second, source: "a", n: 1, want: store.Created}},
		"new owner after deletion":   {{source: "a", version: 9, n: 1, want: store.Created}, {source: "a", version: 9, deleted: true, want: store.Deleted}, {source: "b", age: time.Second, n: 2, want: store.Stale}, {after: time.Second, source: "b", n: 2, want: store.Created}},
		"made up gives way":          {{source: store.SourceInventory, n: 1, want: store.Created}, {source: "a", age: time.Hour, n: 2, want: store.Updated}, {after: time.Hour, source: store.SourceInventory, n: 1, want: store.Unchanged}, {source: "a", age: time.Minute, n: 3, want: store.Updated}},
		"made up, seen, given way":   {{source: store.SourceInventory, n: 1, want: store.Created}, {after: time.Minute, source: store.SourceInventory, n: 1, want: store.Unchanged}, {source: "a", age: time.Hour, n: 1, want: store.Updated}, {source: "a", age: time.Minute, n: 2, want: store.Updated}},
		"made up, deleted, again":    {{source: store.SourceInventory, n: 1, want: store.Created}, {source: store.SourceInventory, deleted: true, want: store.Deleted}, {source: store.SourceInventory, age: time.Hour, n: 1, want: store.Created}},
		"made up again after delete": {{source: "a", n: 1, want: store.Created}, {source: "a", deleted: true, want: store.Deleted}, {source: store.SourceInventory, age: time.Hour, n: 1, want: store.Created}},
	}
	onEachEngine(t, func(t *testing.T, db *fixture) {
		n := 0
		for name, steps := range tests {
			t.Run(name, func(t *testing.T) {
				n++
				id := fmt.Sprintf("%s/providers/A.B/c/%d", group, n)
				for i, s := range steps {
					db.advance(s.after)
					doc := document(id, s.source, db.t.Add(-s.age), s.n)
					doc.SourceVersion, doc.Deleted = s.version, s.deleted
					if got := db.put(t, doc)[0].Outcome; got != s.want {
						t.Fatalf("step %d: outcome %d, want %d", i, got, s.want)
					}
				}
			})
		}
	})
}

func TestSameDocumentTwiceInOneBatch(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		w := db.put(t, document(vm1, "a", db.t, 1), document(vm2, "a", db.t, 1), document(strings.ToUpper(vm1), "a", db.t, 2))
		want := []store.Outcome{store.Created, store.Created, store.Updated}
		for i := range w {
			if w[i].Outcome != want[i] {
				t.Errorf("document %d: outcome %d, want %d", i, w[i].Outcome, want[i])
			}
		}
		if w[0].Handle != w[2].Handle || w[0].Handle == w[1].Handle {
			t.Errorf("handles %v", w)
		}
	})
}

func TestHandlesAreNeverReused(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		first := db.put(t, document(vm1, "a", db.t, 1))[0].Handle
		db.update(t, func(ctx context.Context, tx *store.Tx) error { return tx.DeleteResource(ctx, "", vm1, "a") })
		db.advance(store.TombstoneAge + time.Second)
		for more := true; more; {
			var err error
			if more, err = db.Sweep(t.Context(), store.Keep{}); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, n, err := db.HandleRange(t.Context(), ""); err != nil || n != 0 {
			t.Fatalf("%d documents after the sweep, %v", n, err)
		}
		if second := db.put(t, document(vm2, "a", db.t, 1))[0].Handle; second <= first {
			t.Errorf("handle %d after %d was swept", second, first)
		}
	})
}

func TestTombstoneOutlivesSweepFor24Hours(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		seen := db.t
		db.put(t, document(vm1, "a", seen, 1))
		db.advance(time.Minute)
		db.update(t, func(ctx context.Context, tx *store.Tx) error { return tx.DeleteResource(ctx, "", vm1, "a") })
		for _, s := range []struct {
			after time.Duration
			want  store.Outcome
		}{{store.TombstoneAge - time.Minute, store.Stale}, {2 * time.Minute, store.Created}} {
			db.advance(s.after)
			if _, err := db.Sweep(t.Context(), store.Keep{Changes: time.Hour}); err != nil {
				t.Fatal(err)
			}
			if got := db.put(t, document(vm1, "a", seen, 1))[0].Outcome; got != s.want {
				t.Errorf("late document: outcome %d, want %d", got, s.want)
			}
		}
	})
}

func TestDeleteResource(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		db.put(t, document(vm1, "a", db.t, 1))
		del := func(id, source string) error {
			return db.Update(t.Context(), func(tx *store.Tx) error { return tx.DeleteResource(t.Context(), "", id, source) })
		}
		if err := del(vm1, "b"); !isStatus(err, 409) {
			t.Errorf("deletion by another source = %v", err)
		}
		if err := del(vm2, ""); !isStatus(err, 404) {
			t.Errorf("deletion of nothing = %v", err)
		}
		if err := del("nonsense", ""); !isStatus(err, 400) {
			t.Errorf("deletion of no id = %v", err)
		}
		if err := del(vm1, ""); err != nil || db.get(t, vm1) != nil {
			t.Errorf("deletion by the operator: %v", err)
		}
	})
}

func TestChildren(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		ext := vm1 + "/extensions/e1"
		check := vm1 + "/providers/Microsoft.GuestConfiguration/guestConfigurationAssignments/b"
		for _, id := range []string{ext, check, vm1, vm2, vm2 + "/extensions/e2", group, ext + "/deep/d"} {
			db.put(t, document(id, "a", db.t, 1))
		}
		for parent, want := range map[string][]string{
			strings.ToLower(vm1): {ext, check}, group: {vm1, vm2}, "/subscriptions/s1": {group}, ext: {ext + "/deep/d"}, check: nil,
		} {
			var got []string
			db.view(t, func(ctx context.Context, tx *store.Tx) error {
				rs, err := tx.Children(ctx, "", parent)
				for _, r := range rs {
					got = append(got, r.Doc.ID)
				}
				return err
			})
			if !slices.Equal(got, want) {
				t.Errorf("children of %s: %v, want %v", parent, got, want)
			}
		}
	})
}

func TestScanAndByHandle(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		var docs []wire.Document
		for i := range 1000 {
			docs = append(docs, document(fmt.Sprintf("%s/providers/A.B/c/%d", group, i), "a", db.t, i))
		}
		w := db.put(t, docs...)
		db.update(t, func(ctx context.Context, tx *store.Tx) error {
			if err := tx.DeleteResource(ctx, "", docs[10].ID, ""); err != nil {
				return err
			}
			return tx.SetStates(ctx, []store.StatesRow{{Handle: w[11].Handle, Packed: []byte{1, 2}, Seq: 5}})
		})
		lo, hi, n, err := db.HandleRange(t.Context(), "")
		if err != nil || n != 1000 || hi-lo < 999 {
			t.Fatalf("range %d..%d, %d: %v", lo, hi, n, err)
		}
		var ids []string
		var handles []uint32
		mid := (lo + hi) / 2
		for _, s := range []store.ScanRange{{From: lo, To: mid}, {From: mid + 1, To: hi}} {
			err := db.ScanResources(t.Context(), s, func(r *store.Resource) error {
				ids, handles = append(ids, r.Doc.ID), append(handles, r.Handle)
				if (r.StatesSeq == 5) != (r.Handle == w[11].Handle) {
					t.Errorf("%s has states %v of seq %d", r.Doc.ID, r.States, r.StatesSeq)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if len(ids) != 999 || !slices.IsSorted(handles) || slices.Contains(ids, docs[10].ID) {
			t.Errorf("scan gave %d documents, sorted %v", len(ids), slices.IsSorted(handles))
		}
		db.view(t, func(ctx context.Context, tx *store.Tx) error {
			rs, err := tx.ResourcesByHandle(ctx, append(handles, handles...))
			if len(rs) != 999 || rs[5].Doc.ID != ids[5] {
				t.Errorf("by handle: %d documents", len(rs))
			}
			return err
		})
		n = 0
		only := store.ScanRange{To: hi, Types: []string{"x.y/Z", "a.B/C"}}
		if err := db.ScanResources(t.Context(), only, func(*store.Resource) error { n++; return nil }); err != nil || n != 999 {
			t.Errorf("scan by type: %d, %v", n, err)
		}
		only.Types = []string{"x.y/z"}
		if err := db.ScanResources(t.Context(), only, func(*store.Resource) error { n++; return nil }); err != nil || n != 999 {
			t.Errorf("scan by another type: %d, %v", n, err)
		}
		stop := errors.New("stop")
		if err := db.ScanResources(t.Context(), store.ScanRange{To: hi}, func(*store.Resource) error { return stop }); !errors.Is(err, stop) {
			t.Errorf("scan does not give fn's error but %v", err)
		}
	})
}

func TestStatesKeepTheNewest(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		h := db.put(t, document(vm1, "a", db.t, 1))[0].Handle
		for _, seq := range []uint64{3, 5, 4} {
			db.update(t, func(ctx context.Context, tx *store.Tx) error {
				return tx.SetStates(ctx, []store.StatesRow{{Handle: h, Packed: []byte{byte(seq)}, Seq: seq}})
			})
		}
		db.put(t, document(vm1, "a", db.t, 2))
		if r := db.get(t, vm1); r.StatesSeq != 5 || !slices.Equal(r.States, []byte{5}) {
			t.Errorf("states %v of seq %d, want those of 5", r.States, r.StatesSeq)
		}
	})
}

// TestManyStates stores states of more resources than one statement takes, some of
// them older than what is there, in order and not, one twice.
func TestManyStates(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		var docs []wire.Document
		for i := range 300 {
			docs = append(docs, document(fmt.Sprintf("%s/providers/A.B/c/%d", group, i), "a", db.t, 1))
		}
		want := map[uint32]uint64{}
		var first, second []store.StatesRow
		row := func(h uint32, seq uint64) store.StatesRow {
			want[h] = max(want[h], seq)
			return store.StatesRow{Handle: h, Packed: []byte{byte(seq)}, Seq: seq}
		}
		for i, w := range db.put(t, docs...) {
			first = append(first, row(w.Handle, uint64(5+i%3)))
			second = append(second, row(w.Handle, 6))
		}
		slices.Reverse(second[100:200])
		second[70] = row(second[69].Handle, 9)
		for _, rows := range [][]store.StatesRow{first, second} {
			db.update(t, func(ctx context.Context, tx *store.Tx) error { return tx.SetStates(ctx, rows) })
		}
		for _, d := range docs {
			r := db.get(t, d.ID)
			if seq := want[r.Handle]; r.StatesSeq != seq || !slices.Equal(r.States, []byte{byte(seq)}) {
				t.Errorf("states of %d: %v of seq %d, want those of %d", r.Handle, r.States, r.StatesSeq, seq)
			}
		}
	})
}

func TestBulkUpdate(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		docs := func(n int) (ds []wire.Document) {
			for i := range 700 {
				ds = append(ds, document(fmt.Sprintf("%s/providers/A.B/c/%d", group, i), "a", db.t, n*(i%2)))
			}
			return ds
		}
		before := db.put(t, docs(1)...)
		db.advance(time.Minute)
		after := db.put(t, docs(2)...)
		for i := range after {
			want := []store.Outcome{store.Unchanged, store.Updated}[i%2]
			if after[i].Outcome != want || after[i].Handle != before[i].Handle {
				t.Fatalf("document %d: %v after %v", i, after[i], before[i])
			}
		}
		if r := db.get(t, docs(0)[0].ID); !r.Doc.ObservedAt.Equal(db.t) || r.UpdatedAt.Equal(db.t) {
			t.Errorf("unchanged document: observed %v, updated %v", r.Doc.ObservedAt, r.UpdatedAt)
		}
		if r := db.get(t, docs(0)[1].ID); !strings.Contains(string(r.Doc.Body), `"n":2`) {
			t.Errorf("updated document has body %s", r.Doc.Body)
		}
	})
}
