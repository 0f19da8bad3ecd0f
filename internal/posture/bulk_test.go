package posture

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestMergedViewsEqualPuts compares an index merged of parts with one made row
// by row.
func TestMergedViewsEqualPuts(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 5))
	sh := testShape(t)
	n, fr := newNames(), sh.risk
	var rows []*row
	for h := range uint32(2500) {
		rows = append(rows, randomRow(t, n, fr, rnd, h+1))
	}
	one, merged := emptyView(n, sh).edit(sh), emptyView(n, sh).edit(sh)
	for _, r := range rows {
		one.put(r)
	}
	for _, some := range [][]*row{rows[:3], rows[3:1200], rows[1200:]} {
		part := emptyView(n, sh).edit(sh)
		part.unnamed = true
		for _, r := range some {
			part.put(r)
		}
		merged.merge(part.v)
	}
	want, got := one.commit(time.Unix(1, 0)), merged.commit(time.Unix(1, 0))
	if diff := cmp.Diff(want.count(), got.count(), countsCompare); diff != "" {
		t.Errorf("merged index differs (-puts +merged):\n%s", diff)
	}
	if diff := cmp.Diff(want.total, got.total, cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
		t.Errorf("merged ledger differs (-puts +merged):\n%s", diff)
	}
	got.names = newNames()
	got.names.addAll(rows)
	for _, r := range rows {
		if got.byID(r.id) != r {
			t.Fatalf("%s is not found", r.id)
		}
	}
}
