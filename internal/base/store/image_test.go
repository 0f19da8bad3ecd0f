package store_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
)

func TestImages(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		now := db.t.Truncate(time.Microsecond).UTC()
		row := func(connector, digest string, status int, next time.Duration) store.ImageRow {
			return store.ImageRow{Connector: connector, Digest: digest, Names: []string{"app:1", "team/app"}, Platform: "linux/amd64", Status: status,
				Reason: "r", Attempts: 2, Queued: now, Next: now.Add(next), Scanned: now}
		}
		full := row("a", "sha256:1", 3, 0)
		full.Inventory = json.RawMessage(`{"packages":[]}`)
		db.update(t, func(ctx context.Context, tx *store.Tx) error {
			for _, r := range []store.ImageRow{full, row("a", "sha256:2", 0, time.Minute), row("b", "sha256:1", 0, -time.Minute), row("b", "sha256:3", 0, 0)} {
				if err := tx.PutImage(ctx, r); err != nil {
					return err
				}
			}
			return nil
		})
		list := func(q store.ImageQuery) (keys []string) {
			db.update(t, func(ctx context.Context, tx *store.Tx) error {
				rows, err := tx.Images(ctx, q)
				for _, r := range rows {
					keys = append(keys, r.Connector+" "+r.Digest)
				}
				return err
			})
			return keys
		}
		for name, tt := range map[string]struct {
			q    store.ImageQuery
			want []string
		}{
			"all":       {store.ImageQuery{}, []string{"a sha256:1", "a sha256:2", "b sha256:1", "b sha256:3"}},
			"connector": {store.ImageQuery{Connector: "b"}, []string{"b sha256:1", "b sha256:3"}},
			"due":       {store.ImageQuery{ByStatus: true, Due: now}, []string{"b sha256:1", "b sha256:3"}},
			"page":      {store.ImageQuery{After: &store.ImageRow{Connector: "a", Digest: "sha256:1"}, Limit: 2}, []string{"a sha256:2", "b sha256:1"}},
		} {
			if diff := cmp.Diff(tt.want, list(tt.q)); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
		db.update(t, func(ctx context.Context, tx *store.Tx) error {
			got, err := tx.Image(ctx, "", "a", "sha256:1")
			if err != nil {
				return err
			}
			if diff := cmp.Diff(&full, got); diff != "" {
				t.Error(diff)
			}
			return tx.DeleteImage(ctx, "", "a", "sha256:1")
		})
		db.update(t, func(ctx context.Context, tx *store.Tx) error {
			if _, err := tx.Image(ctx, "", "a", "sha256:1"); !arm.IsNotFound(err) {
				t.Errorf("error %v", err)
			}
			return nil
		})
	})
}
