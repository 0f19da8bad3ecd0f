package sigma

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/input"
	"github.com/rampart-sec/rampart/internal/threat/event/jsonlog"
	"github.com/rampart-sec/rampart/internal/threat/event/sources"
)

// matches says which of a condition's rules match a JSON event, by engine and
// oracle, which must agree.
func match(t *testing.T, detection, record string) bool {
	t.Helper()
	set := Read("rule.yml", []byte("title: t\nlogsource: {product: p}\ndetection:\n"+indent(detection)))
	if len(set.Failed) > 0 {
		t.Fatalf("%s: %v", detection, set.Failed[0])
	}
	e := Compile(set.Rules)
	dec := jsonlog.Plain(strings.NewReader(record), e.Schema(), event.NewKind("p", nil, nil))
	var rec event.Record
	if err := dec.Next(&rec); err != nil {
		t.Fatal(err)
	}
	got := len(e.Matcher().Match(&rec)) == 1
	if want := set.Rules[0].Evaluate(&rec); got != want {
		t.Errorf("%s on %s: engine %v, oracle %v", detection, record, got, want)
	}
	return got
}

func indent(s string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n  ") + "\n"
}

func TestSemantics(t *testing.T) {
	tests := []struct {
		name, detection string
		yes, no         []string
	}{
		{"any case, whole value", "a: {x: Foo}\ncondition: a", []string{`{"x":"fOO"}`}, []string{`{"x":"foo1"}`, `{"y":"foo"}`, `{}`}},
		{"wildcards", `a: {x: 'a*c?'}` + "\ncondition: a", []string{`{"x":"abbcd"}`, `{"x":"acé"}`}, []string{`{"x":"ac"}`}},
		{"escaped wildcard", `a: {x: 'a\*'}` + "\ncondition: a", []string{`{"x":"a*"}`}, []string{`{"x":"ab"}`}},
		{"backslash before wildcard", `a: {x: 'C:\\*'}` + "\ncondition: a", []string{`{"x":"c:\\win"}`}, []string{`{"x":"c:*"}`}},
		{"three backslashes", `a: {x: 'a\\\*'}` + "\ncondition: a", []string{`{"x":"a\\*"}`}, []string{`{"x":"a\\b"}`}},
		{"plain backslashes", `a: {x|endswith: '\cmd.exe'}` + "\ncondition: a", []string{`{"x":"C:\\CMD.exe"}`}, []string{`{"x":"cmd.exe"}`}},
		{"four backslashes", `a: {x|startswith: '\\\\srv'}` + "\ncondition: a", []string{`{"x":"\\\\srv\\x"}`}, []string{`{"x":"\\srv"}`}},
		{"list is or", "a: {x: [a, b]}\ncondition: a", []string{`{"x":"b"}`}, []string{`{"x":"c"}`}},
		{"all", "a: {'x|contains|all': [aa, bb]}\ncondition: a", []string{`{"x":"xbbyaa"}`}, []string{`{"x":"aa"}`}},
		{"list of maps", "a: [{x: 1}, {y: 2, z: 3}]\ncondition: a", []string{`{"x":1}`, `{"y":"2","z":3}`}, []string{`{"y":2}`}},
		{"null is absent", "a: {x: null}\ncondition: a", []string{`{}`, `{"x":null}`}, []string{`{"x":""}`}},
		{"empty is not absent", "a: {x: ''}\ncondition: a", []string{`{"x":""}`}, []string{`{}`, `{"x":null}`, `{"x":"a"}`}},
		{"exists", "a: {'x|exists': true}\nb: {'y|exists': false}\ncondition: a and b", []string{`{"x":""}`}, []string{`{}`, `{"x":1,"y":2}`}},
		{"any value", "a: {x: '*'}\ncondition: a", []string{`{"x":""}`}, []string{`{}`}},
		{"cased", "a: {'x|contains|cased': Foo}\ncondition: a", []string{`{"x":"aFoo"}`}, []string{`{"x":"afoo"}`}},
		{"regex", "a: {'x|re': 'a.c$'}\ncondition: a", []string{`{"x":"xabc"}`}, []string{`{"x":"xABC"}`, `{"x":"abcd"}`}},
		{"regex flags", "a: {'x|re|i|m|s': '^a.c$'}\ncondition: a", []string{`{"x":"x\nA\nC"}`}, []string{`{"x":"xabc"}`}},
		{"regex of s in any case", "a: {'x|re|i': 'pass'}\ncondition: a", []string{`{"x":"PAſS"}`, `{"x":"Pass"}`}, nil},
		{"cidr", "a: {'x|cidr': [10.0.0.0/8, 'fe80::/10']}\ncondition: a", []string{`{"x":"10.2.3.4"}`, `{"x":"fe80::1%eth0"}`, `{"x":"::ffff:10.0.0.1"}`}, []string{`{"x":"11.0.0.1"}`, `{"x":"x"}`}},
		{"numbers", "a: {'x|gte': 5, 'x|lt': 10}\ncondition: a", []string{`{"x":5}`, `{"x":"9.9"}`}, []string{`{"x":10}`, `{"x":"a"}`, `{}`}},
		{"neq", "a: {'x|neq': 5}\ncondition: a", []string{`{"x":6}`, `{}`}, []string{`{"x":5}`}},
		{"windash", "a: {'x|windash|contains': ' -enc'}\ncondition: a", []string{`{"x":"p /enc"}`, `{"x":"p –enc"}`, `{"x":"p ―ENC"}`}, []string{`{"x":"p enc"}`}},
		{"base64offset", "a: {'x|base64offset|contains': foobar}\ncondition: a", []string{`{"x":"Zm9vYmFy"}`, `{"x":"YWZvb2Jhcg=="}`, `{"x":"YWFmb29iYXI="}`}, []string{`{"x":"foobar"}`}},
		{"wide and base64", "a: {'x|wide|base64|contains': ab}\ncondition: a", []string{`{"x":"zYQBiAA=="}`}, []string{`{"x":"YWI="}`}},
		{"fieldref", "a: {'x|fieldref': y}\ncondition: a", []string{`{"x":"A","y":"a"}`}, []string{`{"x":"a"}`, `{"x":"a","y":"b"}`}},
		{"fieldref endswith, negated", "a: {'x|fieldref|endswith|neq': y}\ncondition: a", []string{`{"x":"ab","y":"c"}`}, []string{`{"x":"ab","y":"B"}`}},
		{"time parts", "a: {'t|hour|gte': 22}\nb: {'t|month': 3}\ncondition: a and b", []string{`{"t":"2026-03-01T23:10:00Z"}`}, []string{`{"t":"2026-03-01T09:10:00Z"}`, `{"t":"2026-04-01T23:10:00Z"}`, `{"t":"x"}`}},
		{"keywords", "a: [foo, 'b*r']\ncondition: a", []string{`{"x":"a FOO b"}`, `{"deep":{"y":"xbaaarx"}}`}, []string{`{"foo":"x"}`}},
		{"all keywords", "a: {'|all': [foo, bar]}\ncondition: a", []string{`{"x":"foo","y":"bar"}`}, []string{`{"x":"foo"}`}},
		{"several values", "a: {'x|contains|all': [aa, bb]}\ncondition: a", []string{`{"x":["1aa","2bb"]}`}, []string{`{"x":["aa"]}`}},
		{"nested names", "a: {x.y.z: 1}\ncondition: a", []string{`{"x":{"y":{"z":1}}}`, `{"x":{"y.z":1}}`, `{"x":[{"y":{"z":2}},{"y":{"z":1}}]}`}, []string{`{"x":{"z":1}}`}},
		{"numbers as text", "a: {x: 4625}\ncondition: a", []string{`{"x":4625}`, `{"x":"4625"}`}, []string{`{"x":46250}`}},
		{"booleans", "a: {x: true}\ncondition: a", []string{`{"x":true}`, `{"x":"True"}`}, []string{`{"x":false}`}},
		{"precedence", "a: {x: 1}\nb: {y: 1}\nc: {z: 1}\ncondition: a or b and not c", []string{`{"x":1,"z":1}`, `{"y":1}`}, []string{`{"y":1,"z":1}`}},
		{"x of", "s1: {x: 1}\ns2: {y: 1}\n_o: {z: 1}\ncondition: 1 of s* and not all of them", []string{`{"x":1}`}, []string{`{"x":1,"y":1}`, `{"z":1}`}},
		{"two of", "s1: {x: 1}\ns2: {y: 1}\ns3: {z: 1}\ncondition: 2 of s*", []string{`{"x":1,"z":1}`}, []string{`{"x":1}`}},
		{"of nothing", "s1: {x: 1}\ncondition: s1 and not 1 of filter_*", []string{`{"x":1}`}, nil},
		{"conditions", "a: {x: 1}\nb: {y: 1}\ncondition: [a, b]", []string{`{"y":1}`}, []string{`{}`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, r := range tt.yes {
				if !match(t, tt.detection, r) {
					t.Errorf("%s does not match", r)
				}
			}
			for _, r := range tt.no {
				if match(t, tt.detection, r) {
					t.Errorf("%s matches", r)
				}
			}
		})
	}
}

