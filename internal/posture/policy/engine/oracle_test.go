package engine

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// instant is the evaluation instant of all tests.
var instant = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

const (
	testSub   = "/subscriptions/11111111-1111-1111-1111-111111111111"
	testGroup = testSub + "/resourceGroups/rg1"
)

// world is a set of policies with the documents of an estate.
type world struct {
	in   Input
	opt  Options
	docs map[uint32]wire.Document
	// rules are the generated rules by definition id, for messages.
	rules map[string]obj
}

// definition parses a definition of a test.
func definition(t testing.TB, name, rule string) *policy.Definition {
	t.Helper()
	d, err := policy.ParseDefinition(fmt.Appendf(nil,
		`{"id":"/providers/Microsoft.Authorization/policyDefinitions/%s","name":%q,"properties":{"mode":"All","policyRule":%s}}`, name, name, rule))
	if err != nil {
		t.Fatalf("%v in %s", err, rule)
	}
	return d
}

// assign assigns definitions alone, each by its own assignment.
func assign(t testing.TB, scope string, defs ...*policy.Definition) []*policy.Assignment {
	t.Helper()
	var out []*policy.Assignment
	for _, d := range defs {
		a, err := policy.ParseAssignment(fmt.Appendf(nil,
			`{"id":"%s/providers/Microsoft.Authorization/policyAssignments/%s","properties":{"policyDefinitionId":%q}}`, scope, d.Name, d.ID))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, a)
	}
	return out
}

// resource makes a document in the test group; body is JSON without id and type.
func resource(typ, name string, body any, unavailable ...string) wire.Document {
	segs, names := splitType(typ), splitNames(name)
	id := testGroup + "/providers/" + segs[0]
	for i, s := range segs[1:] {
		id += "/" + s + "/" + names[i]
	}
	raw, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return wire.Document{ID: id, Type: typ, Body: raw, Unavailable: unavailable}
}

func splitType(typ string) []string   { return splitSlash(typ) }
func splitNames(name string) []string { return splitSlash(name) }

