package engine

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// generator makes random rules and documents that are likely to meet.
type generator struct{ *rand.Rand }

func newGenerator(seed uint64) *generator { return &generator{rand.New(rand.NewPCG(seed, 7))} }

func (g *generator) pick(choices ...string) string { return choices[g.IntN(len(choices))] }

func (g *generator) one(n int) bool { return g.IntN(n) == 0 }

const (
	typeA = "Microsoft.Test/widgets"
	typeB = "Microsoft.Test/widgets/parts"
	typeC = "Microsoft.Insights/diagnosticSettings"
	typeD = "Microsoft.Test/gadgets"
	typeE = "Microsoft.GuestConfiguration/guestConfigurationAssignments" // RampartBaseline is the product's own
	typeF = "Microsoft.Security/exposures"                               // all are
)

var scalarFields = []string{"properties.a", "properties.b", "properties.nest.c", "properties.nest", "properties.rules", "sku.name", "identity.type", "properties.A"}

var arrayFields = []string{
	"properties.rules[*].x", "properties.rules[*].y", "properties.rules[*]", "properties.tags[*]",
	"properties.rules[*].inner[*].z", "properties.rules[*].inner[*]",
}

func (g *generator) field() string {
	switch g.IntN(8) {
	case 0:
		return g.pick("name", "fullName", "kind", "location", "id", "type", "tags", "tags.env", "tags['Env']")
	case 1, 2:
		return g.pick(arrayFields...)
	}
	return g.pick(scalarFields...)
}

func (g *generator) text() string {
	return g.pick("on", "On", "off", "80", "80.0", "80.5", "080", "true", "", "alpha", "ALPHA beta", "straße", "STRASSE", "2026-01-01T00:00:00Z", "w1", "West Europe", "westeurope")
}

func (g *generator) scalar() any {
	switch g.IntN(8) {
	case 0:
		return g.one(2)
	case 1:
		return []any{80, 80.5, 0, -3, 1e10, 9007199254740993, 7}[g.IntN(7)]
	}
	return g.text()
}

// condition makes a condition; prefix is the counted array inside a where.
func (g *generator) condition(depth int, prefix string) obj {
	if depth > 0 {
		switch g.IntN(6) {
		case 0, 1:
			return obj{g.pick("allOf", "anyOf"): g.conditions(depth, prefix)}
		case 2:
			return obj{"not": g.condition(depth-1, prefix)}
		case 3:
			return g.count(depth, prefix)
		}
	}
	return g.leaf(prefix)
}

func (g *generator) conditions(depth int, prefix string) []any {
	out := []any{}
	for range g.IntN(4) {
		out = append(out, g.condition(depth-1, prefix))
	}
	return out
}

func (g *generator) leaf(prefix string) obj {
	out := obj{}
	switch {
	case prefix != "" && !g.one(4):
		out["field"] = prefix + g.pick("", ".x", ".y", ".inner[*].z")
	case g.one(8):
		out["value"] = g.expression(prefix)
	default:
		out["field"] = g.field()
	}
	op := g.pick("equals", "notEquals", "in", "notIn", "like", "notLike", "contains", "notContains", "exists", "exists",
		"less", "greaterOrEquals", "match", "matchInsensitively", "containsKey", "notContainsKey", "greater", "lessOrEquals", "notMatch")
	out[op] = g.operand(op, prefix)
	return out
}

func (g *generator) operand(op, prefix string) any {
	switch op {
	case "exists":
		return []any{true, false, "true", "False"}[g.IntN(4)]
	case "in", "notIn":
		list := []any{}
		for range g.IntN(4) {
			list = append(list, g.scalar())
		}
		return list
	case "like", "notLike":
		return g.pick("o*", "*f", "*p*a*", "on", "ALPHA*", "*", "8*", "*ss*", "?n")
	case "match", "notMatch", "matchInsensitively":
		return g.pick("on", "##", "??", "O.", "alpha", "w#")
	case "containsKey", "notContainsKey":
		return g.pick("c", "C", "env", "x")
	}
	if g.one(10) {
		return g.expression(prefix)
	}
	return g.scalar()
}

func (g *generator) expression(prefix string) string {
	if prefix != "" && g.one(2) {
		return fmt.Sprintf("[current('%s')]", prefix+g.pick("", ".x"))
	}
	return g.pick("[field('properties.a')]", "[concat(field('name'),'')]", "[toLower(field('properties.b'))]", "[first(field('properties.tags[*]'))]",
		"[length(field('properties.rules[*]'))]", "[if(equals(field('properties.a'),'on'),'off','on')]", "[field(concat('properties.','a'))]",
		"[subscription().displayName]", "[resourceGroup().tags.env]", "[addDays(utcNow(),-1)]", "[policy().assignmentId]",
		"[field(if(equals(field('kind'),'on'),'properties.a','properties.b'))]", "[int('7')]", "[div(1,0)]")
}