func TestRefused(t *testing.T) {
	for name, tt := range map[string]struct{ detection, want string }{
		"unknown modifier":  {"a: {'x|contians': 1}\ncondition: a", "unknown modifier"},
		"placeholder":       {"a: {'x|expand': '%users%'}\ncondition: a", "has no values"},
		"bad regex":         {"a: {'x|re': '('}\ncondition: a", "missing closing"},
		"no selection":      {"a: {x: 1}\ncondition: b", `no selection "b"`},
		"no condition":      {"a: {x: 1}", "no condition"},
		"aggregation":       {"a: {x: 1}\ncondition: a | count() > 5", "correlations"},
		"parenthesis":       {"a: {x: 1}\ncondition: (a", "parenthesis"},
		"network":           {"a: {'x|cidr': 10.0.0/8}\ncondition: a", "no network"},
		"number":            {"a: {'x|gt': many}\ncondition: a", "no number"},
		"nested value":      {"a: {x: {y: 1}}\ncondition: a", "no text, number or null"},
		"encoded wildcard":  {"a: {'x|base64': 'a*'}\ncondition: a", "wildcards"},
		"flag without re":   {"a: {'x|i': a}\ncondition: a", "belongs to re"},
		"timeframe":         {"a: {x: 1}\ntimeframe: 5m\ncondition: a", "correlation"},
		"null and modifier": {"a: {'x|contains': null}\ncondition: a", "no text"},
	} {
		t.Run(name, func(t *testing.T) {
			set := Read("r.yml", []byte("title: t\nlogsource: {product: p}\ndetection:\n"+indent(tt.detection)))
			if len(set.Failed) != 1 || len(set.Rules) != 0 || !strings.Contains(set.Failed[0].Error(), tt.want) || !strings.HasPrefix(set.Failed[0].Error(), "r.yml:") {
				t.Errorf("got %v, want %q", set.Failed, tt.want)
			}
		})
	}
}

