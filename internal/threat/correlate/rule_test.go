package correlate

import (
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

func document(t *testing.T, text string) *yaml.Node {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	return &doc
}

func parse(t *testing.T, text string) *Rule {
	t.Helper()
	r, err := Parse(document(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestParse(t *testing.T) {
	r := parse(t, `
title: Many failures
id: 0e95725d-7320-415d-80f7-004da920fc11
name: many_failures
level: high
tags: [attack.t1110]
correlation:
  type: value_count
  rules: [failed, also_failed]
  group-by: [user, host]
  timespan: 90m
  aliases:
    user: {failed: TargetUserName, also_failed: Account}
  condition: {field: address, gt: 100, lte: 200}
`)
	if r.Key() != "0e95725d-7320-415d-80f7-004da920fc11" || r.Timespan != 90*time.Minute || r.Field != "address" || r.Generate {
		t.Errorf("read %+v", r)
	}
	for n, want := range map[float64]bool{100: false, 101: true, 200: true, 201: false} {
		if r.When.Holds(n) != want {
			t.Errorf("%v: held %v", n, !want)
		}
	}
	if got := r.fieldOf("user", []string{"some-id", "also_failed"}); got != "Account" {
		t.Errorf("alias gives %q", got)
	}
	if got := r.fieldOf("host", []string{"failed"}); got != "host" {
		t.Errorf("a field that is no alias gives %q", got)
	}
}

func TestParseRefuses(t *testing.T) {
	const good = "title: x\nname: x\ncorrelation:\n  type: event_count\n  rules: [a]\n  group-by: [u]\n  timespan: 5m\n  condition: {gte: 3}\n"
	if _, err := Parse(document(t, good)); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct{ old, new, want string }{
		"unknown type":    {"event_count", "event_sum", "unknown correlation type"},
		"no type":         {"  type: event_count\n", "", "no type"},
		"no rules":        {"  rules: [a]\n", "", "names no rules"},
		"no timespan":     {"  timespan: 5m\n", "", "no timespan"},
		"upper-case unit": {"5m", "5M", "s, m, h or d"},
		"endless window":  {"5m", "4000000000d", "longer than"},
		"no condition":    {"  condition: {gte: 3}\n", "", "needs a condition"},
		"unknown test":    {"gte: 3", "ge: 3", "unknown comparison"},
		"no number":       {"gte: 3", "gte: many", "must be a number"},
		"unknown key":     {"group-by", "groupby", "unknown key"},
		"no field":        {"event_count", "value_count", "needs a field"},
		"needless field":  {"{gte: 3}", "{gte: 3, field: u}", "takes no field"},
		"no percentile":   {"type: event_count\n  rules: [a]\n  group-by: [u]\n  timespan: 5m\n  condition: {", "type: value_percentile\n  rules: [a]\n  group-by: [u]\n  timespan: 5m\n  condition: {field: n, ", "needs a percentile"},
		"no title":        {"title: x\n", "", "needs a title"},
		"no name":         {"name: x\n", "", "an id or a name"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(good, tt.old) {
				t.Fatalf("%q is not in the good rule", tt.old)
			}
			_, err := Parse(document(t, strings.Replace(good, tt.old, tt.new, 1)))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestLinkNamesWhatIsWrong(t *testing.T) {
	rule := func(name string, members ...string) *Rule {
		return &Rule{Name: name, Title: name, Type: Temporal, Members: members, Timespan: time.Minute}
	}
	e, errs := New([]*Rule{rule("outer", "inner", "base"), rule("inner", "base"), rule("loop", "loop2"), rule("loop2", "loop"), rule("lost", "nobody")},
		func(ref string) []string {
			if ref == "base" {
				return []string{"base-id", "base"}
			}
			return nil
		}, Options{})
	if len(e.Rules()) != 2 || e.Rules()[0].Name != "inner" || e.Rules()[1].Name != "outer" {
		t.Errorf("linked %d rules, inner before outer wanted", len(e.Rules()))
	}
	if len(errs) != 3 {
		t.Errorf("errors: %v", errs)
	}
	if used, generates := e.Uses("base-id"); !used || generates {
		t.Errorf("base: used %v, generates %v", used, generates)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("title: x\nname: x\ncorrelation:\n  type: temporal\n  rules: [a]\n  group-by: [u]\n  timespan: 5m\n")
	f.Fuzz(func(t *testing.T, text string) {
		var doc yaml.Node
		if yaml.Unmarshal([]byte(text), &doc) != nil {
			return
		}
		if r, err := Parse(&doc); err == nil && (r.Timespan <= 0 || len(r.Members) == 0 || r.Key() == "") {
			t.Errorf("accepted %+v", r)
		}
	})
}