func splitSlash(s string) (out []string) {
	start := 0
	for i := range len(s) + 1 {
		if i == len(s) || s[i] == '/' {
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return out
}

// oracle judges every member on every resource by the tree walker.
func (w *world) oracle(t testing.TB, set *Set) map[string]policy.State {
	t.Helper()
	var list policy.Resources
	docs := map[uint32]*policy.Resource{}
	for h, doc := range w.docs {
		r, err := policy.NewResource(doc)
		if err != nil {
			t.Fatal(err)
		}
		docs[h] = r
		list = append(list, r)
	}
	e := &policy.Evaluator{Aliases: w.in.Aliases, Options: w.opt.Language, Estate: list, Now: w.opt.Now}
	out := map[string]policy.State{}
	for h, r := range docs {
		target := policy.Target{ID: r.ID, Type: r.Type, Location: r.Body.Get("location").Str}
		if w.in.ManagementGroups != nil {
			target.Parents = w.in.ManagementGroups(r.ID.Subscription())
		}
		for n, m := range set.Members() {
			if m.Bound == nil {
				continue
			}
			a := set.assignments[m.assignment]
			if !a.Covers(target) {
				continue
			}
			b := m.Bound
			if effect := a.Effect(m.ReferenceID, target); effect != "" {
				if other, err := b.WithEffect(effect); err == nil {
					b = other
				}
			}
			env := policy.Environment{Assigned: policy.Assigned{AssignmentID: a.ID, DefinitionID: m.DefinitionID, SetDefinitionID: m.Initiative, ReferenceID: m.ReferenceID}}
			if v := e.Evaluate(b, r, env); v.State != policy.NotApplicable {
				out[key(h, n)] = v.State
			}
		}
	}
	return out
}

func key(h uint32, member int) string { return fmt.Sprintf("%d/%d", h, member) }

// states are the verdicts of an estate that are not NotApplicable.
func (e *Estate) verdictStates() map[string]policy.State {
	out := map[string]policy.State{}
	e.each(func(h uint32, _ *entry) {
		for _, v := range e.Verdicts(h, nil) {
			if v.State != policy.NotApplicable {
				out[key(h, v.Member)] = v.State
			}
		}
	})
	return out
}

// compare reports differences between two judgements.
func (w *world) compare(t testing.TB, set *Set, what string, got, want map[string]policy.State) {
	t.Helper()
	for k, s := range want {
		if got[k] != s {
			t.Errorf("%s: %s: engine says %s, tree walker %s%s", what, k, got[k], s, w.describe(set, k))
		}
	}
	for k, s := range got {
		if _, ok := want[k]; !ok {
			t.Errorf("%s: %s: engine says %s, tree walker notApplicable%s", what, k, s, w.describe(set, k))
		}
	}
}

func (w *world) describe(set *Set, k string) string {
	var h uint32
	var n int
	if _, err := fmt.Sscanf(k, "%d/%d", &h, &n); err != nil {
		return ""
	}
	d := w.docs[h]
	rule, _ := json.Marshal(w.rules[set.Members()[n].DefinitionID])
	return fmt.Sprintf("\n  member %s\n  rule %s\n  resource %s\n  %s\n  unavailable %q", set.Members()[n].DefinitionID, rule, d.ID, d.Body, d.Unavailable)
}

// check loads and evaluates the world at once and one by one, and compares
// both with the tree walker.
func (w *world) check(t testing.TB) *Estate {
	t.Helper()
	set, report, err := Compile(w.in, w.opt)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Failed {
		t.Fatalf("member %s of %s: %v", f.ReferenceID, f.Assignment, f.Err)
	}
	want := w.oracle(t, set)
	bulk, single := NewEstate(set), NewEstate(set)
	flipped := map[string]policy.State{}
	for _, h := range sortedHandles(w.docs) {
		doc := w.docs[h]
		if _, err := bulk.Load(h, &doc); err != nil {
			t.Fatal(err)
		}
		flips, err := single.Upsert(h, &doc)
		if err != nil {
			t.Fatal(err)
		}
		follow(t, flipped, flips)
	}
	bulk.Evaluate(nil)
	w.compare(t, set, "full evaluation", bulk.verdictStates(), want)
	w.compare(t, set, "one by one", single.verdictStates(), want)
	w.compare(t, set, "flips", flipped, want)
	return single
}

// follow applies flips to a judgement.
func follow(t testing.TB, states map[string]policy.State, flips []Flip) {
	t.Helper()
	for _, f := range flips {
		k := key(f.Handle, f.Member)
		if states[k] != f.From {
			t.Errorf("flip of %s from %s, but it was %s", k, f.From, states[k])
		}
		if states[k] = f.To; f.To == policy.NotApplicable {
			delete(states, k)
		}
	}
}

func sortedHandles(docs map[uint32]wire.Document) []uint32 {
	var out []uint32
	for h := range docs {
		out = append(out, h)
	}
	for i := range out {
		for k := i; k > 0 && out[k] < out[k-1]; k-- {
			out[k], out[k-1] = out[k-1], out[k]
		}
	}
	return out
}

type obj = map[string]any

func TestRelatedResources(t *testing.T) {
	exists := func(name, ifType, details string) *policy.Definition {
		return definition(t, name, fmt.Sprintf(`{"if":{"field":"type","equals":%q},"then":{"effect":"auditIfNotExists","details":%s}}`, ifType, details))
	}
	defs := []*policy.Definition{
		exists("child", "Microsoft.Web/sites", `{"type":"Microsoft.Web/sites/config","name":"web","existenceCondition":{"field":"Microsoft.Web/sites/config/web.ftpsState","in":["FtpsOnly","Disabled"]}}`),
		exists("extension", "Microsoft.Web/sites", `{"type":"Microsoft.Insights/diagnosticSettings","existenceCondition":{"count":{"field":"Microsoft.Insights/diagnosticSettings/logs[*]","where":{"field":"Microsoft.Insights/diagnosticSettings/logs[*].enabled","equals":"true"}},"greater":0}}`),
		exists("group", "Microsoft.Web/sites", `{"type":"Microsoft.Network/privateEndpoints","existenceCondition":{"field":"location","equals":"West Europe"}}`),
		exists("subscription", "Microsoft.Web/sites", `{"type":"Microsoft.Network/networkWatchers","existenceScope":"subscription"}`),
		exists("namedGroup", "Microsoft.Web/sites", `{"type":"Microsoft.Network/networkWatchers","resourceGroupName":"RG1","existenceCondition":{"field":"location","equals":"[field('location')]"}}`),
		exists("dynamicName", "Microsoft.Web/sites", `{"type":"Microsoft.Web/sites/slots","name":"[concat(field('name'),'/blue')]"}`),
		exists("plan", "Microsoft.Resources/subscriptions", `{"type":"Microsoft.Security/pricings","name":"VirtualMachines","existenceCondition":{"field":"Microsoft.Security/pricings/pricingTier","equals":"Standard"}}`),
	}
	pricing := wire.Document{ID: testSub + "/providers/Microsoft.Security/pricings/VirtualMachines", Type: "Microsoft.Security/pricings", Body: []byte(`{"properties":{"pricingTier":"standard"}}`)}
	diag := wire.Document{
		ID:   testGroup + "/providers/Microsoft.Web/sites/a/providers/Microsoft.Insights/diagnosticSettings/d1",
		Type: "Microsoft.Insights/diagnosticSettings", Body: []byte(`{"properties":{"logs":[{"category":"x","enabled":true}]}}`),
	}
	w := &world{
		in:  Input{Definitions: defs, Assignments: assign(t, testSub, defs...), Aliases: policy.NewAliases()},
		opt: Options{Now: instant},
		docs: map[uint32]wire.Document{
			1: {ID: testSub, Type: arm.TypeSubscription, Body: []byte(`{}`)},
			2: pricing,
			3: resource("Microsoft.Web/sites", "a", obj{"name": "a", "location": "westeurope"}),
			4: resource("Microsoft.Web/sites/config", "a/web", obj{"name": "web", "properties": obj{"ftpsState": "ftpsonly"}}),
			5: diag,
			6: resource("Microsoft.Network/privateEndpoints", "pe", obj{"location": "WestEurope"}),
			7: resource("Microsoft.Network/networkWatchers", "nw", obj{"location": "westeurope"}),
			8: resource("Microsoft.Web/sites", "b", obj{"name": "b", "location": "eastus"}, "Microsoft.Web/sites/config no permission"),
			9: resource("Microsoft.Web/sites/slots", "a/blue", obj{"name": "a/blue"}),
		},
	}
	e := w.check(t)
	for _, h := range []uint32{4, 7, 2, 9, 5, 6, 3} {
		delete(w.docs, h)
		states := e.verdictStates()
		flips := e.Delete(h)
		follow(t, states, flips)
		want := w.oracle(t, e.set)
		w.compare(t, e.set, fmt.Sprintf("without %d", h), e.verdictStates(), want)
		w.compare(t, e.set, fmt.Sprintf("flips without %d", h), states, want)
	}
}