func TestCollectionsAndFilters(t *testing.T) {
	set := Read("r.yml", []byte(`
action: global
title: base
logsource: {product: p}
detection: {condition: a}
---
id: 11111111-1111-1111-1111-111111111111
detection: {a: {x: 1}}
---
id: 22222222-2222-2222-2222-222222222222
detection: {a: {x: 2}}
---
action: reset
---
title: f
logsource: {product: p}
filter:
  rules: [11111111-1111-1111-1111-111111111111]
  selection: {user: adm}
  condition: selection
---
title: c
name: c
correlation: {type: event_count}
`))
	if len(set.Rules) != 2 || len(set.Failed) != 0 || len(set.Correlations) != 1 {
		t.Fatalf("%d rules, %d correlations, failed %v", len(set.Rules), len(set.Correlations), set.Failed)
	}
	e := Compile(set.Rules)
	for record, want := range map[string]int{`{"x":1}`: 1, `{"x":1,"user":"adm"}`: 0, `{"x":2,"user":"adm"}`: 1} {
		var rec event.Record
		if err := jsonlog.Plain(strings.NewReader(record), e.Schema(), event.NewKind("p", nil, nil)).Next(&rec); err != nil {
			t.Fatal(err)
		}
		if got := len(e.Matcher().Match(&rec)); got != want {
			t.Errorf("%s: %d rules match, want %d", record, got, want)
		}
	}
}

func TestFieldsThatDecided(t *testing.T) {
	set := Read("r.yml", []byte("title: t\nlogsource: {product: p}\ndetection:\n  a: {x|contains: foo, y: [1, 2]}\n  n: {z: 1}\n  condition: a and not n\n"))
	e := Compile(set.Rules)
	var rec event.Record
	if err := jsonlog.Plain(strings.NewReader(`{"x":["bar","a foo"],"y":2,"w":3}`), e.Schema(), event.NewKind("p", nil, nil)).Next(&rec); err != nil {
		t.Fatal(err)
	}
	m := e.Matcher()
	if len(m.Match(&rec)) != 1 {
		t.Fatal("no match")
	}
	if got := fmt.Sprint(m.Fields(set.Rules[0])); got != "[{x a foo} {y 2}]" {
		t.Errorf("got %s", got)
	}
}

// The glob of the engine agrees with the one that tries everything.
func FuzzGlob(f *testing.F) {
	f.Add(`a*b?c`, "axxbyc")
	f.Add(`*ab*ab`, "ababab")
	f.Add(`\*?\\*`, `*x\y`)
	f.Fuzz(func(t *testing.T, p, s string) {
		if len(p) > 12 || len(s) > 24 {
			return
		}
		pat := parsePattern(p)
		if got, want := glob(pat, []byte(s)), globMatch(pat, s); got != want {
			t.Errorf("%q on %q: %v, want %v", p, s, got, want)
		}
	})
}

