package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

// feed reads everything of one partition, page by page.
func (db *fixture) feed(t testing.TB, tenant string, part int) []store.Change {
	t.Helper()
	var all []store.Change
	for {
		after := uint64(0)
		if len(all) > 0 {
			after = all[len(all)-1].Seq
		}
		page, err := db.Changes(t.Context(), tenant, part, after, 7)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page...)
		if len(page) < 7 {
			return all
		}
	}
}

func TestFeedTellsWhatHappened(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		h := db.put(t, document(vm1, "a", db.t, 1), document(vm2, "a", db.t, 1))[0].Handle
		db.put(t, document(vm1, "b", db.t, 3)) // foreign: no change
		db.put(t, document(vm1, "a", db.t, 1)) // nothing new: no change
		db.advance(time.Minute)
		db.put(t, document(vm1, "a", db.t, 1))
		db.update(t, func(ctx context.Context, tx *store.Tx) error { return tx.DeleteResource(ctx, "", vm1, "a") })
		var got []string
		for i, c := range db.feed(t, "", store.Partition(arm.MustParseID(vm1))) {
			if c.Seq != uint64(i+1) {
				t.Errorf("change %d has seq %d", i, c.Seq)
			}
			if c.Key == vm1 && c.Handle != h {
				t.Errorf("change %d is of handle %d, want %d", i, c.Handle, h)
			}
			got = append(got, c.Kind+" "+c.Key)
		}
		want := []string{"resource " + vm1, "resource " + vm2, "resource-seen " + vm1, "resource-deleted " + vm1}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("feed (-want +got):\n%s", diff)
		}
	})
}

func TestChangeRoundTrip(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		want := store.Change{Partition: 3, Kind: "something new", Key: "k", Handle: 9, Payload: []byte("(payload")}
		db.update(t, func(ctx context.Context, tx *store.Tx) error {
			seq, err := tx.AppendChange(ctx, want)
			want.Seq, want.At = seq, db.t
			return err
		})
		got := db.feed(t, "", 3)
		if diff := cmp.Diff([]store.Change{want}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestRolledBackChangesLeaveNoGap(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		no := errors.New("no")
		for i := range 4 {
			err := db.Update(t.Context(), func(tx *store.Tx) error {
				if _, err := tx.AppendChange(t.Context(), store.Change{Partition: 1, Kind: "x", Key: fmt.Sprint(i)}); err != nil || i%2 == 0 {
					return errors.Join(err, no)
				}
				return nil
			})
			if errors.Is(err, no) != (i%2 == 0) {
				t.Fatal(err)
			}
		}
		if got := db.feed(t, "", 1); len(got) != 2 || got[1].Seq != 2 || got[1].Key != "3" {
			t.Errorf("feed %v", got)
		}
	})
}

// TestConcurrentWritersKeepTheFeedContiguous also runs writers that touch the
// same partitions in opposite order.
func TestConcurrentWritersKeepTheFeedContiguous(t *testing.T) {
	const writers, rounds = 4, 5
	onEachEngine(t, func(t *testing.T, db *fixture) {
		var wg sync.WaitGroup
		errs := make(chan error, writers*rounds)
		for w := range writers {
			wg.Go(func() {
				for r := range rounds {
					errs <- db.Update(t.Context(), func(tx *store.Tx) error {
						parts := []int{1, 2}
						if w%2 == 0 {
							parts = []int{2, 1}
						}
						for _, p := range parts {
							c := store.Change{Partition: p, Kind: "x", Key: fmt.Sprintf("%d/%d", w, r)}
							if _, err := tx.AppendChange(t.Context(), c); err != nil {
								return err
							}
						}
						doc := document(fmt.Sprintf("%s/providers/A.B/c/%d", group, r), "a", db.t, w)
						_, err := tx.PutResources(t.Context(), "", []wire.Document{doc})
						return err
					})
				}
			})
		}
		wg.Wait()
		close(errs)
		for err := range errs {
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, p := range []int{1, 2} {
			seen := map[string]bool{}
			for i, c := range db.feed(t, "", p) {
				if c.Seq != uint64(i+1) || seen[c.Key] {
					t.Fatalf("partition %d, change %d: seq %d, key %q seen %v", p, i, c.Seq, c.Key, seen[c.Key])
				}
				seen[c.Key] = c.Kind == "x" && c.Key != ""
			}
		}
	})
}

func TestChangedPartitions(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		for _, p := range []int{3, 9, 9} {
			db.update(t, func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.AppendChange(ctx, store.Change{Partition: p, Kind: "x"})
				return err
			})
		}
		got, err := db.ChangedPartitions(t.Context(), "", map[int]uint64{0: 99, 3: 1, 9: 1})
		if diff := cmp.Diff([]int{9}, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	})
}

func TestPositions(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		db.update(t, func(ctx context.Context, tx *store.Tx) error {
			for _, seq := range []uint64{4, 6} {
				if err := tx.SetPosition(ctx, store.Cursor{Reader: "index", Partition: 2, Seq: seq}); err != nil {
					return err
				}
			}
			return nil
		})
		db.view(t, func(ctx context.Context, tx *store.Tx) error {
			for _, q := range []struct {
				reader string
				part   int
				want   uint64
			}{{"index", 2, 6}, {"index", 3, 0}, {"other", 2, 0}} {
				if got, err := tx.Position(ctx, q.reader, "", q.part); err != nil || got != q.want {
					t.Errorf("position of %s in %d: %d, %v; want %d", q.reader, q.part, got, err, q.want)
				}
			}
			return nil
		})
	})
}

func TestWatchWakesAfterCommit(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		woken := db.Watch(t.Context())
		db.put(t, document(vm1, "a", db.t, 1))
		select {
		case <-woken:
		case <-time.After(10 * time.Second):
			t.Fatal("no wake after a commit")
		}
		db.update(t, func(ctx context.Context, tx *store.Tx) error { return tx.PutSetting(ctx, "", "x", 1) })
		select {
		case <-woken:
			t.Error("a transaction without changes wakes readers")
		default:
		}
	})
}

func TestSweepKeepsWhatReadersNeed(t *testing.T) {
	onEachEngine(t, func(t *testing.T, db *fixture) {
		for i := range 4 {
			db.update(t, func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.AppendChange(ctx, store.Change{Partition: 5, Kind: "x", Key: fmt.Sprint(i)})
				return err
			})
			db.advance(time.Hour)
		}
		db.update(t, func(ctx context.Context, tx *store.Tx) error {
			return tx.SetPosition(ctx, store.Cursor{Reader: "slow", Partition: 5, Seq: 2})
		})
		if _, err := db.Sweep(t.Context(), store.Keep{Changes: 30 * time.Minute}); err != nil {
			t.Fatal(err)
		}
		if got := db.feed(t, "", 5); len(got) != 2 || got[0].Seq != 3 {
			t.Errorf("after the sweep: %v", got)
		}
	})
}