func (g *generator) count(depth int, prefix string) obj {
	c := obj{}
	if g.one(5) {
		c["value"] = []any{"on", "off", "alpha"}[:1+g.IntN(3)]
		c["name"] = "v"
		if !g.one(3) {
			c["where"] = obj{"field": g.pick("properties.a", "properties.b"), "equals": "[current('v')]"}
		}
	} else {
		array := g.pick("properties.rules[*]", "properties.rules[*]", "properties.tags[*]", "properties.rules[*].inner[*]", "properties.rules[*].x")
		c["field"] = array
		if array == "properties.rules[*].x" {
			array = "properties.rules[*]"
		}
		if !g.one(4) {
			c["where"] = g.condition(depth-1, array)
		}
	}
	return obj{"count": c, g.pick("equals", "greater", "less", "notEquals", "greaterOrEquals"): g.IntN(3)}
}

// rule makes a whole rule.
func (g *generator) rule() obj {
	cond := g.condition(3, "")
	if !g.one(5) {
		of := []any{obj{"field": "type", "equals": g.pick(typeA, typeA, typeB, typeD, typeE, typeF)}, cond}
		if g.one(4) {
			of = append(of, obj{"field": g.pick("name", "kind"), g.pick("like", "notLike"): g.pick("w*", "o*")})
		}
		cond = obj{"allOf": of}
	}
	if !g.one(3) {
		return obj{"if": cond, "then": obj{"effect": g.pick("audit", "deny", "Modify", "append")}}
	}
	details := obj{"type": g.pick(typeB, typeC, typeD, typeE, typeF)}
	if g.one(4) {
		details["name"] = g.pick("p7", "?", "w5/p7", "?/p7", "[concat(field('name'),'/p7')]", "[field('properties.a')]")
	}
	if g.one(5) {
		details["existenceScope"] = "subscription"
	} else if g.one(5) {
		details["resourceGroupName"] = g.pick("rg1", "RG2", "[field('properties.a')]")
	}
	if !g.one(3) {
		details["existenceCondition"] = g.condition(2, "")
		if g.one(4) {
			details["existenceCondition"] = obj{"field": "properties.a", "equals": "[field('properties.b')]"}
		}
	}
	return obj{"if": cond, "then": obj{"effect": g.pick("auditIfNotExists", "deployIfNotExists"), "details": details}}
}

// value makes any JSON value.
func (g *generator) value(depth int) any {
	switch g.IntN(9) {
	case 0:
		return nil
	case 1:
		if depth > 0 {
			return obj{"c": g.value(depth - 1), "env": g.value(depth - 1)}
		}
	case 2:
		if depth > 0 {
			return []any{g.value(depth - 1), g.value(depth - 1)}
		}
	}
	return g.scalar()
}

func (g *generator) body() obj {
	props := obj{}
	for _, k := range []string{"a", "b", "A", "nest", "rules", "tags"} {
		if g.one(3) {
			continue
		}
		props[k] = g.value(2)
		switch {
		case k == "nest" && !g.one(4):
			props[k] = obj{"c": g.value(1)}
		case k == "rules" && !g.one(4):
			props[k] = g.rules()
		case k == "tags" && !g.one(4):
			props[k] = []any{g.scalar(), g.scalar()}[:g.IntN(3)]
		}
	}
	if _, both := props["a"]; both {
		delete(props, "A") // which of the two a rule means is not defined
	}
	out := obj{g.pick("properties", "properties", "Properties"): props}
	for k, v := range map[string]any{"kind": g.value(0), "location": g.text(), "sku": obj{"name": g.scalar()}, "tags": obj{"env": g.value(0)}} {
		if !g.one(3) {
			out[k] = v
		}
	}
	return out
}

func (g *generator) rules() []any {
	out := []any{}
	for range g.IntN(4) {
		if g.one(6) {
			out = append(out, g.value(1))
			continue
		}
		r := obj{}
		if !g.one(4) {
			r["x"] = g.value(0)
		}
		if !g.one(4) {
			r["y"] = g.scalar()
		}
		if !g.one(3) {
			r["inner"] = []any{obj{"z": g.scalar()}, obj{}, g.value(0), obj{"z": g.scalar()}}[:g.IntN(5)]
		}
		out = append(out, r)
	}
	return out
}

func (g *generator) unavailable() (out []string) {
	for range max(0, g.IntN(5)-2) {
		out = append(out, g.pick("properties.a", "properties.nest", "properties.nest.c", "properties.rules", "properties.rules[*].x no permission",
			"properties.rules[*]", "properties.rules[*].inner", "properties.rules[*].inner[*].z", "properties", "kind", "tags.env", "tags", "name",
			"properties.tags[*]", typeB, typeC+" not collected", typeD))
	}
	return out
}

