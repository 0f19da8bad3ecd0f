package engine

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// policyEdits changes what is assigned at random, and documents between.
type policyEdits struct {
	*generator
	*world
	all      Input                    // what may be assigned
	resident map[uint32]wire.Document // what the estate was given; docs are what the store has
	grouped  bool                     // the subscription lies in a management group
	reread   int
}

var testGroups = arm.MustParseID("/providers/Microsoft.Management/managementGroups/corp")

func newPolicyEdits(t testing.TB, seed uint64) *policyEdits {
	g, w := bindable(t, seed)
	p := &policyEdits{generator: g, world: w, all: w.in, resident: maps.Clone(w.docs)}
	for i, d := range w.in.Definitions {
		if g.one(4) {
			p.all.Assignments[i] = assign(t, testGroups.String(), d)[0]
			p.all.Assignments[i].ID += fmt.Sprint(i)
		}
	}
	return p
}

// edit makes the next input: another choice of assignments, some of them with
// other scopes, selectors or overrides, and some definitions with other rules.
func (p *policyEdits) edit(t testing.TB) Input {
	in := Input{Aliases: p.all.Aliases, Definitions: slices.Clone(p.all.Definitions)}
	for i, d := range p.all.Definitions {
		if p.one(6) {
			in.Definitions[i] = p.rewritten(t, d)
			p.all.Definitions[i] = in.Definitions[i]
		}
		if p.one(4) {
			continue
		}
		a := *p.all.Assignments[i]
		switch {
		case p.one(8):
			a.NotScopes = []arm.ID{arm.MustParseID(testGroup)}
		case p.one(12):
			a.Overrides = []policy.Override{{Effect: "disabled"}}
		case p.one(12):
			a.Scope = arm.MustParseID(p.pick(testSub, testGroup, "/"))
		}
		in.Assignments = append(in.Assignments, &a)
	}
	if p.one(4) {
		p.grouped = !p.grouped
	}
	grouped := p.grouped
	in.ManagementGroups = func(string) []arm.ID {
		if grouped {
			return []arm.ID{testGroups}
		}
		return nil
	}
	return in
}

// rewritten is a definition with another rule, or the same one if that cannot
// be bound.
func (p *policyEdits) rewritten(t testing.TB, d *policy.Definition) *policy.Definition {
	rule := p.rule()
	raw := mustJSON(obj{"id": d.ID, "name": d.Name, "properties": obj{"mode": "All", "policyRule": rule}})
	fresh, err := policy.ParseDefinition(raw)
	if err != nil {
		return d
	}
	if _, err := policy.Bind(fresh, nil, p.opt.Language); err != nil {
		return d
	}
	p.world.rules[d.ID] = rule
	return fresh
}

// change edits documents of the store, most of them in the estate too.
func (p *policyEdits) change(t testing.TB, e *Estate, states map[string]policy.State) {
	for range p.IntN(4) {
		h := uint32(p.IntN(22))
		told := !p.one(3)
		if p.one(4) {
			delete(p.docs, h)
			if told {
				delete(p.resident, h)
				follow(t, states, e.Delete(h))
			}
			continue
		}
		doc := p.document(h)
		p.docs[h] = doc
		if told {
			p.resident[h] = doc
			flips, err := e.Upsert(h, &doc)
			if err != nil {
				t.Fatal(err)
			}
			follow(t, states, flips)
		}
	}
}

// give is the Reread of the estate: what it asks for becomes as the store has
// it.
func (p *policyEdits) give(types []string, load func(uint32, *wire.Document)) error {
	p.reread++
	for h, doc := range p.resident {
		if slices.Contains(types, arm.Fold(typeOf(doc))) {
			delete(p.resident, h)
			if now, ok := p.docs[h]; ok {
				p.resident[h] = now
			}
		}
	}
	for h, doc := range p.docs {
		load(h, &doc)
	}
	return nil
}

func typeOf(doc wire.Document) string {
	if doc.Type != "" {
		return arm.CanonicalType(doc.Type)
	}
	return arm.MustParseID(doc.ID).Type()
}

// TestSwapEqualsTheTreeWalker: whatever is edited, an estate that was swapped
// has the verdicts that the tree walker gives, and its flips lead there.
func TestSwapEqualsTheTreeWalker(t *testing.T) {
	reread := 0
	for seed := range uint64(120) {
		p := newPolicyEdits(t, seed)
		set, _, err := Compile(p.edit(t), p.opt)
		if err != nil {
			t.Fatal(err)
		}
		e := fill(t, set, p.docs)
		states := e.verdictStates()
		for step := range 8 {
			p.change(t, e, states)
			in := p.edit(t)
			next, report, err := e.Set().Recompile(in, p.opt)
			if err != nil || len(report.Failed) > 0 {
				t.Fatal(err, report.Failed)
			}
			var flips []Flip
			if err := e.Swap(next, p.give, func(some []Flip) { flips = append(flips, some...) }); err != nil {
				t.Fatal(err)
			}
			follow(t, states, flips)
			w := &world{in: in, opt: p.opt, docs: p.resident, rules: p.world.rules}
			what, want := fmt.Sprintf("seed %d, step %d", seed, step), w.oracle(t, next)
			w.compare(t, next, what, e.verdictStates(), want)
			w.compare(t, next, what+", flips", states, want)
			e.Evaluate(nil)
			w.compare(t, next, what+", swept", e.verdictStates(), want)
			if t.Failed() {
				return
			}
		}
		reread += p.reread
	}
	if reread == 0 {
		t.Error("no edit asked for documents")
	}
}

