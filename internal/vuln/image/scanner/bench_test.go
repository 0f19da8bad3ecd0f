package scanner

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/rampart-sec/rampart/internal/base/software"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/vuln/advisory"
	"github.com/rampart-sec/rampart/internal/vuln/image"
)

// BenchmarkRematch matches 1,000 stored inventories of 400 packages, of which
// many images have most, with advisories that changed.
func BenchmarkRematch(b *testing.B) {
	w := newWorld(b)
	const images, packages = 1000, 400
	err := w.o.Store.Update(b.Context(), func(tx *store.Tx) error { return w.fill(b.Context(), tx, images, packages) })
	if err != nil {
		b.Fatal(err)
	}
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		w.advise(fmt.Sprintf("CVE-2026-%04d", n+10), "3")
		w.o.Advisories = advisory.NewLive(w.db)
		b.StartTimer()
		if err := w.Rematch(b.Context(), advisory.Change{All: true}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*images)/b.Elapsed().Seconds(), "inventories/s")
}

// fill stores inventories as scans leave them.
func (w *world) fill(ctx context.Context, tx *store.Tx, images, packages int) error {
	for i := range images {
		v := image.Inventory{Image: image.Description{Layers: []image.Layer{{Digest: "sha256:a"}}}}
		for p := range packages {
			v.Packages = append(v.Packages, image.Package{Layer: "sha256:a", Package: software.Package{Name: fmt.Sprintf("package-%d", (i/10+p)%2000), Version: "1.0-1", Arch: "amd64",
				Ecosystem: "Debian:12", PURL: fmt.Sprintf("pkg:deb/debian/package-%d@1.0-1?arch=amd64&distro=debian-12", p), Path: "var/lib/dpkg/status"}})
		}
		v.Packages[0].Name = "x"
		body, err := json.Marshal(v)
		if err != nil {
			return err
		}
		if err := tx.PutImage(ctx, store.ImageRow{Connector: "local", Digest: fmt.Sprintf("sha256:%064x", i), Names: []string{"app:1"}, Status: completed, Queued: w.o.Now(), Scanned: w.o.Now(), Inventory: body}); err != nil {
			return err
		}
	}
	return nil
}
