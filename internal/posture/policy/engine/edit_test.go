package engine

import (
	"fmt"
	"maps"
	"testing"

	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// bindable makes a random world without definitions that do not bind.
func bindable(t testing.TB, seed uint64) (*generator, *world) {
	t.Helper()
	g := newGenerator(seed)
	w := g.world(t, 14, 20)
	for i, d := range w.in.Definitions {
		if _, err := policy.Bind(d, nil, w.opt.Language); err != nil {
			w.in.Definitions[i] = nil
		}
	}
	w.dropUnbound()
	return g, w
}

func fill(t testing.TB, set *Set, docs map[uint32]wire.Document) *Estate {
	t.Helper()
	e := NewEstate(set)
	for _, h := range sortedHandles(docs) {
		doc := docs[h]
		if _, err := e.Load(h, &doc); err != nil {
			t.Fatal(err)
		}
	}
	e.Evaluate(nil)
	return e
}

func TestWhatIfChangesNothing(t *testing.T) {
	for seed := range uint64(60) {
		g, w := bindable(t, seed)
		set, _, err := Compile(w.in, w.opt)
		if err != nil {
			t.Fatal(err)
		}
		e := fill(t, set, w.docs)
		before := e.verdictStates()
		var changes []Hypothetical
		after := maps.Clone(w.docs)
		for range 5 {
			h := uint32(g.IntN(22))
			if g.one(4) {
				changes = append(changes, Hypothetical{Handle: h})
				delete(after, h)
				continue
			}
			doc := g.document(h)
			changes = append(changes, Hypothetical{h, &doc})
			after[h] = doc
		}
		flips, err := e.WhatIf(changes)
		if err != nil {
			t.Fatal(err)
		}
		predicted := maps.Clone(before)
		follow(t, predicted, flips)
		what := fmt.Sprintf("seed %d", seed)
		w.compare(t, set, what+", afterwards", e.verdictStates(), before)
		e.Evaluate(nil)
		w.compare(t, set, what+", swept", e.verdictStates(), before)
		real := world{in: w.in, opt: w.opt, docs: after, rules: w.rules}
		real.compare(t, set, what+", predicted", predicted, fill(t, set, after).verdictStates())
		if t.Failed() {
			return
		}
	}
}

// TestNoAllocation: deciding on resident rows, and decoding, allocate nothing.
func TestNoAllocation(t *testing.T) {
	defs := []*policy.Definition{
		definition(t, "a", `{"if":{"allOf":[{"field":"type","equals":"Microsoft.Storage/storageAccounts"},
			{"field":"Microsoft.Storage/storageAccounts/minimumTlsVersion","notIn":["TLS1_2","TLS1_3"]},
			{"field":"Microsoft.Storage/storageAccounts/networkAcls.defaultAction","notEquals":"Deny"},
			{"anyOf":[{"field":"location","in":["West Europe"]},{"field":"name","like":"st*17"},{"field":"tags.env","contains":"ro"}]}]},"then":{"effect":"audit"}}`),
		definition(t, "b", `{"if":{"allOf":[{"field":"type","equals":"Microsoft.Storage/storageAccounts"},{"count":{"field":"Microsoft.Storage/storageAccounts/networkAcls.ipRules[*]",
			"where":{"field":"Microsoft.Storage/storageAccounts/networkAcls.ipRules[*].action","equals":"Allow"}},"equals":0}]},"then":{"effect":"deny"}}`),
		definition(t, "c", `{"if":{"field":"type","equals":"Microsoft.Storage/storageAccounts"},"then":{"effect":"auditIfNotExists",
			"details":{"type":"Microsoft.Insights/diagnosticSettings"}}}`),
	}
	set, _, err := Compile(Input{Definitions: defs, Assignments: assign(t, "/subscriptions/11111111-1111-1111-1111-111111111111", defs...), Aliases: policy.NewAliases()}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	doc := wire.Document{ID: "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-prod-17/providers/Microsoft.Storage/storageAccounts/stprod000017",
		Type: "Microsoft.Storage/storageAccounts", Body: []byte(sampleBody)}
	e := fill(t, set, map[uint32]wire.Document{1: doc})
	x, w := e.entry(1), newWorker(e)
	if len(x.plan.members) != len(defs) {
		t.Fatalf("%d members apply, want %d", len(x.plan.members), len(defs))
	}
	w.judgeAll(x)
	if n := testing.AllocsPerRun(100, func() { w.judgeAll(x) }); n != 0 {
		t.Errorf("judging allocates %v times", n)
	}
	decode := func() {
		if err := w.dec.decode(x.typ.layout, x.typ.dict, doc.Body); err != nil {
			t.Fatal(err)
		}
		w.row = w.dec.appendRow(w.row[:0])
	}
	decode()
	if n := testing.AllocsPerRun(100, decode); n != 0 {
		t.Errorf("decoding allocates %v times", n)
	}
}

// TestLoadOneIDTwice: of two handles with one id the higher one stays, whichever
// comes first.
func TestLoadOneIDTwice(t *testing.T) {
	for _, handles := range [][2]uint32{{1, 2}, {2, 1}} {
		_, w := bindable(t, 1)
		set, _, err := Compile(w.in, w.opt)
		if err != nil {
			t.Fatal(err)
		}
		e := NewEstate(set)
		for _, h := range handles {
			doc := wire.Document{ID: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a",
				Type: "Microsoft.Storage/storageAccounts", Body: fmt.Appendf(nil, `{"location":"l%d"}`, h)}
			if _, err := e.Load(h, &doc); err != nil {
				t.Fatal(err)
			}
		}
		e.Evaluate(nil)
		if e.Len() != 1 || e.entry(1) != nil || e.entry(2) == nil || e.byID[e.entry(2).id] != 2 {
			t.Errorf("loaded as %v: %d resident, 1: %v, 2: %v", handles, e.Len(), e.entry(1), e.entry(2))
		}
	}
}
