package policy

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/base/wire"
)

// parseResource makes a resource of a body.
func parseResource(t *testing.T, body string, unavailable []string) *Resource {
	t.Helper()
	r, err := NewResource(wire.Document{Body: json.RawMessage(body), Unavailable: unavailable})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// ownCases are the rules and resources of the case set, as fuzz seeds.
func ownCases(f *testing.F) []testCase {
	f.Helper()
	file, err := os.ReadFile("testdata/cases.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	var out []testCase
	for line := range strings.Lines(string(file)) {
		var c testCase
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			f.Fatal(err)
		}
		out = append(out, c)
	}
	return out
}

func FuzzParseDefinition(f *testing.F) {
	for _, c := range ownCases(f) {
		if c.Rule != nil {
			f.Add([]byte(`{"policyRule": ` + string(c.Rule) + `}`))
		}
	}
	f.Add([]byte(testInitiative))
	f.Add([]byte(testAssignment))
	f.Fuzz(func(t *testing.T, data []byte) {
		if d, err := ParseDefinition(data); err == nil && (d.Rule == nil || d.Rule.If == nil || d.Rule.Effect == nil) {
			t.Fatalf("a definition without rule was accepted: %q", data)
		}
		// The other readers share everything but their own members.
		_, _ = ParseInitiative(data)
		_, _ = ParseAssignment(data)
		_, _ = ParseExemption(data)
		_, _ = ParseAttestation(data)
	})
}

func FuzzParseExpression(f *testing.F) {
	for _, seed := range []string{
		"[concat('a', field('name'))]", "[-1]", "[if(true(), 1, 2).a[0]]", "['it''s']", "[current('a[*].b')]",
		"[add(1.5e3, -x())]", "[ first( split ( 'a' , ',' ) ) ]", "[parameters('x']", "[[escaped]", "[]",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := ParseExpression(text)
		if err != nil {
			return
		}
		// What parses also binds and evaluates, to a value or an error.
		d := &Definition{Mode: ModeAll, Rule: &Rule{
			Effect: &Literal{StringValue("audit")},
			If:     &Leaf{Path: "if", Value: e, Op: OpEquals, Right: &Literal{IntValue(1)}},
		}}
		b, err := Bind(d, nil, Options{UnboundParameters: true})
		if err != nil {
			return
		}
		r := parseResource(t, `{"name": "x", "properties": {"a": [1]}}`, nil)
		(&Evaluator{Options: Options{DirectPaths: true}}).Match(b, r, Environment{})
	})
}

func FuzzEvaluate(f *testing.F) {
	for _, c := range ownCases(f) {
		if c.Rule != nil {
			f.Add([]byte(c.Rule), []byte(c.Resource), "properties.tls")
		}
	}
	aliases := NewAliases()
	f.Fuzz(func(t *testing.T, rule, body []byte, unavailable string) {
		d, err := bareRule(rule)
		if err != nil {
			return
		}
		b, err := Bind(d, nil, Options{UnboundParameters: true})
		if err != nil {
			return
		}
		r, err := NewResource(wire.Document{Body: body, Unavailable: []string{unavailable}})
		if err != nil {
			return
		}
		for _, e := range []*Evaluator{
			{Options: Options{DirectPaths: true}, Estate: Resources{r}},
			{Aliases: aliases, Estate: Resources{r}},
		} {
			x := e.Explain(b, r, Environment{})
			if x.State == "" || x.Reason == "" {
				t.Fatalf("a verdict without state or reason: %+v", x)
			}
		}
	})
}

func FuzzAliasTables(f *testing.F) {
	f.Add("N.S/things\tN.S/things/a[*].b\tproperties.a[*].b\n", `[{"namespace": "N.S", "resourceTypes": [{"resourceType": "things", "aliases": [{"name": "N.S/things/a", "defaultPath": "properties.a"}]}]}]`)
	f.Add("# comment\n\tx\ty\n", `{"value": []}`)
	f.Fuzz(func(t *testing.T, tsv, providers string) {
		a := NewAliases()
		_ = a.LoadTSV(strings.NewReader(tsv))
		_ = a.LoadProviders(strings.NewReader(providers))
		if _, origin := a.Path("Microsoft.KeyVault/vaults", "Microsoft.KeyVault/vaults/enableSoftDelete", ""); origin == OriginUnknown {
			t.Fatal("the guess is gone")
		}
	})
}
