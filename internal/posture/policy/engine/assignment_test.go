package engine

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

func assignment(t testing.TB, name, properties string) *policy.Assignment {
	t.Helper()
	a, err := policy.ParseAssignment(fmt.Appendf(nil,
		`{"id":"/providers/Microsoft.Authorization/policyAssignments/%s","properties":%s}`, name, properties))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestAssignments: scopes, excluded scopes, selectors, overrides and
// initiatives decide which members judge a resource, as they do for the tree
// walker.
func TestAssignments(t *testing.T) {
	d := definition(t, "d", `{"if":{"allOf":[{"field":"type","equals":"Microsoft.Test/widgets"},{"field":"properties.a","equals":"on"}]},"then":{"effect":"audit"}}`)
	initiative, err := policy.ParseInitiative([]byte(`{"id":"/providers/Microsoft.Authorization/policySetDefinitions/i","properties":{
		"policyDefinitions":[{"policyDefinitionReferenceId":"one","policyDefinitionId":"` + d.ID + `"},{"policyDefinitionReferenceId":"two","policyDefinitionId":"` + d.ID + `"}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	whole := `"policyDefinitionId":"` + initiative.ID + `"`
	w := &world{
		in: Input{Definitions: []*policy.Definition{d}, Initiatives: []*policy.Initiative{initiative}, Assignments: []*policy.Assignment{
			assignment(t, "tenant", `{"scope":"/",`+whole+`}`),
			assignment(t, "group", `{"scope":"`+testGroup+`",`+whole+`}`),
			assignment(t, "excluded", `{"scope":"`+testSub+`","notScopes":["`+testGroup+`/providers/Microsoft.Test/widgets/w2"],`+whole+`}`),
			assignment(t, "resource", `{"scope":"`+testGroup+`/providers/Microsoft.Test/widgets/w1",`+whole+`}`),
			assignment(t, "located", `{"scope":"/",`+whole+`,"resourceSelectors":[{"selectors":[{"kind":"resourceLocation","in":["West Europe"]}]}]}`),
			assignment(t, "overridden", `{"scope":"/",`+whole+`,"overrides":[{"kind":"policyEffect","value":"disabled","selectors":[
				{"kind":"policyDefinitionReferenceId","in":["one"]},{"kind":"resourceLocation","in":["eastus"]}]}]}`),
			assignment(t, "elsewhere", `{"scope":"/subscriptions/22222222-1111-1111-1111-111111111111",`+whole+`}`),
		}},
		opt: Options{Language: policy.Options{DirectPaths: true}},
		docs: map[uint32]wire.Document{
			1: resource(typeA, "w1", obj{"location": "westeurope", "properties": obj{"a": "on"}}),
			2: resource(typeA, "w2", obj{"location": "East US", "properties": obj{"a": "on"}}),
			3: resource(typeA, "w3", obj{"properties": obj{"a": "off"}}),
		},
	}
	e := w.check(t)
	if n := len(e.Verdicts(1, nil)); n != 12 {
		t.Errorf("w1 has %d verdicts, want two of each of six assignments", n)
	}
	moved := resource(typeA, "w1", obj{"location": "eastus", "properties": obj{"a": "on"}})
	w.docs[1] = moved
	states := e.verdictStates()
	flips, err := e.Upsert(1, &moved)
	if err != nil {
		t.Fatal(err)
	}
	follow(t, states, flips)
	want := w.oracle(t, e.set)
	w.compare(t, e.set, "moved", e.verdictStates(), want)
	w.compare(t, e.set, "flips of the move", states, want)
}

func TestPlanNamesWhatReadsAPath(t *testing.T) {
	defs := []*policy.Definition{
		definition(t, "own", `{"if":{"allOf":[{"field":"type","equals":"Microsoft.Test/widgets"},{"field":"properties.a.b","equals":"on"}]},"then":{"effect":"audit"}}`),
		definition(t, "name", `{"if":{"allOf":[{"field":"type","equals":"Microsoft.Test/widgets"},{"field":"name","like":"x*"}]},"then":{"effect":"audit"}}`),
		definition(t, "parent", `{"if":{"field":"type","equals":"Microsoft.Test/gadgets"},"then":{"effect":"auditIfNotExists",
			"details":{"type":"Microsoft.Test/widgets","existenceCondition":{"field":"properties.rules[*].x","equals":"on"}}}}`),
	}
	set, _, err := Compile(Input{Definitions: defs, Assignments: assign(t, testSub, defs...)}, Options{Language: policy.Options{DirectPaths: true}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, path   string
		own, parents []int
	}{
		{"property", "properties.a.b", []int{0}, nil},
		{"above", "properties.a", []int{0}, nil},
		{"members", "properties.rules[*].x", nil, []int{2}},
		{"name", "name", []int{1}, []int{2}},
		{"unread", "properties.z", nil, nil},
		{"new", "", []int{0, 1}, []int{2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := set.Plan(typeA, tt.path)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got.Own, tt.own) || !slices.Equal(got.Parents, tt.parents) {
				t.Errorf("got %+v, want own %v, parents %v", got, tt.own, tt.parents)
			}
		})
	}
}

func TestParallelLoad(t *testing.T) {
	_, w := bindable(t, 4)
	set, _, err := Compile(w.in, w.opt)
	if err != nil {
		t.Fatal(err)
	}
	e := NewEstate(set)
	var wg sync.WaitGroup
	for k := range uint32(3) {
		wg.Go(func() {
			for h, doc := range w.docs {
				if h%3 != k {
					continue
				}
				if _, err := e.Load(h, &doc); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	seen := 0
	e.Evaluate(func(h uint32, member int, s policy.State, _ uint32) { seen++ })
	if seen == 0 {
		t.Error("no verdict was shown")
	}
	w.compare(t, set, "parallel", e.verdictStates(), w.oracle(t, set))
}

// TestBadDocuments: what cannot be used is refused alone and changes nothing.
func TestBadDocuments(t *testing.T) {
	_, w := bindable(t, 5)
	set, _, err := Compile(w.in, w.opt)
	if err != nil {
		t.Fatal(err)
	}
	e := fill(t, set, w.docs)
	before := e.verdictStates()
	good := resource(typeA, "w", obj{})
	for name, doc := range map[string]wire.Document{
		"noID":         {Type: typeA, Body: []byte(`{}`)},
		"truncated":    {ID: good.ID, Type: typeA, Body: []byte(`{"a":`)},
		"noObject":     {ID: good.ID, Type: typeA, Body: []byte(`[]`)},
		"otherType":    {ID: good.ID, Type: typeA, Body: []byte(`{"type":"Microsoft.Other/things"}`)},
		"badPath":      {ID: good.ID, Type: typeA, Body: []byte(`{}`), Unavailable: []string{"a..b"}},
		"huge":         {ID: good.ID, Type: typeA, Body: make([]byte, wire.MaxBody+1)},
		"otherHandle":  {ID: w.docs[5].ID, Type: typeA, Body: []byte(`{}`)},
		"manyHidden":   {ID: good.ID, Type: typeA, Body: []byte(`{}`), Unavailable: make([]string, wire.MaxUnavailable+1)},
		"somethingTwo": {ID: good.ID, Type: typeA, Body: []byte(`{} {}`)},
	} {
		t.Run(name, func(t *testing.T) {
			if flips, err := e.Upsert(99, &doc); err == nil {
				t.Errorf("accepted, flips %v", flips)
			}
			e.Delete(99)
		})
	}
	w.compare(t, set, "afterwards", e.verdictStates(), before)
}

// TestReasonNamesThePath: an unknown verdict says what was not delivered.
func TestReasonNamesThePath(t *testing.T) {
	d := definition(t, "d", `{"if":{"allOf":[{"field":"type","equals":"Microsoft.Test/widgets"},
		{"anyOf":[{"field":"properties.b","equals":"on"},{"field":"properties.a","equals":"on"}]}]},"then":{"effect":"audit"}}`)
	set, _, err := Compile(Input{Definitions: []*policy.Definition{d}, Assignments: assign(t, testSub, d)}, Options{Language: policy.Options{DirectPaths: true}})
	if err != nil {
		t.Fatal(err)
	}
	e := NewEstate(set)
	doc := resource(typeA, "w", obj{"properties": obj{"b": "off"}}, "properties.a no permission")
	flips, err := e.Upsert(1, &doc)
	if err != nil {
		t.Fatal(err)
	}
	if len(flips) != 1 || flips[0].To != policy.Unknown || set.Reason(flips[0].Reason) != "properties.a" {
		t.Errorf("got %+v, reason %q", flips, set.Reason(flips[0].Reason))
	}
	doc.Unavailable = nil
	if flips, err = e.Upsert(1, &doc); err != nil || len(flips) != 1 || flips[0].To != policy.Compliant || flips[0].Reason != 0 {
		t.Errorf("delivered: %+v, %v", flips, err)
	}
}

// TestAboveSubscriptions: of two management groups, an assignment at one covers
// that one alone, though neither lies in a subscription.
func TestAboveSubscriptions(t *testing.T) {
	const groups = "/providers/Microsoft.Management/managementGroups/"
	d := definition(t, "d", `{"if":{"field":"type","equals":"Microsoft.Management/managementGroups"},"then":{"effect":"audit"}}`)
	set, _, err := Compile(Input{Definitions: []*policy.Definition{d}, Assignments: assign(t, groups+"one", d)}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := NewEstate(set)
	for h, name := range []string{"one", "two"} {
		doc := wire.Document{ID: groups + name, Type: "Microsoft.Management/managementGroups", Body: []byte(`{}`)}
		if _, err := e.Load(uint32(h), &doc); err != nil {
			t.Fatal(err)
		}
	}
	e.Evaluate(nil)
	if one, two := e.Verdicts(0, nil), e.Verdicts(1, nil); len(one) != 1 || len(two) != 0 {
		t.Errorf("verdicts of the group %v, of the other %v", one, two)
	}

	// The same when the assignment comes later.
	in := Input{Definitions: []*policy.Definition{d}}
	none, _, err := set.Recompile(in, Options{})
	if err != nil {
		t.Fatal(err)
	}
	swapTo(t, e, none)
	in.Assignments = assign(t, groups+"one", d)
	again, _, err := none.Recompile(in, Options{})
	if err != nil {
		t.Fatal(err)
	}
	swapTo(t, e, again)
	if one, two := e.Verdicts(0, nil), e.Verdicts(1, nil); len(one) != 1 || len(two) != 0 {
		t.Errorf("after a swap, verdicts of the group %v, of the other %v", one, two)
	}
}

func swapTo(t *testing.T, e *Estate, set *Set) {
	t.Helper()
	reread := func([]string, func(uint32, *wire.Document)) error { return errors.New("nothing is to be read again") }
	if err := e.Swap(set, reread, func([]Flip) {}); err != nil {
		t.Fatal(err)
	}
}
