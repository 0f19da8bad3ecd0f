package inventory_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/rampart-sec/rampart/internal/base/inventory"
	"github.com/rampart-sec/rampart/internal/base/store"
)

// export makes n resources of about 1.4 KB as JSON Lines.
func export(n int) []byte {
	rnd := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, `{"id":%q,"name":"n%d","location":"westeurope","tags":{"env":"prod","team":"t%d"},"properties":{`, estateID(i), i, i%40)
		for j := range 18 + rnd.IntN(12) {
			fmt.Fprintf(&b, `"setting%d":{"enabled":%v,"value":"%x"},`, j, rnd.IntN(2) == 0, rnd.Uint32())
		}
		b.WriteString(`"provisioningState":"Succeeded"}}` + "\n")
	}
	return b.Bytes()
}

// BenchmarkImport imports JSON Lines into an empty SQLite store, and again
// over itself.
func BenchmarkImport(b *testing.B) {
	const n = 100_000
	in := export(n)
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		b.StopTimer()
		db, err := store.Open(b.Context(), store.Options{URL: "sqlite:" + filepath.Join(b.TempDir(), "rampart.db")})
		if err != nil {
			b.Fatal(err)
		}
		v := inventory.New(inventory.Options{Store: db})
		b.StartTimer()
		res, err := v.Import(b.Context(), "", bytes.NewReader(in), inventory.ImportOptions{Source: "import"})
		if err != nil || res.Created != n {
			b.Fatalf("%d, %v", res.Created, err)
		}
		b.StopTimer()
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "docs/s")
}

// BenchmarkDecode decodes one resource of about 1.4 KB.
func BenchmarkDecode(b *testing.B) {
	line := bytes.TrimSpace(export(1))
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := inventory.Decode(line, noon, "import"); err != nil {
			b.Fatal(err)
		}
	}
}
