package store_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
)

func (db *fixture) putObject(t testing.TB, o store.Object, ifMatch string) (got store.Object, err error) {
	t.Helper()
	err = db.Update(t.Context(), func(tx *store.Tx) error {
		got, err = tx.PutObject(t.Context(), o, ifMatch)
		return err
	})
	return got, err
}

func TestObjectLife(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		o := store.Object{Kind: "policyExemption", ID: vm1 + "/providers/Microsoft.Authorization/policyExemptions/E", Body: json.RawMessage(`{"a":1}`), UpdatedBy: "ann"}
		if _, err := db.putObject(t, o, "*"); !isStatus(err, 412) {
			t.Errorf("put over nothing with * = %v", err)
		}
		first, err := db.putObject(t, o, "")
		if err != nil || first.ETag == "" || !first.CreatedAt.Equal(db.t) {
			t.Fatalf("first put: %+v, %v", first, err)
		}
		db.advance(time.Minute)
		o.UpdatedBy = "bob"
		if same, err := db.putObject(t, o, ""); err != nil || same.ETag != first.ETag {
			t.Errorf("the same body again: etag %q, was %q, %v", same.ETag, first.ETag, err)
		}
		o.Body = json.RawMessage(`{"a":2}`)
		if _, err := db.putObject(t, o, "stale"); !isStatus(err, 412) {
			t.Errorf("put with another's etag = %v", err)
		}
		second, err := db.putObject(t, o, first.ETag)
		if err != nil || second.ETag == first.ETag || !second.CreatedAt.Equal(first.CreatedAt) || !second.UpdatedAt.Equal(db.t) {
			t.Errorf("second put: %+v, %v", second, err)
		}
		db.view(t, func(ctx context.Context, tx *store.Tx) error {
			got, err := tx.Object(ctx, "", o.Kind, strings.ToUpper(o.ID))
			if diff := cmp.Diff(&second, got); diff != "" {
				t.Errorf("read back (-want +got):\n%s", diff)
			}
			return err
		})
		del := func(ifMatch string) error {
			return db.Update(t.Context(), func(tx *store.Tx) error { return tx.DeleteObject(t.Context(), "", o.Kind, o.ID, ifMatch) })
		}
		if err := del(first.ETag); !isStatus(err, 412) {
			t.Errorf("deletion with an old etag = %v", err)
		}
		if err := del("*"); err != nil {
			t.Error(err)
		}
		if err := del(""); !isStatus(err, 404) {
			t.Errorf("second deletion = %v", err)
		}
		kinds := ""
		for _, c := range db.feed(t, "", store.Partition(arm.MustParseID(vm1))) {
			kind, id, err := store.ParseObjectKey(c.Key)
			if err != nil || kind != o.Kind || id != o.ID {
				t.Errorf("change key %q, %v", c.Key, err)
			}
			kinds += c.Kind + " "
		}
		if kinds != "object object object-deleted " {
			t.Errorf("feed: %s", kinds)
		}
	})
}

func TestObjectsPages(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		ids := []string{"/subscriptions/A/x", "/subscriptions/a-b/x", "/subscriptions/a/y", "/subscriptions/b/x", "plain name"}
		for _, id := range ids {
			if _, err := db.putObject(t, store.Object{Kind: "k", ID: id, Body: json.RawMessage(`{}`)}, ""); err != nil {
				t.Fatal(err)
			}
		}
		for name, tt := range map[string]struct {
			q    store.ObjectQuery
			want []string
		}{
			"all":      {store.ObjectQuery{}, []string{ids[1], ids[0], ids[2], ids[3], ids[4]}},
			"prefix":   {store.ObjectQuery{Prefix: "/subscriptions/A/"}, []string{ids[0], ids[2]}},
			"page one": {store.ObjectQuery{Limit: 2}, []string{ids[1], ids[0]}},
			"page two": {store.ObjectQuery{After: ids[0], Limit: 2}, []string{ids[2], ids[3]}},
			"none":     {store.ObjectQuery{Prefix: "/subscriptions/c"}, nil},
		} {
			t.Run(name, func(t *testing.T) {
				tt.q.Kind = "k"
				var got []string
				db.view(t, func(ctx context.Context, tx *store.Tx) error {
					os, err := tx.Objects(ctx, tt.q)
					for _, o := range os {
						got = append(got, o.ID)
					}
					return err
				})
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	})
}

func TestScoreRows(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		at := func(s int) time.Time { return db.t.Add(time.Duration(s) * time.Second) }
		row := func(control string, s int, seq uint64, healthy int32) store.ScoreRow {
			return store.ScoreRow{Scope: "/subscriptions/S", Control: control, At: at(s), Seq: seq, Healthy: healthy, Unhealthy: 2, Unknown: 3, NotApplicable: 4}
		}
		rows := []store.ScoreRow{row("a", 0, 1, 10), row("b", 0, 2, 20), row("a", 10, 3, 11), row("a", 20, 4, 12)}
		half := row("a", 10, 5, 99)
		half.At = half.At.Add(300 * time.Millisecond) // the same second, later
		late := row("a", 20, 1, 77)                   // the same second, earlier
		db.update(t, func(ctx context.Context, tx *store.Tx) error { return tx.PutScoreRows(ctx, append(rows, half, late)) })
		rows[2].Healthy, rows[2].Seq = 99, 5
		for name, tt := range map[string]struct {
			q    store.ScoreQuery
			want []store.ScoreRow
		}{
			"all":         {store.ScoreQuery{}, rows},
			"range":       {store.ScoreQuery{From: at(1), To: at(10)}, rows[2:3]},
			"one control": {store.ScoreQuery{Control: "b"}, rows[1:2]},
			"as of":       {store.ScoreQuery{AsOf: at(15)}, []store.ScoreRow{rows[1], rows[2]}},
			"before all":  {store.ScoreQuery{AsOf: at(-1)}, nil},
		} {
			t.Run(name, func(t *testing.T) {
				tt.q.Scope = "/subscriptions/S"
				db.view(t, func(ctx context.Context, tx *store.Tx) error {
					got, err := tx.ScoreRows(ctx, tt.q)
					if diff := cmp.Diff(tt.want, got); diff != "" {
						t.Errorf("(-want +got):\n%s", diff)
					}
					return err
				})
			})
		}
	})
}
