package judge

import (
	"fmt"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// benchReports are the machines of the benchmarks over reports, each with a
// baseline of the size that an agent delivers.
const (
	benchReports = 2000
	benchChecks  = 200
)

func newReportsWorld(b *testing.B) *world {
	b.Helper()
	w := NewWorldOf(b, FindingsLibrary(b))
	for from := 0; from < benchReports; from += 200 {
		var docs []wire.Document
		for i := from; i < from+200; i++ {
			machine := w.Machine(fmt.Sprintf("m%05d", i))
			of := Checks{}
			for c := range benchChecks {
				of[fmt.Sprintf("check-with-a-name-%03d", c)] = "pass high"
			}
			of["ssh"] = "fail high"
			docs = append(docs, machine, w.Baseline(machine, of))
		}
		if res, err := w.Inv.Put(b.Context(), "", docs); err != nil || len(res.Rejected) > 0 {
			b.Fatal(err, res.Rejected)
		}
	}
	w.Step()
	return w
}

// BenchmarkDisableFinding is a rule that reaches every machine, written and
// deleted: from the write to the view that shows it.
func BenchmarkDisableFinding(b *testing.B) {
	w := newReportsWorld(b)
	id := w.Machine("m00000").ID
	var took time.Duration
	for b.Loop() {
		began := time.Now()
		v := w.Disable(TestSub, "ssh", When(map[string]any{"findingIds": []string{"ssh"}}))
		took = time.Since(began)
		if a, _ := v.Assessment(id, HardenedID); a.State != record.Healthy {
			b.Fatal(a.State)
		}
		w.Enable(TestSub, "ssh")
	}
	b.ReportMetric(float64(took.Microseconds())/benchReports, "us/report")
}

// BenchmarkInventoryByFinding is a page of resources with a finding.
func BenchmarkInventoryByFinding(b *testing.B) {
	w := newReportsWorld(b)
	v := w.Estate().View()
	for b.Loop() {
		if page, err := v.Inventory(index.InventoryQuery{Finding: "check ssh", Sort: "name"}); err != nil || page.Total != benchReports {
			b.Fatal(page.Total, err)
		}
	}
}