// document makes the resource of a handle: the same id each time.
func (g *generator) document(h uint32) wire.Document {
	group := fmt.Sprintf("%s/resourceGroups/rg%d", testSub, 1+h%2)
	var d wire.Document
	switch h {
	case 0:
		d = wire.Document{ID: testSub, Body: mustJSON(obj{"displayName": g.text(), "tags": obj{"env": g.text()}})}
	case 1, 2:
		d = wire.Document{ID: fmt.Sprintf("%s/resourceGroups/rg%d", testSub, h), Body: mustJSON(obj{"tags": obj{"env": g.text()}, "location": "westeurope"})}
		if g.one(2) {
			d.Type = "Microsoft.Resources/resourceGroups"
		}
	default:
		// Parts and settings hang on widget w5, which lies in group 2.
		host := fmt.Sprintf("%s/resourceGroups/rg2/providers/%s/w5", testSub, typeA)
		var id, typ, name string
		switch h % 5 {
		case 0, 1:
			id, typ, name = fmt.Sprintf("%s/providers/%s/w%d", group, typeA, h), typeA, fmt.Sprintf("w%d", h)
		case 2:
			id, typ, name = fmt.Sprintf("%s/parts/p%d", host, h), typeB, fmt.Sprintf("w5/p%d", h)
		case 3:
			typ, name = typeC, fmt.Sprintf("d%d", h)
			switch h {
			case 8:
				typ, name = typeE, "RampartBaseline"
			case 13:
				typ = typeF
			case 18:
				typ = typeE
			}
			id = fmt.Sprintf("%s/providers/%s/%s", host, typ, name)
		case 4:
			id, typ, name = fmt.Sprintf("%s/providers/%s/g%d", group, typeD, h), typeD, fmt.Sprintf("g%d", h)
		}
		body := g.body()
		if !g.one(4) {
			body["name"] = name
		}
		if !g.one(4) {
			body["id"] = id
		}
		if !g.one(3) {
			body["type"] = typ
		}
		d = wire.Document{ID: id, Type: typ, Body: mustJSON(body)}
	}
	d.Unavailable = g.unavailable()
	return d
}

// world makes n rules and m documents.
func (g *generator) world(t testing.TB, n int, m uint32) *world {
	w := &world{docs: map[uint32]wire.Document{}, rules: map[string]obj{}, opt: Options{Now: instant}}
	w.opt.Language = policy.Options{DirectPaths: true, MissingArrayIsFalse: g.one(4), MissingIsNotNull: g.one(4), OrderingMismatchIsFalse: g.one(4),
		NestedMissingCountUndefined: g.one(4), LocationAsText: g.one(4), LikeQuestionMark: g.one(4)}
	for i := range n {
		id, rule := fmt.Sprintf("/providers/Microsoft.Authorization/policyDefinitions/d%d", i), g.rule()
		w.rules[id] = rule
		raw := mustJSON(obj{"id": id, "name": fmt.Sprintf("d%d", i), "properties": obj{"mode": g.pick("All", "All", "Indexed"), "policyRule": rule,
			"metadata": obj{"rampart": obj{"ownDocuments": g.one(3)}}}})
		d, err := policy.ParseDefinition(raw)
		if err != nil {
			continue // the generator may exceed a limit of the language
		}
		w.in.Definitions = append(w.in.Definitions, d)
		w.in.Assignments = append(w.in.Assignments, assign(t, g.pick(testSub, testSub, testGroup), d)...)
	}
	for h := range m {
		w.docs[h] = g.document(h)
	}
	return w
}

// checkRandom compares engine and tree walker on a random world, then while it
// is edited at random.
func checkRandom(t testing.TB, seed uint64, edits int) {
	g := newGenerator(seed)
	w := g.world(t, 12, 20)
	if g.one(2) {
		w.in.Aliases = policy.NewAliases()
	}
	for i, d := range w.in.Definitions {
		if _, err := policy.Bind(d, nil, w.opt.Language); err != nil {
			w.in.Definitions[i] = nil
		}
	}
	w.dropUnbound()
	e := w.check(t)
	states := e.verdictStates()
	for i := range edits {
		h := uint32(g.IntN(20))
		if _, there := w.docs[h]; there && g.one(4) {
			delete(w.docs, h)
			follow(t, states, e.Delete(h))
		} else {
			doc := g.document(h)
			w.docs[h] = doc
			flips, err := e.Upsert(h, &doc)
			if err != nil {
				t.Fatal(err)
			}
			follow(t, states, flips)
		}
		if g.one(8) {
			w.opt.Now = w.opt.Now.Add(time.Duration(g.IntN(40)) * 24 * time.Hour)
			follow(t, states, e.Tick(w.opt.Now))
		}
		want := w.oracle(t, e.set)
		w.compare(t, e.set, fmt.Sprintf("seed %d, edit %d of %d", seed, i, h), e.verdictStates(), want)
		w.compare(t, e.set, fmt.Sprintf("seed %d, flips of edit %d of %d", seed, i, h), states, want)
		if t.Failed() {
			return
		}
	}
}

func (w *world) dropUnbound() {
	var defs []*policy.Definition
	var as []*policy.Assignment
	for i, d := range w.in.Definitions {
		if d != nil {
			defs, as = append(defs, d), append(as, w.in.Assignments[i])
		}
	}
	w.in.Definitions, w.in.Assignments = defs, as
}

func TestRandomWorlds(t *testing.T) {
	for seed := range uint64(150) {
		checkRandom(t, seed, 6)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func FuzzWorlds(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { checkRandom(t, seed, 3) })
}
