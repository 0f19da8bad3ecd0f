package posture

import (
	"fmt"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/wire"
)

// benchReports are the machines of the benchmarks over reports, each with a
// baseline of the size that an agent delivers.
const (
	benchReports = 2000
	benchChecks  = 200
)

func newReportsWorld(b *testing.B) *world {
	b.Helper()
	w := newWorldOf(b, findingsLibrary(b))
	for from := 0; from < benchReports; from += 200 {
		var docs []wire.Document
		for i := from; i < from+200; i++ {
			machine := w.machine(fmt.Sprintf("m%05d", i))
			of := checks{}
			for c := range benchChecks {
				of[fmt.Sprintf("check-with-a-name-%03d", c)] = "pass high"
			}
			of["ssh"] = "fail high"
			docs = append(docs, machine, w.baseline(machine, of))
		}
		if res, err := w.inv.Put(b.Context(), "", docs); err != nil || len(res.Rejected) > 0 {
			b.Fatal(err, res.Rejected)
		}
	}
	w.step()
	return w
}

// BenchmarkDisableFinding is a rule that reaches every machine, written and
// deleted: from the write to the view that shows it.
func BenchmarkDisableFinding(b *testing.B) {
	w := newReportsWorld(b)
	id := w.machine("m00000").ID
	var took time.Duration
	for b.Loop() {
		began := time.Now()
		v := w.disable(testSub, "ssh", when(map[string]any{"findingIds": []string{"ssh"}}))
		took = time.Since(began)
		if a, _ := v.Assessment(id, hardenedID); a.State != Healthy {
			b.Fatal(a.State)
		}
		w.enable(testSub, "ssh")
	}
	b.ReportMetric(float64(took.Microseconds())/benchReports, "us/report")
}

// BenchmarkInventoryByFinding is a page of resources with a finding.
func BenchmarkInventoryByFinding(b *testing.B) {
	w := newReportsWorld(b)
	v := w.estate().View()
	for b.Loop() {
		if page, err := v.Inventory(InventoryQuery{Finding: "check ssh", Sort: "name"}); err != nil || page.Total != benchReports {
			b.Fatal(page.Total, err)
		}
	}
}
