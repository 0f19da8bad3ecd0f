package index

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/posture/record"
)

// TestMergedViewsEqualPuts compares an index merged of parts with one made row
// by row.
func TestMergedViewsEqualPuts(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 5))
	sh := testShape(t)
	n, fr := record.NewNames(), sh.Risk
	var rows []*record.Row
	for h := range uint32(2500) {
		rows = append(rows, randomRow(t, n, fr, rnd, h+1))
	}
	one, merged := Empty(n, sh).Edit(sh), Empty(n, sh).Edit(sh)
	for _, r := range rows {
		one.Put(r)
	}
	for _, some := range [][]*record.Row{rows[:3], rows[3:1200], rows[1200:]} {
		part := Empty(n, sh).Edit(sh)
		part.SkipNames = true
		for _, r := range some {
			part.Put(r)
		}
		merged.Merge(part.View)
	}
	want, got := one.Commit(time.Unix(1, 0)), merged.Commit(time.Unix(1, 0))
	if diff := cmp.Diff(want.count(), got.count(), countsCompare); diff != "" {
		t.Errorf("merged index differs (-puts +merged):\n%s", diff)
	}
	if diff := cmp.Diff(want.Total, got.Total, cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
		t.Errorf("merged ledger differs (-puts +merged):\n%s", diff)
	}
	got.names = record.NewNames()
	got.names.AddAll(rows)
	for _, r := range rows {
		if got.Find(r.ID) != r {
			t.Fatalf("%s is not found", r.ID)
		}
	}
}
