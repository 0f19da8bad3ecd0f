package policy

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"
)

func TestPublicCatalogueCompiles(t *testing.T) {
	data := sharedData(t)
	aliases := NewAliases()
	if err := aliases.LoadFile(filepath.Join(data, "aliases.tsv.gz")); err != nil {
		t.Fatal(err)
	}
	report, err := CheckDirs([]string{filepath.Join(data, "built-in-policies.tar.gz")}, CheckOptions{Aliases: aliases, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if report.Definitions != 5009 || report.Initiatives != 257 {
		t.Errorf("%d definitions and %d initiatives, want 5009 and 257", report.Definitions, report.Initiatives)
	}
	if len(report.Failed) > 0 {
		t.Errorf("%d failed, first %+v", len(report.Failed), report.Failed[0])
	}
	if report.Compiled+report.UnsupportedMode != report.WithRule {
		t.Errorf("%d compiled and %d unsupported of %d", report.Compiled, report.UnsupportedMode, report.WithRule)
	}
	out, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", out)
}

// Every public definition gives a verdict with a reason over an empty resource
// and over one of each type that it names.
func TestPublicCatalogueEvaluates(t *testing.T) {
	data := sharedData(t)
	aliases := NewAliases()
	if err := aliases.LoadFile(filepath.Join(data, "aliases.tsv.gz")); err != nil {
		t.Fatal(err)
	}
	e := &Evaluator{Aliases: aliases, Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	verdicts := map[State]int{}
	take := func(id string, body []byte) error {
		d, err := ParseDefinition(body)
		if err != nil {
			return err
		}
		b, err := Bind(d, Samples(d.Parameters), Options{})
		if err != nil {
			return err
		}
		for _, typ := range append(typesNamed(b.If), "") {
			r := parseResource(t, `{"type": "`+typ+`", "id": "`+testGroup+`/providers/A.B/c/d", "properties": {}}`, nil)
			v := e.Evaluate(b, r, Environment{})
			if v.Reason == "" {
				t.Errorf("%s on %q: %s without a reason", id, typ, v.State)
			}
			verdicts[v.State]++
		}
		return nil
	}
	_, err := EachDefinition([]string{filepath.Join(data, "built-in-policies.tar.gz")}, take)
	if err != nil {
		t.Fatal(err)
	}
	if verdicts[NonCompliant] < 500 || verdicts[Error] > 100 {
		t.Errorf("verdicts %v: most definitions should judge a resource without properties", verdicts)
	}
	t.Logf("verdicts %v", verdicts)
}

// typesNamed are the types that a rule compares with.
func typesNamed(c Condition) []string {
	var out []string
	Walk(c, func(c Condition) {
		l, ok := c.(*Leaf)
		if !ok || l.Field == nil || l.Field.Kind != FieldType {
			return
		}
		if v, ok := Constant(l.Right); ok {
			for _, item := range append(v.Items, v) {
				if item.Kind == String {
					out = append(out, item.Str)
				}
			}
		}
	})
	return out
}
