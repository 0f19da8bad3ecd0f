package simulate

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

func estate(t *testing.T, opt Options) []wire.Document {
	t.Helper()
	g, err := New(opt)
	if err != nil {
		t.Fatal(err)
	}
	var docs []wire.Document
	for doc, ok := g.Next(); ok; doc, ok = g.Next() {
		docs = append(docs, doc)
	}
	return docs
}

// TestShape holds the estate to the figures that trials and benchmarks name.
func TestShape(t *testing.T) {
	const n = 20000
	docs := estate(t, Options{Resources: n})
	if len(docs) != n {
		t.Fatalf("%d documents, want %d", len(docs), n)
	}
	types, ids, subs := map[string]int{}, map[string]bool{}, map[string]int{}
	var sizes []int
	children, unavailable := 0, 0
	for _, d := range docs {
		id, err := arm.ParseID(d.ID)
		if err != nil {
			t.Fatal(err)
		}
		if arm.Fold(id.Type()) != arm.Fold(d.Type) {
			t.Fatalf("%s says it is a %s", d.ID, d.Type)
		}
		if ids[id.Key()] {
			t.Fatalf("%s comes twice", d.ID)
		}
		if !json.Valid(d.Body) {
			t.Fatalf("%s: body is not JSON: %s", d.ID, d.Body)
		}
		ids[id.Key()] = true
		types[d.Type]++
		subs[id.Subscription()]++
		sizes = append(sizes, len(d.Body))
		if id.IsChild() {
			children++
		}
		if len(d.Unavailable) > 0 {
			unavailable++
		}
	}
	slices.Sort(sizes)
	within(t, "types", float64(len(types)), 45, 1000)
	within(t, "child share", float64(children)/n, 0.38, 0.42)
	within(t, "unavailable share", float64(unavailable)/n, 0.02, 0.04)
	within(t, "median size", float64(sizes[n/2]), 1000, 1450)
	within(t, "99th percentile of size", float64(sizes[n*99/100]), 16000, 24000)
	within(t, "subscriptions", float64(len(subs)), 3, 20)
}

func within(t *testing.T, what string, got, low, high float64) {
	t.Helper()
	if got < low || got > high {
		t.Errorf("%s is %v, want %v to %v", what, got, low, high)
	}
}

func TestSameSeedSameEstate(t *testing.T) {
	line := func(seed uint64) []byte {
		var b []byte
		for _, d := range estate(t, Options{Resources: 500, Seed: seed}) {
			b = AppendLine(b, d)
		}
		return b
	}
	if !bytes.Equal(line(7), line(7)) {
		t.Error("the same seed gave two estates")
	}
	if bytes.Equal(line(7), line(8)) {
		t.Error("two seeds gave the same estate")
	}
}
