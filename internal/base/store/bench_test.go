package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

// estate makes n documents of 1.2 to 2 KB that look like ARM resources: half
// structure that repeats, half values that do not.
func estate(n int) []wire.Document {
	rnd := rand.New(rand.NewPCG(1, 2))
	docs := make([]wire.Document, n)
	for i := range docs {
		id := fmt.Sprintf("/subscriptions/%08d-0000-4000-8000-000000000000/resourceGroups/rg-%d/providers/Microsoft.Storage/storageAccounts/account%d", i/2000, i/50, i)
		if i%5 > 2 { // two of five are children of the one before
			id = docs[i-i%5+2].ID + fmt.Sprintf("/blobServices/child%d", i)
		}
		docs[i] = document(id, "import", newClock().t, i)
		var b strings.Builder
		fmt.Fprintf(&b, `{"id":%q,"name":"account%d","location":"westeurope","tags":{"env":"prod","owner":"team%d"},"properties":{`, id, i, i%40)
		for j := range 18 + rnd.IntN(12) {
			fmt.Fprintf(&b, `"setting%d":{"enabled":%v,"value":"%x"},`, j, rnd.IntN(2) == 0, rnd.Uint32())
		}
		docs[i].Body = json.RawMessage(b.String() + `"provisioningState":"Succeeded"}}`)
	}
	return docs
}

func benchStore(b *testing.B, engine string) *store.DB {
	url := "sqlite:" + filepath.Join(b.TempDir(), "rampart.db")
	if engine == "postgres" {
		url = cluster.Database(b)
	}
	db, err := store.Open(b.Context(), store.Options{URL: url})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	return db
}

func fill(b *testing.B, db *store.DB, docs []wire.Document) {
	for from := 0; from < len(docs); from += 4096 {
		batch := docs[from:min(from+4096, len(docs))]
		err := db.Update(b.Context(), func(tx *store.Tx) error {
			_, err := tx.PutResources(b.Context(), "", batch)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPut writes new documents in transactions of 4096, preparing
// included, on one goroutine.
func BenchmarkPut(b *testing.B) {
	docs := estate(100_000)
	for _, engine := range []string{"sqlite", "postgres"} {
		b.Run(engine, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				fill(b, benchStore(b, engine), docs)
			}
			b.ReportMetric(float64(b.N*len(docs))/b.Elapsed().Seconds(), "docs/s")
		})
	}
}

// BenchmarkScan reads everything, once with one goroutine and once with one
// per core.
func BenchmarkScan(b *testing.B) {
	db := benchStore(b, "sqlite")
	docs := estate(100_000)
	fill(b, db, docs)
	lo, hi, _, err := db.HandleRange(b.Context(), "")
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{1, runtime.GOMAXPROCS(0)} {
		b.Run(fmt.Sprintf("readers=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if got := scanAll(b.Context(), db, n, lo, hi); got != len(docs) {
					b.Fatal(got)
				}
			}
			b.ReportMetric(float64(b.N*len(docs))/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func scanAll(ctx context.Context, db *store.DB, n int, lo, hi uint32) int {
	var total atomic.Int64
	var wg sync.WaitGroup
	step := (hi-lo)/uint32(n) + 1
	for from := lo; from <= hi; from += step {
		wg.Go(func() {
			_ = db.ScanResources(ctx, store.ScanRange{From: from, To: min(from+step-1, hi)}, func(r *store.Resource) error {
				total.Add(1)
				return nil
			})
		})
	}
	wg.Wait()
	return int(total.Load())
}