// TestSwapKeepsWhatIsTheSame: an edit that is about one type leaves everything
// else as it was, the very programs, plans and rows included.
func TestSwapKeepsWhatIsTheSame(t *testing.T) {
	rule := func(typ string) string {
		return `{"if":{"allOf":[{"field":"type","equals":"` + typ + `"},{"field":"location","equals":"westeurope"}]},"then":{"effect":"audit"}}`
	}
	storage, vault := definition(t, "storage", rule("Microsoft.Storage/storageAccounts")), definition(t, "vault", rule("Microsoft.KeyVault/vaults"))
	in := Input{Definitions: []*policy.Definition{storage, vault}, Assignments: assign(t, testSub, storage, vault)}
	set, _, err := Compile(in, Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := fill(t, set, map[uint32]wire.Document{
		1: resource("Microsoft.Storage/storageAccounts", "a", obj{"location": "westeurope"}),
		2: resource("Microsoft.KeyVault/vaults", "b", obj{"location": "westeurope"}),
	})
	account, before := *e.entry(1), *e.entry(2)
	in.Definitions = []*policy.Definition{definition(t, "storage", `{"if":{"allOf":[{"field":"type","equals":"Microsoft.Storage/storageAccounts"},{"field":"location","equals":"northeurope"}]},"then":{"effect":"audit"}}`), vault}
	next, _, err := set.Recompile(in, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var flips []Flip
	asked := func([]string, func(uint32, *wire.Document)) error { return errors.New("nothing new is read") }
	if err := e.Swap(next, asked, func(some []Flip) { flips = append(flips, some...) }); err != nil {
		t.Fatal(err)
	}
	if len(flips) != 1 || flips[0].Handle != 1 || flips[0].To != policy.Compliant {
		t.Errorf("flips %+v, want the account's", flips)
	}
	after := *e.entry(2)
	if after.typ != before.typ || after.plan != before.plan || &after.marks[0] != &before.marks[0] {
		t.Error("the vault was touched")
	}
	if now := e.entry(1); now.typ == account.typ {
		t.Error("the account has the program that it had")
	}
	doc := resource("Microsoft.KeyVault/vaults", "b", obj{"location": "westeurope", "tags": obj{"a": "b"}})
	if _, err := e.Upsert(2, &doc); err != nil || e.entry(2).plan != before.plan {
		t.Errorf("the vault has another plan when it comes again (%v)", err)
	}
	if err := e.Swap(set, asked, nil); err == nil {
		t.Error("a set that was not made from the estate's was taken")
	}
}

// TestSwapReadsEachDocumentOnce: reading again what did not change re-judges
// what the new rule is about and nothing else, also of rows that were
// translated before.
func TestSwapReadsEachDocumentOnce(t *testing.T) {
	rule := func(condition string) *policy.Definition {
		return definition(t, "d", `{"if":{"allOf":[{"field":"type","equals":"Microsoft.Storage/storageAccounts"},`+condition+`]},"then":{"effect":"audit"}}`)
	}
	location := `{"field":"location","equals":"westeurope"},{"field":"name","notEquals":"x"},{"field":"tags['a']","equals":"B"}`
	// A lookup by name keeps the envelope's texts, the type among them.
	named := definition(t, "named", `{"if":{"field":"type","equals":"Microsoft.Storage/storageAccounts"},"then":{"effect":"auditIfNotExists",
		"details":{"type":"Microsoft.Insights/diagnosticSettings","name":"[field('name')]"}}}`)
	in := Input{Definitions: []*policy.Definition{rule(location), named}}
	in.Assignments = assign(t, testSub, in.Definitions...)
	set, _, err := Compile(in, Options{})
	if err != nil {
		t.Fatal(err)
	}
	doc := resource("Microsoft.Storage/storageAccounts", "s", obj{"name": "S", "tags": obj{"b": "c", "a": "B"}, "location": "westeurope"})
	e := fill(t, set, map[uint32]wire.Document{1: doc})
	give := func(_ []string, load func(uint32, *wire.Document)) error { load(1, &doc); return nil }
	for _, condition := range []string{
		`{"field":"tags['c']","exists":"false"},` + location,    // another path: rows are read again
		`{"field":"location","equals":"elsewhere"},` + location, // another word: rows are translated
		`{"field":"tags['b']","equals":"c"},` + location,        // another path: rows are read again
	} {
		in.Definitions = []*policy.Definition{rule(condition), named}
		next, _, err := e.Set().Recompile(in, Options{})
		if err != nil {
			t.Fatal(err)
		}
		s := &swapper{Estate: e, to: next, where: newTouched(e, next), kinds: map[*typeProgram]*translation{}}
		if err := s.translate(); err != nil {
			t.Fatal(err)
		}
		if err := s.fetch(give); err != nil || len(s.other) > 0 {
			t.Errorf("%s: %d documents are taken for others (%v)", condition, len(s.other), err)
		}
		if err := e.Swap(next, give, func([]Flip) {}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSwapKnowsDocumentsAgain: a field of which the text was kept for expressions is
// kept as a location from now on, so rows cannot be translated either way.
func TestSwapKnowsDocumentsAgain(t *testing.T) {
	rule := func(condition string) *policy.Definition {
		return definition(t, "d", `{"if":{"allOf":[{"field":"type","equals":"Microsoft.Storage/storageAccounts"},`+condition+`]},"then":{"effect":"audit"}}`)
	}
	in := Input{Definitions: []*policy.Definition{rule(`{"value":"[concat(field('location'), 'x')]","equals":"westeuropex"}`)}}
	in.Assignments = assign(t, testSub, in.Definitions...)
	set, _, err := Compile(in, Options{})
	if err != nil {
		t.Fatal(err)
	}
	doc := resource("Microsoft.Storage/storageAccounts", "s", obj{"name": "S", "location": "West Europe"})
	e := fill(t, set, map[uint32]wire.Document{1: doc})
	in.Definitions = []*policy.Definition{rule(`{"field":"location","equals":"westeurope"}`)}
	next, _, err := set.Recompile(in, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &swapper{Estate: e, to: next, where: newTouched(e, next), kinds: map[*typeProgram]*translation{}}
	if err := s.translate(); err != nil {
		t.Fatal(err)
	}
	read := false
	err = s.fetch(func(_ []string, load func(uint32, *wire.Document)) error { read = true; load(1, &doc); return nil })
	if err != nil || len(s.other) > 0 {
		t.Errorf("%d documents are taken for others (%v)", len(s.other), err)
	}
	for _, k := range s.kinds {
		t.Logf("read again: %v, possible %v", read, k.possible)
		if k.possible || k.back.possible {
			t.Error("the rows can be translated: this tests nothing")
		}
	}
}

// TestSwapTellsSubscriptionsApart: resources of two subscriptions that had one plan
// get different ones when only one of them comes below a management group, or is
// assigned something.
func TestSwapTellsSubscriptionsApart(t *testing.T) {
	rule := func(location string) *policy.Definition {
		return definition(t, "everywhere", `{"if":{"field":"location","equals":"`+location+`"},"then":{"effect":"audit"}}`)
	}
	corp := definition(t, "corp", `{"if":{"field":"type","exists":true},"then":{"effect":"audit"}}`)
	here, there := resource("Microsoft.Storage/storageAccounts", "a", obj{"location": "westeurope"}), resource("Microsoft.Storage/storageAccounts", "a", obj{"location": "westeurope"})
	there.ID = strings.Replace(there.ID, testSub, "/subscriptions/22222222-2222-2222-2222-222222222222", 1)
	for name, edit := range map[string]func(*Input){
		"a group": func(in *Input) {
			in.ManagementGroups = func(subscription string) []arm.ID {
				if strings.HasSuffix(testSub, subscription) {
					return []arm.ID{testGroups}
				}
				return nil
			}
		},
		"an assignment": func(in *Input) { in.Assignments = append(in.Assignments, assign(t, testSub, corp)...) },
	} {
		everywhere := assignment(t, "everywhere", `{"scope":"/","policyDefinitionId":"`+rule("x").ID+`"}`)
		in := Input{Definitions: []*policy.Definition{rule("x"), corp}, Assignments: append(assign(t, testGroups.String(), corp), everywhere)}
		set, _, err := Compile(in, Options{})
		if err != nil {
			t.Fatal(err)
		}
		e := fill(t, set, map[uint32]wire.Document{1: here, 2: there})
		in.Definitions = []*policy.Definition{rule("westeurope"), corp} // all programs are others
		edit(&in)
		next, _, err := set.Recompile(in, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Swap(next, nil, func([]Flip) {}); err != nil {
			t.Fatal(err)
		}
		if n, m := len(e.Verdicts(1, nil)), len(e.Verdicts(2, nil)); n != 2 || m != 1 {
			t.Errorf("%s: %d and %d verdicts, want 2 and 1", name, n, m)
		}
	}
}