// Rules that nobody wrote by hand: the engine and the oracle agree on them, and
// nothing crashes.
func FuzzRule(f *testing.F) {
	f.Add("a: {'x|contains|all': [foo, bar], 'y|re|i': 'a+'}\nb: [kw, {z: null}]\ncondition: a or not 1 of b*", `{"x":"foobar","y":"AA","z":[1,{"q":"kw"}]}`)
	f.Add("a: {'x|windash|cased': '-a*', 'y|cidr': 10.0.0.0/8}\ncondition: a", `{"x":"/ab","y":"10.1.1.1"}`)
	f.Add("a: {'x|fieldref|startswith': y, 'z|gte': 3}\ncondition: a", `{"x":"ab","y":"A","z":"4"}`)
	f.Fuzz(func(t *testing.T, detection, record string) {
		if len(detection) > 400 || len(record) > 400 {
			return
		}
		set := Read("rule.yml", []byte("title: t\nlogsource: {product: p}\ndetection:\n"+indent(detection)))
		if len(set.Rules) != 1 {
			return
		}
		e := Compile(set.Rules)
		dec := jsonlog.Plain(strings.NewReader(record), e.Schema(), event.NewKind("p", nil, nil))
		var rec event.Record
		if dec.Next(&rec) != nil {
			return
		}
		got := len(e.Matcher().Match(&rec)) == 1
		if want := set.Rules[0].Evaluate(&rec); got != want {
			t.Errorf("%s on %s: engine %v, oracle %v", detection, record, got, want)
		}
	})
}

const shared = "../../../../shared/data/detect/"

// publicRules unpacks the public rules once.
func publicRules(t testing.TB) *Set {
	t.Helper()
	if _, err := os.Stat(shared); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	if out, err := exec.Command("tar", "xzf", shared+"sigma-rules.tar.gz", "-C", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return Load(dir)
}

func TestPublicRulesLoad(t *testing.T) {
	set := publicRules(t)
	for _, f := range set.Failed {
		if !strings.Contains(f.Reason, "placeholder") {
			t.Error(f)
		}
	}
	if len(set.Rules)+len(set.Failed) < 3780 {
		t.Errorf("%d rules, %d refused", len(set.Rules), len(set.Failed))
	}
}

// Every regression case fires the rule that it names, and on every event the
// engine says of every rule what the oracle says.
func TestPublicEvents(t *testing.T) {
	set := publicRules(t)
	e := Compile(set.Rules)
	m := e.Matcher()
	cases, err := filepath.Glob(shared + "events/sigma-regression/*/info.yml")
	if err != nil || len(cases) == 0 {
		t.Fatal("no cases")
	}
	for _, c := range cases {
		info, err := os.ReadFile(c)
		if err != nil {
			t.Fatal(err)
		}
		files, _ := filepath.Glob(filepath.Join(filepath.Dir(c), "*"))
		for _, file := range files {
			source := map[string]string{".json": "windows", ".evtx": "evtx"}[filepath.Ext(file)]
			if source == "" {
				continue
			}
			fired := false
			eachRecord(t, source, file, e.Schema(), func(rec *event.Record) {
				got := map[*Rule]bool{}
				for _, r := range m.Match(rec) {
					got[r] = true
					fired = fired || strings.Contains(string(info), r.ID)
				}
				for _, r := range set.Rules {
					if r.Meant(rec.Kind) && r.Evaluate(rec) != got[r] {
						t.Errorf("%s: %s: engine %v", file, r.Title, got[r])
					}
				}
			})
			if !fired {
				t.Errorf("%s: its rule did not fire", file)
			}
		}
	}
}

func eachRecord(t testing.TB, name, file string, s *event.Schema, fn func(*event.Record)) {
	t.Helper()
	source, ok := sources.Find(name)
	if !ok {
		t.Fatalf("no source %q", name)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	err = input.Walk(file, f, input.DefaultLimits, func(_ string, in io.Reader) error {
		dec := source.New(in, s)
		var rec event.Record
		for {
			err := dec.Next(&rec)
			var bad *event.SkipError
			switch {
			case err == io.EOF:
				return nil
			case errors.As(err, &bad):
				continue
			case err != nil:
				return err
			}
			fn(&rec)
		}
	})
	if err != nil {
		t.Errorf("%s: %v", file, err)
	}
}
